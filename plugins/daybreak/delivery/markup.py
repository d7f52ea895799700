"""Runbooks are Markdown; Opsgenie shows plain text and Slack its own mrkdwn. What is quoted is rendered for each.

The Markdown is read by markdown-it, the reader of the runbook pages, so ``COUNT(*)`` and ``wait_for_sales`` stay what
they are. Raw HTML and bare ``<...>`` are text here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from daybreak.delivery.words import clean, cut, one_line

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

LONGEST = 12_000  # characters of Markdown: more than any message takes of one section
_ADDRESSES = ("http://", "https://", "mailto:")


def plain_text(markdown: str) -> str:
    """``- **Fix**: see [the log](https://x)`` → ``- Fix: see the log: https://x``, line by line."""
    return _rendered(markdown, PLAIN)


def plain_line(markdown: str) -> str:
    """The same for what stands in one line: no marks of lists or headings are looked for."""
    return one_line(_inline_of(one_line(markdown), PLAIN))


def mrkdwn_text(markdown: str) -> str:
    """``- **Fix**: see [the log](https://x)`` → ``- *Fix*: see <https://x|the log>``; all else is escaped."""
    return _rendered(markdown, MRKDWN)


def mrkdwn_line(markdown: str, limit: int = LONGEST) -> str:
    """One line of Slack's mrkdwn. ``limit`` counts before rendering, so that nothing rendered is cut in two."""
    return _inline_of(cut(one_line(markdown), limit), MRKDWN)


def escape(text: str) -> str:
    """Text that Slack shows as it is: only these three characters mean something to its parser."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def link(url: str, text: str) -> str:
    """Slack's form of a link."""
    address = url.replace("&", "&amp;").replace("<", "%3C").replace(">", "%3E").replace("|", "%7C")
    return f"<{address}|{escape(text)}>"


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """How one kind of text writes what Markdown means. ``text`` escapes; the others get text as it was written."""

    text: Callable[[str], str]
    strong: str
    emphasis: str
    code: Callable[[str], str]
    fence: Callable[[str], str]
    link: Callable[[str, str], str]


def _plain_link(url: str, text: str) -> str:
    return url if text in ("", url) else f"{text}: {url}"


def _slack_code(code: str) -> str:
    inner = escape(code.replace("`", "'")).strip()
    return f"`{inner}`" if inner else ""


PLAIN = Style(text=str, strong="", emphasis="", code=str, fence=str, link=_plain_link)
MRKDWN = Style(
    text=escape,
    strong="*",
    emphasis="_",
    code=_slack_code,
    fence=lambda code: f"```\n{escape(code.replace('```', chr(39) * 3))}\n```",
    link=lambda url, text: link(url, text or url),
)


@lru_cache(maxsize=256)
def _rendered(markdown: str, style: Style) -> str:
    lines: list[str] = []
    lists: list[int | None] = []  # the open lists: the next number, or None for dashes
    mark = ""
    for token in _reader().parse(cut(clean(markdown), LONGEST)):
        match token.type:
            case "bullet_list_open":
                lists.append(None)
            case "ordered_list_open":
                lists.append(int(token.attrs.get("start", 1)))
            case "bullet_list_close" | "ordered_list_close":
                lists.pop()
            case "list_item_open":
                mark, lists[-1] = _mark(lists[-1])
            case "inline":
                text = _inline(token.children or (), style)
                indent = "  " * max(len(lists) - 1, 0)
                lines += [f"{indent}{mark or ('  ' if lists else '')}{line}" for line in text.split("\n") if line]
                mark = ""
            case "fence" | "code_block":
                lines += [mark.rstrip()] if mark else []
                lines += style.fence(token.content.rstrip("\n")).split("\n")
                mark = ""
        if token.level == 0 and token.nesting <= 0 and lines and lines[-1]:
            lines.append("")
    return "\n".join(lines).strip("\n")


def _mark(number: int | None) -> tuple[str, int | None]:
    return ("- ", None) if number is None else (f"{number}. ", number + 1)


@lru_cache(maxsize=1024)
def _inline_of(line: str, style: Style) -> str:
    tokens = _reader().parseInline(line[:LONGEST])
    return " ".join(_inline(each.children or (), style) for each in tokens).strip()


def _inline(tokens: Sequence[Token], style: Style) -> str:
    """Text with marks; inside a link the text alone counts. Line breaks are kept only where they are meant."""
    out: list[str] = []
    address, words = "", ""
    inside = False
    for token in tokens:
        match token.type:
            case "link_open":
                inside, address, words = True, str(token.attrs.get("href", "")), ""
            case "link_close":
                inside = False
                reachable = address.startswith(_ADDRESSES)
                out.append(style.link(address, words.strip()) if reachable else style.text(words))
            case "softbreak" | "hardbreak" if inside:
                words += " "
            case "softbreak":
                out.append(" ")
            case "hardbreak":
                out.append("\n")
            case _ if inside:
                words += token.content
            case "strong_open" | "strong_close":
                out.append(style.strong)
            case "em_open" | "em_close":
                out.append(style.emphasis)
            case "code_inline":
                out.append(style.code(token.content))
            case _:
                out.append(style.text(token.content))
    return "".join(out)


@lru_cache(maxsize=1)
def _reader() -> MarkdownIt:
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark", {"html": False}).disable(["autolink", "entity"])
