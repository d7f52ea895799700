"""The state of one pipeline's occurrence at an instant (design §4, the table of states)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from daybreak.domain.incident import Judgement, Occurrence, Reason, Recorded, State
from daybreak.domain.registry import Pipeline, Registry
from daybreak.domain.runs import Snapshot
from daybreak.monitor.reasons import Finding, Scene, find, is_stuck
from daybreak.monitor.upstreams import Upstreams
from daybreak.monitor.usual import usual_of
from daybreak.monitor.views import DagView, dags_of, first_seen_ready, sensors_of, view_dag

GRACE = timedelta(seconds=5)
"""So long a run all of whose tasks are finished may take to be marked, before it is called missed."""
_NO_SENSORS: frozenset[str] = frozenset()


def judge_pipeline(
    registry: Registry,
    pipeline: Pipeline,
    occurrence: Occurrence,
    past: Recorded | None,
    snapshot: Snapshot,
    upstreams: Upstreams,
    now: datetime,
) -> Judgement:
    """The state of ``occurrence`` at ``now``. ``past`` is what was recorded of it: met and late are final."""
    if past is not None and (past.state is State.MET or past.state is State.LATE):
        return Judgement(
            occurrence=occurrence,
            at=now,
            state=past.state,
            reason=past.reason,
            since=past.ready_at,
            ready_at=past.ready_at,
            run_id=past.run_id,
        )
    dags = dags_of(registry, pipeline, snapshot)
    sensors = sensors_of(registry, pipeline) if pipeline.upstreams else _NO_SENSORS
    task = pipeline.deadline.task if pipeline.deadline else None
    opens_at, closes_at = occurrence.opens_at, occurrence.closes_at
    views = [view_dag(snapshot, dag, opens_at, closes_at, now, task=task, sensors=sensors) for dag in dags]
    unready = [view for view in views if view.ready_at is None]
    if not unready:
        return _ready(pipeline, occurrence, past, views, upstreams, now)
    usual = usual_of(pipeline, dags, snapshot)
    late = upstreams.late_for(pipeline, occurrence.due_at) if pipeline.upstreams else ()
    scene = Scene(occurrence, unready, snapshot, now, usual, late, sensors)
    state, since = _state(pipeline, scene, views)
    if state is State.PENDING:
        newest = next((view.newest for view in views if view.newest), None)
        return Judgement(
            occurrence=occurrence,
            at=now,
            state=state,
            run_id=newest.run_id if newest else None,
            dag_id=newest.dag_id if newest else unready[0].dag_id,
            late_upstreams=late,
            usual=usual,
            stuck_at=_stuck_at(unready, usual),
        )
    finding = find(scene)
    return Judgement(
        occurrence=occurrence,
        at=now,
        state=state,
        reason=finding.reason,
        since=since,
        run_id=finding.run_id or _newest_of_all(views),
        dag_id=finding.dag_id,
        failures=finding.failures,
        late_upstreams=late,
        detail=finding.detail,
        usual=usual,
        earliest_ready=_earliest(finding, unready, usual, now),
        stuck_at=_stuck_at(unready, usual),
    )


def _ready(
    pipeline: Pipeline,
    occurrence: Occurrence,
    past: Recorded | None,
    views: Sequence[DagView],
    upstreams: Upstreams,
    now: datetime,
) -> Judgement:
    last = max(views, key=lambda view: view.ready_at or now)
    ready_at, run = last.ready_at or now, last.ready
    ready_at = first_seen_ready(ready_at, occurrence.due_at, past, now)
    if ready_at <= occurrence.due_at:
        state = State.MET
        stale = bool(pipeline.upstreams) and run is not None and upstreams.stale(pipeline, occurrence.due_at, run)
        reason = Reason.STALE_INPUT if stale else None
    else:
        # Why it was late is why it was missed; nobody saw it where it was ready before the first look.
        state, reason = State.LATE, past.reason if past is not None and past.state is State.MISSED else None
    return Judgement(
        occurrence=occurrence,
        at=now,
        state=state,
        reason=reason,
        since=ready_at,
        ready_at=ready_at,
        run_id=run.run_id if run else None,
        dag_id=last.dag_id,
    )


def _state(pipeline: Pipeline, scene: Scene, views: Sequence[DagView]) -> tuple[State, datetime | None]:
    """The state of what is not ready, and the exact instant at which it began."""
    due_at, now = scene.occurrence.due_at, scene.now
    if now >= due_at and not _being_marked(scene):
        return State.MISSED, due_at
    failed = [view.newest for view in scene.views if view.failed and view.newest is not None]
    if failed:
        # The earliest: that is when the pipeline became one that failed.
        return State.FAILED, min((run.end_date or now) for run in failed)
    since = _risk_since(pipeline, scene, views)
    return (State.AT_RISK, since) if since is not None else (State.PENDING, None)


def _risk_since(pipeline: Pipeline, scene: Scene, views: Sequence[DagView]) -> datetime | None:
    """Since when it will probably not be ready in time; None if nothing speaks for that."""
    due_at, now, usual = scene.occurrence.due_at, scene.now, scene.usual
    started = any(view.started for view in views)
    if not started and pipeline.deadline is not None:
        from_then = pipeline.deadline.at_risk.before(due_at, pipeline.deadline.zone)
        if now >= from_then:
            return from_then
    if usual is None:
        return None
    if not started and now > due_at - usual:
        return due_at - usual
    for view in scene.views:
        run = view.active
        if run is None or run.state != "running" or run.start_date is None:
            continue
        if run.start_date + usual > due_at:
            return run.start_date
        if is_stuck(run, usual, now):
            return run.start_date + 2 * usual
    if scene.late_upstreams and due_at - now < usual:
        return due_at - usual
    return None


def _being_marked(scene: Scene) -> bool:
    """Whether all that is missing is Airflow's mark: every run that counts has finished its tasks, by due, and no
    more than GRACE ago."""
    due_at, now, finished = scene.occurrence.due_at, scene.now, scene.snapshot.finished
    if not finished:
        return False
    for view in scene.views:
        run = view.active
        ended = finished.get((run.dag_id, run.run_id)) if run is not None else None
        if ended is None or ended > due_at or now >= ended + GRACE:
            return False
    return True


def _stuck_at(unready: Sequence[DagView], usual: timedelta | None) -> datetime | None:
    if usual is None:
        return None
    starts = [v.active.start_date for v in unready if v.active is not None and v.active.start_date is not None]
    return min(starts) + 2 * usual if starts else None


def _newest_of_all(views: Sequence[DagView]) -> str | None:
    runs = [view.newest for view in views if view.newest is not None]
    return max(runs, key=lambda run: run.effective_date).run_id if runs else None


def _earliest(finding: Finding, unready: Sequence[DagView], usual: timedelta | None, now: datetime) -> datetime | None:
    """The earliest instant at which the data can be ready, going by the usual duration."""
    if usual is None:
        return None
    run = next((view.active for view in unready if view.dag_id == finding.dag_id), None)
    begins = run.start_date if run is not None and run.start_date is not None else now
    return max(begins + usual, now)
