"""``judge`` on what a history cannot show: facts of dags, tasks, sensors, probes, the scheduler, clocks."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from daybreak.domain.incident import Judgement, Recorded
from daybreak.domain.registry import ReadyWhen, Registry
from daybreak.domain.runs import DagFacts, Evidence, Run, Snapshot, TaskState
from daybreak.monitor.judge import horizon, judge
from tests.support.mornings import at, runs_of, watch
from tests.support.registries import pipeline, registry, upstream

GROWTH = registry(pipeline("growth"))
OK = DagFacts(dag_id="growth")
WAITING = registry(pipeline("growth", upstreams=("sales",)), upstream("sales"))


def snapshot(runs: tuple[Run, ...] = (), facts: DagFacts | None = OK, **more: Any) -> Snapshot:
    by_dag: dict[str, tuple[Run, ...]] = {}
    for run in sorted(runs, key=lambda one: one.effective_date, reverse=True):
        by_dag[run.dag_id] = (*by_dag.get(run.dag_id, ()), run)
    return Snapshot(runs=by_dag, dags={facts.dag_id: facts} if facts else {}, dags_known=True, **more)


def judged(
    reading: Snapshot,
    when: str = "09:00",
    reg: Registry = GROWTH,
    recorded: dict[str, Recorded] | None = None,
    name: str = "growth",
) -> Judgement:
    return next(one for one in judge(reg, reading, recorded or {}, at(when)) if one.occurrence.subject == name)


def task(run: str, task_id: str, state: str | None, end: str | None = None, **more: Any) -> TaskState:
    dag = run.partition("#")[0]
    return TaskState(dag_id=dag, run_id=run, task_id=task_id, state=state, end_date=at(end) if end else None, **more)


RUNNING = runs_of("02:00 growth starts")
FAILED = runs_of("02:00 growth starts\n 03:00 growth fails")
DONE = runs_of("02:00 growth starts\n 03:00 growth succeeds")
QUEUED = runs_of("02:00 growth queued")
KEY = ("growth", "growth")

REASONS = {
    "dag_missing": (snapshot(RUNNING, facts=None), None),
    "dag_missing, though it was known once": (snapshot(facts=replace(OK, exists=False)), None),
    "import_error": (
        snapshot(facts=replace(OK, exists=False, import_error="SyntaxError: line 3")),
        "SyntaxError: line 3",
    ),
    "import_error, before paused": (snapshot(facts=replace(OK, paused=True, import_error="x")), "x"),
    "dag_paused": (snapshot(FAILED, facts=replace(OK, paused=True)), None),
    "running, though paused by now": (snapshot(RUNNING, facts=replace(OK, paused=True)), None),
    "run_failed": (snapshot(FAILED), None),
    "out_of_memory": (
        snapshot(FAILED, evidence={KEY: (Evidence(dag_id="growth", run_id="growth", task_id="t", killed=True),)}),
        None,
    ),
    "running": (snapshot(RUNNING), None),
    "running, as long as twice the usual": (snapshot(RUNNING, usual={"growth": timedelta(hours=3, minutes=30)}), None),
    "stuck": (snapshot(RUNNING, usual={"growth": timedelta(hours=3, minutes=29)}), None),
    "scheduler_down": (snapshot(QUEUED, scheduler_alive=False), None),
    "running, though the scheduler is down": (snapshot(RUNNING, scheduler_alive=False), None),
    "queued": (snapshot(QUEUED), None),
    "no_run": (snapshot(), None),
    "no_run, but one just before the cycle opened": (
        snapshot(runs_of("-1 22:00 growth starts\n -1 23:30 growth succeeds")),
        "run growth succeeded at 2026-02-03 23:30 UTC, just before the cycle opened",
    ),
}


@pytest.mark.parametrize("name", REASONS)
def test_the_first_reason_that_holds(name: str) -> None:
    reading, detail = REASONS[name]
    found = judged(reading)
    assert (found.state, found.reason, found.detail) == ("missed", name.partition(",")[0], detail)


def test_a_late_upstream_comes_before_what_the_run_does_and_after_a_failure() -> None:
    facts = {"dags": {"growth": OK}, "dags_known": True}
    for runs, reason in ((RUNNING, "upstream_late"), (FAILED, "run_failed"), ((), "upstream_late")):
        found = judged(Snapshot(runs={"growth": runs}, **facts), reg=WAITING)
        assert (found.reason, found.late_upstreams) == (reason, ("sales",))


def test_a_run_that_failed_in_nothing_but_its_wait_is_the_upstreams_delay() -> None:
    waited = task("growth", "wait_for_sales", "failed", "03:00", operator="UpstreamReadySensor")
    assert judged(snapshot(FAILED, tasks={KEY: (waited,)}), reg=WAITING).reason == "upstream_late"
    broken = task("growth", "transform", "failed", "03:00")
    assert judged(snapshot(FAILED, tasks={KEY: (waited, broken)}), reg=WAITING).reason == "run_failed"


def test_a_success_whose_sensor_was_skipped_is_not_ready() -> None:
    skipped = task("growth", "wait_for_sales", "skipped", "03:00", operator="UpstreamReadySensor")
    found = judged(snapshot(DONE, tasks={KEY: (skipped,)}), reg=WAITING)
    assert (found.state, found.reason) == ("missed", "upstream_late")
    other = task("growth", "branch", "skipped", "03:00", operator="EmptyOperator")
    assert judged(snapshot(DONE, tasks={KEY: (other,)}), reg=WAITING).state == "met"


def test_a_run_that_waited_itself_is_not_stale() -> None:
    runs = runs_of("00:10 growth starts\n 06:10 growth succeeds\n 05:00 sales_load starts\n 05:50 sales_load succeeds")
    waited = task("growth", "wait_for_sales", "success", "05:51", operator="UpstreamReadySensor")
    early = task("growth", "wait_for_sales", "success", "00:11", operator="UpstreamReadySensor")
    assert judged(snapshot(runs, tasks={KEY: (waited,)}), reg=WAITING).reason is None
    assert judged(snapshot(runs, tasks={KEY: (early,)}), reg=WAITING).reason == "stale_input"
    assert judged(snapshot(runs), reg=WAITING).reason == "stale_input"


def test_a_run_whose_tasks_are_finished_gets_five_seconds_to_be_marked() -> None:
    finished = snapshot(RUNNING, finished={KEY: at("08:59:58")})
    assert judged(finished, "09:00").state == "pending"
    assert judged(finished, "09:00:02").state == "pending"
    assert judged(finished, "09:00:03").state == "missed"
    assert judged(snapshot(RUNNING, finished={KEY: at("09:00:01")}), "09:00:02").state == "missed"


def test_the_grace_turns_a_page_into_a_notice() -> None:
    tasks = [
        task("growth", "land", "success", "08:00", start_date=at("02:00")),
        task("growth", "publish", "success", "08:59:58", start_date=at("08:00")),
    ]
    told = watch(GROWTH, "02:00 growth starts\n 09:00:02 growth succeeds", tasks=tasks, tick="1s", until="09:05")
    assert told.lines == ["09:00:02 notice growth -> olga"]
    assert told.state("growth") == "late 1"


def test_a_success_seen_a_moment_late_was_in_time() -> None:
    missed = {one.occurrence.dedup_key: record(one) for one in judge(GROWTH, snapshot(RUNNING), {}, at("09:00"))}
    runs = runs_of("02:00 growth starts\n 08:59:59 growth succeeds")
    assert judged(snapshot(runs), "09:00:02", recorded=missed).state == "met"


def test_a_clock_ahead_of_ours_does_not_make_ready_later_than_it_was_seen() -> None:
    runs = runs_of("02:00 growth starts\n 09:00:30 growth succeeds")
    found = judged(snapshot(runs), "08:59:50")
    assert (found.state, found.ready_at) == ("met", at("08:59:50"))


def test_an_upstream_told_by_a_sensor_is_not_blamed_while_nothing_of_ours_waits() -> None:
    sensed = upstream("sales", ready_when=ReadyWhen(kind="sensor", value="sales_there"))
    reg = registry(pipeline("growth", upstreams=("sales",)), sensed)
    assert judged(snapshot(), reg=reg, name="sales").state == "pending"
    waiting = snapshot(RUNNING, tasks={KEY: (task("growth", "sales_there", "deferred"),)})
    assert judged(waiting, reg=reg, name="sales").state == "missed"
    assert judged(waiting, reg=reg).reason == "upstream_late"
    there = snapshot(RUNNING, tasks={KEY: (task("growth", "sales_there", "success", "04:30"),)})
    assert judged(there, reg=reg, name="sales").state == "met"


def test_an_upstream_that_only_a_probe_can_tell_is_unknown_until_it_is_probed() -> None:
    probed = upstream("sales", ready_when=ReadyWhen(kind="object", value="s3://x", conn="aws"))
    reg = registry(pipeline("growth", upstreams=("sales",)), probed)
    assert judged(snapshot(RUNNING), reg=reg).reason == "running"
    assert judged(snapshot(RUNNING, probed=frozenset({"sales"})), reg=reg).reason == "upstream_late"
    ready = snapshot(RUNNING, upstream_ready={("sales", "2026-02-04"): at("06:00")})
    assert judged(ready, reg=reg, name="sales").minutes_late == 60


def test_globs_are_filled_by_the_dags_there_are_and_one_that_matches_none_is_missing() -> None:
    reg = registry(pipeline("growth", dags=("growth_*",)))
    facts = {name: DagFacts(dag_id=name) for name in ("growth_a", "growth_b", "other")}
    runs = {"growth_a": (replace(DONE[0], dag_id="growth_a"),)}
    assert judged(Snapshot(runs=runs, dags=facts, dags_known=True), reg=reg).dag_id == "growth_b"
    del facts["growth_b"]
    assert judged(Snapshot(runs=runs, dags=facts, dags_known=True), reg=reg).state == "met"
    assert judged(Snapshot(dags={}, dags_known=True), reg=reg).reason == "dag_missing"


def test_the_earliest_ready_counts_the_usual_from_the_start_or_from_now() -> None:
    usual = {"growth": timedelta(hours=1)}
    assert judged(snapshot(runs_of("08:30 growth starts"), usual=usual)).earliest_ready == at("09:30")
    assert judged(snapshot(usual=usual)).earliest_ready == at("10:00")


def test_the_horizon_reaches_back_to_what_is_not_settled() -> None:
    assert horizon(GROWTH, {}, at("09:00")) == at("-1 09:00")
    missed = {one.occurrence.dedup_key: record(one) for one in judge(GROWTH, snapshot(), {}, at("09:00"))}
    assert horizon(GROWTH, missed, at("+3 09:00")) == at("00:00")


def record(one: Judgement) -> Recorded:
    return Recorded(occurrence=one.occurrence, state=one.state, reason=one.reason, run_id=one.run_id)
