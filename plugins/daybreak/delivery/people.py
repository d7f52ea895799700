"""The people and teams of an incident: who owns it, who is on call, who answers for the numbers, who knows the area."""

from __future__ import annotations

from datetime import datetime

from daybreak.domain.oncall import on_call_at
from daybreak.domain.registry import Person, Pipeline, Registry, Team


def parties(registry: Registry, ids: tuple[str, ...]) -> tuple[Person | Team, ...]:
    """The people and teams of ``ids``, in order, without repeats and without those the registry lacks."""
    found = (registry.people.get(each) or registry.teams.get(each) for each in dict.fromkeys(ids))
    return tuple(each for each in found if each is not None)


def owners_of(registry: Registry, lead: Pipeline | None, group: tuple[Pipeline, ...]) -> tuple[Person, ...]:
    """Of one pipeline both owners, of a group the primary ones; without a pipeline the catch-all."""
    if lead is None:
        ids = [registry.defaults.owner]
    elif group:
        ids = [each.primary_owner for each in group]
    else:
        ids = [lead.primary_owner, *([lead.secondary_owner] if lead.secondary_owner else [])]
    return tuple(registry.people[each] for each in dict.fromkeys(ids) if each in registry.people)


def answers_of(
    registry: Registry, key: str, pipeline: Pipeline | None, group: tuple[Pipeline, ...]
) -> tuple[Person, ...]:
    """Who answers questions about the numbers, which is not whoever is on call: the primary owners of what is late.

    Nobody where no numbers are concerned: Airflow itself, a dag that no pipeline claims.
    """
    if ":system:" in key or ":ticket:" in key:
        return ()
    ids = [each.primary_owner for each in (group if pipeline is None else (pipeline,))]
    return tuple(registry.people[each] for each in dict.fromkeys(ids) if each in registry.people)


def on_call_people(registry: Registry, pipeline: Pipeline | None, now: datetime) -> tuple[Person, ...]:
    """Who is on call now, primary first, without repeats."""
    layers = sorted(registry.on_call.layers, key=lambda name: name != "primary")
    holders = (on_call_at(registry, layer, now, pipeline) for layer in layers)
    ids = dict.fromkeys(holder.person for holder in holders if holder is not None)
    return tuple(registry.people[each] for each in ids if each in registry.people)


def experts_of(registry: Registry, pipeline: Pipeline | None, known: set[str]) -> tuple[Person, ...]:
    """Who else knows the pipeline's area."""
    if pipeline is None or pipeline.area is None:
        return ()
    return tuple(p for p in registry.people.values() if pipeline.area in p.skills and p.id not in known)
