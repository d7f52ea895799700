"""When to look again: the next instant at which something can change by itself, runs aside."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime

from daybreak.domain.incident import Incident, Judgement, State
from daybreak.domain.occurrence import calendar_of
from daybreak.domain.oncall import on_call_at
from daybreak.domain.registry import Registry
from daybreak.monitor.decide_escalation import step_instants, steps_for, zone_for
from daybreak.monitor.judge_pipeline import GRACE

NEVER = datetime.max.replace(tzinfo=UTC)
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
        yield from _of_judgement(registry, judgement)
    calendar = calendar_of(registry)
    for upstream in registry.upstreams.values():
        current = calendar.current(upstream, now)
        if current is not None:
            yield current.due_at
            yield current.closes_at
    any_paged = False
    for incident in incidents.values():
        if incident.open:
            any_paged = any_paged or bool(incident.paged)
            yield from _of_incident(registry, incident)
    for silence in registry.silences:
        yield silence.start
        yield silence.end
    if any_paged:
        holder = on_call_at(registry, "primary", now)
        if holder is not None:
            yield holder.end


def _of_judgement(registry: Registry, judgement: Judgement) -> Iterator[datetime]:
    occurrence = judgement.occurrence
    yield occurrence.closes_at
    pipeline = registry.pipelines.get(occurrence.subject) if not occurrence.is_upstream else None
    if judgement.state in _OVER or pipeline is None or pipeline.deadline is None:
        return
    yield occurrence.due_at
    yield occurrence.due_at + GRACE
    yield pipeline.deadline.at_risk.before(occurrence.due_at, pipeline.deadline.zone)
    if judgement.usual is not None:
        yield occurrence.due_at - judgement.usual
        if judgement.earliest_ready is not None:
            yield judgement.earliest_ready + judgement.usual  # started + twice the usual: stuck from then on


def _of_incident(registry: Registry, incident: Incident) -> Iterator[datetime]:
    if incident.kind == "upstream":
        upstream = registry.upstreams.get(incident.subject or "")
        if upstream is not None:
            yield from step_instants([s.after for s in upstream.on_delay], incident.due_at, upstream.expected.zone)
        return
    if incident.snoozed_until is not None:
        yield incident.snoozed_until
    if incident.paging_since is None or incident.member_of is not None:
        return
    pipelines = [registry.pipelines[one] for one in incident.group if one in registry.pipelines]
    pipeline = min(pipelines, key=lambda one: one.priority, default=None)
    if incident.kind != "group":
        pipeline = registry.pipelines.get(incident.subject or "")
    steps = steps_for(registry, pipeline)
    yield from step_instants([s.after for s in steps], incident.paging_since, zone_for(registry, pipeline))
