"""Usual durations, kept: a dag's is computed anew only when a newer success of it was seen, a few dags a tick."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Engine

from daybreak.airflow_io.reader import Reader
from daybreak.domain.registry import Registry
from daybreak.domain.runs import Snapshot
from daybreak.errors import AirflowUnreadable, StoreError
from daybreak.monitor.usual import SAMPLES, usual_duration
from daybreak.monitor.views import dags_of
from daybreak.monitor.working import WorkingSet
from daybreak.sql.database import writing
from daybreak.store.memory import Usual, save_usual

log = logging.getLogger(__name__)

AT_ONCE = 300
"""Dags a tick: history is read for so few that no tick is late by it."""


class UsualDurations:
    """Brings the working set's usual durations up to date, after the tick that saw the news."""

    def __init__(self, reader: Reader, store: Engine) -> None:
        self._reader = reader
        self._store = store
        self._asked: set[str] = set()  # dags without any success yet: asked for once in a process

    def refresh(self, registry: Registry, snapshot: Snapshot | None, working: WorkingSet, now: datetime) -> int:
        """→ how many dags were computed anew. Whatever fails is tried again with a later tick."""
        if snapshot is None:
            return 0
        stale = []
        for dag in self._judged(registry, snapshot):
            if self._is_stale(dag, snapshot, working):
                stale.append(dag)
                if len(stale) >= AT_ONCE:
                    break
        if not stale:
            return 0
        try:
            found = self._reader.durations(stale, SAMPLES)
            fresh = {}
            for dag in stale:
                samples = found.get(dag, [])
                fresh[dag] = Usual(
                    duration=usual_duration(lasted for _, lasted in samples),
                    samples=len(samples),
                    newest_end=samples[0][0] if samples else None,
                )
            with writing(self._store) as connection:
                save_usual(connection, fresh, now)
        except (AirflowUnreadable, StoreError) as error:
            log.warning("usual durations were not brought up to date: %s", error)
            return 0
        working.usual.update(fresh)
        self._asked.update(stale)
        return len(stale)

    @staticmethod
    def _judged(registry: Registry, snapshot: Snapshot) -> Iterable[str]:
        for pipeline in registry.pipelines.values():
            if pipeline.deadline is not None:
                yield from dags_of(registry, pipeline, snapshot)

    def _is_stale(self, dag: str, snapshot: Snapshot, working: WorkingSet) -> bool:
        known = working.usual.get(dag)
        if known is None:
            return dag not in self._asked
        ends = [
            run.end_date
            for run in snapshot.runs.get(dag, ())
            if run.state == "success" and run.counts and run.start_date and run.end_date
        ]
        return bool(ends) and (known.newest_end is None or max(ends) > known.newest_end)
