"""Runbooks: Markdown files in the folder beside the registry, read for their headings, first steps and sections."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from daybreak.config.shelf import FOLDER, runbook_text

_HEADING = re.compile(r"^ {0,3}(#{1,6})[ \t]+(.+?)[ \t]*#*[ \t]*$")
_FENCE = re.compile(r"^ {0,3}(```+|~~~+)")
_ITEM = re.compile(r"^ {0,3}(?:\d{1,3}[.)]|[-*+])[ \t]+(.+)$")
_FIRST = re.compile(r"first|what to do|do this|at once|steps|triage", re.IGNORECASE)
_LINK = re.compile(r"\[([^\]]*)\]\([^)\s]*(?:\s+\"[^\"]*\")?\)")
_MARKS = re.compile(r"(\*\*|__|`)(.+?)\1")
_NOT_IN_SLUG = re.compile(r"[^\w\- ]", re.UNICODE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One heading and what stands under it, up to the next heading of its level or above."""

    level: int
    title: str
    slug: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Runbook:
    """One runbook. ``name`` is its file's."""

    name: str
    text: str

    @property
    def slugs(self) -> frozenset[str]:
        return frozenset(section.slug for section in sections(self.text))

    def first_steps(self) -> tuple[str, ...]:
        """In Markdown, a line each: see :func:`first_steps`."""
        return first_steps(self.text)

    def section(self, anchor: str | None) -> Section | None:
        return section(self.text, anchor) if anchor else None


def slug(title: str) -> str:
    """The anchor that GitHub gives a heading: ``Upstream late?`` → ``upstream-late``."""
    return _NOT_IN_SLUG.sub("", plain(title).strip().lower()).replace(" ", "-")


def anchor_of(reason: str) -> str:
    """The section for a reason or a category: ``upstream_late`` → ``upstream-late``."""
    return reason.replace("_", "-").replace(".", "-").lower()


@lru_cache(maxsize=256)
def sections(text: str) -> tuple[Section, ...]:
    """All sections in order. Equal titles get ``-1``, ``-2`` ... as GitHub does; code fences hold no headings."""
    lines = text.splitlines()
    heads: list[tuple[int, int, str]] = []  # (line, level, title)
    fence: str | None = None
    for number, line in enumerate(lines):
        if marks := _FENCE.match(line):
            opened = marks[1][:3]
            fence = opened if fence is None else None if fence == opened else fence
        elif fence is None and (found := _HEADING.match(line)):
            heads.append((number, len(found[1]), plain(found[2])))
    seen: dict[str, int] = {}
    result = []
    for index, (number, level, title) in enumerate(heads):
        end = next((line for line, lower, _ in heads[index + 1 :] if lower <= level), len(lines))
        base = slug(title)
        times = seen.get(base, 0)
        seen[base] = times + 1
        body = "\n".join(lines[number + 1 : end]).strip()
        result.append(Section(level=level, title=title, slug=f"{base}-{times}" if times else base, text=body))
    return tuple(result)


def section(text: str, anchor: str) -> Section | None:
    """The section of that anchor; None if the runbook has none."""
    return next((each for each in sections(text) if each.slug == anchor), None)


def first_steps(text: str) -> tuple[str, ...]:
    """What to do first, a line of Markdown each: the list under the heading that says so, else the first list of the
    runbook."""
    for each in sections(text):
        if _FIRST.search(each.title) and (steps := items(each.text)):
            return steps
    return items(text)


def items(text: str) -> tuple[str, ...]:
    """The items of the first list in ``text``, as they are written, with the lines that continue them."""
    found: list[str] = []
    fence = False
    for line in text.splitlines():
        if _FENCE.match(line):
            if found:  # a command below an item: the runbook's page shows it
                fence = not fence
                continue
            fence = not fence
        elif fence:
            continue
        elif item := _ITEM.match(line):
            found.append(item[1].strip())
        elif found and line.startswith((" ", "\t")) and line.strip():
            if not re.match(r"^\s+(?:\d{1,3}[.)]|[-*+])\s", line):
                found[-1] += " " + line.strip()
        elif found and line.strip():
            break
    return tuple(found)


def plain(markdown: str) -> str:
    """One line of Markdown without its marks: ``**Look** at [the log](x)`` → ``Look at the log``."""
    return _MARKS.sub(r"\2", _LINK.sub(r"\1", markdown)).strip()


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelf:
    """The folder of runbooks. Reading never raises: a page without its runbook is still a page."""

    folder: Path | None = None

    @classmethod
    def beside(cls, registry_file: Path) -> Shelf:
        return cls(folder=registry_file.parent / FOLDER)

    def get(self, name: str | None) -> Runbook | None:
        """The runbook of that file name; None without one, outside the folder, or where it cannot be read."""
        text = runbook_text(self.folder, name)
        return Runbook(name=name, text=text) if name and text is not None else None
