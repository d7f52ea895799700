"""A rotation's arithmetic: handoffs, the shift that contains an instant, turns.

Handoff *n* is ``start`` + *n* × ``every``, each computed from ``start``'s local time, so that one that falls into a gap
of local time (and moves to its end) does not move the next. Minutes and hours are exact, days and weeks wall-clock.
Where a zone skipped a whole day, two daily handoffs can be one instant: the shift between them is empty, never found.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from daybreak.domain.clock import wall_instant
from daybreak.domain.registry import Layer


class Rotation:
    """One layer's shifts as instants in UTC. Shift *n* (from 0) is [handoff *n*, handoff *n* + 1)."""

    __slots__ = ("_exact", "_local", "_zone", "begins", "length", "members")

    def __init__(self, layer: Layer, zone: ZoneInfo) -> None:
        self.members = layer.members
        self.begins = wall_instant(layer.start, zone)
        self._local = layer.start
        self.length: timedelta = layer.every.nominal
        self._exact = layer.every.unit in ("m", "h")
        self._zone = zone
        if self.length <= timedelta(0) or not self.members:
            raise ValueError(f"layer {layer.name}: `every` must be longer than nothing and `members` not empty")

    def handoff(self, n: int) -> datetime:
        """The instant (UTC) at which shift ``n`` begins."""
        if self._exact:
            return self.begins + n * self.length
        return wall_instant(self._local + n * self.length, self._zone)

    def shift_at(self, instant: datetime) -> int | None:
        """The shift that contains ``instant`` (aware); None before the start."""
        if instant < self.begins:
            return None
        if self._exact:
            return (instant - self.begins) // self.length
        # Clocks that were put back show less than has passed, so the guess can only be too low: by the hours (once, on
        # Samoa, the day) by which local time and time differ.
        local = instant.astimezone(self._zone).replace(tzinfo=None, fold=0)
        n = max(0, (local - self._local) // self.length)
        while self.handoff(n + 1) <= instant:
            n += 1
        return n

    def bounds(self, n: int) -> tuple[datetime, datetime]:
        """[start, end) of shift ``n``."""
        return self.handoff(n), self.handoff(n + 1)

    def person(self, n: int) -> str:
        """Whose shift ``n`` is before compensation and swaps."""
        return self.members[n % len(self.members)]

    def turn(self, n: int) -> int:
        """The pass over the members, from 0, to which shift ``n`` belongs."""
        return n // len(self.members)

    def first_shift_in_turn(self, person: str, turn: int) -> int | None:
        """The first shift of ``person`` in ``turn``; None for somebody who is not a member."""
        if person not in self.members:
            return None
        return turn * len(self.members) + self.members.index(person)


def utc(instant: datetime) -> datetime:
    """``instant`` in UTC. Raises ValueError for one without offset: whose wall clock it means must be said."""
    if instant.tzinfo is UTC:
        return instant
    if instant.utcoffset() is None:
        raise ValueError(f"{instant.isoformat()} has no time zone")
    return instant.astimezone(UTC)
