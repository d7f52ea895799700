"""A runbook's Markdown as safe HTML: anchors on headings, no raw HTML, no script, no foreign frame.

Two fences: the Markdown renderer passes no HTML through, and what it made is cleaned against a list of what may
stay. A runbook is text that many people may edit; the page it becomes runs under Airflow's address.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import nh3
from markdown_it import MarkdownIt
from markdown_it.token import Token

from daybreak.config.runbooks import slug

_TAGS = frozenset(
    re.findall(
        r"\w+",
        "a abbr b blockquote br code dd del div dl dt em h1 h2 h3 h4 h5 h6 hr i img kbd li ol p pre s span strong sub "
        "sup table tbody td th thead tr ul",
    )
)
_ATTRIBUTES = {
    "a": {"href", "title"},
    "img": {"src", "alt", "title"},
    "code": {"class"},
    "td": {"align"},
    "th": {"align"},
    "ol": {"start"},
    **{f"h{level}": {"id"} for level in range(1, 7)},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    title: str  # the first heading, else ""
    html: str
    headings: tuple[tuple[int, str, str], ...]  # (level, text, anchor), in order


@lru_cache(maxsize=64)
def render(text: str) -> Rendered:
    """``text`` (Markdown) as HTML that may be shown under Airflow's address. Anchors are GitHub's: lower case, dashes;
    a repeated one gets ``-1``, ``-2``."""
    markdown = MarkdownIt("commonmark", {"html": False, "linkify": False}).enable(["table", "strikethrough"])
    tokens = markdown.parse(text)
    headings = _anchor(tokens)
    _wrap_tables(tokens)
    html = nh3.clean(
        markdown.renderer.render(tokens, markdown.options, {}),
        tags=set(_TAGS),
        attributes=_ATTRIBUTES,
        url_schemes={"http", "https", "mailto"},
        link_rel="noopener noreferrer",
        allowed_classes={"div": {"table"}},
    )
    return Rendered(title=headings[0][1] if headings else "", html=html, headings=tuple(headings))


def _anchor(tokens: list[Token]) -> list[tuple[int, str, str]]:
    """Give every heading its ``id``."""
    seen: dict[str, int] = {}
    found = []
    for index, token in enumerate(tokens):
        if token.type != "heading_open":
            continue
        text = _plain(tokens[index + 1])
        base = slug(text)
        count = seen.get(base, 0)
        seen[base] = count + 1
        anchor = f"{base}-{count}" if count else base
        token.attrSet("id", anchor)
        found.append((int(token.tag[1]), text, anchor))
    return found


def _plain(inline: Token) -> str:
    children: list[Any] = inline.children or []
    return "".join(child.content for child in children if child.type in ("text", "code_inline", "softbreak"))


def _wrap_tables(tokens: list[Token]) -> None:
    """A wide table scrolls by itself on a phone, not the page with it."""
    for index in range(len(tokens) - 1, -1, -1):
        kind = tokens[index].type
        if kind in ("table_open", "table_close"):
            opening = kind == "table_open"
            wrapper = Token("div_open" if opening else "div_close", "div", 1 if opening else -1)
            wrapper.block = True
            if opening:
                wrapper.attrSet("class", "table")
            tokens.insert(index if opening else index + 1, wrapper)
