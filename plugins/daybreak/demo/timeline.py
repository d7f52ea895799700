"""What the person in front of the terminal reads: one line an event, with the demo's clock time."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import UTC, datetime, tzinfo

COLOURS = {"page": 31, "slack": 35, "good": 32, "airflow": 36, "do": 33, "note": 2}


class Timeline:
    """Prints at once (also into a pipe), in colour where the output is a terminal."""

    def __init__(self, zone: tzinfo = UTC) -> None:
        self.zone = zone
        self._colour = sys.stdout.isatty()

    def say(self, kind: str, text: str, at: datetime | None = None) -> None:
        """One event. ``kind`` is one of COLOURS; ``at`` (aware) is when it happened, default now."""
        clock = (at or datetime.now(UTC)).astimezone(self.zone)
        self._print(f"{clock:%H:%M:%S}  {self._dress(f'{kind:<7}', kind)}  {text}")

    def progress(self, text: str) -> None:
        """Something is being set up."""
        self._print(f"          {self._dress(text, 'note')}")

    def table(self, title: str, rows: Sequence[Sequence[str]]) -> None:
        """``rows`` with their header first, in columns as wide as they need to be."""
        widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
        self._print("")
        self._print(title)
        for number, row in enumerate(rows):
            self._print("  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
            if number == 0:
                self._print("  " + "  ".join("-" * width for width in widths))

    def line(self, text: str = "") -> None:
        self._print(text)

    def _dress(self, text: str, kind: str) -> str:
        return f"\033[{COLOURS[kind]}m{text}\033[0m" if self._colour else text

    def _print(self, text: str) -> None:
        print(text, flush=True)
