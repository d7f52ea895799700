"""To which occurrence an instant belongs: the business date, due and the cycle around it, for one run or one wait.

The monitor looks at many occurrences at once (:mod:`daybreak.domain.occurrence`); a surface has one instant in hand,
often inside Airflow's scheduler, and wants the one cycle that holds it, cheaply and without a registry.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from daybreak.domain.clock import local_date, wall_time
from daybreak.domain.registry import Deadline, Pipeline, Registry

_LOOK_BACK = 40  # days: longer than any run of days without an occurrence that a calendar makes

Holiday = Callable[[date], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cycle:
    """One occurrence's time. ``due_at`` is None for what has no deadline; the cycle is then the local day."""

    business_date: date
    due_at: datetime | None
    opens_at: datetime
    closes_at: datetime


def cycle_at(deadline: Deadline, instant: datetime, is_holiday: Holiday | None = None) -> Cycle | None:
    """The cycle of ``deadline`` that holds ``instant``; None if the deadline has no days near it."""
    today = local_date(instant, deadline.zone)
    later: tuple[date, datetime] | None = None
    for ahead in range(_LOOK_BACK, -_LOOK_BACK, -1):
        day = today + timedelta(days=ahead)
        if not _counts(deadline, day, is_holiday):
            continue
        opens_at = _opens_at(deadline, day)
        if opens_at <= instant and later is not None:
            due_at = wall_time(day, deadline.due, deadline.zone)
            return Cycle(business_date=day, due_at=due_at, opens_at=opens_at, closes_at=later[1])
        later = (day, opens_at)
    return None


def pipeline_cycle(registry: Registry, pipeline: Pipeline, instant: datetime) -> Cycle:
    """The cycle of ``pipeline`` that holds ``instant``: its local day where it has no deadline."""
    found = cycle_at(pipeline.deadline, instant, _holidays(registry)) if pipeline.deadline else None
    return found or _day(instant, registry)


def upstream_cycle(
    registry: Registry | None,
    clock: Deadline | None,
    instant: datetime,
    *,
    due_at: datetime | None,
) -> Cycle:
    """The occurrence that a run at ``instant`` waits for.

    With the waiting pipeline's ``due_at``: the latest expected at or before it. Else the one whose cycle holds
    ``instant``. Without a clock: the local day.
    """
    if clock is None:
        return _day(instant, registry)
    is_holiday = _holidays(registry) if registry else None
    cycle = cycle_at(clock, due_at or instant, is_holiday)
    while due_at is not None and cycle is not None and cycle.due_at is not None and cycle.due_at > due_at:
        cycle = cycle_at(clock, cycle.opens_at - timedelta(seconds=1), is_holiday)
    return cycle or _day(instant, registry)


def _counts(deadline: Deadline, day: date, is_holiday: Holiday | None) -> bool:
    if day.weekday() not in deadline.days:
        return False
    return not (deadline.skip_holidays and is_holiday is not None and is_holiday(day))


def _opens_at(deadline: Deadline, day: date) -> datetime:
    return wall_time(day - timedelta(days=1) if deadline.opens_day_before else day, deadline.opens, deadline.zone)


def _holidays(registry: Registry) -> Holiday | None:
    place = registry.on_call.holidays
    if place is None:
        return None
    dates = registry.on_call.holiday_dates
    return lambda day: day in dates(place, day.year)


def _day(instant: datetime, registry: Registry | None) -> Cycle:
    zone = registry.zone if registry else None
    day = local_date(instant, zone) if zone else instant.astimezone(UTC).date()
    start, end = (
        wall_time(one, time(0), zone) if zone else datetime.combine(one, time(0), UTC)
        for one in (day, day + timedelta(days=1))
    )
    return Cycle(business_date=day, due_at=None, opens_at=start, closes_at=end)
