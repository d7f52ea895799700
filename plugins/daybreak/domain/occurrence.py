"""When things are due: the occurrences of a deadline, and the cycle that holds an instant.

A cycle is [opens, the next occurrence's opens): days without the deadline do not end it, so Friday's lasts until
Monday's for ``weekdays``. Everything here follows from the registry and the calendar alone; runs play no part.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from daybreak.domain.clock import local_date, wall_time
from daybreak.domain.incident import Occurrence
from daybreak.domain.registry import Deadline, Pipeline, Registry, Upstream

_LOOK = 400  # days without a single due day after which a deadline is taken to have none
_ONE_DAY = timedelta(days=1)
_NEVER = datetime.max.replace(tzinfo=UTC)
_MEMO = 20_000  # (deadline, day) pairs kept


@dataclass(frozen=True, slots=True)
class Cycle:
    """One due instant and the time [opens_at, closes_at) that belongs to it; instants in UTC."""

    business_date: date
    due_at: datetime
    opens_at: datetime
    closes_at: datetime

    def holds(self, instant: datetime) -> bool:
        return self.opens_at <= instant < self.closes_at


class Calendar:
    """The occurrences of one registry. Look-ups are remembered: a registry's value never changes."""

    def __init__(self, registry: Registry) -> None:
        self._on_call = registry.on_call
        self._cycles: dict[tuple[Deadline, date], Cycle | None] = {}
        self._current: tuple[dict[str, Occurrence], dict[str, Occurrence]] = ({}, {})  # pipelines', upstreams'
        self._expected: dict[tuple[str, datetime], Occurrence | None] = {}

    def cycle_at(self, deadline: Deadline, instant: datetime) -> Cycle | None:
        """The cycle that holds ``instant``; None before the first, or for a deadline without days."""
        for day in self._days(deadline, local_date(instant, deadline.zone) + _ONE_DAY, -1):
            cycle = self._cycle(deadline, day)
            if cycle is not None and cycle.opens_at <= instant:
                return cycle
        return None

    def due_between(self, deadline: Deadline, start: datetime, end: datetime) -> tuple[Cycle, ...]:
        """The cycles due in [start, end), in order."""
        found = []
        day, last = local_date(start, deadline.zone) - _ONE_DAY, local_date(end, deadline.zone) + _ONE_DAY
        while day <= last:
            cycle = self._cycle(deadline, day)
            if cycle is not None and start <= cycle.due_at < end:
                found.append(cycle)
            day += _ONE_DAY
        return tuple(found)

    def latest_due(self, deadline: Deadline, instant: datetime) -> Cycle | None:
        """The cycle with the latest due instant at or before ``instant``."""
        for day in self._days(deadline, local_date(instant, deadline.zone), -1):
            cycle = self._cycle(deadline, day)
            if cycle is not None and cycle.due_at <= instant:
                return cycle
        return None

    def current(self, subject: Pipeline | Upstream, instant: datetime) -> Occurrence | None:
        """The occurrence whose cycle holds ``instant``; None for a pipeline that is owned, not judged."""
        of_kind = self._current[isinstance(subject, Upstream)]
        kept = of_kind.get(subject.id)
        if kept is not None and kept.opens_at <= instant < kept.closes_at:
            return kept
        deadline = deadline_of(subject)
        cycle = self.cycle_at(deadline, instant) if deadline is not None else None
        if cycle is None:
            return None
        found = occurrence(subject, cycle)
        of_kind[subject.id] = found
        return found

    def expected(self, upstream: Upstream, due_at: datetime) -> Occurrence | None:
        """The upstream's occurrence that a pipeline due at ``due_at`` waits for: the latest expected at or before."""
        key = (upstream.id, due_at)
        if key not in self._expected:
            if len(self._expected) > _MEMO:
                self._expected.clear()
            cycle = self.latest_due(upstream.expected, due_at)
            self._expected[key] = occurrence(upstream, cycle) if cycle else None
        return self._expected[key]

    def _days(self, deadline: Deadline, first: date, step: int) -> Iterator[date]:
        """The due days from ``first`` on, at most _LOOK days away."""
        for n in range(_LOOK):
            day = first + step * n * _ONE_DAY
            if self._is_due(deadline, day):
                yield day

    def _is_due(self, deadline: Deadline, day: date) -> bool:
        if day.weekday() not in deadline.days:
            return False
        place = self._on_call.holidays
        if not deadline.skip_holidays or place is None:
            return True
        return day not in self._on_call.holiday_dates(place, day.year)

    def _cycle(self, deadline: Deadline, day: date) -> Cycle | None:
        """The cycle of the business date ``day``; None if nothing is due on it."""
        key = (deadline, day)
        if key not in self._cycles:
            if len(self._cycles) > _MEMO:
                self._cycles.clear()
            self._cycles[key] = self._make(deadline, day) if self._is_due(deadline, day) else None
        return self._cycles[key]

    def _make(self, deadline: Deadline, day: date) -> Cycle:
        following = next(self._days(deadline, day + _ONE_DAY, 1), None)
        return Cycle(
            business_date=day,
            due_at=wall_time(day, deadline.due, deadline.zone),
            opens_at=_opens_at(deadline, day),
            closes_at=_opens_at(deadline, following) if following else _NEVER,
        )


def deadline_of(subject: Pipeline | Upstream) -> Deadline | None:
    """The clock of a pipeline or of an upstream."""
    return subject.expected if isinstance(subject, Upstream) else subject.deadline


def occurrence(subject: Pipeline | Upstream, cycle: Cycle) -> Occurrence:
    """``cycle`` as an occurrence of ``subject``."""
    return Occurrence(
        subject=subject.id,
        business_date=cycle.business_date,
        due_at=cycle.due_at,
        opens_at=cycle.opens_at,
        closes_at=cycle.closes_at,
        is_upstream=isinstance(subject, Upstream),
    )


def occurrences_between(
    registry: Registry, subject: Pipeline | Upstream, start: datetime, end: datetime
) -> tuple[Occurrence, ...]:
    """The occurrences of ``subject`` due in [start, end), in order."""
    deadline = deadline_of(subject)
    if deadline is None:
        return ()
    return tuple(occurrence(subject, cycle) for cycle in calendar_of(registry).due_between(deadline, start, end))


_RECENT: dict[int, tuple[Registry, Calendar]] = {}
_KEPT = 8


def calendar_of(registry: Registry) -> Calendar:
    """The calendar of ``registry``, made once a value."""
    kept = _RECENT.get(id(registry))
    if kept is not None and kept[0] is registry:
        return kept[1]
    calendar = Calendar(registry)
    while len(_RECENT) >= _KEPT:
        _RECENT.pop(next(iter(_RECENT)), None)
    _RECENT[id(registry)] = (registry, calendar)
    return calendar


def _opens_at(deadline: Deadline, day: date) -> datetime:
    return wall_time(day - _ONE_DAY if deadline.opens_day_before else day, deadline.opens, deadline.zone)
