"""Random on-calls around the awkward weeks of real time zones (hypothesis strategies)."""

from __future__ import annotations

import dataclasses
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from daybreak.domain.clock import wall_instant
from daybreak.domain.duration import Duration
from daybreak.domain.registry import (
    Defaults,
    HolidayPlace,
    Layer,
    OnCall,
    Override,
    Person,
    Registry,
    Swap,
    SwapSide,
    TimeOff,
)
from daybreak.domain.rotation import Rotation

ZONES = (
    "UTC",
    "America/Chicago",
    "America/Los_Angeles",
    "Europe/Berlin",
    "Asia/Bangkok",
    "Asia/Kathmandu",  # +05:45
    "Australia/Lord_Howe",  # puts its clocks forward by half an hour
    "Pacific/Apia",  # had no 30 December 2011
    "Pacific/Chatham",
    "Africa/Casablanca",  # winter time during Ramadan
    "America/Sao_Paulo",  # changed at midnight
    "Asia/Tehran",
    "Antarctica/Troll",  # two hours
)
PEOPLE = ("a", "b", "c", "d")
QUARTER = timedelta(minutes=15)


@cache
def changes(zone: str) -> tuple[date, ...]:
    """The days of 1996-2032 before which, or on which, the zone's clocks were changed."""
    info = ZoneInfo(zone)
    noons = [datetime(1996, 1, 1, 12, tzinfo=UTC) + timedelta(days=n) for n in range(36 * 366)]
    offsets = [noon.astimezone(info).utcoffset() for noon in noons]
    return tuple(
        noon.date() for noon, before, after in zip(noons[1:], offsets, offsets[1:], strict=False) if before != after
    )


@st.composite
def zones_and_days(draw: st.DrawFn) -> tuple[str, date]:
    """A zone and a day, most often a few days before its clocks change."""
    zone = draw(st.sampled_from(ZONES))
    known = changes(zone)
    if known and draw(st.integers(0, 4)):
        return zone, draw(st.sampled_from(known)) - timedelta(days=draw(st.integers(0, 6)))
    return zone, draw(st.dates(date(1996, 1, 8), date(2032, 1, 1)))


@st.composite
def locals_near(draw: st.DrawFn, day: date, days: int) -> datetime:
    """A local time at a quarter of an hour, at most ``days`` days after ``day``."""
    quarters = draw(st.integers(0, days * 96))
    return datetime(day.year, day.month, day.day) + quarters * QUARTER


def _swaps(on_call: OnCall, wanted: list[tuple[datetime, datetime]]) -> tuple[Swap, ...]:
    """Swaps that the check accepts: two different shifts of primary, each named with whose it is by then."""
    rotation = Rotation(on_call.layers["primary"], on_call.zone)
    now: dict[int, str] = {}
    found = []
    for instants in wanted:
        one, other = (rotation.shift_at(t) for t in instants)
        if one is None or other is None or one == other:
            continue
        persons = [now.get(n, rotation.person(n)) for n in (one, other)]
        now[one], now[other] = persons[1], persons[0]
        a, b = (SwapSide(person=person, at=t) for person, t in zip(persons, instants, strict=True))
        found.append(Swap(layer="primary", a=a, b=b))
    return tuple(found)


@st.composite
def registries(draw: st.DrawFn, **fixed: Any) -> tuple[Registry, datetime]:
    """A registry with everything in it that decides who is on call, and the instant around which it happens."""
    name, day = draw(zones_and_days())
    zone = ZoneInfo(name)
    every = draw(st.sampled_from(("5h", "12h", "1d", "2d", "1w", "90m")))
    reach = 21 if every == "1w" else 6

    def instant() -> datetime:
        return wall_instant(draw(locals_near(day, reach)), zone)

    def spans(count: int) -> list[tuple[datetime, datetime]]:
        found = [tuple(sorted((instant(), instant()))) for _ in range(draw(st.integers(0, count)))]
        return [(start, end) for start, end in found if start < end]

    names = ("primary", "secondary") if draw(st.booleans()) else ("primary",)
    layers = {
        each: Layer(
            name=each,
            start=draw(locals_near(day, 2)),
            every=Duration.parse(every),
            members=tuple(draw(st.lists(st.sampled_from(PEOPLE), min_size=1, max_size=4))),
        )
        for each in names
    }
    overrides: list[Override] = []
    for start, end in spans(3):
        layer, person = draw(st.sampled_from(names)), draw(st.sampled_from(PEOPLE))
        if all(other.layer != layer or other.end <= start or end <= other.start for other in overrides):
            overrides.append(Override(layer=layer, person=person, start=start, end=end))
    holidays = {
        person: frozenset(draw(st.lists(st.integers(0, reach), max_size=3)))
        for person in draw(st.lists(st.sampled_from(PEOPLE), unique=True, max_size=2))
    }

    def holiday_dates(place: HolidayPlace, year: int) -> frozenset[date]:
        days = (day + timedelta(days=n) for n in holidays[place.country])
        return frozenset(one for one in days if one.year == year)

    values: dict[str, Any] = {
        "zone": zone,
        "layers": layers,
        "overrides": tuple(overrides),
        "time_off": tuple(
            TimeOff(person=draw(st.sampled_from(PEOPLE)), start=start, end=end) for start, end in spans(4)
        ),
        "holiday_dates": holiday_dates,
        "cover": tuple(draw(st.permutations(("secondary", "pipeline_secondary", "backup")))),
        "backup": draw(st.sampled_from((None, *PEOPLE))),
        "compensation_after_turns": draw(st.sampled_from((None, 1, 2))),
    }
    on_call = OnCall(**{**values, **fixed})
    swaps = _swaps(on_call, [(instant(), instant()) for _ in range(draw(st.integers(0, 2)))])
    on_call = dataclasses.replace(on_call, swaps=swaps)
    people = {
        one: Person(id=one, name=one.upper(), holidays=HolidayPlace(country=one) if one in holidays else None)
        for one in PEOPLE
    }
    registry = Registry(zone=zone, people=people, on_call=on_call, defaults=Defaults(owner="a"), pipelines={})
    return registry, wall_instant(datetime(day.year, day.month, day.day), zone)
