"""Two monitors as operating-system processes on PostgreSQL: one is killed, stopped past its lease and woken, or ended.

The processes are real and so are the signals; the clock is the wall's.
"""

from __future__ import annotations

import signal
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.support.drill_stage import Stage, alerts, asked, until
from tests.support.drill_table import Row
from tests.support.sandbox import Sandbox

pytestmark = [pytest.mark.drill, pytest.mark.postgres, pytest.mark.xdist_group("takeover"), pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def stage(url: str, box: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Stage:
    folder: Path = tmp_path_factory.mktemp("takeover")
    return Stage(folder=folder, sandbox=box, metadata_url=url, pipelines=("killed", "stopped", "ended"))


def test_killed_just_before_due_the_other_takes_over_and_pages_once(stage: Stage, note: Callable[[Row], None]) -> None:
    with stage.monitors() as (first, second):
        due = stage.set_due("killed")
        until(due, before=1)
        first.signal(signal.SIGKILL)
        took = stage.wait_for(lambda: stage.acts(second), second)
        page = stage.page("killed")
        stage.settle(second)
        assert len(asked(stage.sandbox, "killed")) == len(alerts(stage.sandbox, "killed")) == 1
        assert stage.recorded("killed") == [("sent", "create", 1)]
    note(
        Row(
            order=10, what="`kill -9` of the acting monitor 1 s before due, another waits", on="PostgreSQL",
            page_after=(page - due).total_seconds(), asked=1, alerts=1, takeover=took,
        )
    )  # fmt: skip


def test_stopped_past_its_lease_and_woken_it_sends_and_records_nothing(
    stage: Stage, note: Callable[[Row], None]
) -> None:
    with stage.monitors() as (first, second):
        due = stage.set_due("stopped")
        until(due, before=1)
        first.signal(signal.SIGSTOP)
        took = stage.wait_for(lambda: stage.acts(second), second)
        page = stage.page("stopped")
        first.signal(signal.SIGCONT)
        stage.wait_for(lambda: "stands back" in first.said(), first)
        stage.settle(second)
        assert len(asked(stage.sandbox, "stopped")) == len(alerts(stage.sandbox, "stopped")) == 1
        assert stage.recorded("stopped") == [("sent", "create", 1)]
        assert stage.acts(second)
        assert first.process.poll() is None, "it waits for its turn"
    note(
        Row(
            order=20, what="the acting monitor stopped (SIGSTOP) 1 s before due, woken once the other had paged",
            on="PostgreSQL", page_after=(page - due).total_seconds(), asked=1, alerts=1, takeover=took,
            seen="the woken one sends and records nothing, and waits for its turn",
        )
    )  # fmt: skip


@pytest.mark.long_drill
def test_ended_in_order_the_other_takes_over_at_once(stage: Stage, note: Callable[[Row], None]) -> None:
    with stage.monitors() as (first, second):
        due = stage.set_due("ended")
        page = stage.page("ended")
        began = datetime.now(UTC)
        first.signal(signal.SIGTERM)
        assert first.process.wait(60) == 0, "it ends in order on SIGTERM"
        stage.wait_for(lambda: stage.acts(second), second)
        took = (datetime.now(UTC) - began).total_seconds()
        stage.settle(second)
        assert len(asked(stage.sandbox, "ended")) == len(alerts(stage.sandbox, "ended")) == 1
    note(
        Row(
            order=30, what="SIGTERM of the acting monitor right after its page", on="PostgreSQL",
            page_after=(page - due).total_seconds(), asked=1, alerts=1, takeover=took, seen="it ends with status 0",
        )
    )  # fmt: skip
