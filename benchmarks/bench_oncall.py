"""Who is on call, and ten years of a schedule."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from time import perf_counter, process_time
from typing import Any
from zoneinfo import ZoneInfo

from daybreak.domain.duration import Duration
from daybreak.domain.oncall import on_call_at, roster_of
from daybreak.domain.registry import Layer, OnCall, Override, TimeOff
from daybreak.domain.schedule import schedule

ZONE = ZoneInfo("America/Los_Angeles")
BEGIN = datetime(2026, 1, 5, 18, 30, tzinfo=UTC)
YEAR = timedelta(days=365)
MEMBERS = tuple(f"de-{n}" for n in range(1, 9))


def on_call(years: int, overrides: int) -> OnCall:
    """Two layers of eight people, with time off and compensation, and ``overrides`` spread over ``years``."""
    start = datetime(2026, 1, 5, 10, 30)
    week = Duration(1, "w")
    layers = {
        "primary": Layer(name="primary", start=start, every=week, members=MEMBERS),
        "secondary": Layer(name="secondary", start=start, every=week, members=MEMBERS[1:] + MEMBERS[:1]),
    }
    apart = years * YEAR / max(1, overrides)
    replacements = tuple(
        Override(
            layer=("primary", "secondary")[n % 2],
            person=MEMBERS[n % 8],
            start=BEGIN + n * apart,
            end=BEGIN + n * apart + timedelta(days=2),
        )
        for n in range(overrides)
    )
    away = tuple(
        TimeOff(person=MEMBERS[n % 8], start=BEGIN + n * 3 * apart, end=BEGIN + n * 3 * apart + timedelta(days=10))
        for n in range(overrides // 3)
    )
    return OnCall(
        zone=ZONE,
        layers=layers,
        overrides=replacements,
        time_off=away,
        backup="de-1",
        manager="de-2",
        compensation_after_turns=2,
    )


def seconds(work: Callable[[], object], repeats: int = 5, clock: Callable[[], float] = perf_counter) -> float:
    """The best of several runs: what the machine can do when nothing else wants it."""
    best = float("inf")
    for _ in range(repeats):
        begun = clock()
        work()
        best = min(best, clock() - begun)
    return best


def cold_schedule(years: int, overrides: int, clock: Callable[[], float] = perf_counter) -> float:
    """Seconds for the whole schedule of ``years``, from an on-call that was never looked at."""
    source = on_call(years, overrides)
    return seconds(lambda: schedule(replace(source), BEGIN, BEGIN + years * YEAR), clock=clock)


def growth() -> float:
    """How many times the work of ten years forty years are.

    In the process's own time: on a busy machine the longer run is interrupted more often, and a ratio of elapsed times
    (seen: 6.7) says more about the neighbours than about the algorithm (4.1).
    """
    return cold_schedule(40, 800, process_time) / cold_schedule(10, 200, process_time)


def rates() -> tuple[float, float]:
    """Look-ups a second over ten years, at random instants: from cold, and again."""
    chance = random.Random(1)
    times = [BEGIN + chance.random() * 10 * YEAR for _ in range(50_000)]
    source = on_call(10, 200)

    def ask() -> None:
        for t in times:
            on_call_at(source, "primary", t)

    begun = perf_counter()
    roster_of(source)
    ask()
    return len(times) / (perf_counter() - begun), len(times) / seconds(ask)


def run() -> list[dict[str, Any]]:
    """The rows of this benchmark."""
    cold, warm = rates()
    ten = cold_schedule(10, 200)
    times = growth()
    first = seconds(lambda: on_call_at(replace(on_call(10, 200)), "primary", BEGIN + 9 * YEAR))
    return [
        row("on_call_at, tables not yet made", cold, "a second", "≥ 50,000", cold >= 50_000),
        row("on_call_at, tables made", warm, "a second", "≥ 50,000", warm >= 50_000),
        row("on_call_at, the first answer", first * 1e3, "ms"),
        row("ten years, two layers, 200 overrides", ten, "s", "≤ 0.5", ten <= 0.5),
        row("forty years with 800, to ten with 200", times, "times", "≤ 6 (linear: 4)", times <= 6),
    ]


def row(name: str, value: float, unit: str, bar: str | None = None, ok: bool = True) -> dict[str, Any]:
    """One row of the table; without a bar it is there for comparison."""
    return {"name": name, "value": value, "unit": unit, "bar": bar, "ok": ok}
