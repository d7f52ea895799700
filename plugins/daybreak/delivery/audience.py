"""Who speaks for an incident, and whom its message mentions where."""

from __future__ import annotations

from collections.abc import Mapping

from daybreak.delivery.facts import Facts
from daybreak.domain.incident import Event, Incident, Reason, State
from daybreak.domain.registry import Person, Pipeline, Team

_SYSTEM: Mapping[Reason | None, Event] = {
    Reason.SCHEDULER_DOWN: Event.SCHEDULER_DOWN,
    Reason.IMPORT_ERROR: Event.IMPORT_ERROR,
    Reason.RUN_FAILED: Event.UNCLAIMED_FAILED,
}
"""Reason of a system incident → what it is about; none stands for the registry."""


def lead_of(facts: Facts) -> Pipeline | None:
    """The pipeline that speaks for the incident: a group's is the one with the highest priority.

    None for a system incident, whose group only names what is at stake.
    """
    if ":system:" in facts.dedup_key and facts.pipeline is None:
        return None
    return facts.pipeline or min(facts.group, key=lambda each: each.priority, default=None)


def tagged(
    told: tuple[Person | Team, ...], own: Mapping[str, Team], channel: str, home: str | None, facts: Facts
) -> tuple[Person | Team, ...]:
    """Whom the message in ``channel`` mentions: everybody at home, in a team's own channel that team alone."""
    if channel == home or (facts.for_others and channel not in own):
        return told
    return tuple(each for each in told if isinstance(each, Team) and each.slack_channel == channel)


def event_of(incident: Incident) -> Event:
    """The event that a rewritten parent speaks of."""
    if incident.kind == "upstream":
        return Event.UPSTREAM_LATE if incident.open else Event.UPSTREAM_ARRIVED
    if incident.kind == "ticket":
        return Event.OUT_OF_MEMORY if incident.open else Event.TICKET_CLOSED
    if incident.kind == "system":
        return _SYSTEM.get(incident.reason, Event.REGISTRY_INVALID)
    return {State.AT_RISK: Event.AT_RISK, State.FAILED: Event.FAILED}.get(incident.state, Event.MISSED)
