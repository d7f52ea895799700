"""Run every ``bench_<name>.py`` of this folder, or those named, and print a table; status 1 if one misses its bar.

A module offers ``run() -> list[dict]`` with rows ``{name, value, unit, bar, ok}``; ``bar`` is words, or None where a
row is there for comparison only.
"""

from __future__ import annotations

import importlib
import logging
import sys
from pathlib import Path
from typing import Any

Row = dict[str, Any]


def available() -> list[str]:
    """The names of the benchmarks there are."""
    return sorted(path.stem.removeprefix("bench_") for path in Path(__file__).parent.glob("bench_*.py"))


def measure(names: list[str]) -> list[Row]:
    """The rows of the benchmarks named, in that order."""
    return [row for name in names for row in importlib.import_module(f"benchmarks.bench_{name}").run()]


def show(rows: list[Row]) -> None:
    """Print ``rows`` as a table."""
    width = max(len(row["name"]) for row in rows)
    for row in rows:
        verdict = "" if row["ok"] else "WRONG"
        if row["bar"] is not None:
            verdict = f"{'ok  ' if row['ok'] else 'SLOW'} (bar {row['bar']})"
        print(f"{row['name']:<{width}}  {row['value']:>14,.2f} {row['unit']:<10} {verdict}".rstrip())


def main(names: list[str]) -> int:
    """Status 0 if every bar was met, 1 if not, 2 for a name that is none."""
    unknown = sorted(set(names) - set(available()))
    if unknown:
        print(f"benchmarks: no {', '.join(unknown)}; there are {', '.join(available())}", file=sys.stderr)
        return 2
    logging.disable(logging.INFO)  # the table is what is read; and writing lines is not what is measured
    rows = measure(names or available())
    show(rows)
    return 0 if all(row["ok"] for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
