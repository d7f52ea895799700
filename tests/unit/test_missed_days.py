"""Days whose data never came: what stays open, what is said, and when it ends by itself."""

from __future__ import annotations

from dataclasses import replace

import pytest

from daybreak.domain.incident import Event, State
from tests.support.mornings import at, clock, runs_of
from tests.support.registries import pipeline, registry, step, upstream
from tests.support.ticks import Monitor

STEPS = (step("0m", "on_call"), step("2h", "manager"))
GROWTH = registry(pipeline("growth"), steps=STEPS)
KEY = "daybreak:v1:growth:2026-02-04"
NEXT = runs_of("+1 02:00 growth starts\n +1 03:00 growth succeeds")


def notes(monitor: Monitor) -> list[str]:
    return [one.text or "" for one in monitor.last.notifications if not one.to]


def test_the_next_days_success_ends_nothing_and_says_once_what_is_still_missing() -> None:
    monitor = Monitor(GROWTH)
    monitor.tick("09:00")
    monitor.tick("11:00")
    monitor.runs = NEXT
    assert monitor.tick("+1 03:00") == []
    waive = "daybreak waive --pipeline growth --date 2026-02-04"
    assert notes(monitor) == [f"2026-02-05 is ready, 2026-02-04 is still missing: run it again, or `{waive}`"]
    assert monitor.last.notifications[0].dedup_key == KEY
    assert monitor.incidents[KEY].open
    assert (monitor.tick("+1 03:01"), notes(monitor)) == ([], [])
    monitor.runs += runs_of("+1 10:00 growth#2 starts manual for=03:00\n +1 10:30 growth#2 succeeds")
    assert monitor.tick("+1 10:30") == ["resolve growth -> ann, mia"]
    assert monitor.recorded[KEY].state is State.LATE


def test_a_day_that_was_waived_or_silenced_is_not_spoken_of_again() -> None:
    monitor = Monitor(GROWTH)
    monitor.tick("09:00")
    monitor.recorded[KEY] = replace(monitor.recorded[KEY], waived="olga: bank holiday")
    monitor.tick("09:05")
    monitor.runs = NEXT
    assert (monitor.tick("+1 03:00"), notes(monitor)) == ([], [])


def test_steps_are_finite_and_after_a_fortnight_it_ends_and_stays_missing() -> None:
    monitor = Monitor(registry(pipeline("growth", days=frozenset({2})), steps=STEPS))  # Wednesdays
    told = [(when, said) for when in hours(15) if (said := monitor.tick(when))]
    steps = [when for when, said in told if any(one.startswith("page growth step") for one in said)]
    assert steps == ["09:00", "11:00", "+7 09:00", "+7 11:00", "+14 09:00", "+14 11:00"]
    handoffs = [when for when, said in told if said == ["page growth -> ben"] or said == ["page growth -> ann"]]
    assert handoffs == ["+5 09:00", "+12 09:00"], "whoever comes on call meets what is open"
    ended = [when for when, said in told if any(one.startswith("resolve") for one in said)]
    assert ended == ["+14 09:00"]
    assert monitor.recorded[KEY].state is State.MISSED
    assert not monitor.incidents[KEY].open
    assert monitor.incidents["daybreak:v1:growth:2026-02-11"].open


def hours(days: int) -> list[str]:
    return [clock(at(f"+{day} {hour:02}:00")) for day in range(days) for hour in range(24)]


@pytest.mark.parametrize("known", [True, False])
def test_given_up_is_said_once_and_a_restart_opens_nothing_anew(known: bool) -> None:
    monitor = Monitor(registry(pipeline("tidy", due=None)), runs_of("02:00 tidy starts\n 02:10 tidy fails"))
    assert monitor.tick("02:10") == ["page tidy step 0 -> ann"]
    assert monitor.tick("+6 02:00") == ["page tidy -> ben"]  # a handoff
    assert monitor.tick("+14 02:09") == []
    assert monitor.tick("+14 02:10") == ["resolve tidy -> ann, ben"]
    assert monitor.told(Event.RESOLVED).text == "given up after 14 days: it stays missing"
    if not known:
        monitor.incidents.clear()  # ended incidents are forgotten after three days
    assert monitor.tick("+14 02:11") == []
    assert monitor.tick("+20 02:11") == []


def test_what_is_too_old_to_be_judged_ends_as_well() -> None:
    monitor = Monitor(GROWTH)
    monitor.tick("09:00")
    monitor.tick("11:00")
    monitor.recorded.clear()  # a monitor that was away for longer than the store looks back
    said = monitor.tick("+20 08:00")
    assert "resolve growth -> ann, mia" in said
    assert not monitor.incidents[KEY].open


def test_an_upstream_that_never_came_ends_without_a_word_of_arrival() -> None:
    monitor = Monitor(registry(upstream("sales")))
    assert monitor.tick("05:00") == ["ticket sales step 0 -> sales"]
    monitor.tick("07:00")
    key = "daybreak:v1:upstream:sales:2026-02-04"
    monitor.tick("+13 05:00")
    assert monitor.incidents[key].open
    monitor.tick("+14 05:00")
    assert Event.UPSTREAM_ARRIVED not in monitor.events()
    assert (monitor.incidents[key].open, monitor.incidents[key].state) == (False, State.MISSED)
