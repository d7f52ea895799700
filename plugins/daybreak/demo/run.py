"""``daybreak demo`` from start to end: set up, play, report, stay or leave, clean up."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from daybreak.demo.events import Reporter, local
from daybreak.demo.household import Household
from daybreak.demo.place import find_place
from daybreak.demo.ports import claim
from daybreak.demo.show import Show
from daybreak.demo.stage import Stage, build
from daybreak.demo.steps import STEPS
from daybreak.demo.timeline import Timeline


class Told(BaseException):
    """A signal asked this process to end. Not an Exception: nothing on the way may swallow it."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def run_demo(*, once: bool, airflow_port: int, sandbox_port: int) -> int:
    """The main job. → the exit status: 0, or 1 where ``once`` and a step was not found; 128 + n after signal n."""
    timeline = Timeline()
    place = find_place()
    with ending_signals():
        held = place.lock()
        household = Household(home=place.home, pids=place.pids, logs=place.logs)
        finished = False
        try:
            stale = household.end_stale()
            if stale:
                timeline.progress(f"ended {stale} processes that an interrupted demo had left")
            ports = (
                claim(airflow_port, what="Airflow", option="--airflow-port"),
                claim(sandbox_port, what="the sandbox", option="--sandbox-port"),
            )
            place.fresh()
            stage = build(place, household, timeline, airflow_port=ports[0], sandbox_port=ports[1])
            _addresses(timeline, stage)
            show = Show(stage=stage, reporter=Reporter(timeline=timeline))
            complete = show.play()
            report(timeline, show)
            finished = True
            if not once:
                _stay(timeline, show)
            return 0 if complete else 1
        except Told as told:
            return 0 if finished and told.number == signal.SIGINT else 128 + told.number
        finally:
            with deaf():
                timeline.progress("ending every process that was started")
                household.end_all()
                held.close()


def report(timeline: Timeline, show: Show) -> None:
    """What arrived where, as tables, and each step's verdict."""
    view = show.scene().view
    rows = [("at", "alert", "priority", "to", "state", "count", "reason")]
    for alert in view.alerts:
        state = "closed" if alert.closed else "open"
        reason = alert.details.get("reason", "ticket" if "ticket" in alert.tags else "")
        to = ", ".join(alert.responders)
        rows.append(
            (local(alert.created_at, timeline), alert.alias, alert.priority, to, state, str(alert.count), reason)
        )
    timeline.table("Opsgenie", rows)
    posts = [("at", "channel", "message", "in thread")]
    for message in view.messages:
        posts.append(
            (local(message.at, timeline), message.channel, message.headline[:90], str(len(message.replies)) or "")
        )
    timeline.table("Slack", posts)
    verdicts = [("step", "", "what")]
    for step in STEPS:
        found = step.number in show.found
        why = "" if found else f": {show.why_not.get(step.number, 'not reached')}"
        verdicts.append((str(step.number), "found" if found else "NOT FOUND", step.title + why))
    timeline.table("The main job", verdicts)
    for step in STEPS:
        if step.number not in show.found:
            timeline.line(f"step {step.number} was not found: {show.why_not.get(step.number, 'not reached')}")
    _addresses(timeline, show.stage)


def _addresses(timeline: Timeline, stage: Stage) -> None:
    timeline.line("")
    timeline.line(f"  Airflow, with its dags, board and runbooks   {stage.airflow.base_url}")
    timeline.line(f"  Opsgenie and Slack, as people see them       {stage.sandbox.url}")
    timeline.line("")


def _stay(timeline: Timeline, show: Show) -> None:
    timeline.line("Everything stays up for you to look around; Ctrl-C ends it all.")
    while True:
        show.stage.household.check()
        time.sleep(1)
        scene = show.scene()
        show.reporter.sandbox(scene.view)
        show.reporter.airflow(scene.runs)


@contextmanager
def ending_signals() -> Iterator[None]:
    """Within this, SIGINT, SIGTERM and SIGHUP raise Told."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def tell(number: int, frame: FrameType | None) -> None:
        raise Told(number)

    before = {number: signal.signal(number, tell) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def deaf() -> Iterator[None]:
    """Within this, an impatient second Ctrl-C does not interrupt the cleaning up."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, signal.SIG_IGN) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
