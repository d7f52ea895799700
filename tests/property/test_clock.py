"""What holds of wall clock to instant, in every zone there is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

from hypothesis import given, settings
from hypothesis import strategies as st

from daybreak.domain.clock import wall_instant
from daybreak.domain.duration import Duration
from tests.support.naive_on_call import first_instant_showing
from tests.support.strategies import locals_near, zones_and_days

ZONES = sorted(available_timezones() - {"localtime", "Factory"})
QUICK = settings(deadline=None, max_examples=200)


@QUICK
@given(st.data(), zones_and_days())
def test_it_is_the_first_instant_at_which_the_clocks_show_it_or_more(data: st.DataObject, place) -> None:
    zone, day = place
    local = data.draw(locals_near(day, 8))
    assert wall_instant(local, ZoneInfo(zone)) == first_instant_showing(local, ZoneInfo(zone))


@QUICK
@given(st.sampled_from(ZONES), st.datetimes(datetime(1800, 1, 1), datetime(2200, 1, 1)))
def test_it_shows_the_local_time_or_the_first_after_the_gap(name: str, local: datetime) -> None:
    zone = ZoneInfo(name)
    instant = wall_instant(local, zone)
    shown = instant.astimezone(zone).replace(tzinfo=None, fold=0)
    assert instant.tzinfo is UTC
    if shown != local:
        assert shown > local
        before = (instant - timedelta(seconds=1)).astimezone(zone).replace(tzinfo=None, fold=0)
        assert before < local


@QUICK
@given(st.sampled_from(ZONES), st.datetimes(datetime(1800, 1, 1), datetime(2200, 1, 1)), st.integers(0, 10**6))
def test_a_later_local_time_is_never_an_earlier_instant(name: str, local: datetime, seconds: int) -> None:
    zone = ZoneInfo(name)
    assert wall_instant(local, zone) <= wall_instant(local + timedelta(seconds=seconds), zone)


@QUICK
@given(st.integers(0, 999_999), st.sampled_from("mhdw"))
def test_a_duration_is_read_as_it_is_written(count: int, unit: str) -> None:
    assert str(Duration.parse(f"{count}{unit}")) == f"{count}{unit}"
