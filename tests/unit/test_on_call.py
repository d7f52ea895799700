"""Who is on call, rule by rule (design §4, "Who is on call")."""

from __future__ import annotations

from datetime import datetime

import pytest

from daybreak.domain.oncall import on_call_at
from daybreak.domain.schedule import stretches
from tests.support.on_call import at, holidays_on, layer, off, on_call, override, pipeline, registry, swap


def who(source, t: str, name: str = "primary", of=None) -> tuple[str, str] | None:
    holder = on_call_at(source, name, at(t), of)
    return holder and (holder.person, holder.reason)


def two_layers(**rest):
    return on_call(layer("a b c d"), layer("b c d a", name="secondary"), **rest)


class TestRotation:
    def test_members_in_turn(self) -> None:
        rota = on_call(layer("a b"))
        assert who(rota, "2026-01-05T09:00") == ("a", "rotation")
        assert who(rota, "2026-01-12T08:59:59") == ("a", "rotation")
        assert who(rota, "2026-01-12T09:00") == ("b", "rotation")
        assert who(rota, "2026-01-19T09:00") == ("a", "rotation")

    def test_nobody_before_the_start(self) -> None:
        assert who(on_call(layer("a b")), "2026-01-05T08:59") is None

    def test_the_stretch_is_the_shift(self) -> None:
        holder = on_call_at(on_call(layer("a b")), "primary", at("2026-01-08T00:00"))
        assert holder is not None
        assert (holder.start, holder.end) == (at("2026-01-05T09:00"), at("2026-01-12T09:00"))

    def test_an_instant_without_zone_is_refused(self) -> None:
        with pytest.raises(ValueError, match="has no time zone"):
            on_call_at(on_call(layer("a")), "primary", datetime(2026, 2, 1))

    def test_a_layer_that_is_not_there(self) -> None:
        with pytest.raises(KeyError):
            on_call_at(on_call(layer("a")), "tertiary", at("2026-02-01"))


class TestOverride:
    def test_replaces_the_person_and_leaves_the_rest_of_the_shift(self) -> None:
        rota = on_call(layer("a b"), overrides=(override("c", "2026-01-07T09:00", "2026-01-08T09:00"),))
        found = stretches(rota, "primary", at("2026-01-05T09:00"), at("2026-01-12T09:00")).shifts
        assert [(s.person, s.reason, f"{s.start:%d}", f"{s.end:%d}") for s in found] == [
            ("a", "rotation", "05", "07"),
            ("c", "override", "07", "08"),
            ("a", "rotation", "08", "12"),
        ]

    def test_is_one_stretch_over_a_handoff(self) -> None:
        rota = on_call(layer("a b"), overrides=(override("c", "2026-01-10", "2026-01-14"),))
        holder = on_call_at(rota, "primary", at("2026-01-12T09:00"))
        assert holder is not None
        assert (holder.start, holder.end) == (at("2026-01-10"), at("2026-01-14"))

    def test_counts_before_the_start(self) -> None:
        rota = on_call(layer("a b"), overrides=(override("c", "2026-01-01", "2026-01-02"),))
        assert who(rota, "2026-01-01T12:00") == ("c", "override")
        assert who(rota, "2026-01-02T00:00") is None

    def test_person_who_is_off_is_covered(self) -> None:
        rota = two_layers(
            overrides=(override("d", "2026-01-06", "2026-01-07"),), time_off=(off("d", "2026-01-06", "2026-01-07"),)
        )
        assert who(rota, "2026-01-06T12:00") == ("b", "cover")

    def test_two_that_meet_stay_two_stretches(self) -> None:
        rota = on_call(
            layer("a"), overrides=(override("b", "2026-01-06", "2026-01-07"), override("b", "2026-01-07", "2026-01-08"))
        )
        found = stretches(rota, "primary", at("2026-01-06"), at("2026-01-08")).shifts
        assert [(s.start.day, s.end.day) for s in found] == [(6, 7), (7, 8)]


class TestSwap:
    def test_exchanges_whole_shifts(self) -> None:
        rota = on_call(layer("a b c"), swaps=(swap("a", "2026-01-06", "b", "2026-01-13"),))
        assert who(rota, "2026-01-11") == ("b", "swap")
        assert who(rota, "2026-01-18") == ("a", "swap")
        assert who(rota, "2026-01-27") == ("a", "rotation")

    def test_before_the_start_changes_nothing(self) -> None:
        rota = on_call(layer("a b"), swaps=(swap("a", "2025-01-06", "b", "2026-01-13"),))
        assert who(rota, "2026-01-06") == ("a", "rotation")

    def test_an_override_comes_first(self) -> None:
        rota = on_call(
            layer("a b"),
            swaps=(swap("a", "2026-01-06", "b", "2026-01-13"),),
            overrides=(override("c", "2026-01-06", "2026-01-07"),),
        )
        assert who(rota, "2026-01-06") == ("c", "override")


class TestCover:
    def test_secondary_first(self) -> None:
        rota = two_layers(time_off=(off("a", "2026-01-06", "2026-01-08"),), backup="x")
        assert who(rota, "2026-01-06") == ("b", "cover")
        assert who(rota, "2026-01-06", "secondary") == ("b", "rotation")  # on both layers: nobody is made unavailable
        assert who(rota, "2026-01-08") == ("a", "rotation")

    def test_secondary_after_its_overrides_and_swaps(self) -> None:
        rota = two_layers(
            time_off=(off("a", "2026-01-06", "2026-01-08"),),
            overrides=(override("d", "2026-01-07", "2026-01-08", layer="secondary"),),
            swaps=(swap("b", "2026-01-06", "c", "2026-01-13", layer="secondary"),),
        )
        assert who(rota, "2026-01-06") == ("c", "cover")
        assert who(rota, "2026-01-07") == ("d", "cover")

    def test_the_secondary_who_is_off_is_passed_over_though_somebody_covers_that_layer(self) -> None:
        away = (off("a", "2026-01-06", "2026-01-08"), off("b", "2026-01-06", "2026-01-08"))
        rota = two_layers(time_off=away, backup="x")
        assert who(rota, "2026-01-06") == ("x", "cover")
        assert who(rota, "2026-01-06", "secondary") == ("x", "cover")

    def test_pipeline_secondary_only_with_a_pipeline(self) -> None:
        rota = on_call(layer("a b"), time_off=(off("a", "2026-01-06", "2026-01-08"),))
        assert who(rota, "2026-01-06") is None
        assert who(rota, "2026-01-06", of=pipeline("a", "d")) == ("d", "cover")
        assert who(rota, "2026-01-06", of=pipeline("a")) is None

    def test_order_is_the_registrys(self) -> None:
        rota = two_layers(time_off=(off("a", "2026-01-06", "2026-01-08"),), backup="x", cover=("backup", "secondary"))
        assert who(rota, "2026-01-06") == ("x", "cover")

    def test_nobody_left_is_a_gap(self) -> None:
        rota = on_call(layer("a b"), time_off=(off("a", "2026-01-06", "2026-01-08"),))
        found = stretches(rota, "primary", at("2026-01-05T09:00"), at("2026-01-07"))
        assert [(gap.start, gap.end) for gap in found.gaps] == [(at("2026-01-06"), at("2026-01-07"))]
        assert [(s.start, s.end) for s in found.shifts] == [(at("2026-01-05T09:00"), at("2026-01-06"))]

    def test_a_stretch_of_cover_is_not_cut_by_the_coverers_own_handoff_to_the_same_person(self) -> None:
        rota = on_call(
            layer("a c"),
            layer("b", name="secondary", every="1d"),
            time_off=(off("a", "2026-01-06", "2026-01-10"),),
        )
        holder = on_call_at(rota, "primary", at("2026-01-08"))
        assert holder is not None
        assert (holder.person, holder.start, holder.end) == ("b", at("2026-01-06"), at("2026-01-10"))

    def test_cover_is_cut_at_the_handoff(self) -> None:
        rota = on_call(layer("a"), time_off=(off("a", "2026-01-06", "2026-01-20"),), backup="x")
        found = stretches(rota, "primary", at("2026-01-06"), at("2026-01-19")).shifts
        assert [s.end for s in found] == [at("2026-01-12T09:00"), at("2026-01-19T09:00")]

    def test_gaps_are_joined_over_a_handoff_and_clipped(self) -> None:
        rota = on_call(layer("a"), time_off=(off("a", "2026-01-06", "2026-01-20"),))
        found = stretches(rota, "primary", at("2026-01-07"), at("2026-01-15"))
        assert [(gap.start, gap.end) for gap in found.gaps] == [(at("2026-01-07"), at("2026-01-15"))]
        assert found.shifts == ()


class TestPersonalHolidays:
    calendar = staticmethod(holidays_on("2026-01-06"))

    def test_put_the_person_off(self) -> None:
        source = registry(two_layers(holiday_dates=self.calendar), holidays={"a": "DE"})
        assert who(source, "2026-01-05T23:59") == ("a", "rotation")
        assert who(source, "2026-01-06T00:00") == ("b", "cover")
        assert who(source, "2026-01-07T00:00") == ("a", "rotation")

    def test_never_make_a_gap(self) -> None:
        source = registry(on_call(layer("a b"), holiday_dates=self.calendar), holidays={"a": "DE", "b": "DE"})
        assert who(source, "2026-01-06T12:00") == ("a", "rotation")
        found = stretches(source, "primary", at("2026-01-05T09:00"), at("2026-01-12"))
        assert len(found.shifts) == 1
        assert not found.gaps

    def test_a_cover_on_holiday_is_passed_over(self) -> None:
        source = registry(two_layers(holiday_dates=self.calendar, backup="x"), holidays={"a": "DE", "b": "DE"})
        assert who(source, "2026-01-06T12:00") == ("x", "cover")

    def test_time_off_on_the_same_day_does_make_one(self) -> None:
        rota = on_call(
            layer("a b"), holiday_dates=self.calendar, time_off=(off("a", "2026-01-06T06:00", "2026-01-06T12:00"),)
        )
        source = registry(rota, holidays={"a": "DE"})
        assert who(source, "2026-01-06T03:00") == ("a", "rotation")
        assert who(source, "2026-01-06T08:00") is None

    def test_are_days_of_the_on_call_zone(self) -> None:
        rota = on_call(layer("a"), zone="Asia/Bangkok", holiday_dates=self.calendar, backup="x")
        source = registry(rota, holidays={"a": "TH"})
        assert who(source, "2026-01-05T17:00") == ("x", "cover")
        assert who(source, "2026-01-06T17:00") == ("a", "rotation")

    def test_across_the_year(self) -> None:
        days = holidays_on("2026-12-31", "2027-01-01")
        rota = on_call(layer("a"), layer("x", name="secondary"), holiday_dates=days)
        source = registry(rota, holidays={"a": "DE"})
        holder = on_call_at(source, "primary", at("2026-12-31T12:00"))
        assert holder is not None
        assert (holder.person, holder.start, holder.end) == ("x", at("2026-12-31"), at("2027-01-02"))


class TestCompensation:
    def rota(self, *time_off, **rest):
        return two_layers(time_off=time_off, compensation_after_turns=2, **rest)

    def test_the_covered_takes_the_coverers_shift_two_turns_on(self) -> None:
        rota = self.rota(off("a", "2026-01-05", "2026-01-13"))
        assert who(rota, "2026-01-06") == ("b", "cover")
        assert who(rota, "2026-03-10") == ("a", "compensation")  # turn 2: b's shift of turn 0 + 2
        assert who(rota, "2026-02-10") == ("b", "rotation")
        assert who(rota, "2026-04-07") == ("b", "rotation")

    def test_not_for_a_part_of_a_shift(self) -> None:
        rota = self.rota(off("a", "2026-01-05T09:01", "2026-01-13"))
        assert who(rota, "2026-03-10") == ("b", "rotation")

    def test_not_where_an_override_took_a_part(self) -> None:
        rota = self.rota(off("a", "2026-01-05", "2026-01-13"), overrides=(override("c", "2026-01-06", "2026-01-07"),))
        assert who(rota, "2026-03-10") == ("b", "rotation")

    def test_a_swap_comes_after(self) -> None:
        rota = self.rota(off("a", "2026-01-05", "2026-01-13"), swaps=(swap("a", "2026-03-10", "c", "2026-03-17"),))
        assert who(rota, "2026-03-10") == ("c", "swap")
        assert who(rota, "2026-03-17") == ("a", "swap")

    def test_cover_finds_the_other_layer_after_its_compensation(self) -> None:
        rota = self.rota(off("a", "2026-01-26", "2026-02-03"), off("c", "2026-03-17", "2026-03-18"), backup="d")
        assert who(rota, "2026-01-27", "secondary") == ("d", "cover")
        assert who(rota, "2026-03-17", "secondary") == ("a", "compensation")  # else d's
        assert who(rota, "2026-03-17") == ("a", "cover")

    def test_a_stretch_ends_where_a_later_relief_on_the_other_layer_ends_it(self) -> None:
        # b covers c's day 0 on secondary and so is relieved of day 4, which ends b's cover on primary: to be known on
        # day 0 already, when that credit has yet to be earned.
        rota = on_call(
            layer("a", every="1w"),
            layer("c b b", name="secondary", every="1d"),
            time_off=(
                off("a", "2026-01-05", "2026-01-13"),
                off("c", "2026-01-05", "2026-01-06T09:00"),
                off("c", "2026-01-08T09:00", "2026-01-09T09:00"),
            ),
            backup="b",
            compensation_after_turns=1,
        )
        (first,) = stretches(rota, "primary", at("2026-01-05T10:00"), at("2026-01-05T11:00")).shifts
        assert (first.person, first.start, first.end) == ("b", at("2026-01-05T09:00"), at("2026-01-09T09:00"))
        assert who(rota, "2026-01-09T09:00") == ("c", "cover")

    def test_a_coverer_without_a_shift_there_is_not_relieved(self) -> None:
        rota = on_call(
            layer("a b"), time_off=(off("a", "2026-01-05", "2026-01-13"),), backup="x", compensation_after_turns=1
        )
        assert who(rota, "2026-01-06") == ("x", "cover")
        assert [who(rota, f"2026-01-{day}") for day in (20, 27)] == [("a", "rotation"), ("b", "rotation")]

    def test_the_first_of_two_covered_counts(self) -> None:
        rota = on_call(
            layer("a b c"),
            time_off=(off("a", "2026-01-05", "2026-01-13"), off("b", "2026-01-12", "2026-01-20")),
            backup="c",
            compensation_after_turns=1,
        )
        assert who(rota, "2026-02-10") == ("a", "compensation")

    def test_one_who_is_off_then_is_covered_and_owes_again(self) -> None:
        rota = self.rota(off("a", "2026-01-05", "2026-01-13"), off("a", "2026-03-09", "2026-03-17"))
        assert who(rota, "2026-03-10") == ("c", "cover")  # secondary then
        assert who(rota, "2026-05-12") == ("a", "compensation")  # c's shift of turn 4

    def test_holidays_of_a_daily_rotation_count_too(self) -> None:
        rota = on_call(
            layer("a b", every="1d", start="2026-01-05T00:00"),
            layer("b a", every="1d", start="2026-01-05T00:00", name="secondary"),
            holiday_dates=holidays_on("2026-01-07"),
            compensation_after_turns=1,
        )
        source = registry(rota, holidays={"a": "DE"})
        assert who(source, "2026-01-07T12:00") == ("b", "cover")
        assert who(source, "2026-01-10T12:00") == ("a", "compensation")

    def test_looking_ahead_first_changes_no_answer(self) -> None:
        def answers(order):
            rota = self.rota(off("a", "2026-01-05", "2026-01-13"), off("a", "2026-03-09", "2026-03-17"))
            return {t: who(rota, t) for t in order}

        times = [f"2026-{month:02}-11" for month in range(1, 13)]
        assert answers(times) == answers(list(reversed(times)))


def test_a_shift_that_was_exchanged_can_be_exchanged_again() -> None:
    rota = on_call(
        layer("a b c"),
        swaps=(swap("a", "2026-01-06", "b", "2026-01-13"), swap("a", "2026-01-13", "c", "2026-01-20")),
    )
    assert [who(rota, f"2026-01-{day:02}") for day in (6, 13, 20)] == [("b", "swap"), ("c", "swap"), ("a", "swap")]


def test_an_absence_of_no_length_is_none() -> None:
    rota = on_call(layer("a"), time_off=(off("a", "2026-01-06", "2026-01-06"),))
    assert len(stretches(rota, "primary", at("2026-01-05T09:00"), at("2026-01-12T09:00")).shifts) == 1


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("daybreak.domain.cover._REMEMBERED", 2)
    rota = on_call(layer("a b"))
    answers = [who(rota, f"20{year}-06-01") for year in range(26, 40)]
    assert answers == [who(rota, f"20{year}-06-01") for year in range(26, 40)]
    assert set(answers) == {("a", "rotation"), ("b", "rotation")}
