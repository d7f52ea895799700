"""The wall clock of a machine is set back while its monitors run: before due, after the page, under a dead lease, and
while a page waits for its next attempt. On SQLite, where the lease too goes by that clock.

A clock that was ahead, and is put right, is the case that happens; so the monitors begin an hour ahead.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest

from tests.support.drill_stage import Stage, alerts, asked, until
from tests.support.drill_table import Row
from tests.support.sandbox import Sandbox
from tests.support.stepped_clock import SteppedClock

pytestmark = [pytest.mark.drill, pytest.mark.long_drill, pytest.mark.xdist_group("clock"), pytest.mark.timeout(600)]

HOUR = 3600


@pytest.fixture
def clock(tmp_path_factory: pytest.TempPathFactory) -> SteppedClock:
    return SteppedClock(tmp_path_factory.mktemp("clock"))


@pytest.fixture
def stage(clock: SteppedClock, box: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    box.reset()
    folder = tmp_path_factory.mktemp("stepped")
    yield Stage(
        folder=folder, sandbox=box, metadata_url=f"sqlite:///{folder / 'airflow.db'}", env=dict(clock.env),
        pipelines=("before", "after", "later"),
    )  # fmt: skip
    box.heal()


def test_set_back_before_due_and_after_the_page(stage: Stage, clock: SteppedClock, note: Callable[[Row], None]) -> None:
    with stage.monitors(1) as (monitor,):
        due = stage.set_due("before", 20, clock_is=12)  # by a clock that is 12 s ahead, when that is set
        clock.set(12)
        stage.settle(monitor)
        until(due, before=6)
        clock.set(0)
        due += timedelta(seconds=12)
        page = stage.page("before")
        assert page >= due
        clock.set(-HOUR)
        stage.settle(monitor)
        assert len(asked(stage.sandbox, "before")) == len(alerts(stage.sandbox, "before")) == 1
        assert alerts(stage.sandbox, "before")[0]["status"] == "open"
        stage.finish("before")
        stage.wait_for(lambda: alerts(stage.sandbox, "before")[0]["status"] == "closed", monitor)
    note(
        Row(
            order=80, what="wall clock set back by 12 s just before due, and by an hour after the page", on="SQLite",
            page_after=(page - due).total_seconds(), asked=1, alerts=1,
            seen="due by the clock as it then is; nothing told twice, the alert closed when the data was ready",
        )
    )  # fmt: skip


def test_set_back_under_the_lease_of_a_monitor_that_dies(
    stage: Stage, clock: SteppedClock, note: Callable[[Row], None]
) -> None:
    with stage.monitors() as (first, second):
        stage.settle(first)
        first.signal(signal.SIGSTOP)  # so that it does not renew what the clock makes of its lease
        clock.set(-HOUR)
        due = stage.set_due("after", 4, clock_is=-HOUR)
        first.signal(signal.SIGKILL)
        took = stage.wait_for(lambda: stage.acts(second), second)
        page = stage.page("after")
        stage.settle(second)
        assert len(asked(stage.sandbox, "after")) == len(alerts(stage.sandbox, "after")) == 1
    note(
        Row(
            order=81, what="wall clock set back by an hour, the acting monitor killed 4 s before due, another waits",
            on="SQLite", page_after=(page - due).total_seconds(), asked=1, alerts=1, takeover=took,
            seen="a lease unchanged for its own length is over, whatever its date says",
        )
    )  # fmt: skip


def test_set_back_while_a_page_waits_for_its_next_attempt(
    stage: Stage, clock: SteppedClock, note: Callable[[Row], None]
) -> None:
    with stage.monitors(1) as (monitor,):
        stage.sandbox.fault("opsgenie", "503")
        due = stage.set_due("later")
        stage.wait_for(lambda: any(attempts for *_, attempts in stage.recorded("later")), monitor)
        clock.set(-HOUR)
        stage.sandbox.heal()
        page = stage.page("later")
        stage.settle(monitor)
        assert len(asked(stage.sandbox, "later")) == len(alerts(stage.sandbox, "later")) == 1
        assert [state for state, *_ in stage.recorded("later")] == ["sent"]
    note(
        Row(
            order=82, what="wall clock set back by an hour while Opsgenie answers 503, which then ends", on="SQLite",
            page_after=(page - due).total_seconds(), asked=1, alerts=1,
            seen="the next attempt does not wait for the clock",
        )
    )  # fmt: skip
