"""Rules of ``on_call``: overrides, swaps and the spans of time that entries name."""

from __future__ import annotations

from collections.abc import Container, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from daybreak.config import mapping
from daybreak.config import spec as s
from daybreak.config.draft import Draft
from daybreak.config.holiday_dates import unknown_place
from daybreak.config.problems import Finding, Path, dotted, quoted
from daybreak.config.scalars import resolve
from daybreak.domain.cover import Roster
from daybreak.domain.registry import OnCall, SwapSide

PRIMARY = "primary"


def primary_is_there(draft: Draft) -> Iterator[Finding]:
    if draft.on_call and PRIMARY not in draft.on_call.layers and not draft.damaged(("on_call", "layers", PRIMARY)):
        message = "is required: the rotation of whoever is paged first"
        yield Finding(("on_call", "layers", PRIMARY), message)


def layers_can_turn(draft: Draft) -> Iterator[Finding]:
    for name, layer in draft.on_call.layers.items() if draft.on_call else ():
        if layer.every.nominal <= timedelta(0):
            yield Finding(("on_call", "layers", name, "every"), "a shift must be longer than nothing")


def spans_end_after_they_start(draft: Draft) -> Iterator[Finding]:
    spans: list[tuple[Path, datetime, datetime, ZoneInfo]] = []
    if draft.on_call:
        zone = draft.on_call.timezone
        overrides, absences = draft.on_call.overrides, draft.on_call.time_off
        spans += [(("on_call", "overrides", i), each.start, each.end, zone) for i, each in enumerate(overrides)]
        spans += [(("on_call", "time_off", i), each.start, each.end, zone) for i, each in enumerate(absences)]
    for i, silence in enumerate(draft.silences):
        spans.append((("silences", i), silence.start, silence.end, _zone_of(silence.pipeline, draft)))
    for path, start, end, zone in spans:
        if resolve(start, zone) >= resolve(end, zone):
            yield Finding((*path, "end"), f"{end.isoformat()} is not after `start` {start.isoformat()}")


def overrides_do_not_overlap(draft: Draft) -> Iterator[Finding]:
    if draft.on_call is None:
        return
    zone = draft.on_call.timezone
    by_layer: dict[str, list[tuple[datetime, datetime, int]]] = {}
    for i, entry in enumerate(draft.on_call.overrides):
        span = resolve(entry.start, zone), resolve(entry.end, zone), i
        by_layer.setdefault(entry.layer, []).append(span)
    for layer, spans in by_layer.items():
        latest: tuple[datetime, datetime, int] | None = None  # to end, of those that begin before
        for span in sorted(spans):
            if span[0] >= span[1]:
                continue  # named already
            if latest is not None and span[0] < latest[1]:
                one, other = sorted((latest[2], span[2]))
                first = dotted(draft.path(("on_call", "overrides", one)))
                message = f"overlaps {first} on {quoted(layer)}: end one before the other begins"
                yield Finding(("on_call", "overrides", other), message)
            if latest is None or span[1] > latest[1]:
                latest = span


def swaps_name_whose_shift_it_is(draft: Draft) -> Iterator[Finding]:
    """Each side gives away a shift that is its own: by the rotation, after compensation and the swaps above."""
    if draft.on_call is None or not draft.on_call.swaps:
        return
    on_call = _sound(draft.on_call, draft.people)
    people = {name: mapping.person(name, _with_known_holidays(person)) for name, person in draft.people.items()}
    swapped: dict[tuple[str, int], str] = {}
    settled: list[s.SwapSpec] = []
    for i, swap in enumerate(draft.on_call.swaps):
        if swap.layer not in on_call.layers or not {swap.a.person, swap.b.person} <= set(draft.people):
            continue  # a name that means nothing is said elsewhere
        here: Path = ("on_call", "swaps", i)
        sides = [mapping.swap(swap, on_call.zone).a, mapping.swap(swap, on_call.zone).b]
        roster = Roster(_with_swaps(on_call, settled), people)
        shifts = [roster.plan.rotations[swap.layer].shift_at(side.at) for side in sides]
        found = list(_wrong_sides(here, swap.layer, sides, shifts, roster, swapped, people))
        yield from found
        if not found:
            first, second = shifts
            assert first is not None
            assert second is not None
            swapped[swap.layer, first] = swap.b.person
            swapped[swap.layer, second] = swap.a.person
            settled.append(swap)


def _wrong_sides(
    here: Path,
    layer: str,
    sides: list[SwapSide],
    shifts: list[int | None],
    roster: Roster,
    swapped: dict[tuple[str, int], str],
    people: Container[str],
) -> Iterator[Finding]:
    for key, side, shift in zip("ab", sides, shifts, strict=True):
        if shift is None:
            yield Finding((*here, key, "at"), f"lies before the first shift of {quoted(layer)}")
            continue
        roster.settle(side.at)
        whose = swapped.get((layer, shift)) or roster.plan.person_of(layer, shift)[0]
        if whose != side.person and whose in people:  # an unknown member is named elsewhere
            message = f"the {layer} shift at that time is {quoted(whose)}'s, not {quoted(side.person)}'s"
            yield Finding((*here, key, "person"), message)
    if None not in shifts and shifts[0] == shifts[1]:
        yield Finding((*here, "b", "at"), "both sides name the same shift")


def _sound(spec: s.OnCallSpec, people: dict[str, s.PersonSpec]) -> OnCall:
    """The on-call without its swaps and without entries that other rules reject."""
    return mapping.on_call(
        spec.model_copy(
            update={
                "layers": {
                    name: layer
                    for name, layer in spec.layers.items()
                    if layer.every.nominal > timedelta(0) and layer.members
                },
                "overrides": [entry for entry in spec.overrides if entry.layer in spec.layers],
                "time_off": [entry for entry in spec.time_off if entry.person in people],
                "swaps": [],
            }
        )
    )


def _with_known_holidays(person: s.PersonSpec) -> s.PersonSpec:
    where = mapping.place(person.holidays)
    return person.model_copy(update={"holidays": None}) if where and unknown_place(where) else person


def _with_swaps(on_call: OnCall, swaps: list[s.SwapSpec]) -> OnCall:
    return replace(on_call, swaps=tuple(mapping.swap(swap, on_call.zone) for swap in swaps))


def _zone_of(pipeline: str, draft: Draft) -> ZoneInfo:
    deadline = draft.pipelines[pipeline].deadline if pipeline in draft.pipelines else None
    return (deadline.timezone if deadline else None) or draft.timezone
