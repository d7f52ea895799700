"""What the drills saw, as the table in docs/reliability.md: ``make drills`` writes it, and nothing else does."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

PAGE = Path(__file__).parents[2] / "docs" / "reliability.md"
PROPERTY = "drill"
_HEAD = "| what was done | on | page after due | asked for | alerts | taken over after | what else was seen |"


@dataclass(frozen=True, kw_only=True)
class Row:
    """One drill. ``order`` is its place in the table.

    :param page_after: seconds from the due instant to the arrival of the page's request; None: no page was to come
    :param asked: how many requests for that page were taken
    :param alerts: how many alerts there were of it, open or closed
    :param takeover: seconds from the end of one monitor to the first tick of the other; None where none took over
    """

    order: int
    what: str
    on: str
    page_after: float | None
    asked: int
    alerts: int
    takeover: float | None = None
    seen: str = ""

    def plain(self) -> dict[str, Any]:
        """As pytest hands it from a worker to whoever writes the table."""
        return asdict(self)


def table(rows: Iterable[Mapping[str, Any]]) -> str:
    """The Markdown table of ``Row.plain()``s."""
    lines = [_HEAD, "|---|---|---|---|---|---|---|"]
    for row in sorted(rows, key=lambda each: each["order"]):
        after = "-" if row["page_after"] is None else f"{row['page_after']:.2f} s"
        took = "-" if row["takeover"] is None else f"{row['takeover']:.1f} s"
        cells = (row["what"], row["on"], after, row["asked"], row["alerts"], took, row["seen"] or "-")
        lines.append(f"| {' | '.join(str(cell) for cell in cells)} |")
    return "\n".join(lines)


def write(made: str, page: Path = PAGE) -> None:
    """Put ``made`` in the place of the table of drills that stands in ``page``. Raises ValueError without one."""
    text = page.read_text(encoding="utf-8")
    written, places = re.subn(r"(?m)^\| what was done \| on \|(?:.*\n?\|)*.*$", lambda _: made, text)
    if places != 1:
        raise ValueError(f"{page}: {places} tables of drills; there must be one")
    page.write_text(written, encoding="utf-8")
