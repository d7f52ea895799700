"""Wall clock to instant, on the days on which that is not obvious (design §4, "Wall clock")."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from daybreak.domain.clock import local_date, wall_instant, wall_time
from daybreak.domain.duration import Duration
from daybreak.domain.rotation import Rotation, utc
from tests.support.on_call import at, layer


@pytest.mark.parametrize(
    ("zone", "local", "instant"),
    [
        ("America/Chicago", "2026-03-08T01:59", "2026-03-08T07:59Z"),
        ("America/Chicago", "2026-03-08T02:30", "2026-03-08T08:00Z"),  # in the gap: its end
        ("America/Chicago", "2026-03-08T02:30:00.5", "2026-03-08T08:00Z"),
        ("America/Chicago", "2026-03-08T03:00", "2026-03-08T08:00Z"),
        ("America/Chicago", "2026-11-01T01:30", "2026-11-01T06:30Z"),  # twice: the first
        ("America/Chicago", "2026-11-01T02:00", "2026-11-01T08:00Z"),
        ("Australia/Lord_Howe", "2026-10-04T02:15", "2026-10-03T15:30Z"),  # a gap of half an hour
        ("Australia/Lord_Howe", "2026-04-05T01:45", "2026-04-04T14:45Z"),  # a repeat of half an hour
        ("Pacific/Apia", "2011-12-30T09:00", "2011-12-30T10:00Z"),  # a day that was left out
        ("Pacific/Kwajalein", "1993-08-21T12:00", "1993-08-21T12:00Z"),
        ("America/Sao_Paulo", "2018-11-04T00:00", "2018-11-04T03:00Z"),  # a day that began at 01:00
        ("Africa/Monrovia", "1960-01-01T12:00", "1960-01-01T12:44:30Z"),  # an offset with seconds
        ("Africa/Monrovia", "1972-01-07T00:20", "1972-01-07T00:44:30Z"),  # a gap of 44 minutes and 30 seconds
        ("Asia/Kathmandu", "1986-01-01T00:05", "1985-12-31T18:30Z"),  # a gap of a quarter of an hour
    ],
)
def test_wall_instant(zone: str, local: str, instant: str) -> None:
    assert wall_instant(datetime.fromisoformat(local), ZoneInfo(zone)) == datetime.fromisoformat(instant)


def test_the_fold_of_what_is_asked_does_not_matter() -> None:
    zone = ZoneInfo("America/Chicago")
    assert wall_instant(datetime(2026, 11, 1, 1, 30, fold=1), zone) == wall_instant(datetime(2026, 11, 1, 1, 30), zone)


def test_wall_time_and_local_date_agree() -> None:
    zone = ZoneInfo("Asia/Bangkok")
    instant = wall_time(date(2026, 3, 2), time(9), zone)
    assert instant == at("2026-03-02T02:00")
    assert local_date(at("2026-03-01T17:00"), zone) == date(2026, 3, 2)


@pytest.mark.parametrize(
    ("text", "nominal"),
    [("30m", timedelta(minutes=30)), (" 2h ", timedelta(hours=2)), ("1d", timedelta(days=1)), ("1w", timedelta(7))],
)
def test_duration(text: str, nominal: timedelta) -> None:
    found = Duration.parse(text)
    assert found.nominal == nominal
    assert str(found) == text.strip()


@pytest.mark.parametrize("text", ["", "30", "m", "1.5h", "-1h", "1h30m", "1 h", "1y", "٣h", "1234567m"])
def test_not_a_duration(text: str) -> None:
    with pytest.raises(ValueError, match="write 30m, 2h, 1d or 1w"):
        Duration.parse(text)


def test_hours_are_exact_and_days_are_of_the_wall() -> None:
    zone = ZoneInfo("America/Chicago")
    before = at("2026-03-07T15:00")  # 09:00 on the day before the clocks go forward
    assert Duration.parse("24h").after(before, zone) == at("2026-03-08T15:00")
    assert Duration.parse("1d").after(before, zone) == at("2026-03-08T14:00")
    assert Duration.parse("1d").before(at("2026-03-08T14:00"), zone) == before
    assert Duration.parse("24h").before(at("2026-03-08T15:00"), zone) == before


class TestHandoffs:
    def weeks(self, start: str, zone: str, every: str = "1w", count: int = 3) -> list[timedelta]:
        rotation = Rotation(layer("a b", start=start, every=every), ZoneInfo(zone))
        return [rotation.handoff(n + 1) - rotation.handoff(n) for n in range(count)]

    def test_a_week_is_167_or_169_hours(self) -> None:
        hours = [week / timedelta(hours=1) for week in self.weeks("2026-03-02T09:00", "America/Chicago")]
        assert hours == [167, 168, 168]
        hours = [week / timedelta(hours=1) for week in self.weeks("2026-10-26T10:30", "America/Los_Angeles")]
        assert hours == [169, 168, 168]
        hours = [week / timedelta(hours=1) for week in self.weeks("2026-09-28T09:00", "Australia/Lord_Howe")]
        assert hours == [167.5, 168, 168]

    def test_one_moved_by_a_gap_does_not_move_the_next(self) -> None:
        rotation = Rotation(layer("a", start="2026-03-07T02:30", every="1d"), ZoneInfo("America/Chicago"))
        assert [rotation.handoff(n) for n in range(3)] == [
            at("2026-03-07T08:30"),
            at("2026-03-08T08:00"),
            at("2026-03-09T07:30"),
        ]

    def test_a_start_in_a_gap(self) -> None:
        rotation = Rotation(layer("a", start="2026-03-08T02:30", every="12h"), ZoneInfo("America/Chicago"))
        assert [rotation.handoff(n) for n in range(2)] == [at("2026-03-08T08:00"), at("2026-03-08T20:00")]

    def test_hours_ignore_the_clocks(self) -> None:
        assert set(self.weeks("2026-03-07T00:00", "America/Chicago", "12h", 6)) == {timedelta(hours=12)}

    def test_the_shift_of_a_day_that_was_left_out_is_empty(self) -> None:
        rotation = Rotation(layer("a b", start="2011-12-28T00:00", every="1d"), ZoneInfo("Pacific/Apia"))
        assert rotation.handoff(2) == rotation.handoff(3) == at("2011-12-30T10:00")
        assert rotation.shift_at(at("2011-12-30T10:00")) == 3
        assert rotation.shift_at(at("2011-12-30T09:59")) == 1

    def test_the_second_of_two_equal_local_times_is_in_the_later_shift(self) -> None:
        rotation = Rotation(layer("a b", start="2026-10-31T01:30", every="1d"), ZoneInfo("America/Chicago"))
        assert rotation.handoff(1) == at("2026-11-01T06:30")
        assert rotation.shift_at(at("2026-11-01T06:15")) == 0
        assert rotation.shift_at(at("2026-11-01T07:15")) == 1  # 01:15 again, after the handoff at the first 01:30

    def test_turns(self) -> None:
        rotation = Rotation(layer("a b a"), ZoneInfo("UTC"))
        assert [(rotation.person(n), rotation.turn(n)) for n in range(4)] == [("a", 0), ("b", 0), ("a", 0), ("a", 1)]
        assert rotation.first_shift_in_turn("b", 2) == 7
        assert rotation.first_shift_in_turn("c", 2) is None

    def test_a_rotation_of_nothing_is_refused(self) -> None:
        with pytest.raises(ValueError, match="longer than nothing"):
            Rotation(layer("a", every="0h"), ZoneInfo("UTC"))
        with pytest.raises(ValueError, match="not empty"):
            Rotation(layer(""), ZoneInfo("UTC"))

    def test_far_away_is_as_fast_and_right(self) -> None:
        rotation = Rotation(layer("a b", every="1d"), ZoneInfo("Europe/Berlin"))
        t = at("2625-07-01T12:00")
        n = rotation.shift_at(t)
        assert n is not None
        assert rotation.handoff(n) <= t < rotation.handoff(n + 1)


def test_utc_keeps_the_instant() -> None:
    there = datetime(2026, 1, 5, 9, tzinfo=ZoneInfo("Asia/Bangkok"))
    assert utc(there) == there
    assert utc(there).isoformat() == "2026-01-05T02:00:00+00:00"
