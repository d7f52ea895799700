"""An upstream's delay: tickets and threads to the team it belongs to, and word of its arrival to all of them."""

from __future__ import annotations

from daybreak.domain.incident import Event, Incident, Judgement, State
from daybreak.domain.registry import Upstream
from daybreak.monitor.decide_escalation import step_instants, to_fire
from daybreak.monitor.decide_pipeline import end
from daybreak.monitor.desk import Desk, merged
from daybreak.monitor.lasting import is_given_up


def observe_upstream(desk: Desk, judgement: Judgement) -> None:
    """Open, carry on or end the incident of an upstream's occurrence."""
    occurrence = judgement.occurrence
    upstream = desk.registry.upstreams[occurrence.subject]
    incident = desk.incident(occurrence.dedup_key)
    past = desk.recorded.get(occurrence.dedup_key)
    if judgement.state in (State.MET, State.LATE):
        if incident is not None and incident.open:
            _arrived(desk, incident, judgement)
        return
    if judgement.state is not State.MISSED or _is_history(desk, upstream, judgement):
        return
    if past is not None and past.waived:
        return
    if is_given_up(judgement, desk.now):
        if incident is not None and incident.open:
            end(desk, incident, judgement)  # its ticket is theirs
        return
    if incident is None:
        incident = desk.put(_opened(judgement))
    elif not incident.open:
        incident = desk.change(incident, resolved_at=None)
    _ask(desk, upstream, incident)


def _ask(desk: Desk, upstream: Upstream, incident: Incident) -> None:
    """Fire the ``on_delay`` steps whose time has come; they count from the expected instant."""
    instants = step_instants([step.after for step in upstream.on_delay], incident.due_at, upstream.expected.zone)
    fire, settled = to_fire(instants, incident.steps_done, desk.now)
    for n in fire:
        step = upstream.on_delay[n]
        desk.tell(incident, step.do, Event.UPSTREAM_LATE, step.to, step=n)
        incident = desk.change(incident, told=merged(incident.told, step.to))
    if settled:
        desk.change(incident, steps_done=tuple(sorted({*incident.steps_done, *settled})))


def _arrived(desk: Desk, incident: Incident, judgement: Judgement) -> None:
    ended = desk.change(
        incident,
        state=judgement.state,
        resolved_at=desk.now,
        ready_at=judgement.ready_at,
        minutes_late=judgement.minutes_late,
    )
    if ended.told:
        desk.tell(ended, "notice", Event.UPSTREAM_ARRIVED, ended.told)


def _opened(judgement: Judgement) -> Incident:
    occurrence = judgement.occurrence
    return Incident(
        dedup_key=occurrence.dedup_key,
        kind="upstream",
        subject=occurrence.subject,
        business_date=occurrence.business_date,
        due_at=occurrence.due_at,
        state=judgement.state,
        reason=judgement.reason,
        opened_at=judgement.since or occurrence.due_at,
        upstream=occurrence.subject,
    )


def _is_history(desk: Desk, upstream: Upstream, judgement: Judgement) -> bool:
    """Whether it was expected before any pipeline that waits for it was first in the registry."""
    waiting = [one.id for one in desk.registry.pipelines.values() if upstream.id in one.upstreams]
    return bool(waiting) and all(desk.is_history(one, judgement.occurrence.due_at) for one in waiting)
