"""``daybreak demo`` and ``daybreak rehearse`` from start to end: set up, play, report, stay or leave, clean up."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from types import FrameType
from typing import Any

from daybreak.demo.events import Reporter
from daybreak.demo.household import Household
from daybreak.demo.place import find_place
from daybreak.demo.play import Play
from daybreak.demo.ports import claim
from daybreak.demo.rehearsal import Rehearsal
from daybreak.demo.report import addresses, arrived, told, verdicts
from daybreak.demo.scenarios import Scenario
from daybreak.demo.show import Show
from daybreak.demo.stage import Stage, build
from daybreak.demo.timeline import Timeline


class Told(BaseException):
    """A signal asked this process to end. Not an Exception: nothing on the way may swallow it."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def run_demo(*, once: bool, airflow_port: int, sandbox_port: int) -> int:
    """The main job. → the exit status: 0, or 1 where a step was not found; 128 + n after signal n."""
    timeline = Timeline()

    def play(stage: Stage) -> bool:
        show = Show(stage=stage, reporter=Reporter(timeline=timeline))
        complete = show.play()
        arrived(timeline, show.scene())
        verdicts(timeline, show)
        addresses(timeline, stage)
        if not once:
            _stay(show)
        return complete

    return on_stage(timeline, play, airflow_port=airflow_port, sandbox_port=sandbox_port)


def run_rehearsal(scenario: Scenario, *, stay: bool, airflow_port: int, sandbox_port: int) -> int:
    """One scenario. → 0 if everything was told that must be, otherwise 1; 128 + n after signal n."""
    timeline = Timeline()

    def play(stage: Stage) -> bool:
        timeline.line(f"{scenario.name}: {scenario.title}")
        rehearsal = Rehearsal(stage=stage, reporter=Reporter(timeline=timeline))
        rehearsal.start([scenario])
        complete = rehearsal.play([scenario])
        told(timeline, rehearsal.scene(), rehearsal.reporter.heard)
        missing = rehearsal.why_not.get(scenario.name)
        timeline.line()
        timeline.line(f"{scenario.name}: {f'NOT as it should be: {missing}' if missing else 'as it should be'}")
        if stay:
            addresses(timeline, stage)
            _stay(rehearsal)
        return complete

    return on_stage(
        timeline,
        play,
        airflow_port=airflow_port,
        sandbox_port=sandbox_port,
        early=scenario.early,
        own_dags=True,
    )


def on_stage(
    timeline: Timeline, play: Callable[[Stage], bool], *, airflow_port: int, sandbox_port: int, **options: Any
) -> int:
    """Build a stage, play on it, and leave no process behind, whatever happens. → the exit status.

    ``options`` are those of :func:`daybreak.demo.stage.build`.
    """
    place = find_place()
    with ending_signals():
        held = place.lock()
        household = Household(home=place.home, pids=place.pids, logs=place.logs)
        try:
            stale = household.end_stale()
            if stale:
                timeline.progress(f"ended {stale} processes that an interrupted demo had left")
            chosen = claim(airflow_port, what="Airflow", option="--airflow-port")
            other = claim(sandbox_port, what="the sandbox", option="--sandbox-port")
            place.fresh()
            stage = build(place, household, timeline, airflow_port=chosen, sandbox_port=other, **options)
            addresses(timeline, stage)
            return 0 if play(stage) else 1
        except Told as signalled:
            return 128 + signalled.number
        finally:
            with deaf():
                timeline.progress("ending every process that was started")
                household.end_all()
                held.close()


def _stay(play: Play) -> None:
    """Tell what still happens until Ctrl-C."""
    play.stage.timeline.line("Everything stays up for you to look around; Ctrl-C ends it all.")
    try:
        while True:
            play.watch(lambda scene: True, until=datetime.now(UTC))
            time.sleep(1)
    except Told as signalled:
        if signalled.number != signal.SIGINT:
            raise


@contextmanager
def ending_signals() -> Iterator[None]:
    """Within this, SIGINT, SIGTERM and SIGHUP raise Told."""

    def tell(number: int, frame: FrameType | None) -> None:
        raise Told(number)

    with _handling(tell):
        yield


@contextmanager
def deaf() -> Iterator[None]:
    """Within this, an impatient second Ctrl-C does not interrupt the cleaning up."""
    with _handling(signal.SIG_IGN):
        yield


@contextmanager
def _handling(handler: Callable[[int, FrameType | None], None] | signal.Handlers) -> Iterator[None]:
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, handler) for number in numbers}
    try:
        yield
    finally:
        for number, former in before.items():
            signal.signal(number, former)
