"""The mornings that can be rehearsed: what is done to Airflow and data, and what must have been told by the end."""

from __future__ import annotations

import os
import signal
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from daybreak.demo.morning import BROKEN, LATE, LATE_UPSTREAM, PAUSED
from daybreak.demo.play import BASES, Play, now_text, succeeded
from daybreak.demo.steps import MISSING, NEW_TAX, Scene, broken_paged, paused_paged

DDOS_REFERRER = "free-prizes.example"
KILLED = "aggregate_engagement"
UNPARSABLE = "daily_growth"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """:param early: pipelines due minutes from now; all others are due later
    :param deeds: what is done, from unpausing on
    :param missing: None once everything was told that must be, else what was not
    :param after: what is done once it was, to show the recovery; its own question follows
    :param own_dags: whether the dags folder is copied, because a file of it will be broken
    """

    name: str
    title: str
    early: frozenset[str]
    deeds: Callable[[Play], None]
    missing: Callable[[Scene], str | None]
    after: Callable[[Play], None] | None = None
    recovered: Callable[[Scene], str | None] | None = None
    own_dags: bool = False
    retries: int = 1


def _ordinary(play: Play) -> None:
    play.begin()
    play.start_bases()


def _late(upstream: str) -> Callable[[Play], None]:
    def deeds(play: Play) -> None:
        play.begin(late=[upstream])
        play.start_bases()

    return deeds


def _new_tax(play: Play) -> None:
    _ordinary(play)
    play.watch(lambda scene: play.task_done(BASES[0], "land"), until=play.stage.morning.due)
    play.change_data("INSERT OR IGNORE INTO tax_model (tax_code, rate_bp) VALUES (?, 300)", NEW_TAX)
    play.do(f"a new tax, {NEW_TAX}, appears in tax_model")


def _paused(play: Play) -> None:
    play.begin(paused=[PAUSED])
    play.start_bases()


def _attack(play: Play) -> None:
    """An attack in today's events: seen by the next run, which people start by hand."""
    _ordinary(play)
    play.watch(lambda scene: succeeded(scene, "engagement_base"), until=play.stage.morning.quiet_due)
    day = play.stage.morning.business_date
    for number in range(3):
        play.change_data(
            "INSERT INTO raw_web_events (day, user_id, referrer, events) VALUES (?, ?, ?, 9000)",
            day, f"bot{number}", DDOS_REFERRER,
        )  # fmt: skip
    play.do(f"three visitors from {DDOS_REFERRER} make 27000 events")
    play.stage.airflow.trigger("engagement_base", logical_date=now_text())


def _classify_attack(play: Play) -> None:
    play.change_data("INSERT INTO ddos_referrer (referrer, why) VALUES (?, 'attack')", DDOS_REFERRER)
    play.do(f"{DDOS_REFERRER} stands in ddos_referrer now; one more run")
    play.stage.airflow.trigger("engagement_base", logical_date=now_text())
    play.watch(lambda scene: _count(scene, "engagement_base") >= 3, until=datetime.now(UTC) + timedelta(minutes=2))


def _kill(play: Play) -> None:
    """SIGKILL for the process of a task, as the kernel does it when memory runs out."""
    _ordinary(play)
    until = play.stage.morning.quiet_due
    play.watch(lambda scene: _running(scene, KILLED), until=until)
    # With the warehouse locked the task can only wait: long enough to be found.
    with closing(sqlite3.connect(play.stage.place.warehouse, timeout=20, isolation_level=None)) as warehouse:
        warehouse.execute("BEGIN IMMEDIATE")
        while datetime.now(UTC) < until:
            for pid in _pids(play, KILLED):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
                    play.do(f"killed the process of {KILLED}'s task (SIGKILL): no exception, no callback of the task")
                    return
            time.sleep(0.1)


def _break_file(play: Play) -> None:
    play.begin(paused=[UNPARSABLE])
    path = play.stage.place.own_dags / f"{UNPARSABLE}.py"
    path.write_text(path.read_text() + "\nimport a_module_that_nobody_installed\n")
    play.do(f"{path.name} no longer parses: it imports something that is not there")
    play.start_bases()


def _stop_scheduler(play: Play) -> None:
    play.begin()
    play.stage.household.end("scheduler")
    play.do("the scheduler is gone: nothing runs any more")


def upstream_page(pipeline: str, upstream: str) -> Callable[[Scene], str | None]:
    """The ticket to the upstream's team and the page that names it as the reason."""

    def missing(scene: Scene) -> str | None:
        ticket, page = scene.view.alert(scene.key(upstream, upstream=True)), scene.alert(pipeline)
        if ticket is None or "ticket" not in ticket.tags:
            return f"the ticket for {upstream}: {MISSING}"
        return reason_page(pipeline, "upstream_late")(scene) if page else f"the page for {pipeline}: {MISSING}"

    return missing


def reason_page(pipeline: str, *reasons: str) -> Callable[[Scene], str | None]:
    """A page for ``pipeline`` that gives one of ``reasons``."""

    def missing(scene: Scene) -> str | None:
        page = scene.alert(pipeline)
        if page is None:
            return f"the page for {pipeline}: {MISSING}"
        given = page.details.get("reason")
        return None if given in reasons else f"the page for {pipeline} gives as reason {given!r}, not {reasons[0]}"

    return missing


def closed(pipeline: str) -> Callable[[Scene], str | None]:
    """The pipeline's alert was closed."""

    def missing(scene: Scene) -> str | None:
        page = scene.alert(pipeline)
        return None if page is not None and page.closed else f"the closed alert for {pipeline}: {MISSING}"

    return missing


def silence(scene: Scene) -> str | None:
    """Every pipeline succeeded and nobody was paged."""
    for pipeline in scene.registry.pipelines:
        if not succeeded(scene, pipeline):
            return f"{pipeline} has not succeeded"
    paged = [alert.alias for alert in scene.view.alerts]
    return f"{paged[0]} was alerted, though all was well" if paged else None


def warned(times: int) -> Callable[[Scene], str | None]:
    """Slack was warned of the attack so often, and nobody was paged for it."""

    def missing(scene: Scene) -> str | None:
        seen = sum(DDOS_REFERRER in message.text for message in scene.view.messages)
        if seen != times:
            return f"{seen} warnings of {DDOS_REFERRER} in Slack, not {times}"
        return "somebody was paged for an outlier" if scene.view.alerts else None

    return missing


def killed_page(scene: Scene) -> str | None:
    """The page says out of memory, and DevOps got a ticket."""
    lacking = reason_page(KILLED, "out_of_memory")(scene)
    tickets = [alert for alert in scene.view.alerts if "ticket" in alert.tags and "DevOps" in alert.responders]
    return lacking or (None if tickets else f"the ticket to DevOps: {MISSING}")


def scheduler_alert(scene: Scene) -> str | None:
    """One alert about the scheduler."""
    found = [alert for alert in scene.view.alerts if "scheduler" in alert.text.lower()]
    return None if found else f"the page about the scheduler: {MISSING}"


def _running(scene: Scene, dag: str) -> bool:
    return any(run["dag_id"] == dag and run["state"] == "running" for run in scene.runs)


def _count(scene: Scene, dag: str) -> int:
    return sum(run["dag_id"] == dag and run["state"] == "success" for run in scene.runs)


def _pids(play: Play, dag: str) -> list[int]:
    return [
        int(task["pid"])
        for run in play.stage.airflow.runs()
        if run["dag_id"] == dag
        for task in play.stage.airflow.tasks(dag, run["dag_run_id"])
        if task["state"] == "running" and task.get("pid")
    ]


SCENARIOS = {
    scenario.name: scenario
    for scenario in (
        Scenario(
            name="all_quiet", title="everything is ready in time: nobody hears anything",
            early=frozenset(), deeds=_ordinary, missing=silence,
        ),
        Scenario(
            name="sales_force_late", title="sales_force is late: ticket, thread, page for aggregate growth, recovery",
            early=frozenset({LATE}), deeds=_late(LATE_UPSTREAM), missing=upstream_page(LATE, LATE_UPSTREAM),
            after=lambda play: play.release(LATE_UPSTREAM), recovered=closed(LATE),
        ),
        Scenario(
            name="product_b_late", title="Product B is late: ticket, page for aggregate profit, recovery",
            early=frozenset({BROKEN}), deeds=_late("product_b"), missing=upstream_page(BROKEN, "product_b"),
            after=lambda play: play.release("product_b"), recovered=closed(BROKEN),
        ),
        Scenario(
            name="new_tax", title="tax_model holds a tax that the transformation does not know",
            early=frozenset({BROKEN}), deeds=_new_tax, missing=broken_paged,
        ),
        Scenario(
            name="ddos", title="an attack in web_events: a warning, until the referrer is classified",
            early=frozenset(), deeds=_attack, missing=warned(1), after=_classify_attack, recovered=warned(1),
        ),
        Scenario(
            name="oom", title="a task is killed for want of memory: page, and a ticket to DevOps",
            early=frozenset(), deeds=_kill, missing=killed_page, retries=0,
        ),
        Scenario(
            name="import_error", title="a dag file no longer parses",
            early=frozenset({UNPARSABLE}), deeds=_break_file, missing=reason_page(UNPARSABLE, "import_error"),
            own_dags=True,
        ),
        Scenario(
            name="paused", title="a dag is paused: no run, and a page all the same",
            early=frozenset({PAUSED}), deeds=_paused, missing=paused_paged,
        ),
        Scenario(
            name="scheduler_down", title="the scheduler is gone: one page for all that is at stake",
            early=frozenset({BROKEN}), deeds=_stop_scheduler, missing=scheduler_alert,
        ),
    )
}  # fmt: skip
