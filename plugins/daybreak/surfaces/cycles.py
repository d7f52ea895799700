"""To which occurrence an instant belongs: business date, due and cycle, for one run or one wait."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from daybreak.domain import occurrence
from daybreak.domain.clock import local_date, wall_time
from daybreak.domain.occurrence import Calendar, calendar_of
from daybreak.domain.registry import Deadline, Defaults, HolidayPlace, OnCall, Pipeline, Registry


@dataclass(frozen=True, slots=True, kw_only=True)
class Cycle:
    """One occurrence's time. ``due_at`` is None for what has no deadline; the cycle is then the local day."""

    business_date: date
    due_at: datetime | None
    opens_at: datetime
    closes_at: datetime


def pipeline_cycle(registry: Registry, pipeline: Pipeline, instant: datetime) -> Cycle:
    """The cycle of ``pipeline`` that holds ``instant``: its local day where it has no deadline."""
    deadline = pipeline.deadline
    found = calendar_of(registry).cycle_at(deadline, instant) if deadline else None
    return _cycle(found) or _day(instant, registry.zone)


def upstream_cycle(
    registry: Registry | None, clock: Deadline | None, instant: datetime, *, due_at: datetime | None
) -> Cycle:
    """The occurrence that a run at ``instant`` waits for.

    With the waiting pipeline's ``due_at``: the latest expected at or before it. Else the one whose cycle holds
    ``instant``. Without a clock: the local day.
    """
    zone = registry.zone if registry else ZoneInfo("UTC")
    if clock is None:
        return _day(instant, zone)
    calendar = calendar_of(registry) if registry else bare_calendar()
    found = calendar.latest_due(clock, due_at) if due_at else calendar.cycle_at(clock, instant)
    return _cycle(found) or _day(instant, zone)


def bare_calendar(place: HolidayPlace | None = None) -> Calendar:
    """A calendar without a registry, for where none may be read; with the holidays of ``place`` if given."""
    zone = ZoneInfo("UTC")
    if place is None:
        on_call = OnCall(zone=zone, layers={})
    else:
        from daybreak.config.holiday_dates import holiday_dates

        on_call = OnCall(zone=zone, layers={}, holidays=place, holiday_dates=holiday_dates)
    return Calendar(Registry(zone=zone, people={}, on_call=on_call, defaults=Defaults(owner=""), pipelines={}))


def _cycle(found: occurrence.Cycle | None) -> Cycle | None:
    if found is None:
        return None
    return Cycle(
        business_date=found.business_date, due_at=found.due_at, opens_at=found.opens_at, closes_at=found.closes_at
    )


def _day(instant: datetime, zone: ZoneInfo) -> Cycle:
    day = local_date(instant.astimezone(UTC), zone)
    start, end = (wall_time(one, time(0), zone) for one in (day, day + timedelta(days=1)))
    return Cycle(business_date=day, due_at=None, opens_at=start, closes_at=end)
