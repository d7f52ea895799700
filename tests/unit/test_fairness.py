"""Fair coverage as numbers."""

from __future__ import annotations

import dataclasses

import pytest

from daybreak.domain.fairness import Share, fairness, load_shares
from daybreak.domain.registry import HolidayPlace
from tests.support.on_call import at, holidays_on, layer, off, on_call, override, registry

MONTH = at("2026-01-05T09:00"), at("2026-02-02T09:00")


def two_layers(**rest):
    return on_call(layer("a b c d"), layer("b c d a", name="secondary"), **rest)


def shares(rota, start: str = "2026-01-05T09:00", end: str = "2026-02-02T09:00", **rest) -> dict[str, Share]:
    return {share.person: share for share in fairness(registry(rota, **rest), at(start), at(end)).shares}


def test_an_even_rotation_is_even() -> None:
    found = fairness(registry(two_layers()), *MONTH)
    assert {share.days for share in found.shares} == {14.0}
    assert {tuple(share.shifts.values()) for share in found.shares} == {(1, 1)}
    assert {share.weekend_days for share in found.shares} == {4}
    assert (found.mean_days, found.spread_days) == (14.0, 0.0)


def test_the_dates_of_a_span_are_shared_out_without_remainder() -> None:
    rota = two_layers(overrides=(override("d", "2026-01-10T13:00", "2026-01-11T11:00"),))
    found = shares(rota, "2026-01-10", "2026-01-12")
    assert sum(share.weekend_days for share in found.values()) == 4  # two dates, two layers
    assert found["d"].weekend_days == 0  # 11 hours of each
    assert found["d"].days == pytest.approx(22 / 24)


def test_a_date_belongs_to_who_holds_most_of_it() -> None:
    rota = on_call(layer("a b"), overrides=(override("b", "2026-01-10T11:00", "2026-01-11"),))
    found = shares(rota, "2026-01-10", "2026-01-11")
    assert (found["a"].weekend_days, found["b"].weekend_days) == (0, 1)
    rota = on_call(layer("a b"), overrides=(override("b", "2026-01-10T12:00", "2026-01-11"),))
    assert shares(rota, "2026-01-10", "2026-01-11")["a"].weekend_days == 1  # of equals the first


def test_somebody_outside_the_rotation_counts() -> None:
    found = shares(on_call(layer("a b"), overrides=(override("x", "2026-01-06", "2026-01-11"),)))
    assert found["x"].days == 5
    assert found["x"].shifts == {"primary": 1}  # most of that week
    assert found["a"].shifts == {"primary": 1}


def test_a_member_who_holds_nothing_counts_as_zero() -> None:
    found = fairness(registry(on_call(layer("a b c d"))), at("2026-01-05T09:00"), at("2026-01-12T09:00"))
    assert [share.days for share in found.shares] == [7, 0, 0, 0]
    assert (found.mean_days, found.spread_days) == (1.75, 7)


def test_covers_given_and_received_and_a_credit_with_its_relief() -> None:
    away = off("a", "2026-01-05", "2026-01-13")
    found = shares(two_layers(time_off=(away,), compensation_after_turns=2))
    assert (found["b"].covers_given, found["a"].covers_received) == (1, 1)
    assert (found["b"].credits, found["b"].credits_settled, found["b"].credits_open) == (1, 1, 0)
    without = shares(two_layers(time_off=(away,)))
    assert (without["b"].credits, without["b"].credits_open) == (1, 1)


def test_a_part_of_a_shift_is_a_cover_and_no_credit() -> None:
    found = shares(two_layers(time_off=(off("a", "2026-01-06", "2026-01-07"),)))
    assert (found["b"].covers_given, found["b"].credits) == (1, 0)


def test_days_in_lieu() -> None:
    rota = two_layers(
        holidays=HolidayPlace(country="US"),
        holiday_dates=holidays_on("2026-01-07", "2026-01-08", "2026-01-14"),
        time_off=(off("a", "2026-01-20", "2026-01-21", in_lieu=True), off("a", "2026-01-22", "2026-01-23")),
    )
    found = shares(rota)
    assert (found["a"].holiday_days, found["a"].lieu_owed, found["a"].lieu_settled, found["a"].lieu_open) == (
        2,
        2,
        1,
        1,
    )
    assert found["b"].holiday_days == 3  # two as secondary, one as primary
    assert found["b"].lieu_owed == 3
    assert found["d"].lieu_owed == 0


def test_a_holiday_on_both_layers_is_one_day_owed() -> None:
    rota = on_call(
        layer("a"),
        layer("a", name="secondary"),
        holidays=HolidayPlace(country="US"),
        holiday_dates=holidays_on("2026-01-07"),
    )
    found = shares(rota)
    assert (found["a"].holiday_days, found["a"].lieu_owed) == (2, 1)


def test_a_personal_holiday_on_call_is_owed() -> None:
    rota = on_call(layer("a b"), holiday_dates=holidays_on("2026-01-07"))
    assert shares(rota, holidays={"a": "DE", "b": "DE"})["a"].lieu_owed == 1
    assert shares(rota)["a"].lieu_owed == 0


def test_in_lieu_more_than_owed_leaves_nothing_open() -> None:
    found = shares(two_layers(time_off=(off("c", "2026-01-06", "2026-01-09", in_lieu=True),)))
    assert (found["c"].lieu_settled, found["c"].lieu_open) == (3, 0)


class TestLoad:
    def test_even(self) -> None:
        assert set(load_shares(registry(two_layers()), at("2026-03-04T12:34")).values()) == {1.0}

    def test_before_the_start_it_is_measured_from_there(self) -> None:
        assert set(load_shares(registry(two_layers()), at("2020-03-04")).values()) == {1.0}

    def test_one_who_carries_too_much(self) -> None:
        found = load_shares(registry(on_call(layer("a a b"))), at("2026-01-05T09:00"))
        assert found["a"] == pytest.approx(4 / 3)
        longer = load_shares(registry(on_call(layer("a a a b c"))), at("2026-01-05T09:00"))
        assert longer["a"] == pytest.approx(1.8)

    def test_nobody_at_all(self) -> None:
        rota = on_call(
            layer("a b"), time_off=(off("a", "2025-01-01", "2027-01-01"), off("b", "2025-01-01", "2027-01-01"))
        )
        assert set(load_shares(registry(rota), at("2026-01-05T09:00")).values()) == {0.0}


def test_a_span_that_begins_before_the_rotation() -> None:
    found = fairness(registry(on_call(layer("a b"))), at("2025-12-01"), at("2026-01-12T09:00"))
    assert found.shares[0].shifts == {"primary": 1}
    early = dataclasses.replace(on_call(layer("a b")), overrides=(override("b", "2025-12-02", "2025-12-03"),))
    assert fairness(registry(early), at("2025-12-01"), at("2026-01-01")).shares[0].days == 1


def test_a_date_that_was_left_out_belongs_to_nobody() -> None:
    rota = on_call(layer("a", start="2011-12-25T00:00"), zone="Pacific/Apia")
    found = shares(rota, "2011-12-29T10:00", "2012-01-01T10:00")  # the 29th, the 31st and the 1st
    assert found["a"].days == 3
    assert found["a"].weekend_days == 2
