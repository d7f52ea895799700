"""Runs kept from one reading to the next: what did not change is not made anew.

Of ten thousand dags a handful have news between two ticks; comparing a row costs a tenth of converting it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any

from daybreak.domain.runs import Run

Instants = Callable[[Any], datetime | None]


class KeptRuns:
    """The runs of the last reading. :param instants: makes an instant of a date as the driver has it"""

    def __init__(self, instants: Instants) -> None:
        self._instants = instants
        self._runs: dict[tuple[str, str], tuple[tuple[Any, ...], Run]] = {}
        self._of_dag: dict[str, tuple[list[Run], tuple[Run, ...]]] = {}  # as they came; the newest first

    def of(self, rows: Iterable[Sequence[Any]]) -> dict[str, tuple[Run, ...]]:
        """dag id → runs, the newest first, of the rows of :func:`daybreak.airflow_io.statements.runs`. What the last
        reading had and this one has not is forgotten."""
        known, kept = self._runs, {}
        came: dict[str, list[Run]] = {}
        for row in map(tuple, rows):  # plain tuples are compared at once
            key = (row[0], row[1])
            entry = known.get(key)
            if entry is None or entry[0] != row:
                entry = (row, self.make(row))
            kept[key] = entry
            came.setdefault(row[0], []).append(entry[1])
        self._runs = kept
        self._of_dag = {dag: self._sorted(dag, runs) for dag, runs in came.items()}
        return {dag: entry[1] for dag, entry in self._of_dag.items()}

    def make(self, row: Sequence[Any]) -> Run:
        """The run of one row."""
        return run_of(row, self._instants)

    def _sorted(self, dag: str, runs: list[Run]) -> tuple[list[Run], tuple[Run, ...]]:
        before = self._of_dag.get(dag)
        if before is not None and before[0] == runs:  # the same objects: compared by identity
            return before
        return runs, tuple(sorted(runs, key=_newest_first, reverse=True))


def run_of(row: Sequence[Any], instants: Instants) -> Run:
    """A row of :func:`daybreak.airflow_io.statements.runs`. Raises ValueError for a run without ``run_after``."""
    run_after = instants(row[4])
    if run_after is None:
        raise ValueError(f"run {row[1]} of {row[0]} has no run_after")
    return Run(
        dag_id=row[0],
        run_id=row[1],
        run_type=row[2],
        state=row[3],
        run_after=run_after,
        logical_date=instants(row[5]),
        data_interval_end=instants(row[6]),
        queued_at=instants(row[7]),
        start_date=instants(row[8]),
        end_date=instants(row[9]),
    )


def _newest_first(run: Run) -> tuple[datetime, datetime]:
    return run.effective_date, run.queued_at or run.start_date or run.run_after
