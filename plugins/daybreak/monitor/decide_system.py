"""What is wrong with Airflow itself or with dags that nobody claims: import errors, the scheduler, strays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from daybreak.domain.clock import local_date
from daybreak.domain.incident import Event, Incident, Reason, State
from daybreak.domain.registry import Pipeline, Priority
from daybreak.domain.runs import Run, Snapshot
from daybreak.monitor.decide_escalation import zone_for
from daybreak.monitor.decide_pipeline import end
from daybreak.monitor.desk import Desk, merged
from daybreak.monitor.views import dags_of

RECENT = timedelta(days=1)  # an unclaimed dag's failure older than this is history; less than incidents stay known
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
    failed = _failed_unclaimed(desk, snapshot)
    for runs in failed.values():
        _unclaimed(desk, runs)
    _close_unclaimed(desk, failed)


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
    if known is None and not desk.snapshot.scheduler_due:
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


def _failed_unclaimed(desk: Desk, snapshot: Snapshot) -> dict[str, list[Run]]:
    """Of each dag that nobody claims the recent failures, in the order of their ends."""
    found: dict[str, list[Run]] = {}
    if not snapshot.unclaimed:
        return found
    began = min(desk.first_seen.values(), default=None)  # what failed before there was a registry is nobody's news
    for run in sorted(snapshot.unclaimed, key=lambda one: one.end_date or desk.now):
        end = run.end_date
        if end is not None and run.counts and desk.now - end <= RECENT and (began is None or end >= began):
            found.setdefault(run.dag_id, []).append(run)
    return found


def _unclaimed(desk: Desk, runs: list[Run]) -> None:
    """Tell the catch-all owner of ``runs``, those of one dag; one incident a day, in which each failure is told once.

    The incident's ``due_at`` is the newest end that was told.
    """
    newest = runs[-1]
    end = newest.end_date or desk.now
    date = local_date(end, desk.registry.zone)
    key = _key("unclaimed", f"{newest.dag_id}:{date.isoformat()}")
    known = desk.incident(key)
    fresh = [run for run in runs if known is None or (run.end_date is not None and run.end_date > known.due_at)]
    if not fresh:
        return
    if known is None:
        yesterdays = desk.incident(_key("unclaimed", f"{newest.dag_id}:{(date - timedelta(days=1)).isoformat()}"))
        fresh = [run for run in fresh if yesterdays is None or (run.end_date or end) > yesterdays.due_at]
        opened = _opened(desk, key, None, Reason.RUN_FAILED, end, desk.registry.defaults.priority)
    else:
        opened = replace(known, resolved_at=None)
    incident = replace(opened, due_at=end, dag_id=newest.dag_id, run_id=newest.run_id, business_date=date)
    again = "" if known is None else " again"
    more = f" ({len(fresh)} runs)" if len(fresh) > 1 else ""
    text = f"{newest.dag_id} failed{again}{more}; no pipeline of the registry claims it"
    _tell_once(desk, incident, Event.UNCLAIMED_FAILED, desk.registry.defaults.owner, text)


def _close_unclaimed(desk: Desk, failed: Mapping[str, list[Run]]) -> None:
    """An unclaimed dag's failure is over when its run was cleared, when somebody claims the dag, or after a day."""
    for incident in desk.open_incidents():
        if not incident.dedup_key.startswith(_key("unclaimed", "")):
            continue
        if not any(run.run_id == incident.run_id for run in failed.get(incident.dag_id or "", ())):
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
