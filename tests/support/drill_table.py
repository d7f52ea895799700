"""What the drills saw, as the table in docs/reliability.md: ``make drills`` writes it, and nothing else does."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

PAGE = Path(__file__).parents[2] / "docs" / "reliability.md"
PROPERTY = "drill"
TAKEOVER = 15.0  # seconds: the bar for another monitor's first tick after a kill -9
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


def in_time(row: Mapping[str, Any]) -> bool:
    """Whether the other monitor took over within the bar, where one had to."""
    return row["takeover"] is None or row["takeover"] <= TAKEOVER


def table(rows: Iterable[Mapping[str, Any]], kept: str = "") -> str:
    """The Markdown table of ``Row.plain()``s.

    :param kept: an older table, if not every drill was run: the rows of those that were not stay as they are
    """
    made = {}
    for row in sorted(rows, key=lambda each: each["order"]):
        after = "-" if row["page_after"] is None else f"{row['page_after']:.2f} s"
        took = "-" if row["takeover"] is None else f"{row['takeover']:.1f} s"
        took = took if in_time(row) else f"**{took}**"
        cells = (row["what"], row["on"], after, row["asked"], row["alerts"], took, row["seen"] or "-")
        line = f"| {' | '.join(str(cell) for cell in cells)} |"
        made[_drill(line)] = line
    older = {_drill(line): line for line in kept.splitlines()[2:]}
    return "\n".join([_HEAD, "|---|---|---|---|---|---|---|", *{**older, **made}.values()])


def write(rows: Iterable[Mapping[str, Any]], *, every: bool, page: Path = PAGE) -> None:
    """Put ``rows`` in the place of the table of drills in ``page``, or, if they are not ``every`` drill's, of their own
    rows in it. Raises ValueError without one table."""
    text = page.read_text(encoding="utf-8")
    found = re.findall(r"(?m)^\| what was done \| on \|.*\n(?:\|.*\n)+", text)
    if len(found) != 1:
        raise ValueError(f"{page}: {len(found)} tables of drills; there must be one")
    made = table(rows, "" if every else found[0])
    page.write_text(text.replace(found[0], f"{made}\n"), encoding="utf-8")


def _drill(line: str) -> tuple[str, ...]:
    """What a row is of: what was done, and on what."""
    return tuple(line.split(" | ")[:2])
