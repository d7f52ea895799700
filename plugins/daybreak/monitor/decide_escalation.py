"""Escalation: whom each step reaches and when, for as long as an incident is open; and who joins at a handoff."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from daybreak.domain.duration import Duration
from daybreak.domain.incident import Event, Incident, State
from daybreak.domain.registry import DEFAULT_STEPS, Pipeline, Registry, Step
from daybreak.domain.targets import in_a_gap, resolve, resolve_all
from daybreak.monitor.desk import Desk, merged


def to_fire(instants: Sequence[datetime], done: Sequence[int], now: datetime) -> tuple[list[int], list[int]]:
    """Which steps fire at ``now``, and which are settled by it (those that fire included).

    Of several that elapsed unseen the latest fires, and step 0, not those between; steps of one instant fire together.
    """
    elapsed = [n for n, at in enumerate(instants) if at <= now and n not in done]
    if not elapsed:
        return [], []
    latest = max(instants[n] for n in elapsed)
    fire = [n for n in elapsed if instants[n] == latest or instants[n] == instants[0]]
    return fire, elapsed


def step_instants(afters: Sequence[Duration], since: datetime, zone: ZoneInfo) -> list[datetime]:
    """When each step is due, counted from ``since``."""
    return [after.after(since, zone) for after in afters]


def steps_for(registry: Registry, pipeline: Pipeline | None) -> tuple[Step, ...]:
    """The escalation of ``pipeline``; without one (a system incident) the default's."""
    if pipeline is not None:
        return registry.steps_of(pipeline)
    name = registry.defaults.escalation
    return registry.escalations[name] if name else DEFAULT_STEPS


def zone_for(registry: Registry, pipeline: Pipeline | None) -> ZoneInfo:
    """The time zone in which a pipeline's days and weeks count."""
    return pipeline.deadline.zone if pipeline is not None and pipeline.deadline is not None else registry.zone


def escalate(desk: Desk, incident: Incident) -> None:
    """Fire the steps of ``incident`` whose time has come."""
    if incident.paging_since is None or incident.member_of is not None or incident.silenced:
        return
    if incident.snoozed_until is not None and desk.now < incident.snoozed_until:
        return
    registry, now, pipeline = desk.registry, desk.now, desk.pipeline(incident)
    steps = steps_for(registry, pipeline)
    if len(incident.steps_done) >= len(steps):
        return
    instants = step_instants([step.after for step in steps], incident.paging_since, zone_for(registry, pipeline))
    fire, settled = to_fire(instants, incident.steps_done, now)
    if not settled:
        return
    for n in fire:
        step = steps[n]
        if step.unless_acknowledged and incident.acknowledged_at is not None:
            continue
        event = Event.STILL_LATE if incident.paged else opening_event(incident)
        page = resolve_all(registry, step.page, pipeline, now)
        if step.page and not page:
            page = (in_a_gap(registry),)
        if page:
            desk.tell(incident, "page", event, page, step=n)
        tell = resolve_all(registry, step.tell, pipeline, now)
        if tell:
            desk.tell(incident, "notice", event, tell, step=n)
        incident = desk.change(incident, paged=merged(incident.paged, page), told=merged(incident.told, tell))
    desk.change(
        incident,
        steps_done=tuple(sorted({*incident.steps_done, *settled})),
        on_call=incident.on_call or _primary(desk, pipeline),
    )


def add_newcomers(desk: Desk, incident: Incident) -> None:
    """At a handoff: who is on call now joins an open incident that had paged who was on call before."""
    if not incident.paged or incident.member_of is not None or incident.silenced or incident.on_call is None:
        return
    on_call = _primary(desk, desk.pipeline(incident))
    if on_call == incident.on_call:
        return
    if incident.on_call in incident.paged and on_call not in incident.paged:
        desk.tell(incident, "page", Event.HANDOFF, (on_call,))
        incident = desk.change(incident, paged=merged(incident.paged, (on_call,)))
    desk.change(incident, on_call=on_call)


def opening_event(incident: Incident) -> Event:
    """What the first page of ``incident`` is about."""
    if incident.kind == "system":
        return Event.SCHEDULER_DOWN
    return Event.FAILED if incident.state is State.FAILED else Event.MISSED


def _primary(desk: Desk, pipeline: Pipeline | None) -> str:
    return resolve(desk.registry, "on_call", pipeline, desk.now)[0]
