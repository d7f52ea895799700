"""Whom a step's ``page`` and ``tell`` mean: from the registry's words to ids of people and teams.

The words: ``on_call`` (the primary layer), a layer's name, ``owner``, ``secondary_owner``, ``backup``, ``manager``, a
person, a team. ``secondary`` is the secondary layer, or without one the pipeline's secondary owner; whoever is primary
already is not reached twice, the next of ``cover`` is reached instead. A page in a gap goes to the manager, else to
``defaults.owner``.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from daybreak.domain.oncall import on_call_at, roster_of
from daybreak.domain.registry import DEFAULT_STEPS, Pipeline, Registry
from daybreak.domain.rotation import utc

PRIMARY = "primary"
SECONDARY = "secondary"


def resolve(registry: Registry, target: str, pipeline: Pipeline | None, t: datetime) -> tuple[str, ...]:
    """The ids (people and teams) that ``target`` means at ``t`` for ``pipeline``.

    Empty where the word means nobody here: ``secondary_owner`` without a pipeline, ``backup`` where none is named.
    Raises KeyError for a word that the registry does not know, which config has ruled out.
    """
    if target == "on_call":
        return _on_layer(registry, PRIMARY, pipeline, t)
    if target == SECONDARY:
        return _secondary(registry, pipeline, t)
    if target in registry.on_call.layers:
        return _on_layer(registry, target, pipeline, t)
    named = {
        "owner": pipeline.primary_owner if pipeline else registry.defaults.owner,
        "secondary_owner": pipeline.secondary_owner if pipeline else None,
        "backup": registry.on_call.backup,
        "manager": registry.on_call.manager,
    }
    if target in named:
        found = named[target]
        return (found,) if found else ()
    if target in registry.people or target in registry.teams:
        return (target,)
    raise KeyError(target)


def resolve_all(registry: Registry, targets: Iterable[str], pipeline: Pipeline | None, t: datetime) -> tuple[str, ...]:
    """The ids that ``targets`` mean together, in order and without repeats."""
    return tuple(dict.fromkeys(found for target in targets for found in resolve(registry, target, pipeline, t)))


def page_order(registry: Registry, t: datetime, pipeline: Pipeline | None = None) -> tuple[str, ...]:
    """The ids whom escalation pages, in its order and without repeats, as things stand at ``t``.

    Without ``pipeline``: by the default escalation.
    """
    if pipeline is not None:
        steps = registry.steps_of(pipeline)
    elif registry.defaults.escalation:
        steps = registry.escalations[registry.defaults.escalation]
    else:
        steps = DEFAULT_STEPS
    return resolve_all(registry, (target for step in steps for target in step.page), pipeline, t)


def in_a_gap(registry: Registry) -> str:
    """Whom a page reaches while nobody is on call."""
    return registry.on_call.manager or registry.defaults.owner


def _on_layer(registry: Registry, layer: str, pipeline: Pipeline | None, t: datetime) -> tuple[str, ...]:
    holder = on_call_at(registry, layer, t, pipeline)
    return (holder.person if holder else in_a_gap(registry),)


def _secondary(registry: Registry, pipeline: Pipeline | None, t: datetime) -> tuple[str, ...]:
    deputy = pipeline.secondary_owner if pipeline else None
    if SECONDARY in registry.on_call.layers:
        (second,) = _on_layer(registry, SECONDARY, pipeline, t)
    elif deputy is not None:
        second = deputy
    else:
        return ()
    roster, t = roster_of(registry), utc(t)
    primary = roster.at(PRIMARY, t, deputy)
    taken = primary is not None and primary.person == second
    away = SECONDARY not in registry.on_call.layers and roster.absences.at(second, t) is not None
    if not taken and not away:
        return (second,)
    first = primary.person if primary else None
    others = (person for _, person in roster.candidates(deputy, t) if person != first)
    return (next((p for p in others if roster.absences.at(p, t) is None), in_a_gap(registry)),)
