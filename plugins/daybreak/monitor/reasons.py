"""Why a pipeline's data is not ready: the first of the named reasons that holds (design §4)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from daybreak.domain.incident import Occurrence, Reason
from daybreak.domain.runs import DagFacts, Evidence, Run, Snapshot
from daybreak.monitor.views import DagView, waits

JUST_BEFORE = timedelta(hours=6)  # a success that ended this shortly before `opens` is named beside `no_run`


@dataclass(frozen=True, slots=True)
class Finding:
    """A reason, and the dag and run it was found at."""

    reason: Reason
    dag_id: str | None = None
    run_id: str | None = None
    failures: tuple[Evidence, ...] = ()
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class Scene:
    """What a reason is found from: the dags that are not ready, and what is known around them."""

    occurrence: Occurrence
    views: Sequence[DagView]  # not ready, in the pipeline's order
    snapshot: Snapshot
    now: datetime
    usual: timedelta | None
    late_upstreams: tuple[str, ...]
    sensors: frozenset[str]


def find(scene: Scene) -> Finding:
    """The first reason that holds for any of the dags, in the order of :class:`Reason`."""
    snapshot, views = scene.snapshot, scene.views
    if snapshot.dags_known:
        for view in views:
            found = _by_facts(view, snapshot.dags.get(view.dag_id))
            if found is not None:
                return found
        for view in views:
            if view.active is None and snapshot.dags[view.dag_id].paused:
                return _at(Reason.DAG_PAUSED, view)
    failed = [(view, view.newest) for view in views if view.failed and view.newest is not None]
    if found := _failure([one for one in failed if not _only_waited(scene, one[1])], snapshot):
        return found
    if scene.late_upstreams:
        return _at(Reason.UPSTREAM_LATE, _slowest(views))
    if found := _failure(failed, snapshot):
        return found
    running = next((v for v in views if v.active is not None and v.active.state == "running"), None)
    if running is not None:
        return _at(Reason.STUCK if is_stuck(running.active, scene.usual, scene.now) else Reason.RUNNING, running)
    if not snapshot.scheduler_alive:
        return _at(Reason.SCHEDULER_DOWN, _slowest(views))
    queued = next((v for v in views if v.active is not None), None)
    if queued is not None:
        return _at(Reason.QUEUED, queued)
    missing = next((v for v in views if v.newest is None), views[0])
    return Finding(Reason.NO_RUN, missing.dag_id, _run_id(missing), detail=_just_before(scene, missing.dag_id))


def is_stuck(run: Run | None, usual: timedelta | None, now: datetime) -> bool:
    """Whether ``run`` has been running for longer than twice the usual duration."""
    return run is not None and usual is not None and run.start_date is not None and now - run.start_date > 2 * usual


def _by_facts(view: DagView, facts: DagFacts | None) -> Finding | None:
    if facts is not None and facts.import_error is not None:
        return Finding(Reason.IMPORT_ERROR, view.dag_id, _run_id(view), detail=facts.import_error)
    if facts is None or not facts.exists:
        return _at(Reason.DAG_MISSING, view)
    return None


def _failure(failed: Sequence[tuple[DagView, Run]], snapshot: Snapshot) -> Finding | None:
    """The first of ``failed`` that ran out of memory, with those tasks first; else the first that failed."""
    found = [(view, run, snapshot.evidence.get((run.dag_id, run.run_id), ())) for view, run in failed]
    for view, run, failures in found:
        if any(one.out_of_memory for one in failures):
            worst_first = tuple(sorted(failures, key=lambda one: not one.out_of_memory))
            return Finding(Reason.OUT_OF_MEMORY, view.dag_id, run.run_id, worst_first)
    return next((Finding(Reason.RUN_FAILED, view.dag_id, run.run_id, failures) for view, run, failures in found), None)


def _only_waited(scene: Scene, run: Run) -> bool:
    """Whether ``run`` failed in nothing but its wait for an upstream that is still late: the upstream is the reason."""
    if not scene.late_upstreams:
        return False
    tasks = scene.snapshot.tasks.get((run.dag_id, run.run_id), ())
    failed = [task for task in tasks if task.state == "failed"]
    return bool(failed) and all(waits(task, scene.sensors) for task in failed)


def _slowest(views: Sequence[DagView]) -> DagView:
    """The dag to name where none is at fault: one that is active, else one that has not run."""
    return next((v for v in views if v.active), None) or next((v for v in views if v.newest is None), views[0])


def _at(reason: Reason, view: DagView) -> Finding:
    return Finding(reason, view.dag_id, _run_id(view))


def _run_id(view: DagView) -> str | None:
    return view.newest.run_id if view.newest else None


def _just_before(scene: Scene, dag_id: str) -> str | None:
    opens_at = scene.occurrence.opens_at
    for run in scene.snapshot.runs.get(dag_id, ()):
        if run.effective_date >= opens_at or run.state != "success" or run.end_date is None or not run.counts:
            continue
        if timedelta(0) <= opens_at - run.end_date <= JUST_BEFORE:
            return f"run {run.run_id} succeeded at {run.end_date:%Y-%m-%d %H:%M} UTC, just before the cycle opened"
        break
    return None
