"""What the runs of one cycle say, dag by dag: ready, failed, active, or nothing at all."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from fnmatch import fnmatchcase

from daybreak.domain.incident import Recorded, State
from daybreak.domain.registry import Pipeline, Registry
from daybreak.domain.runs import ACTIVE, Run, Snapshot, TaskState

UPSTREAM_SENSOR = "UpstreamReadySensor"  # operator name of surfaces.sensors, as task instances carry it
LAG = timedelta(seconds=10)
"""A success may become visible this much after its end: one that ended in time is believed for so long."""
_GLOB = frozenset("*?[")


@dataclass(frozen=True, slots=True)
class DagView:
    """One dag in one cycle. ``ready`` and ``ready_at`` are of the first run that made the data ready."""

    dag_id: str
    newest: Run | None = None
    active: Run | None = None  # the newest that is queued or running, a running one first
    ready: Run | None = None
    ready_at: datetime | None = None
    started: bool = False  # a run of the cycle has started, and was not skipped over for want of an upstream

    @property
    def failed(self) -> bool:
        """The newest run failed, none runs or is queued, and no earlier one had made the data ready."""
        return self.ready is None and self.active is None and self.newest is not None and self.newest.state == "failed"


def runs_between(runs: Iterable[Run], opens_at: datetime, closes_at: datetime) -> list[Run]:
    """Those of ``runs`` (newest effective date first) that count for the cycle [opens_at, closes_at)."""
    found = []
    for run in runs:
        date = run.effective_date
        if date < opens_at:
            break
        if date < closes_at and run.counts:
            found.append(run)
    return found


def view_dag(
    snapshot: Snapshot,
    dag_id: str,
    opens_at: datetime,
    closes_at: datetime,
    now: datetime,
    *,
    task: str | None = None,
    sensors: frozenset[str] = frozenset(),
) -> DagView:
    """``dag_id`` in the cycle [opens_at, closes_at).

    :param task: the one task that "ready" is narrowed to; a run whose tasks are not known is taken as a whole
    :param sensors: task ids of the sensors that wait for the pipeline's upstreams
    """
    known = snapshot.runs.get(dag_id)
    runs = runs_between(known, opens_at, closes_at) if known else None
    if not runs:
        return DagView(dag_id)
    active = ready = ready_at = None
    started = False
    for run in runs:
        if run.state in ACTIVE and (active is None or (active.state == "queued" and run.state == "running")):
            active = run
        skipped = run.state == "success" and _went_without(snapshot, run, sensors)
        started = started or (run.start_date is not None and not skipped)
        at = None if skipped else _ready_at(snapshot, run, task)
        if at is not None and (ready_at is None or at < ready_at):
            ready, ready_at = run, min(at, now)  # a clock ahead of ours cannot make ready later than it was seen
    return DagView(dag_id, max(runs, key=_newness), active, ready, ready_at, started)


def dags_of(registry: Registry, pipeline: Pipeline, snapshot: Snapshot) -> tuple[str, ...]:
    """The dags of ``pipeline``: ids as written, globs as the dags and runs of ``snapshot`` fill them.

    A glob that matches nothing stands for itself, so that a dag that vanished is a miss.
    """
    if not any(_GLOB.intersection(dag) for dag in pipeline.dags):
        return pipeline.dags
    found: dict[str, None] = {}
    for pattern in pipeline.dags:
        if not _GLOB.intersection(pattern):
            found[pattern] = None
            continue
        matching = sorted(dag for dag in _for_globs(registry, snapshot) if fnmatchcase(dag, pattern))
        found.update(dict.fromkeys(matching or [pattern]))
    return tuple(found)


def _for_globs(registry: Registry, snapshot: Snapshot) -> Sequence[str]:
    """The dags of ``snapshot`` that no pipeline claims by their ids: worked out once for all globs of a tick."""
    global _LATEST
    latest = _LATEST
    if latest is not None and latest[0] is registry and latest[1] is snapshot:
        return latest[2]
    exact = {dag for pipeline in registry.pipelines.values() for dag in pipeline.dags}
    known = [dag for dag, facts in snapshot.dags.items() if facts.exists or facts.import_error]
    found = [dag for dag in (known if snapshot.dags_known else snapshot.runs) if dag not in exact]
    _LATEST = (registry, snapshot, found)
    return found


_LATEST: tuple[Registry, Snapshot, list[str]] | None = None


def sensors_of(registry: Registry, pipeline: Pipeline) -> frozenset[str]:
    """Task ids that wait for the pipeline's upstreams, as far as the registry names them."""
    named = (registry.upstreams[upstream].ready_when for upstream in pipeline.upstreams)
    return frozenset(ready.value for ready in named if ready is not None and ready.kind == "sensor")


def waits(task: TaskState, sensors: frozenset[str]) -> bool:
    """Whether ``task`` is a sensor that waits for an upstream."""
    return task.task_id in sensors or (task.operator or "").rpartition(".")[2] == UPSTREAM_SENSOR


def first_seen_ready(ready_at: datetime, due_at: datetime, past: Recorded | None, now: datetime) -> datetime:
    """``ready_at``; but ``now`` for what was recorded as missed and yet claims to have been ready by due.

    That is a run marked success by hand, which keeps the end it had when it failed.
    """
    missed = past is not None and past.state is State.MISSED
    return now if missed and ready_at <= due_at and now - due_at > LAG else ready_at


def _newness(run: Run) -> tuple[datetime, datetime]:
    return run.effective_date, run.queued_at or run.start_date or run.run_after


def _ready_at(snapshot: Snapshot, run: Run, task: str | None) -> datetime | None:
    if task is not None:
        tries = [one for one in snapshot.tasks.get((run.dag_id, run.run_id), ()) if one.task_id == task]
        if tries:
            ends = [one.end_date for one in tries if one.state == "success" and one.end_date is not None]
            return max(ends) if len(ends) == len(tries) else None
    if run.state != "success":
        return None
    return run.end_date or run.start_date or run.effective_date


def _went_without(snapshot: Snapshot, run: Run, sensors: frozenset[str]) -> bool:
    """Whether an upstream's sensor was skipped: a success to Airflow, and not ready to us."""
    tasks = snapshot.tasks.get((run.dag_id, run.run_id), ())
    return any(task.state == "skipped" and waits(task, sensors) for task in tasks)
