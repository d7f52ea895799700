"""``decide`` around the edges: acknowledging, snoozing, waiving, edits of the registry, Airflow itself."""

from __future__ import annotations

from dataclasses import replace

from daybreak.domain.incident import Event, State
from daybreak.domain.registry import Silence
from tests.support.mornings import at, runs_of
from tests.support.registries import pipeline, registry, step, upstream
from tests.support.ticks import Monitor

STEPS = (step("0m", "on_call"), step("15m", "secondary", unless_acknowledged=True), step("2h", "manager"))
GROWTH = registry(pipeline("growth"), steps=STEPS)
KEY = "daybreak:v1:growth:2026-02-04"


def test_acknowledging_stops_the_step_that_asks_for_it_and_no_other() -> None:
    monitor = Monitor(GROWTH)
    assert monitor.tick("09:00") == ["page growth step 0 -> ann"]
    monitor.change(KEY, acknowledged_at=at("09:05"), acknowledged_by="ann")
    assert monitor.tick("09:15") == []
    assert monitor.tick("11:00") == ["page growth step 2 -> mia"]


def test_snoozing_holds_escalation_and_then_the_latest_step_fires() -> None:
    monitor = Monitor(GROWTH)
    monitor.tick("09:00")
    monitor.change(KEY, snoozed_until=at("11:30"))
    assert monitor.tick("09:15") == []
    assert monitor.tick("11:00") == []
    assert monitor.tick("11:30") == ["page growth step 2 -> mia"]
    assert monitor.tick("11:31") == []


def test_after_an_outage_the_first_and_the_latest_step_fire() -> None:
    monitor = Monitor(GROWTH)
    monitor.tick("08:00")
    assert monitor.tick("12:00") == ["page growth step 0 -> ann", "page growth step 2 -> mia"]
    assert monitor.incidents[KEY].opened_at == at("09:00")
    assert monitor.incidents[KEY].steps_done == (0, 1, 2)


def test_days_that_came_and_went_unseen_are_judged_when_the_monitor_is_back() -> None:
    monitor = Monitor(registry(pipeline("growth")))
    monitor.tick("08:00")
    monitor.tick("+2 08:00")
    assert {key[-10:] for key, one in monitor.incidents.items() if one.pages} == {"2026-02-04", "2026-02-05"}
    assert monitor.recorded["daybreak:v1:growth:2026-02-06"].state is State.PENDING


def test_a_waived_day_ends_its_incident_and_stays_quiet() -> None:
    monitor = Monitor(GROWTH)
    monitor.tick("09:00")
    monitor.recorded[KEY] = replace(monitor.recorded[KEY], waived="olga: bank holiday")
    assert monitor.tick("09:05") == ["resolve growth -> ann"]
    assert monitor.tick("09:30") == []
    assert monitor.recorded[KEY].state is State.MISSED
    assert monitor.recorded[KEY].waived is not None


def test_what_was_due_before_the_pipeline_was_in_the_registry_is_history() -> None:
    monitor = Monitor(GROWTH, first_seen={"growth": at("10:00")})
    assert monitor.tick("10:00") == []
    assert monitor.recorded[KEY].state is State.MISSED
    assert monitor.tick("+1 09:00") == ["page growth step 0 -> ann"]


def test_a_met_occurrence_stays_met_when_its_run_is_cleared_at_noon() -> None:
    monitor = Monitor(GROWTH, runs_of("02:00 growth starts\n 03:00 growth succeeds"))
    monitor.tick("09:00")
    monitor.runs = tuple(replace(run, state="running", end_date=None) for run in monitor.runs)
    assert monitor.tick("12:00") == []
    assert monitor.recorded[KEY].state is State.MET


def test_marked_success_by_hand_after_the_miss_is_ready_when_first_seen_so() -> None:
    monitor = Monitor(GROWTH, runs_of("02:00 growth starts\n 07:00 growth fails"))
    monitor.tick("07:00")
    monitor.tick("09:00")
    monitor.runs = tuple(replace(run, state="success") for run in monitor.runs)  # Airflow keeps the old end
    assert monitor.tick("10:00") == ["resolve growth -> ann, mia"]
    assert monitor.recorded[KEY].minutes_late == 60
    assert (monitor.recorded[KEY].state, monitor.recorded[KEY].ready_at) == (State.LATE, at("10:00"))


def test_failed_that_becomes_missed_is_a_note_and_no_page() -> None:
    monitor = Monitor(registry(pipeline("growth")), runs_of("02:00 growth starts\n 07:00 growth fails"))
    assert monitor.tick("07:00") == ["page growth step 0 -> ann"]
    assert monitor.tick("09:00") == []
    assert monitor.events() == [Event.CAUSE_CHANGED]
    assert monitor.tick("09:01") == []
    assert monitor.events() == []


def test_a_cause_that_changes_is_a_note_to_nobody() -> None:
    monitor = Monitor(registry(pipeline("growth")))
    monitor.tick("09:00")
    monitor.runs = runs_of("09:10 growth starts manual")
    assert monitor.tick("09:10") == []
    assert monitor.told(Event.CAUSE_CHANGED).text == "the cause is now: running"


def test_a_failure_in_a_silence_is_told_when_it_ends_unless_it_was_due_in_it() -> None:
    silence = (Silence(pipeline="growth", start=at("01:00"), end=at("05:00")),)
    monitor = Monitor(
        registry(pipeline("growth"), silences=silence), runs_of("02:00 growth starts\n 02:30 growth fails")
    )
    assert monitor.tick("02:30") == []
    assert monitor.incidents[KEY].silenced
    assert monitor.tick("05:00") == ["page growth step 0 -> ann"]
    early = Monitor(registry(pipeline("growth", due="03:00"), silences=silence))
    assert [early.tick(when) for when in ("03:00", "05:00", "12:00")] == [[], [], []]
    assert early.recorded[KEY].state is State.MISSED


def test_a_removed_pipeline_ends_its_incident() -> None:
    monitor = Monitor(GROWTH)
    monitor.tick("09:00")
    monitor.registry = registry(pipeline("other", due="20:00"))
    assert monitor.tick("09:05") == ["resolve growth -> ann"]
    assert monitor.told(Event.RESOLVED).text == "no longer in the registry"
    monitor.registry = GROWTH  # it was a slip: nobody watches it now, so it is paged anew
    assert monitor.tick("09:10") == ["page growth step 0 -> ann"]


def test_an_owner_who_left_the_registry_is_not_addressed() -> None:
    monitor = Monitor(GROWTH)
    monitor.tick("09:00")
    monitor.change(KEY, told=("gone",))
    monitor.runs = runs_of("09:10 growth starts\n 09:20 growth succeeds")
    assert monitor.tick("09:20") == ["resolve growth -> ann"]


def test_a_due_moved_later_keeps_the_incident_and_pages_nobody_again() -> None:
    monitor = Monitor(registry(pipeline("growth")))
    monitor.tick("09:00")
    monitor.registry = registry(pipeline("growth", due="10:00"))
    assert monitor.tick("09:05") == []
    assert monitor.tick("10:00") == []
    assert monitor.incidents[KEY].open


def test_a_member_that_joins_an_open_group_is_a_note_and_no_second_page() -> None:
    two = [pipeline(name, upstreams=("sales",)) for name in ("growth", "profit")]
    monitor = Monitor(registry(*two, upstream("sales")))
    assert monitor.tick("09:00")[-1] == "page growth+profit step 0 -> ann"
    monitor.registry = registry(*two, pipeline("third", upstreams=("sales",)), upstream("sales"))
    assert monitor.tick("09:01") == []
    assert monitor.told(Event.CAUSE_CHANGED).text == "also waits: third"
    assert monitor.incidents["daybreak:v1:group:sales:2026-02-04"].group == ("growth", "profit", "third")


def test_a_later_due_instant_makes_the_open_group_page_again() -> None:
    early = [pipeline(name, due="06:00", upstreams=("sales",), priority="P3") for name in ("a", "b")]
    late = [pipeline(name, due="09:00", upstreams=("sales",), priority="P1") for name in ("c", "d")]
    monitor = Monitor(registry(*early, *late, upstream("sales")))
    assert monitor.tick("06:00")[-1] == "page a+b step 0 -> ann"
    assert monitor.tick("09:00")[-1] == "page a+b+c+d step 0 -> ann"
    assert monitor.incidents["daybreak:v1:group:sales:2026-02-04"].priority == "P1"


def test_a_person_who_was_paged_already_is_not_added_at_the_handoff() -> None:
    steps = (step("0m", "on_call"), step("15m", "secondary"))
    monitor = Monitor(registry(pipeline("growth", due="06:00"), steps=steps))
    monitor.tick("+5 06:00")
    monitor.tick("+5 06:15")  # ben, who is primary from 09:00 on
    assert monitor.tick("+5 09:00") == []
    assert monitor.incidents["daybreak:v1:growth:2026-02-09"].on_call == "ben"


def test_fail_succeed_fail_on_one_date_without_deadline_is_told_again() -> None:
    monitor = Monitor(registry(pipeline("tidy", due=None)), runs_of("02:00 tidy starts\n 02:10 tidy fails"))
    assert monitor.tick("02:10") == ["page tidy step 0 -> ann"]
    monitor.runs += runs_of("03:00 tidy#2 starts\n 03:10 tidy#2 succeeds")
    assert monitor.tick("03:10") == ["resolve tidy -> ann"]
    assert monitor.tick("03:11") == []
    monitor.runs += runs_of("04:00 tidy#3 starts\n 04:10 tidy#3 fails")
    assert monitor.tick("04:10") == ["page tidy step 0 -> ann"]
    assert monitor.tick("04:11") == []
