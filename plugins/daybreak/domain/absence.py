"""Who is off, and when: time off as entered, and people's own public holidays (days in the on-call time zone)."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from enum import Enum
from functools import cached_property

from daybreak.domain.clock import wall_time
from daybreak.domain.registry import HolidayPlace, OnCall, Person
from daybreak.domain.rotation import utc

Span = tuple[datetime, datetime]


class Off(Enum):
    """Why somebody is off. Time off can leave a gap; a holiday cannot, since the person then stays on call."""

    TIME_OFF = "time off"
    HOLIDAY = "holiday"


class Spans:
    """Half-open spans of time, sorted and merged."""

    __slots__ = ("_ends", "_starts")

    def __init__(self, spans: Iterable[Span]) -> None:
        self._starts: list[datetime] = []
        self._ends: list[datetime] = []
        for start, end in sorted(spans):
            if start >= end:
                continue
            if self._ends and start <= self._ends[-1]:
                self._ends[-1] = max(self._ends[-1], end)
            else:
                self._starts.append(start)
                self._ends.append(end)

    def __iter__(self) -> Iterator[Span]:
        return zip(self._starts, self._ends, strict=True)

    def at(self, instant: datetime) -> Span | None:
        """The span that contains ``instant``."""
        i = bisect_right(self._starts, instant) - 1
        return (self._starts[i], self._ends[i]) if i >= 0 and instant < self._ends[i] else None

    def within(self, start: datetime, end: datetime) -> Iterator[Span]:
        """The spans that overlap [start, end), whole."""
        for i in range(bisect_right(self._ends, start), len(self._starts)):
            if self._starts[i] >= end:
                return
            yield self._starts[i], self._ends[i]


NEVER = Spans(())


class Absences:
    """The absences of everybody, indexed for look-ups by person and time."""

    def __init__(self, on_call: OnCall, people: Mapping[str, Person]) -> None:
        self._on_call = on_call
        self._places = {person.id: person.holidays for person in people.values() if person.holidays}
        self._years: dict[tuple[HolidayPlace, int], Spans] = {}
        by_person: dict[str, list[Span]] = {}
        for entry in on_call.time_off:
            by_person.setdefault(entry.person, []).append((utc(entry.start), utc(entry.end)))
        self._time_off = {person: Spans(spans) for person, spans in by_person.items()}

    @property
    def has_personal_holidays(self) -> bool:
        return bool(self._places)

    @cached_property
    def anybody(self) -> Spans:
        """When anybody at all has time off."""
        return Spans(span for spans in self._time_off.values() for span in spans)

    def at(self, person: str, instant: datetime) -> Off | None:
        """Whether, and why, ``person`` is off at ``instant`` (UTC). Time off comes before a holiday."""
        if self._time_off.get(person, NEVER).at(instant):
            return Off.TIME_OFF
        return Off.HOLIDAY if self._holidays(person, instant, instant).at(instant) else None

    def span_at(self, person: str, instant: datetime) -> tuple[Off, Span] | None:
        """Why ``person`` is off at ``instant``, and from when until when."""
        if span := self._time_off.get(person, NEVER).at(instant):
            return Off.TIME_OFF, span
        if span := self._holidays(person, instant, instant).at(instant):
            return Off.HOLIDAY, span
        return None

    def edges(self, person: str, start: datetime, end: datetime) -> list[datetime]:
        """The instants within (start, end) at which ``person`` goes off or comes back."""
        found = [
            edge
            for spans in (self._time_off.get(person, NEVER), self._holidays(person, start, end))
            for span in spans.within(start, end)
            for edge in span
        ]
        return [edge for edge in found if start < edge < end]

    def touches(self, person: str, start: datetime, end: datetime) -> bool:
        """Whether ``person`` is off at any time within [start, end)."""
        spans = self._time_off.get(person)
        if spans is not None and next(spans.within(start, end), None):
            return True
        return person in self._places and next(self._holidays(person, start, end).within(start, end), None) is not None

    def _holidays(self, person: str, start: datetime, end: datetime) -> Spans:
        """The person's own holidays of at least the local years that [start, end] touches."""
        place = self._places.get(person)
        if place is None:
            return NEVER
        first, last = (instant.astimezone(self._on_call.zone).year for instant in (start, end))
        if first == last:
            return self._year(place, first)
        return Spans(span for year in range(first, last + 1) for span in self._year(place, year))

    def _year(self, place: HolidayPlace, year: int) -> Spans:
        spans = self._years.get((place, year))
        if spans is None:
            # A day of the year before can reach past midnight where the clocks were put back just after it.
            days = {date(year - 1, 12, 31)} & self._on_call.holiday_dates(place, year - 1)
            days |= self._on_call.holiday_dates(place, year)
            spans = Spans(self._day(day) for day in days)
            self._years[place, year] = spans
        return spans

    def _day(self, day: date) -> Span:
        zone = self._on_call.zone
        return wall_time(day, time(0), zone), wall_time(day + timedelta(days=1), time(0), zone)


BEGINNING = datetime.min.replace(tzinfo=UTC)
"""Before everything: where the time without anybody before a rotation's start begins."""
END = datetime.max.replace(tzinfo=UTC)
