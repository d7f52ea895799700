"""``decide`` about Airflow itself and about dags that nobody claims."""

from __future__ import annotations

from daybreak.domain.incident import Event
from daybreak.domain.runs import DagFacts
from tests.support.mornings import at, runs_of
from tests.support.registries import pipeline, registry
from tests.support.ticks import Monitor

GROWTH = registry(pipeline("growth"))


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
