"""Absences laid over the plan: who steps in, when, and what it earns them (design §4, "Who is on call").

Cover goes to the first in ``cover`` who is available. Who is off because of a public holiday of their own stays on call
where nobody can step in; who has time off leaves a gap.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from heapq import merge
from threading import RLock

from daybreak.domain.absence import END, Absences, Off
from daybreak.domain.registry import OnCall, Person
from daybreak.domain.roster import Piece, Plan, Reason, Relief
from daybreak.domain.rotation import utc

PIPELINE_SECONDARY = "pipeline_secondary"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_PAGE_OF_SHIFTS = 4  # look-ups remember this many shifts' length of time at once
_REMEMBERED = 4096  # pages kept: some three hundred years of weeks


@dataclass(frozen=True, slots=True)
class Holder:
    """One person on call on one layer for one reason: [start, end), maximal, never merged over a handoff."""

    layer: str
    person: str
    start: datetime
    end: datetime
    reason: Reason


@dataclass(frozen=True, slots=True)
class Gap:
    """[start, end) in which nobody is on call on a layer."""

    layer: str
    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Covering:
    """``by`` covered the whole of ``shift`` for ``covered``: a credit, and a relief where compensation is agreed."""

    layer: str
    shift: int
    covered: str
    by: str
    relief: Relief | None


class Roster:
    """Who is on call, for one registry. Answers depend on nothing else: what is kept between calls only saves time."""

    def __init__(self, on_call: OnCall, people: Mapping[str, Person]) -> None:
        self.on_call = on_call
        self.plan = Plan(on_call)
        self.absences = Absences(on_call, people)
        self._pages: dict[tuple[str, str | None, int], tuple[list[datetime], list[Holder | Gap]]] = {}
        self._queue = self._shifts_worth_a_look()
        self._next = next(self._queue, None)
        self._lock = RLock()

    def at(self, layer: str, instant: datetime, deputy: str | None = None) -> Holder | None:
        """Who is on call on ``layer`` at ``instant``; None for nobody.

        :param deputy: the secondary owner of the pipeline at hand, if one is.
        """
        instant = utc(instant)
        length = self.plan.rotations[layer].length * _PAGE_OF_SHIFTS
        number = (instant - _EPOCH) // length
        page = self._pages.get((layer, deputy, number))
        if page is None:
            start = _EPOCH + number * length
            parts = list(self.parts(layer, start, start + length, deputy))
            page = [part.start for part in parts], parts
            if len(self._pages) >= _REMEMBERED:
                self._pages.clear()
            self._pages[layer, deputy, number] = page
        starts, parts = page
        part = parts[bisect_right(starts, instant) - 1]
        return part if isinstance(part, Holder) else None

    def parts(self, layer: str, start: datetime, end: datetime, deputy: str | None = None) -> Iterator[Holder | Gap]:
        """The stretches of ``layer`` that overlap [start, end), whole, in order, people and gaps alike."""
        start, end = utc(start), utc(end)
        self.settle(end)
        for piece in self.plan.between(layer, start, end):
            self.settle(piece.end)  # whom cover finds on other layers depends on reliefs up to there
            for part in self._divide(piece, deputy):
                if part.end > start and part.start < end:
                    yield part

    def candidates(self, deputy: str | None, instant: datetime) -> Iterator[tuple[str, str]]:
        """(entry of ``cover``, person) in the order of ``cover``, available or not."""
        for entry in self.on_call.cover:
            person = self._candidate(entry, deputy, instant)
            if person is not None:
                yield entry, person

    def coverings(self, layer: str, start: datetime, end: datetime) -> Iterator[Covering]:
        """The shifts of ``layer`` ending in (start, end] that one person covered whole for another."""
        self.settle(end)
        rotation = self.plan.rotations[layer]
        shift = rotation.shift_at(start) or 0
        while rotation.handoff(shift + 1) <= end:
            if rotation.handoff(shift + 1) > start and (found := self._covered_whole(layer, shift)):
                reliefs = self.plan.reliefs.values()
                relief = next((one for one in reliefs if (one.layer, one.covered_shift) == (layer, shift)), None)
                yield Covering(layer=layer, shift=shift, covered=found[0], by=found[1], relief=relief)
            shift += 1

    def settle(self, until: datetime) -> None:
        """Find the reliefs that shifts ended by ``until`` have earned. Each shift is looked at once."""
        if self._next is None or self._next[0] > until:
            return
        with self._lock:
            while self._next is not None and self._next[0] <= until:
                _, layer, shift = self._next
                self._earn(layer, shift)
                self._next = next(self._queue, None)

    def _divide(self, piece: Piece, deputy: str | None) -> tuple[Holder | Gap, ...]:
        if piece.person is None:
            return (Gap(piece.layer, piece.start, piece.end),)
        if not self.absences.touches(piece.person, piece.start, piece.end):
            return (Holder(piece.layer, piece.person, piece.start, piece.end, piece.reason),)
        edges = self._edges(piece, deputy)
        found: list[tuple[datetime, tuple[str, Reason] | None]] = []
        for start in edges:
            holder = self._holder(piece, piece.person, deputy, start)
            if not found or found[-1][1] != holder:
                found.append((start, holder))
        ends = [start for start, _ in found[1:]] + [piece.end]
        return tuple(
            Gap(piece.layer, start, end) if holder is None else Holder(piece.layer, holder[0], start, end, holder[1])
            for (start, holder), end in zip(found, ends, strict=True)
        )

    def _holder(self, piece: Piece, person: str, deputy: str | None, instant: datetime) -> tuple[str, Reason] | None:
        off = self.absences.at(person, instant)
        if off is None:
            return person, piece.reason
        for _, candidate in self.candidates(deputy, instant):
            if self.absences.at(candidate, instant) is None:
                return candidate, "cover"
        return (person, piece.reason) if off is Off.HOLIDAY else None

    def _edges(self, piece: Piece, deputy: str | None) -> list[datetime]:
        """Every instant of ``piece`` at which the answer may change, its start first."""
        people = {piece.person or ""}
        edges = {piece.start}
        for entry in self.on_call.cover:
            if entry in self.plan.rotations:
                for other in self.plan.between(entry, piece.start, piece.end):
                    people.add(other.person or "")
                    edges.add(max(other.start, piece.start))
            elif person := self._candidate(entry, deputy, piece.start):
                people.add(person)
        for person in people:
            edges.update(self.absences.edges(person, piece.start, piece.end))
        return sorted(edges)

    def _candidate(self, entry: str, deputy: str | None, instant: datetime) -> str | None:
        if entry in self.plan.rotations:
            return self.plan.at(entry, instant).person
        if entry == PIPELINE_SECONDARY:
            return deputy
        return self.on_call.backup if entry == "backup" else None

    def _shifts_worth_a_look(self) -> Iterator[tuple[datetime, str, int]]:
        """(end, layer, shift) of every shift that somebody may have covered whole, in the order of their ends.

        A relief depends only on shifts that ended before the relieved one began, so this order sees causes first.
        """
        if self.on_call.compensation_after_turns is None:
            return iter(())
        return merge(*(self._shifts_of(layer) for layer in self.plan.rotations))

    def _shifts_of(self, layer: str) -> Iterator[tuple[datetime, str, int]]:
        rotation = self.plan.rotations[layer]
        if self.absences.has_personal_holidays:
            windows = iter([(rotation.begins, END)])
        else:
            windows = iter(self.absences.anybody)
        n = 0
        for start, end in windows:
            n = max(n, rotation.shift_at(start) or 0)
            while (handoff := rotation.handoff(n + 1)) <= end:
                yield handoff, layer, n
                n += 1

    def _covered_whole(self, layer: str, shift: int) -> tuple[str, str] | None:
        """(covered, by) where one person covered the whole of ``shift``, whatever pipeline was at hand."""
        start, end = self.plan.rotations[layer].bounds(shift)
        piece = self.plan.at(layer, start)
        if piece.person is None or (piece.shift, piece.start, piece.end) != (shift, start, end):
            return None  # an override took a part of it, or it is empty
        first, *more = self._divide(piece, None)
        if more or not isinstance(first, Holder) or first.reason != "cover":
            return None
        return piece.person, first.person

    def _earn(self, layer: str, shift: int) -> None:
        """Record the relief that ``shift`` earns, if somebody covered all of it and has a shift to be relieved of."""
        found = self._covered_whole(layer, shift)
        turns = self.on_call.compensation_after_turns
        if found is None or turns is None:
            return
        covered, by = found
        rotation = self.plan.rotations[layer]
        target = rotation.first_shift_in_turn(by, rotation.turn(shift) + turns)
        if target is not None:  # of two who were covered by the same person the first takes the shift
            relief = Relief(layer, target, taker=covered, relieved=by, covered_shift=shift)
            self.plan.reliefs.setdefault((layer, target), relief)
