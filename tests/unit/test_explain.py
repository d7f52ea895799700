"""`daybreak oncall --explain`: the chain of decisions in words."""

from __future__ import annotations

from daybreak.domain.explain import explain
from tests.support.on_call import at, holidays_on, layer, off, on_call, override, pipeline, registry, swap


def two_layers(**rest):
    return on_call(layer("a b c d"), layer("b c d a", name="secondary"), **rest)


def words(rota, t: str, *, of=None, name: str = "primary", **rest) -> list[str]:
    return list(explain(registry(rota, **rest), name, at(t), of))


SHIFT_0 = "rotation: shift 0 (from Mon 2026-01-05 09:00 to Mon 2026-01-12 09:00, turn 0) is a's"


def test_a_plain_shift() -> None:
    assert words(two_layers(), "2026-01-06") == [SHIFT_0]


def test_cover() -> None:
    rota = two_layers(time_off=(off("a", "2026-01-05", "2026-01-08"), off("b", "2026-01-06", "2026-01-07")), backup="x")
    assert words(rota, "2026-01-06", of=pipeline("c", "d")) == [
        SHIFT_0,
        "time off: a is off from Mon 2026-01-05 00:00 to Thu 2026-01-08 00:00",
        "cover: secondary is b, who is off too (time off)",
        "cover: pipeline_secondary is d, who is available",
    ]


def test_a_gap() -> None:
    rota = on_call(layer("a b"), time_off=(off("a", "2026-01-05", "2026-01-08"),), manager="m")
    assert words(rota, "2026-01-06")[-1] == "nobody is available: a page goes to m"


def test_a_holiday_without_cover() -> None:
    rota = on_call(layer("a b"), holiday_dates=holidays_on("2026-01-06"))
    assert words(rota, "2026-01-06", holidays={"a": "DE"})[1:] == [
        "holiday: a is off from Tue 2026-01-06 00:00 to Wed 2026-01-07 00:00",
        "nobody else is available: a stays on call and is owed a day",
    ]


def test_swap_compensation_and_override() -> None:
    rota = two_layers(
        time_off=(off("a", "2026-01-05", "2026-01-13"),),
        compensation_after_turns=2,
        swaps=(swap("a", "2026-03-10", "c", "2026-03-17"),),
        overrides=(override("d", "2026-03-11", "2026-03-12"),),
    )
    assert words(rota, "2026-03-11T12:00") == [
        "rotation: shift 9 (from Mon 2026-03-09 09:00 to Mon 2026-03-16 09:00, turn 2) is b's",
        "compensation: b covered shift 0 for a, so a takes this one",
        "swap: exchanged, so c takes it",
        "override: d from Wed 2026-03-11 00:00 to Thu 2026-03-12 00:00",
    ]


def test_before_the_start() -> None:
    rota = on_call(layer("a b"), overrides=(override("b", "2026-01-01", "2026-01-02"),))
    assert words(rota, "2026-01-03") == [
        "rotation: begins only at Mon 2026-01-05 09:00",
        "nobody: a page goes to a",
    ]
    assert words(rota, "2026-01-01")[-1] == "override: b from Thu 2026-01-01 00:00 to Fri 2026-01-02 00:00"
