"""What a sensor waits for, in a form that fits a trigger's arguments, and one look at whether it is there.

A look happens in the task's process, through the Task SDK and hooks. The triggerer can ask less (no runs by range, no
asset events), so for dags it only counts successes (:mod:`daybreak.surfaces.triggers`) and wakes the task, which then
looks properly: that a success was added is cheap to see, that it is the right one is decided here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo

from daybreak.domain.registry import Deadline, ReadyWhen, Registry, Upstream
from daybreak.errors import SettingsError
from daybreak.surfaces.cycles import Cycle, pipeline_cycle, upstream_cycle
from daybreak.surfaces.facts import run_of

TRIGGERABLE = frozenset({"dag", "sql", "object"})
_KINDS: tuple[Literal["dag", "asset", "sql", "object"], ...] = ("dag", "asset", "sql", "object")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """One upstream of one business date. The cycle is [opens_at, closes_at)."""

    name: str
    ready_when: ReadyWhen
    business_date: date
    expected_at: datetime | None
    opens_at: datetime
    closes_at: datetime
    late_at: datetime | None  # from when the sensor's ``on_late`` counts; None: never
    told: tuple[tuple[datetime, str], ...] = ()  # when a delay is told, and to whom
    told_url: str | None = None  # the page that shows who was told; None for what the registry does not know

    def sentence(self, now: datetime) -> str:
        """What is waited for, since when it is late, and who is told of that by now."""
        text = f"Waiting for {self.name} of {self.business_date} ({self.ready_when.kind}: {self.ready_when.value})"
        if self.expected_at is None:
            return text
        text += f", expected by {self.expected_at:%Y-%m-%d %H:%M} UTC"
        if now < self.expected_at:
            return text
        minutes = int((now - self.expected_at).total_seconds() // 60)
        text += f"; LATE since then, {minutes // 60} h {minutes % 60:02} min"
        told = [who for at, who in self.told if at <= now]
        coming = next((f"{who} at {at:%H:%M} UTC" for at, who in self.told if at > now), None)
        text += f"; told by Daybreak's monitor: {', '.join(told)}" if told else ""
        return text + (f"; next: {coming}" if coming else "")

    def for_trigger(self) -> dict[str, Any]:
        """The trigger's arguments: text and numbers alone, as triggers are stored."""
        return {
            "name": self.name,
            "kind": self.ready_when.kind,
            "value": filled(self.ready_when.value, self.business_date),
            "of_task": self.ready_when.task,
            "conn": self.ready_when.conn,
            "business_date": self.business_date.isoformat(),
            "expected_at": self.expected_at.isoformat() if self.expected_at else None,
        }


class Probe:
    """Looks at what a :class:`Wanted` names, from within a task."""

    def __init__(self, wanted: Wanted) -> None:
        self._wanted = wanted

    def look(self) -> bool:
        """Whether it is ready now. Raises what hooks raise: the task's own retries are the answer to that."""
        ready_when = self._wanted.ready_when
        if ready_when.kind == "dag":
            return self._dag_ready()
        if ready_when.kind == "asset":
            return self._asset_ready()
        value = filled(ready_when.value, self._wanted.business_date)
        return look_sql(value, ready_when.conn) if ready_when.kind == "sql" else look_object(value, ready_when.conn)

    def successes(self) -> int | None:
        """How many successes the dag (or its task) has in all: what the trigger compares with. None for other kinds."""
        ready_when = self._wanted.ready_when
        if ready_when.kind != "dag":
            return None
        from airflow.sdk.execution_time.task_runner import RuntimeTaskInstance

        if ready_when.task:
            return int(
                RuntimeTaskInstance.get_ti_count(
                    dag_id=ready_when.value, task_ids=[ready_when.task], states=["success"]
                )
            )
        return int(RuntimeTaskInstance.get_dr_count(dag_id=ready_when.value, states=["success"]))

    def _dag_ready(self) -> bool:
        return any(
            self._in_cycle(run) and self._task_done(run.run_id)
            for found in (self._dated_runs(), self._undated_runs())
            for run in found
        )

    def _in_cycle(self, run: Any) -> bool:
        in_cycle = self._wanted.opens_at <= run.effective_date < self._wanted.closes_at
        return in_cycle and run.counts and (self._wanted.ready_when.task is not None or run.state == "success")

    def _task_done(self, run_id: str) -> bool:
        ready_when = self._wanted.ready_when
        if ready_when.task is None:
            return True
        from airflow.sdk.execution_time.task_runner import RuntimeTaskInstance

        states = RuntimeTaskInstance.get_task_states(
            dag_id=ready_when.value, task_ids=[ready_when.task], run_ids=[run_id]
        ).get(run_id, {})
        return bool(states) and all(_value(state) == "success" for state in states.values())

    def _dated_runs(self) -> Any:
        """Runs with a logical date, newest first, down to where none can belong to the cycle any more."""
        from airflow.sdk.execution_time.comms import GetPreviousDagRun

        dag_id = self._wanted.ready_when.value
        # A data interval may begin up to a month before the instant that counts (its end); runs are seldom so many.
        oldest = self._wanted.opens_at - timedelta(days=32)
        before = self._wanted.closes_at
        for _ in range(200):
            answer = _ask(GetPreviousDagRun(dag_id=dag_id, logical_date=before, state=self._run_state()))
            run = run_of(getattr(answer, "dag_run", None))
            if run is None or run.logical_date is None or run.logical_date < oldest:
                return
            yield run
            if run.effective_date < self._wanted.opens_at:
                return
            before = run.logical_date

    def _undated_runs(self) -> Any:
        """Runs without logical date (asset-triggered, some manual), which Airflow does not list by time: by their ids,
        which hold the instant after which they were to run."""
        from airflow.sdk.execution_time.comms import GetDagRun
        from airflow.sdk.execution_time.task_runner import RuntimeTaskInstance

        ready_when = self._wanted.ready_when
        tasks = [ready_when.task] if ready_when.task else None
        ids = RuntimeTaskInstance.get_task_states(dag_id=ready_when.value, task_ids=tasks)
        near = [run for run in (run_of({}, dag_id=ready_when.value, run_id=run_id) for run_id in ids) if run]
        day = timedelta(days=1)
        for guess in sorted(near, key=lambda run: run.run_after, reverse=True):
            if self._wanted.opens_at - day <= guess.run_after < self._wanted.closes_at + day:
                answer = _ask(GetDagRun(dag_id=guess.dag_id, run_id=guess.run_id))
                run = run_of(answer)
                if run is not None and run.logical_date is None:
                    yield run

    def _asset_ready(self) -> bool:
        from airflow.sdk.execution_time.comms import GetAssetEventByAsset

        wanted = self._wanted
        answer = _ask(
            GetAssetEventByAsset(
                name=None, uri=wanted.ready_when.value, after=wanted.opens_at, before=wanted.closes_at, limit=1
            )
        )
        return bool(getattr(answer, "asset_events", None))

    def _run_state(self) -> str | None:
        return None if self._wanted.ready_when.task else "success"


def look_sql(sql: str, conn: str | None) -> bool:
    """Whether the query's first row has a first value that is true (not null, 0, false or empty)."""
    from airflow.sdk.bases.hook import BaseHook

    if conn is None:
        raise SettingsError("ready_when.sql needs `conn`: the Airflow connection to ask")
    row = BaseHook.get_hook(conn).get_first(sql)
    return bool(row) and row[0] not in (None, 0, False, "", "0", "f", "false")


def look_object(path: str, conn: str | None) -> bool:
    """Whether the object exists (a file path or URL that ``ObjectStoragePath`` understands)."""
    from airflow.sdk import ObjectStoragePath

    return bool(ObjectStoragePath(path, conn_id=conn).exists())


def filled(value: str, business_date: date) -> str:
    """``{business_date}`` and ``{business_date_nodash}`` filled in; other braces stay."""
    return value.replace("{business_date}", business_date.isoformat()).replace(
        "{business_date_nodash}", f"{business_date:%Y%m%d}"
    )


def wanted_by(
    context: Mapping[str, Any],
    *,
    upstream: str | None,
    ready_when: Mapping[str, str] | None,
    expected_by: str | None,
    timezone: str | None,
    until: str,
) -> Wanted:
    """What the run of ``context`` waits for, by the registry and the sensor's own arguments.

    Raises SettingsError where neither the registry nor the arguments say what "ready" means.
    """
    from daybreak.surfaces.site import current_site

    site = current_site()
    registry = site.registry if site else None
    run = run_of(context["dag_run"], dag_id=context["ti"].dag_id)
    instant = run.effective_date if run else datetime.now(UTC)
    known = registry.upstreams.get(upstream) if registry and upstream else None
    target = _ready_when(ready_when) or (known.ready_when if known else None)
    if target is None or target.kind == "sensor":
        raise SettingsError(
            f"upstream {upstream!r}: the registry does not say when it is ready in a way that a sensor can wait for; "
            "add `ready_when` (dag, asset, sql or object) to it in ownership.yaml, or give the sensor `ready_when=`"
        )
    clock = _clock(expected_by, timezone, known, registry)
    pipeline = registry.pipeline_of(context["ti"].dag_id) if registry else None
    own = pipeline_cycle(registry, pipeline, instant) if registry and pipeline else None
    cycle = upstream_cycle(registry, clock, instant, due_at=own.due_at if own else None)
    late_at = (own.due_at if own else None) if until == "deadline" else cycle.due_at
    return Wanted(
        name=known.name if known else upstream or target.value,
        ready_when=target,
        business_date=cycle.business_date,
        expected_at=cycle.due_at,
        opens_at=cycle.opens_at,
        closes_at=cycle.closes_at,
        late_at=late_at,
        told=_told(registry, known, cycle) if registry and known else (),
        told_url=site.links.upstream(known.id, cycle.business_date) if site and known else None,
    )


def _ready_when(named: Mapping[str, str] | None) -> ReadyWhen | None:
    if named is None:
        return None
    kind = next(kind for kind in _KINDS if kind in named)
    return ReadyWhen(kind=kind, value=named[kind], task=named.get("task"), conn=named.get("conn"))


def _clock(at: str | None, zone: str | None, known: Upstream | None, registry: Registry | None) -> Deadline | None:
    """The clock by which the upstream is expected: the sensor's, else the registry's."""
    if at is None:
        return known.expected if known else None
    named = ZoneInfo(zone) if zone else known.expected.zone if known else registry.zone if registry else ZoneInfo("UTC")
    return Deadline(due=time.fromisoformat(at), zone=named)


def _told(registry: Registry, upstream: Upstream, cycle: Cycle) -> tuple[tuple[datetime, str], ...]:
    if cycle.due_at is None:
        return ()
    named = {
        **{team.id: team.name for team in registry.teams.values()},
        **{p.id: p.name for p in registry.people.values()},
    }
    return tuple(
        (step.after.after(cycle.due_at, upstream.expected.zone), ", ".join(named.get(to, to) for to in step.to))
        for step in upstream.on_delay
    )


def _ask(message: Any) -> Any:
    """One question to Airflow's API, through the process that supervises this task."""
    from airflow.sdk.execution_time.task_runner import SUPERVISOR_COMMS

    return SUPERVISOR_COMMS.send(message)


def _value(state: Any) -> str:
    return str(getattr(state, "value", state))
