"""The one reader of Airflow's metadata database, on Airflow's own schema."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from daybreak.airflow_io.evidence import decoded
from daybreak.airflow_io.reader import Reader
from daybreak.airflow_io.scope import Named
from daybreak.airflow_io.task_log import read_line
from daybreak.config import parse_registry
from daybreak.domain.runs import Snapshot
from daybreak.errors import AirflowUnreadable
from daybreak.sql.database import open_engine
from tests.support.airflow_db import AirflowDb
from tests.support.monitors import REGISTRY

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
REGISTRY_VALUE = parse_registry(REGISTRY.encode(), source="test")


@pytest.fixture
def airflow(tmp_path: Path) -> AirflowDb:
    found = AirflowDb.sqlite(tmp_path)
    for dag in ("growth", "profit", "orders_load"):
        found.dag(dag)
    return found


def read(airflow: AirflowDb, now: datetime = NOW) -> Snapshot:
    return Reader(airflow.engine).read(REGISTRY_VALUE, {}, now)


def test_runs_of_the_cycle_newest_first_whatever_their_type(airflow: AirflowDb) -> None:
    airflow.run("growth", "scheduled", run_after=NOW - 5 * HOUR, start=NOW - 5 * HOUR, end=NOW - 4 * HOUR)
    airflow.run("growth", "asset", run_type="asset_triggered", logical=False, run_after=NOW - HOUR, state="running")
    airflow.run("growth", "old", run_after=NOW - 90 * HOUR)
    airflow.run("somebody_elses", "x", run_after=NOW - HOUR)
    runs = read(airflow).runs
    assert [run.run_id for run in runs["growth"]] == ["asset", "scheduled"]
    asset, scheduled = runs["growth"]
    assert (asset.logical_date, asset.effective_date) == (None, NOW - HOUR)
    assert (scheduled.start_date, scheduled.end_date) == (NOW - 5 * HOUR, NOW - 4 * HOUR)
    assert "somebody_elses" not in runs


def test_dags_paused_gone_and_broken(airflow: AirflowDb) -> None:
    airflow.run_sql("UPDATE dag SET is_paused = true WHERE dag_id = 'growth'")
    airflow.run_sql("UPDATE dag SET is_stale = true WHERE dag_id IN ('profit', 'orders_load')")
    airflow.import_error("profit.py", "Traceback ...\n  File x\nSyntaxError: invalid syntax\n")
    dags = read(airflow).dags
    assert dags["growth"].paused
    assert dags["profit"].import_error == "SyntaxError: invalid syntax"
    assert (dags["orders_load"].exists, dags["orders_load"].import_error) == (False, None)


def test_a_dag_that_never_parsed_is_known_by_its_files_name(tmp_path: Path) -> None:
    airflow = AirflowDb.sqlite(tmp_path)
    airflow.import_error("growth.py", "ImportError: no module")
    dags = read(airflow).dags
    assert dags["growth"].import_error == "ImportError: no module"
    assert "profit" not in dags


@pytest.mark.parametrize(("age", "alive"), [(5, True), (29, True), (31, False), (None, False)])
def test_the_schedulers_heartbeat(airflow: AirflowDb, age: int | None, alive: bool) -> None:
    if age is not None:
        airflow.beat(NOW - timedelta(seconds=age))
    assert read(airflow).scheduler_alive is alive


@pytest.mark.parametrize(("age", "alive"), [(5, True), (31, False)])
def test_a_scheduler_that_is_restarted_in_order_has_the_same_patience(
    airflow: AirflowDb, age: int, alive: bool
) -> None:
    airflow.beat(NOW - timedelta(seconds=age), state="success")
    assert read(airflow).scheduler_alive is alive


def failed_run(airflow: AirflowDb, ended: datetime) -> None:
    airflow.run("growth", "f", state="failed", run_after=NOW - 2 * HOUR, start=NOW - 2 * HOUR, end=ended)
    airflow.task("growth", "f", "load", state="success", start_date=NOW - 2 * HOUR, end_date=NOW - HOUR)
    airflow.task("growth", "f", "check", state="failed", start_date=NOW - HOUR, end_date=ended, hostname="w1")
    airflow.task("growth", "f", "after", state="upstream_failed", end_date=ended)


def test_a_failed_task_with_what_it_left_behind(airflow: AirflowDb) -> None:
    failed_run(airflow, NOW - HOUR)
    airflow.evidence("growth", "f", "check", {"exception": "ValueError: tax", "anchor": "guard", "host": "w1"})
    (found,) = read(airflow).evidence["growth", "f"]
    assert (found.task_id, found.exception, found.anchor, found.killed) == ("check", "ValueError: tax", "guard", False)


def test_a_failed_task_that_left_nothing_was_killed_once_it_has_had_the_time(airflow: AirflowDb) -> None:
    failed_run(airflow, NOW - timedelta(seconds=1))
    assert [one.killed for one in read(airflow).evidence["growth", "f"]] == [False]
    later = read(airflow, NOW + timedelta(seconds=10))
    assert [(one.task_id, one.killed) for one in later.evidence["growth", "f"]] == [("check", True)]


def test_what_cannot_change_any_more_is_asked_for_once(airflow: AirflowDb) -> None:
    failed_run(airflow, NOW - HOUR)
    reader = Reader(airflow.engine)
    first = reader.read(REGISTRY_VALUE, {}, NOW)
    airflow.run_sql("DELETE FROM task_instance")
    assert reader.read(REGISTRY_VALUE, {}, NOW).evidence == first.evidence
    airflow.change_run("growth", "f", state="running", end_date=None)  # cleared
    assert ("growth", "f") not in reader.read(REGISTRY_VALUE, {}, NOW).evidence


def test_a_task_that_the_registry_names_only_now_is_asked_for_of_runs_long_ended(airflow: AirflowDb) -> None:
    waiting = REGISTRY.replace("profit: {dags: [profit],", "profit: {dags: [profit], upstreams: [orders],")
    named = waiting.replace(
        'owners: {primary: bob}, deadline: {due: "09:00",',
        'owners: {primary: bob}, deadline: {due: "09:00", task: publish,',
    )
    assert named != waiting != REGISTRY
    airflow.run("profit", "p", run_after=NOW - 5 * HOUR, start=NOW - 5 * HOUR, end=NOW - 4 * HOUR)
    airflow.task("profit", "p", "publish", state="success", start_date=NOW - 5 * HOUR, end_date=NOW - 4 * HOUR)
    reader = Reader(airflow.engine)
    before = reader.read(parse_registry(waiting.encode(), source="test"), {}, NOW)
    assert ("profit", "p") not in before.tasks
    after = reader.read(parse_registry(named.encode(), source="test"), {}, NOW)
    assert [task.task_id for task in after.tasks["profit", "p"]] == ["publish"]


def test_a_run_whose_tasks_have_all_ended_awaits_its_mark(airflow: AirflowDb) -> None:
    airflow.run("growth", "r", state="running", run_after=NOW - HOUR, start=NOW - HOUR)
    airflow.task("growth", "r", "a", state="success", end_date=NOW - timedelta(seconds=2))
    airflow.task("growth", "r", "b", state="skipped", end_date=NOW - timedelta(seconds=1))
    assert read(airflow).finished == {("growth", "r"): NOW - timedelta(seconds=1)}
    airflow.task("growth", "r", "c", state=None)
    assert read(airflow).finished == {}


def test_a_database_that_is_not_there_is_said_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(AirflowUnreadable, match="no such table"):
        Reader(open_engine(f"sqlite:///{tmp_path / 'none.db'}")).read(REGISTRY_VALUE, {}, NOW)


def test_ten_pipelines_cost_as_many_statements_as_one(airflow: AirflowDb) -> None:
    from sqlalchemy import event

    failed_run(airflow, NOW - HOUR)
    counted: list[str] = []
    event.listen(airflow.engine, "before_cursor_execute", lambda *args: counted.append(args[2]))
    read(airflow)
    assert len([each for each in counted if not each.startswith("BEGIN")]) <= 6


@pytest.mark.parametrize(
    "value",
    [{"a": 1}, '{"a": 1}', '"{\\"a\\": 1}"', {"__var": {"a": 1}, "__type": "dict"}, '{"__data__": {"a": 1}}'],
)
def test_an_xcoms_value_in_its_wrappings(value: object) -> None:
    assert decoded(value) == {"a": 1}


def test_an_xcoms_value_that_is_no_object_is_nothing() -> None:
    assert decoded("[1]") == decoded("x") == decoded(None) == {}


def test_the_last_words_of_a_task() -> None:
    killed = read_line('{"event": "Process terminated by signal. Likely out of memory error (OOM).", "signal": -9}')
    assert killed.killed
    assert not read_line('{"event": "Task failed with exception"}').killed
    assert read_line("plain text").text == "plain text"


def test_what_did_not_change_is_the_same_object_and_what_did_is_another(airflow: AirflowDb) -> None:
    for dag in ("growth", "profit"):
        airflow.run(dag, "first", run_after=NOW - 5 * HOUR, start=NOW - 5 * HOUR, end=NOW - 4 * HOUR)
        airflow.run(dag, "second", run_after=NOW - 3 * HOUR, start=NOW - 3 * HOUR, state="running")
    reader = Reader(airflow.engine)
    before = reader.read(REGISTRY_VALUE, {}, NOW).runs
    airflow.run_sql("UPDATE dag_run SET state = 'failed' WHERE dag_id = 'profit' AND run_id = 'second'")
    airflow.run_sql("DELETE FROM dag_run WHERE dag_id = 'profit' AND run_id = 'first'")
    airflow.run_sql("UPDATE dag SET is_paused = true WHERE dag_id = 'profit'")
    airflow.import_error("orders_load.py", "SyntaxError: invalid syntax")
    second = reader.read(REGISTRY_VALUE, {}, NOW)
    assert second.dags == Reader(airflow.engine).read(REGISTRY_VALUE, {}, NOW).dags
    assert (second.dags["profit"].paused, second.dags["growth"].paused) == (True, False)
    assert second.dags["orders_load"].import_error == "SyntaxError: invalid syntax"
    after = second.runs
    assert after["growth"] is before["growth"]
    assert [(run.run_id, run.state) for run in after["profit"]] == [("second", "failed")]
    assert after == Reader(airflow.engine).read(REGISTRY_VALUE, {}, NOW).runs


def test_a_name_is_found_by_itself_or_by_a_glob() -> None:
    named = Named(frozenset({"growth", "mart_*"}))
    assert [dag for dag in ("growth", "growth_2", "mart_a", "mart") if named.has(dag)] == ["growth", "mart_a"]
