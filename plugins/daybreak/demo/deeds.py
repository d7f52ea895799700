"""What a scenario does to Airflow and to data: the deeds of a bad morning, and those that repair it."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from daybreak.demo.airflow_up import CORE, airflow
from daybreak.demo.morning import BROKEN, LATE_UPSTREAM, PAUSED
from daybreak.demo.play import BASES, Play, now_text, succeeded
from daybreak.demo.steps import NEW_TAX

DDOS_REFERRER = "free-prizes.example"
KILLED = "aggregate_engagement"
UNPARSABLE = "daily_growth"
ATTACKED = "engagement_base"
PATIENCE = timedelta(minutes=2)  # for what a deed waits for; the scenario's verdict says what did not come
QUICK = 0.05  # seconds between two looks for a process


def new_tax(play: Play) -> None:
    """A tax that the transformation does not know, before aggregate profit looks at ``tax_model``."""
    play.watch(lambda scene: play.task_done(BASES[0], "land"), until=_patience())
    play.change_data("INSERT OR IGNORE INTO tax_model (tax_code, rate_bp) VALUES (?, 300)", NEW_TAX)
    play.do(f"a new tax, {NEW_TAX}, appears in tax_model")


def give_the_tax_a_rule(play: Play) -> None:
    """As the runbook says: the tax is added to the transformation's list, and the guard is cleared."""
    path = play.stage.place.registry.parent / "sql" / "aggregate_profit" / "known_taxes.sql"
    path.write_text(f"{path.read_text().rstrip()}, '{NEW_TAX}'\n")
    play.do(f"{NEW_TAX} has a rule now, in {path.name}; the guard is cleared")
    play.clear(BROKEN)


def attack(play: Play) -> None:
    """An attack in today's events: seen by the next run, which people start by hand."""
    play.watch(lambda scene: succeeded(scene, ATTACKED), until=_patience())
    day = play.stage.morning.business_date
    for number in range(3):
        play.change_data(
            "INSERT INTO raw_web_events (day, user_id, referrer, events) VALUES (?, ?, ?, 9000)",
            day, f"bot{number}", DDOS_REFERRER,
        )  # fmt: skip
    play.do(f"three visitors from {DDOS_REFERRER} make 27000 events")
    play.stage.airflow.trigger(ATTACKED, logical_date=now_text())


def classify_attack(play: Play) -> None:
    """The referrer goes into ``ddos_referrer``, and one more run sees it there."""
    play.change_data("INSERT INTO ddos_referrer (referrer, why) VALUES (?, 'attack')", DDOS_REFERRER)
    play.do(f"{DDOS_REFERRER} stands in ddos_referrer now; one more run")
    play.stage.airflow.trigger(ATTACKED, logical_date=now_text())
    play.watch(lambda scene: not play.active(ATTACKED), until=_patience())


def kill(play: Play) -> None:
    """SIGKILL for the process of a task, as the kernel does it when memory runs out, at each of its tries."""
    until, killed = _patience(), set[int]()
    while datetime.now(UTC) < until and not play.count(KILLED, "failed"):
        play.look()
        waiting = play.task_ids(KILLED)
        for _ in range(20):  # looks for the process between two questions to Airflow: it lives for seconds only
            for pid in task_processes(waiting) - killed:
                killed.add(pid)
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
                    play.do(f"killed the process of {KILLED}'s task (SIGKILL): no exception, no callback of the task")
            time.sleep(QUICK)


def task_processes(task_ids: Iterable[str]) -> set[int]:
    """The processes that run these task instances: Airflow's task runner names itself after its own.

    Empty where there is no ``/proc``.
    """
    titles = {f"airflow worker -- {each}".encode() for each in task_ids}
    found = set()
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if (folder / "cmdline").read_bytes().strip(b"\0 ") in titles:
                found.add(int(folder.name))
    return found


def run_again(dag: str) -> Callable[[Play], None]:
    """Clear what failed in the newest run of ``dag``, as a person would."""

    def deed(play: Play) -> None:
        play.clear(dag)
        play.do(f"cleared what had failed in {dag}: it runs again")

    return deed


def break_file(play: Play) -> None:
    """A dag file no longer parses, and Airflow has noticed."""
    path = play.stage.place.own_dags / f"{UNPARSABLE}.py"
    path.write_text(path.read_text() + "\nimport a_module_that_nobody_installed\n")
    play.do(f"{path.name} no longer parses: it imports something that is not there")
    play.watch(lambda scene: bool(play.stage.airflow.import_errors()), until=_patience())


def repair_file(play: Play) -> None:
    """The change is taken back; the run that is missing is started by hand."""
    original = play.stage.place.checkout / "dags" / f"{UNPARSABLE}.py"
    (play.stage.place.own_dags / original.name).write_text(original.read_text())
    play.do(f"{original.name} is repaired")
    play.watch(lambda scene: not play.stage.airflow.import_errors(), until=_patience())
    if not play.count(UNPARSABLE):
        play.stage.airflow.trigger(UNPARSABLE, logical_date=now_text())
        play.do(f"started {UNPARSABLE}")


def unpause(play: Play) -> None:
    """The dag is unpaused, and started by hand: what assets announce to a paused dag is lost."""
    play.stage.airflow.pause(PAUSED, paused=False)
    play.stage.airflow.trigger(PAUSED, logical_date=now_text())
    play.do(f"unpaused {PAUSED} and started it")


def stop_scheduler(play: Play) -> None:
    play.stage.household.end("scheduler")
    play.do("the scheduler is gone: nothing runs any more")


def start_scheduler(play: Play) -> None:
    play.stage.household.start("scheduler", airflow(*CORE["scheduler"]), play.stage.env)
    play.do("the scheduler is started again")


def deliver(upstream: str = LATE_UPSTREAM) -> Callable[[Play], None]:
    """The late upstream arrives."""
    return lambda play: play.release(upstream)


def _patience() -> datetime:
    return datetime.now(UTC) + PATIENCE
