"""Cycles and due instants: weekdays, holidays, ``opens``, daylight saving."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from daybreak.domain.occurrence import Calendar, calendar_of, occurrences_between
from daybreak.domain.registry import Deadline, HolidayPlace, Registry
from tests.support.registries import WEEKDAYS, deadline, on_call, pipeline, registry, upstream


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def calendar(**more: object) -> Calendar:
    return Calendar(registry(pipeline("growth"), **more))


CYCLES = {
    "daily": (deadline("09:00"), "2026-02-04T12:00", "2026-02-04", "2026-02-04T09:00", "2026-02-04T00:00"),
    "opens is included": (deadline("09:00"), "2026-02-04T00:00", "2026-02-04", "2026-02-04T09:00", "2026-02-04T00:00"),
    "the instant before is yesterday's": (
        deadline("09:00"),
        "2026-02-03T23:59:59",
        "2026-02-03",
        "2026-02-03T09:00",
        "2026-02-03T00:00",
    ),
    "opens the day before": (
        deadline("09:00", opens="-1d 20:00"),
        "2026-02-03T20:00",
        "2026-02-04",
        "2026-02-04T09:00",
        "2026-02-03T20:00",
    ),
    "Sunday belongs to Friday": (
        deadline("09:00", days=WEEKDAYS),
        "2026-02-08T12:00",
        "2026-02-06",
        "2026-02-06T09:00",
        "2026-02-06T00:00",
    ),
    "in a zone, by its own date": (
        deadline("09:00", "Asia/Tokyo"),
        "2026-02-03T15:00",
        "2026-02-04",
        "2026-02-04T00:00",
        "2026-02-03T15:00",
    ),
    "due in the gap of spring": (
        deadline("02:30", "America/Chicago"),
        "2026-03-08T12:00",
        "2026-03-08",
        "2026-03-08T08:00",
        "2026-03-08T06:00",
    ),
    "due in the repeated hour of autumn": (
        deadline("01:30", "America/Chicago"),
        "2026-11-01T12:00",
        "2026-11-01",
        "2026-11-01T06:30",
        "2026-11-01T05:00",
    ),
}


@pytest.mark.parametrize("name", CYCLES)
def test_the_cycle_that_holds_an_instant(name: str) -> None:
    clock, instant, day, due, opens = CYCLES[name]
    found = calendar().cycle_at(clock, utc(instant))
    assert found is not None
    assert (found.business_date.isoformat(), found.due_at, found.opens_at) == (day, utc(due), utc(opens))
    assert found.holds(utc(instant))


@pytest.mark.parametrize(
    "clock", [deadline("09:00", days=WEEKDAYS), deadline("02:30", "America/Chicago", opens="-1d 22:00")]
)
def test_cycles_tile_a_year(clock: Deadline) -> None:
    known = calendar()
    now, end = utc("2026-01-05T12:00"), utc("2027-01-05T12:00")
    found = known.cycle_at(clock, now)
    while now < end:
        assert found is not None
        following = known.cycle_at(clock, found.closes_at)
        assert following is not None
        assert following.opens_at == found.closes_at
        assert known.cycle_at(clock, found.closes_at - timedelta(microseconds=1)) == found
        assert found.opens_at <= found.due_at
        now, found = found.closes_at, following


def with_holiday(day: date) -> Registry:
    def dates(place: HolidayPlace, year: int) -> frozenset[date]:
        return frozenset({day} if day.year == year else ())

    calendar_of_team = on_call(holidays=HolidayPlace(country="DE"), holiday_dates=dates)
    return registry(pipeline("growth", days=WEEKDAYS, skip_holidays=True), on_call=calendar_of_team)


def test_a_skipped_holiday_does_not_end_a_cycle() -> None:
    reg = with_holiday(date(2026, 2, 4))
    found = calendar_of(reg).current(reg.pipelines["growth"], utc("2026-02-04T12:00"))
    assert found is not None
    assert found.business_date == date(2026, 2, 3)
    assert found.closes_at == utc("2026-02-05T00:00")


def test_occurrences_of_a_span_contain_its_start_and_not_its_end() -> None:
    reg = registry(pipeline("growth"))
    found = occurrences_between(reg, reg.pipelines["growth"], utc("2026-02-04T09:00"), utc("2026-02-06T09:00"))
    assert [one.business_date.day for one in found] == [4, 5]
    assert found[0].dedup_key == "daybreak:v1:growth:2026-02-04"


def test_a_pipeline_waits_for_the_latest_expected_at_or_before_its_due() -> None:
    reg = registry(pipeline("growth", due="05:00"), upstream("sales", "05:00"), upstream("late", "05:01"))
    known, due = calendar_of(reg), utc("2026-02-04T05:00")
    days = [known.expected(reg.upstreams[name], due) for name in ("sales", "late")]
    assert [one.business_date.day for one in days if one] == [4, 3]


def test_a_deadline_without_days_has_no_cycle() -> None:
    assert calendar().cycle_at(deadline("09:00", days=frozenset()), utc("2026-02-04T09:00")) is None


def test_what_is_never_due_has_no_latest_occurrence() -> None:
    never = deadline("09:00", days=())
    assert calendar().latest_due(never, utc("2026-02-04T12:00")) is None
    assert calendar().cycle_at(never, utc("2026-02-04T12:00")) is None


def test_a_pipeline_without_deadline_has_no_occurrences() -> None:
    owned = registry(pipeline("growth", None))
    assert occurrences_between(owned, owned.pipelines["growth"], utc("2026-02-01T00:00"), utc("2026-03-01T00:00")) == ()


def test_a_full_memory_is_emptied_and_changes_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("daybreak.domain.occurrence._MEMO", 2)
    late, fresh, clock = calendar(), upstream("sales"), deadline("09:00")
    for day in range(1, 20):
        noon = utc(f"2026-02-{day:02}T12:00")
        cycle = late.cycle_at(clock, noon)
        assert cycle is not None
        assert cycle.business_date == noon.date()
        expected = late.expected(fresh, noon)
        assert expected is not None
        assert expected.business_date == noon.date()
    assert len(late._cycles) <= 3 + 1
    assert len(late._expected) <= 3
