"""Every way in which a run can go, in a real Airflow on SQLite and on PostgreSQL: what Daybreak made of it, and what
reached Opsgenie and Slack. One Airflow a database; the pipelines run side by side (tests/support/matrix.py).

The tests of one database build on one another's order in one place: the last kills the monitor.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from daybreak.demo.morning import zone_of_nine
from daybreak.demo.sandbox_view import Alert
from tests.support import matrix
from tests.support.matrix import DUE, LATER
from tests.support.matrix_life import CALLBACK, MONITOR, SETTINGS, Matrix, set_going
from tests.support.whole_airflow import whole_airflow

DATABASES = [
    pytest.param(name, marks=[pytest.mark.airflow, pytest.mark.xdist_group(f"matrix-{name}"), *more])
    for name, *more in (("sqlite",), ("postgres", pytest.mark.postgres))
]
pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module", params=DATABASES)
def going(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Matrix]:
    server = request.getfixturevalue("postgres_url") if request.param == "postgres" else None
    folder = tmp_path_factory.mktemp(request.param)
    knobs = folder / "knobs"
    first = matrix.registry(zone_of_nine(datetime.now(UTC)), "23:00")
    sources = matrix.sources(knobs)
    options = ("--slack-interval", "0.2")
    with whole_airflow(folder, dags=sources, registry=first, postgres=server, sandbox=options, settings=SETTINGS) as up:
        yield set_going(up, knobs)
        up.household.check()


def test_a_killed_task_is_out_of_memory_and_says_its_last_words(going: Matrix) -> None:
    api, run = going.up.api, going.runs["killed"]

    def hangs() -> Any:
        task = api.task("killed", run, "work")
        return task["pid"] if task["state"] == "running" and task["pid"] else None

    os.kill(going.up.wait_for(hangs, "the task's process"), signal.SIGKILL)
    going.becomes("killed", "failed", "out_of_memory")
    up = going.up
    alert = up.wait_for(
        lambda: _with(going.paged("killed"), reason="out_of_memory", task="work"), "the cause on the page"
    )
    assert "Process terminated by signal. Likely out of memory error (OOM)" in alert.text
    assert "was killed, out of memory most likely" in going.thread("killed", "failed")


def test_a_failure_before_due_pages_with_its_exception(going: Matrix) -> None:
    row = going.becomes("failed", "failed", "run_failed")
    assert row.run_id == going.runs["failed"]
    going.up.wait_for(lambda: set(going.paged("failed").sources) == {CALLBACK, MONITOR}, "both detectors")
    alert = going.paged("failed")
    assert alert.details["task"] == "work"
    assert matrix.COMPLAINT in alert.details["exception"]
    assert matrix.COMPLAINT in going.thread("failed", "failed")


def test_cleared_and_run_again_it_is_met_and_the_page_is_closed(going: Matrix) -> None:
    going.becomes("cleared", "failed", "run_failed")
    going.paged("cleared")
    going.turn("cleared", "succeed")
    going.insist(lambda: going.up.api.clear("cleared", going.runs["cleared"]))
    row = going.becomes("cleared", "met", None)
    assert row.run_id == going.runs["cleared"]
    going.paged("cleared", closed=True)
    going.thread("cleared", "ready in time")


def test_marked_success_by_hand_it_is_met_and_the_page_is_closed(going: Matrix) -> None:
    going.becomes("by_hand", "failed", "run_failed")
    going.paged("by_hand")
    going.mark("by_hand", going.runs["by_hand"], "success")
    going.becomes("by_hand", "met", None)
    going.paged("by_hand", closed=True)


def test_a_run_without_logical_date_that_an_asset_started_counts(going: Matrix) -> None:
    row = going.becomes("asset_run", "met", None)
    (run,) = going.up.api.runs_of("asset_run")
    assert (run["logical_date"], run["run_type"]) == (None, "asset_triggered")
    assert row.run_id == run["dag_run_id"]
    going.no_page("asset_run")


def test_never_created(going: Matrix) -> None:
    going.missed("never_created", "no_run")


def test_a_dag_that_airflow_does_not_know(going: Matrix) -> None:
    going.missed("missing", "dag_missing")


def test_a_paused_dag(going: Matrix) -> None:
    going.missed("paused", "dag_paused")


@pytest.mark.parametrize("pipeline", ["unparsable", "broken"], ids=["never parsed", "parsed until now"])
def test_a_file_that_does_not_parse(going: Matrix, pipeline: str) -> None:
    alert = going.missed(pipeline, "import_error")
    assert "No module named 'a_module_that_nobody_has'" in alert.text
    (notice,) = [m for m in going.messages(pipeline) if "DOES NOT PARSE" in m.text]
    assert "No module named 'a_module_that_nobody_has'" in notice.text
    assert notice.at < going.due, "its owner hears of it at once"


def test_a_backfill_never_counts_neither_of_old_dates_nor_of_this_cycle(going: Matrix) -> None:
    going.missed("backfilled", "no_run")
    runs = going.up.wait_for(lambda: _all_succeeded(going.up.api.runs_of("backfilled")), "the backfill's runs")
    assert {run["run_type"] for run in runs} == {"backfill"}
    opens_at = going.recorded("backfilled").opens_at
    inside = [datetime.fromisoformat(run["data_interval_end"]) >= opens_at for run in runs]
    assert any(inside)
    assert not all(inside)
    assert going.recorded("backfilled").state == "missed"


def test_a_run_that_waits_for_an_older_one_is_queued(going: Matrix) -> None:
    alert = going.missed("queued", "queued")
    assert alert.details["run_id"] == going.runs["queued"]


def test_a_run_that_takes_much_longer_than_usual_is_stuck(going: Matrix) -> None:
    going.missed("stuck", "stuck")


def test_still_running_at_due_and_marked_success_after_it_is_late(going: Matrix) -> None:
    going.missed("running", "running")
    going.mark("running", going.runs["running"], "success")
    row = going.becomes("running", "late", "running")
    assert 1 <= row.minutes_late <= 15
    going.paged("running", closed=True)


def test_a_manual_rerun_after_the_miss_makes_it_late_and_closes_the_page(going: Matrix) -> None:
    going.missed("rerun", "no_run")
    run = going.start("rerun")
    row = going.becomes("rerun", "late", "no_run")
    assert row.run_id == run
    assert row.ready_at > going.due
    assert row.minutes_late == -(-(row.ready_at - going.due) // timedelta(minutes=1))
    alert = going.paged("rerun", closed=True)
    assert any("min late" in note for note in alert.notes)
    going.thread("rerun", f"{row.minutes_late} min late")


def test_met_is_final_a_run_cleared_after_due_that_then_fails_pages_nobody(going: Matrix) -> None:
    up, run = going.up, going.runs["settled"]
    row = going.becomes("settled", "met", None)
    up.wait_until(going.due + timedelta(seconds=1))
    going.turn("settled", "fail")
    going.insist(lambda: up.api.clear("settled", run))
    up.wait_for(lambda: up.api.run("settled", run)["state"] == "failed", "the run fails")
    log = up.place.logs / "airflow" / "dag_processor" / "latest" / "dags-folder" / "settled.py.log"
    up.wait_for(lambda: "not paged: a cleared run after due" in log.read_text(), "its callback")
    assert going.recorded("settled").ready_at == row.ready_at
    going.no_page("settled")


def test_the_board_says_the_same(going: Matrix) -> None:
    up = going.up
    status = up.status()
    assert status["ok"]
    assert status["failed_deliveries"] == []
    told = {each["pipeline"]: (each["state"], each["reason"]) for each in status["pipelines"]}
    kept = {pipeline: going.recorded(pipeline) for pipeline in told}
    assert told == {pipeline: (row.state, row.reason) for pipeline, row in kept.items()}
    assert set(told) == {*DUE, *LATER}
    open_now = {each["pipeline"] for each in status["incidents"]}
    assert open_now == {p for p, (state, _) in told.items() if state in ("failed", "missed")}


def test_with_the_monitor_dead_a_callback_pages_and_the_monitor_adopts_it(going: Matrix) -> None:
    up = going.up
    up.kill("monitor")
    going.start("unwatched", "fail")
    first = going.paged("unwatched")
    assert first.sources == [CALLBACK]
    assert first.alias == f"daybreak:v1:unwatched:{going.due.astimezone(up.zone):%Y-%m-%d}"
    assert all(m.channel != "unwatched" for m in up.view().messages)
    assert going.recorded("unwatched").state == "pending"
    up.start("monitor")
    going.becomes("unwatched", "failed", "run_failed")
    assert matrix.COMPLAINT in going.thread("unwatched", "failed")
    up.wait_for(lambda: matrix.COMPLAINT in going.paged("unwatched").details.get("exception", ""), "its exception")
    assert going.paged("unwatched").raw["id"] == first.raw["id"]


def test_nothing_else_was_sent_and_nothing_was_refused(going: Matrix) -> None:
    up = going.up
    up.wait_for(lambda: going.unsent() == [], "all is sent")
    aliases = [alert.alias for alert in up.view().alerts]
    assert len(aliases) == len(set(aliases))
    silent = {"asset_run", "settled"}
    assert {alias.split(":")[2] for alias in aliases} == {*DUE, *LATER} - silent
    assert up.view().violations == []
    channels = {message.channel for message in up.view().messages}
    assert channels == {pipeline.replace("_", "-") for pipeline in {*DUE, *LATER} - silent}


def _with(alert: Alert, **details: str) -> Alert | None:
    return alert if details.items() <= alert.details.items() else None


def _all_succeeded(runs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return runs if len(runs) > 1 and all(run["state"] == "success" for run in runs) else []
