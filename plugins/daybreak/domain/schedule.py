"""The on-call over a span of time: every stretch that overlaps it, whole, and the gaps inside it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from daybreak.domain.cover import Gap, Holder
from daybreak.domain.oncall import roster_of
from daybreak.domain.registry import OnCall, Pipeline, Registry
from daybreak.domain.rotation import utc


@dataclass(frozen=True, slots=True)
class Schedule:
    """``shifts``: maximal, never clipped, by start. ``gaps``: maximal, clipped to the span asked for."""

    shifts: tuple[Holder, ...]
    gaps: tuple[Gap, ...]


def stretches(
    source: Registry | OnCall, layer: str, start: datetime, end: datetime, pipeline: Pipeline | None = None
) -> Schedule:
    """The schedule of ``layer`` over [start, end) (aware). Stretches and gaps together tile it.

    A shift is never merged with the next over a handoff; an override is one stretch, whatever handoffs it spans.
    """
    start, end = utc(start), utc(end)
    shifts: list[Holder] = []
    gaps: list[Gap] = []
    for part in roster_of(source).parts(layer, start, end, pipeline.secondary_owner if pipeline else None):
        if isinstance(part, Holder):
            shifts.append(part)
        elif gaps and gaps[-1].end == part.start:
            gaps[-1] = Gap(layer, gaps[-1].start, min(part.end, end))
        else:
            gaps.append(Gap(layer, max(part.start, start), min(part.end, end)))
    return Schedule(tuple(shifts), tuple(gaps))


def schedule(source: Registry | OnCall, start: datetime, end: datetime, layer: str | None = None) -> Schedule:
    """The schedule of one layer, or of all in the registry's order (layer by layer)."""
    on_call = source.on_call if isinstance(source, Registry) else source
    found = [stretches(source, name, start, end) for name in ([layer] if layer else on_call.layers)]
    return Schedule(
        tuple(shift for each in found for shift in each.shifts), tuple(gap for each in found for gap in each.gaps)
    )
