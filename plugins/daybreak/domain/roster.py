"""The on-call as it was planned, ready for look-ups: whose each shift is, and what overrides leave of it.

A layer's time is tiled by *pieces*: one per override, one per shift, less what overrides take from it, and stretches
of nobody before the rotation's start. Absences are not looked at here: :mod:`daybreak.domain.cover` divides pieces by
them.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from daybreak.domain.absence import BEGINNING
from daybreak.domain.registry import OnCall
from daybreak.domain.rotation import Rotation, utc

Reason = Literal["rotation", "override", "swap", "cover", "compensation"]


@dataclass(frozen=True, slots=True)
class Piece:
    """[start, end) of one layer that one entry of the plan decides. ``person`` None: nobody is planned."""

    layer: str
    start: datetime
    end: datetime
    person: str | None
    reason: Reason
    shift: int | None  # None for an override and before the start


@dataclass(frozen=True, slots=True)
class Relief:
    """Compensation: ``taker`` takes ``shift`` of ``relieved``, who covered ``covered_shift`` for ``taker``."""

    layer: str
    shift: int
    taker: str
    relieved: str
    covered_shift: int


class Plan:
    """One registry's on-call without absences. Layers, overrides and swaps never change; reliefs are added as
    :class:`daybreak.domain.cover.Roster` finds them, in the order of time."""

    def __init__(self, on_call: OnCall) -> None:
        self.on_call = on_call
        self.rotations = {name: Rotation(layer, on_call.zone) for name, layer in on_call.layers.items()}
        self.reliefs: dict[tuple[str, int], Relief] = {}
        self.swaps: dict[tuple[str, int], str] = {}
        for swap in on_call.swaps:
            rotation = self.rotations[swap.layer]
            for gives, takes in ((swap.a, swap.b), (swap.b, swap.a)):
                shift = rotation.shift_at(utc(gives.at))
                if shift is not None:
                    self.swaps[swap.layer, shift] = takes.person
        overrides: dict[str, list[tuple[datetime, datetime, str]]] = {name: [] for name in self.rotations}
        for override in on_call.overrides:
            overrides[override.layer].append((utc(override.start), utc(override.end), override.person))
        self._overrides = {name: sorted(found) for name, found in overrides.items()}
        self._starts = {name: [start for start, _, _ in found] for name, found in self._overrides.items()}

    def person_of(self, layer: str, shift: int) -> tuple[str, Reason]:
        """Whose ``shift`` of ``layer`` is, after compensation, then swaps."""
        if swapped := self.swaps.get((layer, shift)):
            return swapped, "swap"
        if relief := self.reliefs.get((layer, shift)):
            return relief.taker, "compensation"
        return self.rotations[layer].person(shift), "rotation"

    def at(self, layer: str, instant: datetime) -> Piece:
        """The piece of ``layer`` that contains ``instant`` (UTC)."""
        overrides = self._overrides[layer]
        i = bisect_right(self._starts[layer], instant)
        if i and instant < overrides[i - 1][1]:
            start, end, person = overrides[i - 1]
            return Piece(layer, start, end, person, "override", None)
        after = overrides[i - 1][1] if i else BEGINNING
        until = overrides[i][0] if i < len(overrides) else None
        rotation = self.rotations[layer]
        shift = rotation.shift_at(instant)
        if shift is None:
            end = rotation.begins if until is None else min(rotation.begins, until)
            return Piece(layer, after, end, None, "rotation", None)
        start, end = rotation.bounds(shift)
        person, reason = self.person_of(layer, shift)
        end = end if until is None else min(end, until)
        return Piece(layer, max(start, after), end, person, reason, shift)

    def between(self, layer: str, start: datetime, end: datetime) -> Iterator[Piece]:
        """The pieces of ``layer`` that overlap [start, end), whole, in order; they tile it."""
        while start < end:
            piece = self.at(layer, start)
            yield piece
            start = piece.end
