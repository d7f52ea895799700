"""When to look again: the next instant at which something can change by itself, runs aside."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta

from daybreak.domain.incident import Incident, Judgement, State
from daybreak.domain.occurrence import calendar_of
from daybreak.domain.oncall import on_call_at
from daybreak.domain.registry import Pipeline, Registry
from daybreak.domain.schedule import stretches
from daybreak.domain.targets import PRIMARY
from daybreak.monitor.decide_escalation import step_instants, steps_for, zone_for
from daybreak.monitor.judge_pipeline import GRACE
from daybreak.monitor.lasting import gives_up_at

NEVER = datetime.max.replace(tzinfo=UTC)
_DAY = timedelta(days=1)
_STRICTLY = timedelta(microseconds=1)  # these begin to hold after their instant, not at it
_OVER = (State.MET, State.LATE)


def next_instant(
    registry: Registry,
    incidents: Mapping[str, Incident],
    judgements: Iterable[Judgement],
    now: datetime,
) -> datetime:
    """The first instant strictly after ``now`` that matters: an ``opens``, a due, an at-risk point, the end of the
    grace, an escalation step, an upstream's step, a silence's edge, a handoff."""
    return min((at for at in _instants(registry, incidents, judgements, now) if at > now), default=NEVER)


def _instants(
    registry: Registry, incidents: Mapping[str, Incident], judgements: Iterable[Judgement], now: datetime
) -> Iterator[datetime]:
    for judgement in judgements:
        yield from of_judgement(registry, judgement)
    calendar = calendar_of(registry)
    for upstream in registry.upstreams.values():
        current = calendar.current(upstream, now)
        if current is not None:
            yield current.due_at
            yield current.closes_at
    for incident in incidents.values():
        if incident.open:
            yield from of_incident(registry, incident, now)
    for silence in registry.silences:
        yield silence.start
        yield silence.end


def of_judgement(registry: Registry, judgement: Judgement) -> Iterator[datetime]:
    """Instants, past ones among them, at which another judgement of the same occurrence may follow by itself."""
    occurrence = judgement.occurrence
    yield occurrence.closes_at
    if (over := gives_up_at(judgement)) is not None:
        yield over
    pipeline = registry.pipelines.get(occurrence.subject) if not occurrence.is_upstream else None
    if judgement.state in _OVER or pipeline is None or pipeline.deadline is None:
        return
    yield occurrence.due_at
    yield occurrence.due_at + GRACE
    yield pipeline.deadline.at_risk.before(occurrence.due_at, pipeline.deadline.zone)
    if judgement.usual is not None:
        yield occurrence.due_at - judgement.usual + _STRICTLY
    if judgement.stuck_at is not None:
        yield judgement.stuck_at + _STRICTLY


def of_incident(registry: Registry, incident: Incident, now: datetime) -> Iterator[datetime]:
    """Instants, past ones among them, at which there may be something to do about an open incident: steps, the end of
    a snooze, the next handoff after ``now``."""
    if incident.paged:
        yield next_handoff(registry, _pipeline(registry, incident), now)
    if incident.kind == "upstream":
        upstream = registry.upstreams.get(incident.subject or "")
        if upstream is not None:
            yield from step_instants([s.after for s in upstream.on_delay], incident.due_at, upstream.expected.zone)
        return
    if incident.snoozed_until is not None:
        yield incident.snoozed_until
    if incident.paging_since is None or incident.member_of is not None:
        return
    pipeline = _pipeline(registry, incident)
    steps = steps_for(registry, pipeline)
    if len(incident.steps_done) < len(steps):
        yield from step_instants([s.after for s in steps], incident.paging_since, zone_for(registry, pipeline))


def next_handoff(registry: Registry, pipeline: Pipeline | None, now: datetime) -> datetime:
    """When somebody else is on call next, or somebody at all; at most a day ahead."""
    holder = on_call_at(registry, PRIMARY, now, pipeline)
    if holder is not None:
        return holder.end
    shifts = stretches(registry, PRIMARY, now, now + _DAY, pipeline).shifts
    return min((shift.start for shift in shifts), default=now + _DAY)


def _pipeline(registry: Registry, incident: Incident) -> Pipeline | None:
    if incident.kind != "group":
        return registry.pipelines.get(incident.subject or "")
    members = [registry.pipelines[one] for one in incident.group if one in registry.pipelines]
    return min(members, key=lambda one: one.priority, default=None)
