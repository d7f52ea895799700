"""Run every ``bench_<name>.py`` of this folder, or those named, and print a table; status 1 if one misses its bar.

A module offers ``run() -> list[dict]`` with rows ``{name, value, unit, bar, ok}``; ``bar`` is words, or None where a
row is there for comparison only.
"""

from __future__ import annotations

import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from benchmarks.one import rows_of

Row = dict[str, Any]


def available() -> list[str]:
    """The names of the benchmarks there are."""
    return sorted(path.stem.removeprefix("bench_") for path in Path(__file__).parent.glob("bench_*.py"))


def measure(names: list[str]) -> list[Row]:
    """The rows of the benchmarks named, in that order; each in a process of its own, so that none pays for another's
    memory."""
    context = get_context("spawn")
    with ProcessPoolExecutor(max_workers=1, mp_context=context, max_tasks_per_child=1) as pool:
        return [row for rows in pool.map(rows_of, names) for row in rows]


def show(rows: list[Row]) -> None:
    """Print ``rows`` as a table."""
    width = max((len(row["name"]) for row in rows), default=0)
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
    rows = measure(names or available())
    show(rows)
    return 0 if all(row["ok"] for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
