"""What is wrong with Airflow itself or with dags that nobody claims: import errors, the scheduler, strays."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from daybreak.domain.clock import local_date
from daybreak.domain.incident import Event, Incident, Reason, State
from daybreak.domain.registry import Pipeline, Priority, Registry
from daybreak.domain.runs import ACTIVE, Run
from daybreak.monitor.decide_escalation import zone_for
from daybreak.monitor.decide_pipeline import end
from daybreak.monitor.desk import Desk, merged
from daybreak.monitor.views import dags_of

RECENT = timedelta(days=1)  # an unclaimed dag's failure older than this is history
_SETTLED = (State.MET, State.LATE)


def watch_dags(desk: Desk) -> None:
    """A notice for each import error of a claimed dag, at once, and for each failure of a dag that nobody claims."""
    snapshot = desk.snapshot
    if snapshot is None:
        return
    if snapshot.dags_known and any(facts.import_error for facts in snapshot.dags.values()):
        known = {one.subject for one in desk.open_incidents() if _is_import_error(one)}
        for pipeline in desk.registry.pipelines.values():
            if pipeline.id not in known:
                _import_error(desk, pipeline)
    _close_import_errors(desk)
    claimed = _named_dags(desk.registry)
    for dag_id, runs in snapshot.runs.items():
        if runs and runs[0].state == "failed" and dag_id not in claimed and desk.registry.pipeline_of(dag_id) is None:
            _unclaimed(desk, runs)
    _close_unclaimed(desk, claimed)


def _named_dags(registry: Registry) -> set[str]:
    """The dags that the registry names by their ids: nobody else's, and looked up at once."""
    named = {dag for pipeline in registry.pipelines.values() for dag in pipeline.dags}
    waited = (upstream.ready_when for upstream in registry.upstreams.values())
    return named | {ready.value for ready in waited if ready is not None and ready.kind == "dag"}


def watch_scheduler(desk: Desk) -> None:
    """Page once while no scheduler beats, with the pipelines at stake; end when one does."""
    if desk.snapshot is None:
        return
    known = next(
        (one for one in desk.open_incidents() if one.kind == "system" and one.reason is Reason.SCHEDULER_DOWN), None
    )
    if desk.snapshot.scheduler_alive:
        if known is not None:
            end(desk, known, None, text="a scheduler beats again")
        return
    at_stake = tuple(
        dict.fromkeys(
            one.occurrence.subject
            for one in desk.judgements.values()
            if not one.occurrence.is_upstream and one.state not in _SETTLED
        )
    )
    pipelines = [desk.registry.pipelines[one] for one in at_stake]
    priority = min((one.priority for one in pipelines), default=desk.registry.defaults.priority)
    if known is not None:
        desk.change(known, group=at_stake, priority=priority)
        return
    key = _key("scheduler", desk.now.astimezone(UTC).date().isoformat())
    opened = _opened(desk, key, None, Reason.SCHEDULER_DOWN, desk.now, priority)
    desk.put(replace(opened, group=at_stake, paging_since=desk.now))


def _import_error(desk: Desk, pipeline: Pipeline) -> None:
    snapshot = desk.snapshot
    assert snapshot is not None
    broken = [
        facts
        for dag in dags_of(desk.registry, pipeline, snapshot)
        if (facts := snapshot.dags.get(dag)) is not None and facts.import_error
    ]
    if not broken or desk.is_silent(pipeline, desk.now):
        return
    date = local_date(desk.now, zone_for(desk.registry, pipeline)).isoformat()
    key = _key("import_error", f"{pipeline.id}:{date}")
    incident = _opened(desk, key, pipeline.id, Reason.IMPORT_ERROR, desk.now, pipeline.priority)
    again = desk.incident(key) is not None  # it broke a second time on one day: say so, in the same thread
    text = f"{broken[0].dag_id} no longer parses{' (again)' if again else ''}: {broken[0].import_error}"
    _tell_once(desk, replace(incident, dag_id=broken[0].dag_id), Event.IMPORT_ERROR, pipeline.primary_owner, text)


def _close_import_errors(desk: Desk) -> None:
    snapshot = desk.snapshot
    if snapshot is None or not snapshot.dags_known:
        return
    for incident in desk.open_incidents():
        facts = snapshot.dags.get(incident.dag_id or "")
        if _is_import_error(incident) and (facts is None or not facts.import_error):
            desk.change(incident, resolved_at=desk.now)


def _unclaimed(desk: Desk, runs: tuple[Run, ...]) -> None:
    run = runs[0]
    began = min(desk.first_seen.values(), default=None)
    if run.end_date is None or desk.now - run.end_date > RECENT or any(one.state in ACTIVE for one in runs):
        return
    if began is not None and run.end_date < began:
        return
    date = local_date(run.effective_date, desk.registry.zone)
    key = _key("unclaimed", f"{run.dag_id}:{date.isoformat()}")
    if desk.incident(key) is not None:
        return
    incident = _opened(desk, key, None, Reason.RUN_FAILED, run.end_date, desk.registry.defaults.priority)
    incident = replace(incident, dag_id=run.dag_id, run_id=run.run_id, business_date=date)
    text = f"{run.dag_id} failed; no pipeline of the registry claims it"
    _tell_once(desk, incident, Event.UNCLAIMED_FAILED, desk.registry.defaults.owner, text)


def _close_unclaimed(desk: Desk, claimed: set[str]) -> None:
    """A stray's failure is over when its next run is there, when somebody claims it, or when it is a day old."""
    for incident in desk.open_incidents():
        if not incident.dedup_key.startswith(_key("unclaimed", "")) or incident.dag_id is None:
            continue
        runs = desk.snapshot.runs.get(incident.dag_id, ()) if desk.snapshot else ()
        failed = bool(runs) and runs[0].state == "failed" and runs[0].run_id == incident.run_id
        if not failed or incident.dag_id in claimed or desk.now - incident.opened_at > RECENT:
            desk.change(incident, resolved_at=desk.now)


def _tell_once(desk: Desk, incident: Incident, event: Event, person: str, text: str) -> None:
    told = desk.put(replace(incident, told=merged(incident.told, (person,))))
    desk.tell(told, "notice", event, (person,), text=text)


def _opened(desk: Desk, key: str, subject: str | None, reason: Reason, at: datetime, priority: Priority) -> Incident:
    return Incident(
        dedup_key=key,
        kind="system",
        subject=subject,
        business_date=local_date(at, desk.registry.zone),
        due_at=at,
        state=State.FAILED,
        reason=reason,
        opened_at=at,
        priority=priority,
    )


def _is_import_error(incident: Incident) -> bool:
    return incident.kind == "system" and incident.reason is Reason.IMPORT_ERROR


def _key(kind: str, what: str) -> str:
    """``daybreak:v1:system:<kind>:<what>``."""
    return f"daybreak:v1:system:{kind}:{what}"
