"""Who carries how much of the on-call: "fair coverage" as numbers (docs/rules.md).

Time is counted as it was held, cover and overrides included, over all layers. A date belongs to whoever holds most of
it on a layer, so that the dates of a span are shared out without remainder.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from daybreak.domain.clock import local_date, wall_time
from daybreak.domain.cover import Holder
from daybreak.domain.oncall import roster_of
from daybreak.domain.registry import OnCall, Registry
from daybreak.domain.rotation import utc
from daybreak.domain.schedule import schedule

_DAY = timedelta(days=1)
_AT_LEAST = timedelta(weeks=8)


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """What one person carries in a span. Days are of 24 hours in ``days`` and dates everywhere else."""

    person: str
    shifts: Mapping[str, int]  # layer → shifts of which this person holds the most
    days: float
    weekend_days: int
    holiday_days: int  # the team's holidays and the person's own
    covers_given: int  # stretches held for somebody who was off
    covers_received: int
    credits: int  # whole shifts covered
    credits_settled: int  # of these, those for which a shift was or will be taken over (compensation)
    lieu_owed: int  # dates that were a holiday and on call
    lieu_settled: int  # dates off with `in_lieu: true`

    @property
    def credits_open(self) -> int:
        return self.credits - self.credits_settled

    @property
    def lieu_open(self) -> int:
        return max(0, self.lieu_owed - self.lieu_settled)


@dataclass(frozen=True, slots=True)
class Fairness:
    """Everybody's share of a span, and how far apart they are."""

    shares: tuple[Share, ...]

    @property
    def mean_days(self) -> float:
        return sum(share.days for share in self.shares) / len(self.shares)

    @property
    def spread_days(self) -> float:
        """The most that one person carries less the least, in days."""
        return max(share.days for share in self.shares) - min(share.days for share in self.shares)


def fairness(registry: Registry, start: datetime, end: datetime) -> Fairness:
    """The shares of the members of all layers, and of whoever else held a layer, in [start, end) (aware).

    Sorted by days carried, the most first. Credits are those of shifts that end in the span.
    """
    start, end = utc(start), utc(end)
    roster = roster_of(registry)
    held = schedule(registry, start, end).shifts
    seconds: Counter[str] = Counter()
    for shift in held:
        seconds[shift.person] += round(_overlap(shift, start, end).total_seconds())
    given: Counter[str] = Counter(shift.person for shift in held if shift.reason == "cover")
    received: Counter[str] = Counter(
        planned
        for shift in held
        if shift.reason == "cover" and (planned := roster.plan.at(shift.layer, shift.start).person)
    )
    earned = [one for layer in registry.on_call.layers for one in roster.coverings(layer, start, end)]
    shifts = _shifts(registry, held, start, end)
    dates = _dates(registry.on_call, held, start, end)
    settled = _lieu_settled(registry.on_call, start, end)
    people = dict.fromkeys(member for layer in registry.on_call.layers.values() for member in layer.members)
    people |= dict.fromkeys(seconds) | dict.fromkeys(received) | dict.fromkeys(settled)
    shares = []
    for person in people:
        holidays = {(layer, day) for layer, day in dates.get(person, ()) if _is_holiday(registry, person, day)}
        shares.append(
            Share(
                person=person,
                shifts={layer: shifts[layer, person] for layer in registry.on_call.layers},
                days=seconds[person] / _DAY.total_seconds(),
                weekend_days=sum(day.weekday() >= 5 for _, day in dates.get(person, ())),
                holiday_days=len(holidays),
                covers_given=given[person],
                covers_received=received[person],
                credits=sum(one.by == person for one in earned),
                credits_settled=sum(one.by == person and one.relief is not None for one in earned),
                lieu_owed=len({day for _, day in holidays}),
                lieu_settled=settled[person],
            )
        )
    return Fairness(tuple(sorted(shares, key=lambda share: -share.days)))


def load_shares(registry: Registry, now: datetime) -> dict[str, float]:
    """Person → what this person carries from ``now`` on, as a multiple of the members' mean.

    Measured over whole turns of the longest rotation, at least eight weeks, so that an even rotation measures as even.
    """
    start = utc(now)
    rotations = roster_of(registry).plan.rotations.values()
    turn = max(rotation.length * len(rotation.members) for rotation in rotations)
    start = max(start, *(rotation.begins for rotation in rotations))
    found = fairness(registry, start, start + turn * -(-_AT_LEAST // turn))
    mean = found.mean_days
    return {share.person: share.days / mean if mean else 0.0 for share in found.shares}


def _overlap(holder: Holder, start: datetime, end: datetime) -> timedelta:
    return min(holder.end, end) - max(holder.start, start)


def _shifts(registry: Registry, held: tuple[Holder, ...], start: datetime, end: datetime) -> Counter[tuple[str, str]]:
    """(layer, person) → shifts that begin in the span and of which this person holds the most."""
    plan = roster_of(registry).plan
    most: dict[tuple[str, int], Counter[str]] = {}
    for holder in held:
        rotation = plan.rotations[holder.layer]
        shift = rotation.shift_at(max(holder.start, rotation.begins))
        assert shift is not None
        while (begins := rotation.handoff(shift)) < min(holder.end, end):
            if begins >= start:
                overlap = _overlap(holder, begins, rotation.handoff(shift + 1))
                most.setdefault((holder.layer, shift), Counter())[holder.person] += round(overlap.total_seconds())
            shift += 1
    return Counter((layer, _first(counts)) for (layer, _), counts in most.items())


def _dates(
    on_call: OnCall, held: tuple[Holder, ...], start: datetime, end: datetime
) -> dict[str, set[tuple[str, date]]]:
    """Person → (layer, date) of each date of the span of which this person holds the most on that layer."""
    most: dict[tuple[str, date], Counter[str]] = {}
    for holder in held:
        for day, begins, ends in _days(on_call, max(holder.start, start), min(holder.end, end)):
            overlap = _overlap(holder, begins, ends)
            most.setdefault((holder.layer, day), Counter())[holder.person] += round(overlap.total_seconds())
    found: dict[str, set[tuple[str, date]]] = {}
    for (layer, day), counts in most.items():
        found.setdefault(_first(counts), set()).add((layer, day))
    return found


def _days(on_call: OnCall, start: datetime, end: datetime) -> Iterator[tuple[date, datetime, datetime]]:
    """The dates that [start, end) touches, each with the part of it that lies inside."""
    day = local_date(start, on_call.zone)
    while start < end:
        day += _DAY
        midnight = min(wall_time(day, time(0), on_call.zone), end)
        if midnight > start:
            yield day - _DAY, start, midnight
            start = midnight


def _first(counts: Counter[str]) -> str:
    """Who has the most; of equals, who came first."""
    return counts.most_common(1)[0][0]


def _is_holiday(registry: Registry, person: str, day: date) -> bool:
    places = (registry.on_call.holidays, registry.people[person].holidays)
    return any(place is not None and day in registry.on_call.holiday_dates(place, day.year) for place in places)


def _lieu_settled(on_call: OnCall, start: datetime, end: datetime) -> Counter[str]:
    """Person → dates off with ``in_lieu: true`` that begin in the span."""
    found: Counter[str] = Counter()
    for entry in on_call.time_off:
        if entry.in_lieu:
            days = _days(on_call, max(utc(entry.start), start), min(utc(entry.end), end))
            found[entry.person] += sum(1 for _ in days)
    return found
