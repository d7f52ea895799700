"""Whom Opsgenie is asked to notify: registry ids → responders, as people, teams, or Opsgenie's own schedules."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from daybreak.domain.registry import DEFAULT_STEPS, Pipeline, Registry, Step
from daybreak.domain.targets import PRIMARY, in_a_gap, page_order, resolve_all

Responder = dict[str, Any]
MOST = 50


def responders_for(registry: Registry, ids: Iterable[str], *, wakes: bool = True) -> list[Responder]:
    """People by user name, teams by name; those whom Opsgenie does not know are left out.

    :param wakes: whether this is a page, which a team may want to have go to an escalation of Opsgenie's instead
    """
    found: list[Responder] = []
    for each in dict.fromkeys(ids):
        person, team = registry.people.get(each), registry.teams.get(each)
        if person is not None and person.opsgenie:
            found.append({"type": "user", "username": person.opsgenie})
        elif team is not None and team.opsgenie_escalation and wakes:
            found.append({"type": "escalation", "name": team.opsgenie_escalation})
        elif team is not None and team.opsgenie_team:
            found.append({"type": "team", "name": team.opsgenie_team})
    return found[:MOST]


def for_step(
    registry: Registry, pipeline: Pipeline | None, step: int | None, ids: tuple[str, ...], at: datetime
) -> list[Responder]:
    """The responders of an escalation step whose targets were resolved to ``ids`` at ``at``.

    With ``respond_with: schedule`` a target that is a layer asks Opsgenie's schedule of that layer, and Opsgenie
    decides who that is. Where nobody of the step can be paged, whoever stands in for gaps in the on-call is.
    """
    found: list[Responder] = []
    if registry.paging.respond_with == "schedule":
        steps = steps_of(registry, pipeline)
        targets = steps[step].page if step is not None and step < len(steps) else ("on_call",)
        named = {target: registry.paging.schedules.get(_layer(target)) for target in targets}
        found = [{"type": "schedule", "name": schedule} for schedule in dict.fromkeys(named.values()) if schedule]
        if found:
            others = resolve_all(registry, (target for target in targets if not named[target]), pipeline, at)
            ids = tuple(each for each in ids if each in others)
    found += responders_for(registry, ids)
    return found[:MOST] or responders_for(registry, (in_a_gap(registry), registry.defaults.owner))[:1]


def alternatives(
    registry: Registry, pipeline: Pipeline | None, ids: tuple[str, ...], at: datetime
) -> list[list[Responder]]:
    """Who is asked next where Opsgenie refuses a page's responders: everybody that escalation would reach, one by one,
    then the manager and the catch-all owner."""
    order = (*page_order(registry, at, pipeline), in_a_gap(registry), registry.defaults.owner)
    found = [responders_for(registry, (each,)) for each in dict.fromkeys(order) if each not in ids]
    return [each for each in found if each][:5]


def steps_of(registry: Registry, pipeline: Pipeline | None) -> tuple[Step, ...]:
    """The escalation of ``pipeline``; without one the default's."""
    if pipeline is not None:
        return registry.steps_of(pipeline)
    name = registry.defaults.escalation
    return registry.escalations[name] if name else DEFAULT_STEPS


def _layer(target: str) -> str:
    return PRIMARY if target == "on_call" else target
