"""On-calls in few words, for tests."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from daybreak.domain.duration import Duration
from daybreak.domain.registry import (
    Defaults,
    HolidayPlace,
    Layer,
    OnCall,
    Override,
    Person,
    Pipeline,
    Registry,
    Swap,
    SwapSide,
    TimeOff,
)

UTC_ZONE = ZoneInfo("UTC")
START = "2026-01-05T09:00"  # a Monday


def at(text: str, zone: ZoneInfo = UTC_ZONE) -> datetime:
    """``2026-03-02T09:00`` in ``zone``, as an instant in UTC."""
    value = datetime.fromisoformat(text)
    return (value if value.tzinfo else value.replace(tzinfo=zone)).astimezone(UTC)


def layer(members: str, *, name: str = "primary", start: str = START, every: str = "1w") -> Layer:
    """``members`` is ``"a b c"``."""
    return Layer(
        name=name, start=datetime.fromisoformat(start), every=Duration.parse(every), members=tuple(members.split())
    )


def on_call(*layers: Layer, zone: str = "UTC", **rest: Any) -> OnCall:
    return OnCall(zone=ZoneInfo(zone), layers={each.name: each for each in layers}, **rest)


def off(person: str, start: str, end: str, **rest: Any) -> TimeOff:
    return TimeOff(person=person, start=at(start), end=at(end), **rest)


def override(person: str, start: str, end: str, *, layer: str = "primary") -> Override:
    return Override(layer=layer, person=person, start=at(start), end=at(end))


def swap(a: str, a_at: str, b: str, b_at: str, *, layer: str = "primary") -> Swap:
    return Swap(layer=layer, a=SwapSide(person=a, at=at(a_at)), b=SwapSide(person=b, at=at(b_at)))


def pipeline(primary: str, secondary: str | None = None, **rest: Any) -> Pipeline:
    return Pipeline(id="p", name="P", dags=("p",), primary_owner=primary, secondary_owner=secondary, **rest)


def registry(
    roster: OnCall,
    *,
    holidays: Mapping[str, str] | None = None,
    owner: str = "a",
    extra: Iterable[str] = (),
    escalation: str | None = None,
    **rest: Any,
) -> Registry:
    """A registry of everybody named; ``holidays`` is person → country."""
    named = {member for each in roster.layers.values() for member in each.members} | {owner, *extra}
    named |= {one for one in (roster.backup, roster.manager) if one}
    named |= {entry.person for entry in (*roster.overrides, *roster.time_off)}
    places = holidays or {}
    people = {
        one: Person(
            id=one,
            name=f"Engineer {one.upper()}",
            opsgenie=f"{one}@example.com",
            holidays=HolidayPlace(country=places[one]) if one in places else None,
        )
        for one in sorted(named)
    }
    return Registry(
        zone=UTC_ZONE,
        people=people,
        on_call=roster,
        defaults=Defaults(owner=owner, escalation=escalation),
        pipelines=rest.pop("pipelines", {}),
        **rest,
    )


def holidays_on(*days: str) -> Any:
    """A calendar in which every country has the same holidays."""
    dates = frozenset(date.fromisoformat(day) for day in days)

    def calendar(place: HolidayPlace, year: int) -> frozenset[date]:
        return frozenset(day for day in dates if day.year == year)

    return calendar
