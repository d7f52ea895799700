"""``decide`` around the edges: acknowledging, snoozing, waiving, edits of the registry, Airflow itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from daybreak.domain.incident import Decisions, Event, Incident, Notification, Recorded, State
from daybreak.domain.registry import Registry, Silence
from daybreak.domain.runs import DagFacts, Run, Snapshot
from daybreak.monitor.decide import decide
from daybreak.monitor.judge import judge
from tests.support.mornings import at, clock, line, runs_of
from tests.support.registries import pipeline, registry, step, upstream

STEPS = (step("0m", "on_call"), step("15m", "secondary", unless_acknowledged=True), step("2h", "manager"))
GROWTH = registry(pipeline("growth"), steps=STEPS)
KEY = "daybreak:v1:growth:2026-02-04"


@dataclass
class Monitor:
    """Ticks by hand, with what is remembered open to change in between."""

    registry: Registry
    runs: tuple[Run, ...] = ()
    unclaimed: tuple[Run, ...] = ()
    facts: dict[str, DagFacts] | None = None
    alive: bool = True
    first_seen: Mapping[str, datetime] | None = None
    incidents: dict[str, Incident] = field(default_factory=dict)
    recorded: dict[str, Recorded] = field(default_factory=dict)
    last: Decisions = field(default_factory=Decisions)

    def tick(self, when: str) -> list[str]:
        now = at(when)
        by_dag: dict[str, tuple[Run, ...]] = {}
        for run in sorted(self.runs, key=lambda one: one.effective_date, reverse=True):
            by_dag[run.dag_id] = (*by_dag.get(run.dag_id, ()), run)
        snapshot = Snapshot(
            runs=by_dag,
            dags=self.facts or {},
            dags_known=self.facts is not None,
            scheduler_alive=self.alive,
            unclaimed=self.unclaimed,
        )
        judgements = judge(self.registry, snapshot, self.recorded, now)
        self.last = decide(
            self.registry,
            self.incidents,
            judgements,
            now,
            snapshot=snapshot,
            recorded=self.recorded,
            first_seen=self.first_seen,
        )
        self.incidents.update({one.dedup_key: one for one in self.last.incidents})
        self.recorded.update({one.occurrence.dedup_key: one for one in self.last.records})
        return [line(one).removeprefix(f"{clock(one.at)} ") for one in self.last.notifications if one.to]

    def change(self, key: str = KEY, **fields: Any) -> None:
        self.incidents[key] = replace(self.incidents[key], **fields)

    def events(self) -> list[Event]:
        return [one.event for one in self.last.notifications]

    def told(self, event: Event) -> Notification:
        return next(one for one in self.last.notifications if one.event is event)


def test_acknowledging_stops_the_step_that_asks_for_it_and_no_other() -> None:
    monitor = Monitor(GROWTH)
    assert monitor.tick("09:00") == ["page growth step 0 -> ann"]
    monitor.change(acknowledged_at=at("09:05"), acknowledged_by="ann")
    assert monitor.tick("09:15") == []
    assert monitor.tick("11:00") == ["page growth step 2 -> mia"]


def test_snoozing_holds_escalation_and_then_the_latest_step_fires() -> None:
    monitor = Monitor(GROWTH)
    monitor.tick("09:00")
    monitor.change(snoozed_until=at("11:30"))
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
    monitor.change(told=("gone",))
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


def test_an_import_error_of_a_claimed_dag_is_a_notice_at_once_and_once() -> None:
    monitor = Monitor(GROWTH, facts={"growth": DagFacts(dag_id="growth", import_error="NameError: x")})
    assert monitor.tick("03:00") == ["notice growth -> olga"]
    assert "NameError: x" in (monitor.told(Event.IMPORT_ERROR).text or "")
    assert monitor.tick("03:01") == []
    monitor.facts = {"growth": DagFacts(dag_id="growth")}
    assert monitor.tick("04:00") == []
    assert not any(one.open for one in monitor.incidents.values())


def test_a_failure_of_a_dag_that_nobody_claims_is_a_notice_to_the_default_owner() -> None:
    monitor = Monitor(GROWTH, unclaimed=runs_of("02:00 stray starts\n 02:30 stray fails"))
    assert monitor.tick("02:30") == ["notice  -> olga"]
    assert monitor.events() == [Event.UNCLAIMED_FAILED]
    assert monitor.tick("02:31") == []
    monitor.unclaimed = ()  # cleared
    assert monitor.tick("03:00") == []
    assert not any(one.open for one in monitor.incidents.values())


def test_each_failure_of_an_unclaimed_dag_is_told_once_in_one_incident_a_day() -> None:
    first, second, third = (
        runs_of(f"{hour}:00 stray#{hour} starts\n {hour}:30 stray#{hour} fails") for hour in ("02", "03", "04")
    )
    monitor = Monitor(registry(pipeline("tidy", due=None)), unclaimed=first)
    monitor.tick("02:30")
    monitor.unclaimed = (*third, *second, *first)
    assert monitor.tick("04:30") == ["notice  -> olga"]
    assert monitor.told(Event.UNCLAIMED_FAILED).text == (
        "stray failed again (2 runs); no pipeline of the registry claims it"
    )
    assert monitor.tick("04:31") == []
    monitor.unclaimed += runs_of("23:00 stray#l starts\n +1 00:10 stray#l fails")
    assert monitor.tick("+1 00:10") == ["notice  -> olga"]  # another day: what was told yesterday is not told again
    assert monitor.told(Event.UNCLAIMED_FAILED).text == "stray failed; no pipeline of the registry claims it"
    assert {one.dedup_key[-10:] for one in monitor.incidents.values()} == {"2026-02-04", "2026-02-05"}
    assert monitor.tick("+2 00:11") == []  # a day later it is over
    assert not any(one.open for one in monitor.incidents.values())


def test_an_unclaimed_failure_is_no_news_if_it_is_old_a_backfill_or_from_before_the_registry() -> None:
    old = runs_of("-1 02:00 old starts\n -1 02:30 old fails")
    filled = runs_of("02:00 filled starts backfill\n 02:30 filled fails")
    before = runs_of("00:30 before starts\n 00:50 before fails")
    monitor = Monitor(GROWTH, unclaimed=(*old, *filled, *before), first_seen={"growth": at("01:00")})
    assert monitor.tick("02:31") == []


def test_a_dead_scheduler_is_one_incident_with_what_is_at_stake() -> None:
    monitor = Monitor(registry(pipeline("growth"), pipeline("tidy", due=None)), alive=False)
    monitor.tick("04:00")
    told = monitor.told(Event.SCHEDULER_DOWN)
    assert (told.kind, told.to, told.group) == ("page", ("ann",), ("growth",))
    assert monitor.tick("04:01") == []
    monitor.alive = True
    assert monitor.tick("04:10") == ["resolve growth -> ann"]


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
