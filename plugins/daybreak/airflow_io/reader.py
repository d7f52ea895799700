"""The one reader of Airflow's metadata database: a handful of statements for a :class:`Snapshot` of any size.

All of a reading is of one instant (one read-only transaction), so runs that change meanwhile are seen before or after,
never in between. What cannot change any more (tasks of runs that ended a while ago) is asked for once.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from sqlalchemy import BindParameter, Connection, Engine, Row
from sqlalchemy.exc import SQLAlchemyError

from daybreak.airflow_io import statements
from daybreak.airflow_io.evidence import evidence_of
from daybreak.airflow_io.facts import facts_of
from daybreak.airflow_io.kept import KeptRuns
from daybreak.airflow_io.scope import Named, Scope, scope_of
from daybreak.domain.incident import Recorded
from daybreak.domain.registry import Registry
from daybreak.domain.runs import EVIDENCE_KEY, DagFacts, Evidence, Run, Snapshot, TaskState
from daybreak.errors import AirflowUnreadable, StoreError
from daybreak.sql.database import one_line, reading

log = logging.getLogger(__name__)

SETTLES = timedelta(seconds=60)
"""After its end a run's tasks may still change for so long: evidence is left after the task's state is told."""
Key = tuple[str, str]


class Reader:
    """Reads for one registry after another; keeps what cannot change from one reading to the next.

    ``unclaimed``: whether failed runs of dags that nobody claims are read as well.
    """

    def __init__(self, engine: Engine, *, scheduler_patience: float = 30.0, unclaimed: bool = True) -> None:
        self._engine = engine
        self._unclaimed = unclaimed
        self._dialect = statements.Dialect(engine.dialect.name)
        self._patience = timedelta(seconds=scheduler_patience)
        self._facts: Mapping[str, DagFacts] = {}
        self._kept = KeptRuns(statements.reads_instants(engine.dialect))
        self._settled: dict[Key, tuple[datetime, tuple[TaskState, ...], tuple[Evidence, ...]]] = {}
        self._names: frozenset[str] = frozenset()  # the tasks that were asked for by name when those were kept

    def read(
        self,
        registry: Registry,
        recorded: Mapping[str, Recorded],
        now: datetime,
        *,
        usual: Mapping[str, timedelta] | None = None,
        upstream_ready: Mapping[tuple[str, str], datetime] | None = None,
        probed: frozenset[str] = frozenset(),
    ) -> Snapshot:
        """What Airflow tells at ``now`` (aware). ``usual``, ``upstream_ready`` and ``probed`` are passed on, since
        other places keep them. Raises AirflowUnreadable."""
        scope = scope_of(registry, recorded, now)
        try:
            with reading(self._engine) as connection:
                facts = self._dags(connection, scope)
                alive, complaints = self._health(connection, now)
                runs, unclaimed = self._runs(connection, scope, facts)
                tasks, evidence = self._tasks(connection, scope, runs, now)
                finished = self._finished(connection, scope, runs)
                ready, asked = self._assets(connection, scope)
        except (SQLAlchemyError, StoreError) as error:
            cause = error.__cause__ if isinstance(error, StoreError) and error.__cause__ else error
            raise AirflowUnreadable(f"Airflow's metadata database cannot be read: {one_line(cause)}") from error
        self._facts = facts_of(scope, facts, complaints, self._facts)
        return Snapshot(
            runs=runs,
            dags=self._facts,
            dags_known=True,
            tasks=tasks,
            evidence=evidence,
            usual=usual or {},
            upstream_ready={**(upstream_ready or {}), **ready},
            scheduler_alive=alive,
            finished=finished,
            probed=probed | asked,
            unclaimed=unclaimed,
        )

    def durations(self, dag_ids: Iterable[str], samples: int) -> Mapping[str, list[tuple[datetime, timedelta]]]:
        """dag id → (end, duration) of its last ``samples`` successes, backfills aside, newest first."""
        values = {"ids": self._dialect.list_value(dag_ids), "samples": samples}
        found: dict[str, list[tuple[datetime, timedelta]]] = {}
        try:
            with reading(self._engine) as connection:
                for row in connection.execute(statements.successes(self._dialect), values):
                    lasted = max(row.end_date - row.start_date, timedelta(0))
                    found.setdefault(row.dag_id, []).append((row.end_date, lasted))
        except (SQLAlchemyError, StoreError) as error:
            raise AirflowUnreadable(f"Airflow's metadata database cannot be read: {error}") from error
        return found

    def _dags(self, connection: Connection, scope: Scope) -> list[Row]:  # type: ignore[type-arg]
        everything = bool(scope.patterns)
        values = {} if everything else {"ids": self._dialect.list_value(scope.dags)}
        return list(connection.execute(statements.dags(self._dialect, everything=everything), values))

    def _health(self, connection: Connection, now: datetime) -> tuple[bool, list[Row]]:  # type: ignore[type-arg]
        """Whether a scheduler beats, and the files that do not parse."""
        rows = list(connection.execute(statements.health()))
        beat: datetime | None = rows[0].beat
        return beat is not None and now - beat < self._patience, [row for row in rows if row.filename is not None]

    def _runs(
        self,
        connection: Connection,
        scope: Scope,
        dags: list[Row],  # type: ignore[type-arg]
    ) -> tuple[dict[str, tuple[Run, ...]], tuple[Run, ...]]:
        """Of each dag of the registry the runs, the newest first; and the failed runs of dags that nobody claims."""
        ids = set(scope.dags)
        older = set(scope.older)
        if scope.patterns:
            every, long = Named(scope.patterns), Named(scope.older_patterns)
            ids.update(row.dag_id for row in dags if every.has(row.dag_id))
            older.update(row.dag_id for row in dags if long.has(row.dag_id))
        values = {"ids": self._dialect.list_value(ids), "since": scope.since}
        if older:
            values |= {"older": self._dialect.list_value(older), "long_ago": scope.long_ago}
        statement = statements.runs(self._dialect, older=bool(older), unclaimed=self._unclaimed)
        rows = connection.execute(statement.bindparams(*_instants(values)), values).all()
        runs = self._kept.of(row for row in rows if row[0] in ids)
        return runs, tuple(self._kept.make(row) for row in rows if row[0] not in ids)

    def _tasks(
        self, connection: Connection, scope: Scope, runs: Mapping[str, tuple[Run, ...]], now: datetime
    ) -> tuple[dict[Key, tuple[TaskState, ...]], dict[Key, tuple[Evidence, ...]]]:
        if scope.task_names != self._names:  # the registry changed: what was kept lacks the tasks it names now
            self._settled, self._names = {}, scope.task_names
        with_tasks = Named(scope.with_tasks)
        interesting = {
            (run.dag_id, run.run_id): run
            for dag, of_dag in runs.items()
            for every in (with_tasks.has(dag),)
            for run in of_dag
            if every or run.state == "failed"
        }
        tasks: dict[Key, tuple[TaskState, ...]] = {}
        evidence: dict[Key, tuple[Evidence, ...]] = {}
        asked = []
        for key, run in interesting.items():
            kept = self._settled.get(key)
            if kept is not None and kept[0] == run.end_date:
                tasks[key], evidence[key] = kept[1], kept[2]
            else:
                asked.append(key)
        self._settled = {key: kept for key, kept in self._settled.items() if key in interesting}
        if asked:
            rows = self._task_rows(connection, asked, scope)
            for key in asked:
                found = rows.get(key, [])
                run = interesting[key]
                tasks[key] = tuple(task_of(row) for row in found)
                evidence[key] = evidence_of(run, found, now) if run.state == "failed" else ()
                if run.end_date is not None and run.state in ("success", "failed") and now - run.end_date > SETTLES:
                    self._settled[key] = (run.end_date, tasks[key], evidence[key])
        return {k: v for k, v in tasks.items() if v}, {k: v for k, v in evidence.items() if v}

    def _task_rows(self, connection: Connection, keys: list[Key], scope: Scope) -> dict[Key, list[Row]]:  # type: ignore[type-arg]
        values = {
            **self._dialect.pair_values(keys),
            "evidence": EVIDENCE_KEY,
            "names": self._dialect.list_value(scope.task_names),
        }
        found: dict[Key, list[Row]] = {}  # type: ignore[type-arg]
        for row in connection.execute(statements.tasks(self._dialect), values):
            found.setdefault((row.dag_id, row.run_id), []).append(row)
        return found

    def _finished(
        self, connection: Connection, scope: Scope, runs: Mapping[str, tuple[Run, ...]]
    ) -> dict[Key, datetime]:
        """Only in the seconds after a due instant does it matter that a run awaits nothing but its mark."""
        just_due = Named(scope.just_due)
        waiting = [
            (run.dag_id, run.run_id) for dag in runs if just_due.has(dag) for run in runs[dag] if run.state == "running"
        ]
        if not waiting:
            return {}
        rows = connection.execute(statements.finished(self._dialect), self._dialect.pair_values(waiting))
        return {(row.dag_id, row.run_id): row.ended for row in rows if row.ended is not None}

    def _assets(self, connection: Connection, scope: Scope) -> tuple[dict[tuple[str, str], datetime], frozenset[str]]:
        if not scope.assets:
            return {}, frozenset()
        spans = [span for found in scope.assets.values() for span in found]
        values = {"uris": self._dialect.list_value(scope.assets), "since": min(span[2] for span in spans)}
        ready: dict[tuple[str, str], datetime] = {}
        statement = statements.asset_events(self._dialect)
        for row in connection.execute(statement.bindparams(*_instants(values)), values):
            for upstream, day, opens_at, closes_at in scope.assets[row.uri]:
                if opens_at <= row.at < closes_at:
                    ready.setdefault((upstream, day), row.at)
        return ready, frozenset(span[0] for span in spans)


def _instants(values: Mapping[str, object]) -> list[BindParameter[datetime]]:
    return [statements.instant(name) for name, value in values.items() if isinstance(value, datetime)]


def task_of(row: Row) -> TaskState:  # type: ignore[type-arg]
    """A row of :func:`daybreak.airflow_io.statements.tasks`."""
    return TaskState(
        dag_id=row.dag_id,
        run_id=row.run_id,
        task_id=row.task_id,
        state=row.state,
        map_index=row.map_index,
        try_number=row.try_number,
        start_date=row.start_date,
        end_date=row.end_date,
        operator=row.operator,
        hostname=row.hostname,
    )
