"""A second on-call, written from the rules alone and as slowly as they read: what the fast one is compared with.

Time is walked in steps of a quarter of an hour; nothing is indexed, and nothing of the domain's arithmetic is used.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from daybreak.domain.registry import OnCall, Registry

STEP = timedelta(minutes=15)
Answer = tuple[str, str] | None
Stretch = tuple[str, str, datetime, datetime]


def first_instant_showing(local: datetime, zone: ZoneInfo) -> datetime:
    """Walk until the clocks show ``local`` or, where they never do, a later time."""
    t = local.replace(tzinfo=UTC) - timedelta(hours=27)
    while t.astimezone(zone).replace(tzinfo=None) < local:
        t += STEP
    return t


class Naive:
    """``who``, ``shifts`` and ``gaps`` of one registry."""

    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        self.on_call: OnCall = registry.on_call
        self.handoff = cache(self._handoff)
        self.shift = cache(self._shift)
        self.planned = cache(self._planned)
        self.whole = cache(self._whole)

    def _handoff(self, layer: str, n: int) -> datetime:
        rota = self.on_call.layers[layer]
        count, unit = rota.every.count, rota.every.unit
        if unit in "mh":
            step = timedelta(minutes=count) if unit == "m" else timedelta(hours=count)
            return first_instant_showing(rota.start, self.on_call.zone) + n * step
        days = count * (7 if unit == "w" else 1)
        return first_instant_showing(rota.start + timedelta(days=n * days), self.on_call.zone)

    def _shift(self, layer: str, t: datetime) -> int | None:
        n = -1
        while self.handoff(layer, n + 1) <= t:
            n += 1
        return n if n >= 0 else None

    def override(self, layer: str, t: datetime) -> int | None:
        for i, entry in enumerate(self.on_call.overrides):
            if entry.layer == layer and entry.start <= t < entry.end:
                return i
        return None

    def _planned(self, layer: str, n: int) -> tuple[str, str]:
        swapped = None
        for swap in self.on_call.swaps:  # in their order: a shift that was exchanged can be exchanged again
            for gives, takes in ((swap.a, swap.b), (swap.b, swap.a)):
                if swap.layer == layer and self.shift(layer, gives.at) == n:
                    swapped = takes.person
        if swapped:
            return swapped, "swap"
        members = self.on_call.layers[layer].members
        turn, place = divmod(n, len(members))
        mine = members[place]
        turns = self.on_call.compensation_after_turns
        if turns is not None and members.index(mine) == place and turn >= turns:
            for earlier in range((turn - turns) * len(members), (turn - turns + 1) * len(members)):
                found = self.whole(layer, earlier)
                if found and found[1] == mine:
                    return found[0], "compensation"
        return mine, "rotation"

    def _whole(self, layer: str, n: int) -> tuple[str, str] | None:
        """(covered, by) where one person covered all of shift ``n``."""
        t, end = self.handoff(layer, n), self.handoff(layer, n + 1)
        answers = set()
        while t < end:
            if self.override(layer, t) is not None:
                return None
            answers.add(self.who(layer, t))
            t += STEP
        if len(answers) != 1 or (answer := answers.pop()) is None or answer[1] != "cover":
            return None
        return self.planned(layer, n)[0], answer[0]

    def base(self, layer: str, t: datetime) -> Answer:
        i = self.override(layer, t)
        if i is not None:
            return self.on_call.overrides[i].person, "override"
        n = self.shift(layer, t)
        return None if n is None else self.planned(layer, n)

    def time_off(self, person: str, t: datetime) -> bool:
        return any(entry.person == person and entry.start <= t < entry.end for entry in self.on_call.time_off)

    def holiday(self, person: str, t: datetime) -> bool:
        place = self.registry.people[person].holidays
        if place is None:
            return False
        day = t.astimezone(self.on_call.zone).date()
        return day in self.on_call.holiday_dates(place, day.year)

    def who(self, layer: str, t: datetime, deputy: str | None = None) -> Answer:
        base = self.base(layer, t)
        if base is None:
            return None
        person, reason = base
        if not self.time_off(person, t) and not self.holiday(person, t):
            return person, reason
        for entry in self.on_call.cover:
            if entry == "secondary":
                found = self.base("secondary", t) if "secondary" in self.on_call.layers else None
                candidate = found[0] if found else None
            else:
                candidate = {"pipeline_secondary": deputy, "backup": self.on_call.backup}[entry]
            if candidate and not self.time_off(candidate, t) and not self.holiday(candidate, t):
                return candidate, "cover"
        return None if self.time_off(person, t) else (person, reason)

    def block(self, layer: str, t: datetime) -> object:
        """What may not be merged with anything else: one override, or one shift."""
        i = self.override(layer, t)
        return ("override", i) if i is not None else ("shift", self.shift(layer, t))

    def walk(self, layer: str, start: datetime, end: datetime) -> Iterator[tuple[datetime, Answer, object]]:
        t = start
        while t < end:
            yield t, self.who(layer, t), self.block(layer, t)
            t += STEP

    def shifts(self, layer: str, start: datetime, end: datetime) -> list[Stretch]:
        """The stretches in [start, end), clipped to it: the caller leaves room around what it compares."""
        found: list[Stretch] = []
        last: object = None
        for t, answer, block in self.walk(layer, start, end):
            if answer and last == (answer, block):
                found[-1] = (*found[-1][:3], t + STEP)
            elif answer:
                found.append((*answer, t, t + STEP))
            last = (answer, block)
        return found

    def gaps(self, layer: str, start: datetime, end: datetime) -> list[tuple[datetime, datetime]]:
        found: list[tuple[datetime, datetime]] = []
        for t, answer, _ in self.walk(layer, start, end):
            if answer is None and found and found[-1][1] == t:
                found[-1] = (found[-1][0], t + STEP)
            elif answer is None:
                found.append((t, t + STEP))
        return found
