"""Why this person: the decisions that led to who is on call, one sentence each, in the order in which they count."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from daybreak.domain.absence import Off
from daybreak.domain.cover import Roster
from daybreak.domain.oncall import roster_of
from daybreak.domain.registry import Pipeline, Registry
from daybreak.domain.rotation import utc
from daybreak.domain.targets import in_a_gap


def explain(registry: Registry, layer: str, t: datetime, pipeline: Pipeline | None = None) -> tuple[str, ...]:
    """rotation → compensation → swap → override → time off → cover, as far as each had a say at ``t`` on ``layer``."""
    t = utc(t)
    return tuple(_chain(registry, roster_of(registry), layer, t, pipeline.secondary_owner if pipeline else None))


def _chain(registry: Registry, roster: Roster, layer: str, t: datetime, deputy: str | None) -> Iterator[str]:
    holder = roster.at(layer, t, deputy)
    yield from _planned(roster, layer, t)
    piece = roster.plan.at(layer, t)
    if piece.person is None:
        yield f"nobody: a page goes to {in_a_gap(registry)}"
        return
    off = roster.absences.span_at(piece.person, t)
    if off is None:
        return
    why, (start, end) = off
    yield f"{why.value}: {piece.person} is off {_span(roster, start, end)}"
    for entry, person in roster.candidates(deputy, t):
        absent = roster.absences.at(person, t)
        whom = person if entry == person else f"{entry} is {person}"
        if absent is None:
            yield f"cover: {whom}, who is available"
            return
        yield f"cover: {whom}, who is off too ({absent.value})"
    if holder is not None and why is Off.HOLIDAY:
        yield f"nobody else is available: {piece.person} stays on call and is owed a day"
    else:
        yield f"nobody is available: a page goes to {in_a_gap(registry)}"


def _planned(roster: Roster, layer: str, t: datetime) -> Iterator[str]:
    plan = roster.plan
    rotation = plan.rotations[layer]
    shift = rotation.shift_at(t)
    if shift is None:
        yield f"rotation: begins only at {_local(roster, rotation.begins)}"
    else:
        span, turn = _span(roster, *rotation.bounds(shift)), rotation.turn(shift)
        yield f"rotation: shift {shift} ({span}, turn {turn}) is {rotation.person(shift)}'s"
        if relief := plan.reliefs.get((layer, shift)):
            earned = f"{relief.relieved} covered shift {relief.covered_shift} for {relief.taker}"
            yield f"compensation: {earned}, so {relief.taker} takes this one"
        if taker := plan.swaps.get((layer, shift)):
            yield f"swap: exchanged, so {taker} takes it"
    piece = plan.at(layer, t)
    if piece.reason == "override":
        yield f"override: {piece.person} {_span(roster, piece.start, piece.end)}"


def _span(roster: Roster, start: datetime, end: datetime) -> str:
    return f"from {_local(roster, start)} to {_local(roster, end)}"


def _local(roster: Roster, instant: datetime) -> str:
    return instant.astimezone(roster.on_call.zone).strftime("%a %Y-%m-%d %H:%M")
