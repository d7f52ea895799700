"""What is wrong with a registry: one value a problem, and the words that all of them share."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Literal

Path = tuple[str | int, ...]
"""Where in the file: keys and list indices from the top, ``("on_call", "overrides", 1, "person")``."""

Severity = Literal["error", "warning"]
_LONGEST_QUOTE = 60
_LONGEST_LIST = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One finding. ``line`` counts from 1; None where the file as a whole is meant."""

    severity: Severity
    path: str
    line: int | None
    message: str

    def __str__(self) -> str:
        return f"{self.path}: {self.message}" if self.path else self.message


@dataclass(frozen=True, slots=True)
class Finding:
    """A problem before its line is looked up."""

    path: Path
    message: str
    severity: Severity = "error"
    line: int | None = None  # where it differs from the line of `path`


def warning(path: Path, message: str) -> Finding:
    """A finding that does not make the file invalid."""
    return Finding(path, message, "warning")


def dotted(path: Path) -> str:
    """``("on_call", "overrides", 1, "person")`` → ``on_call.overrides[1].person``."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += f".{_visible(part)}" if text else _visible(part)
    return text


def refusal(source: str, problems: list[Problem]) -> str:
    """One line for a file that cannot be used: its first problem, and how many more there are."""
    first = problems[0]
    where = f"{source}:{first.line}" if first.line else source
    more = f" (and {len(problems) - 1} more; `daybreak check` lists all)" if len(problems) > 1 else ""
    return f"{where}: {first}{more}"


def quoted(value: Any) -> str:
    """``value`` for a message: one line, shortened."""
    return f"`{_visible(str(value))}`"


def _visible(text: str) -> str:
    """``text`` shortened, with whatever could break the line or upset a terminal written as an escape."""
    text = text if len(text) <= _LONGEST_QUOTE else text[: _LONGEST_QUOTE - 1] + "…"
    return text if text.isprintable() else text.encode("unicode_escape").decode()


def known(names: Iterable[str], wrong: str) -> str:
    """The remedy for a name that is not among ``names``: the nearest, else all (if they are few)."""
    names = list(dict.fromkeys(names))
    near = get_close_matches(wrong, names, n=1, cutoff=0.6) or [n for n in names if n.lower() == wrong.lower()]
    if near:
        return f"did you mean {quoted(near[0])}?"
    if not names:
        return "none is defined"
    shown = ", ".join(map(_visible, names[:_LONGEST_LIST]))
    return f"known: {shown}" + (f" and {len(names) - _LONGEST_LIST} more" if len(names) > _LONGEST_LIST else "")
