"""Every command of the runbooks is executed, on a real Airflow with three mornings behind it: each ends with status 0.

Placeholders get values (a run's id, a date); everything else stands as it is written. What a command must have brought
about is looked up in Airflow's database, in Daybreak's, and in the warehouse.
"""

from __future__ import annotations

import json
import re
import shlex
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from daybreak.demo.airflow_up import daybreak
from tests.support.shipped_dags import DAYS, ROOT, ShippedDags

RUNBOOKS = sorted((ROOT / "include" / "runbooks").glob("*.md"))
LAST = DAYS[-1]
VALUES = {"<date>": LAST, "<name>": "new_thing", "<start>": LAST, "<referrer>": "bad.example", "<why>": "attack"}

pytestmark = [pytest.mark.airflow, pytest.mark.timeout(900)]


def written(starts: str) -> list[str]:
    """The commands of all runbooks, each once. ``starts``: a pattern for their first words."""
    found = set()
    for path in RUNBOOKS:
        for code in re.findall(r"`([^`]+)`", path.read_text()):
            line = " ".join(code.split())
            if re.match(starts, line):
                found.add(line)
    return sorted(found)


COMMANDS = written(r"(airflow|daybreak) ")
QUERIES = written(r"(SELECT|INSERT|UPDATE|DELETE) ")


class Ground:
    """A copy of the shipped dags' home, which the commands may change."""

    def __init__(self, shipped: ShippedDags, home: Path) -> None:
        shutil.copytree(shipped.home, home, dirs_exist_ok=True)
        self.home, self.database = home, home / "airflow.db"
        self.env = {
            **shipped.env,
            "AIRFLOW_HOME": str(home),
            "AIRFLOW_CONN_WAREHOUSE": json.dumps({"conn_type": "sqlite", "host": str(home / "warehouse.db")}),
            "AIRFLOW__CORE__TEST_CONNECTION": "Enabled",  # off by default; the runbooks say "where tests are allowed"
        }
        with closing(sqlite3.connect(self.database)) as airflow, airflow:
            # A scheduler that beats, for `airflow jobs check`; nothing of what is started here will ever run.
            airflow.execute(
                "INSERT INTO job (job_type, state, latest_heartbeat, hostname) "
                "VALUES ('SchedulerJob', 'running', ?, 'here')",
                (datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S.%f"),),
            )
            airflow.execute("UPDATE dag SET is_paused = 1")
        self.before = {dag: self.runs(dag) for dag in self.dags()}
        with closing(sqlite3.connect(self.database)) as airflow, airflow:
            for runs in self.before.values():  # publish failed in the last of them
                spoil = "UPDATE task_instance SET state = CASE task_id WHEN 'publish' THEN 'failed' ELSE 'success' END"
                airflow.execute(f"{spoil} WHERE run_id = ?", (runs[-1],))

    def rows(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(self.database)) as airflow:
            return airflow.execute(sql, values).fetchall()

    def dags(self) -> list[str]:
        return [row[0] for row in self.rows("SELECT dag_id FROM dag ORDER BY dag_id")]

    def runs(self, dag: str) -> list[str]:
        """Ids of the dag's runs, the oldest first."""
        return [row[0] for row in self.rows("SELECT run_id FROM dag_run WHERE dag_id = ? ORDER BY id", dag)]

    def states(self, dag: str, run: str) -> set[tuple[str, str | None]]:
        """The states of a run's tasks: that of ``publish``, and those of all others."""
        return set(
            self.rows(
                "SELECT CASE task_id WHEN 'publish' THEN task_id ELSE 'others' END, state FROM task_instance "
                "WHERE dag_id = ? AND run_id = ?",
                dag,
                run,
            )
        )

    def words(self, command: str) -> list[str]:
        """The command line with values for its placeholders; what it is piped into is left to the test."""
        words = shlex.split(command.partition(" | ")[0])
        dag = next((word for word in words if word in self.before), "")
        # The run that failed is the last; what is cleared as a whole is the one before it.
        run = -1 if "--only-failed" in words else -2
        return [self.before[dag][run] if word == "RUN_ID" else word for word in words]

    def execute(self, commands: list[str]) -> dict[str, dict[str, Any]]:
        job, answer = self.home / "commands.json", self.home / "answers.json"
        job.write_text(json.dumps([self.words(command) for command in commands]))
        runner = ROOT / "tests" / "support" / "run_commands.py"
        done = subprocess.run(
            [sys.executable, str(runner), str(job), str(answer)],
            env=self.env, cwd=ROOT, capture_output=True, text=True, timeout=600, check=False,
        )  # fmt: skip
        assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
        return dict(zip(commands, json.loads(answer.read_text()), strict=True))

    @contextmanager
    def monitor(self) -> Iterator[None]:
        """The monitor at work, in shadow: it decides and records, and sends nothing. It makes Daybreak's tables."""
        log = self.home / "monitor.log"
        with log.open("wb") as output:
            process = subprocess.Popen(daybreak("monitor", "--shadow"), env=self.env, stdout=output, stderr=output)
        try:
            end = time.monotonic() + 120
            while not self._ticked():
                assert process.poll() is None, log.read_text()[-3000:]
                assert time.monotonic() < end, log.read_text()[-3000:]
                time.sleep(0.2)
            yield
        finally:
            process.terminate()
            process.wait(60)

    def _ticked(self) -> bool:
        with suppress(sqlite3.OperationalError):  # the tables are not there yet
            return bool(self.rows("SELECT 1 FROM daybreak_lease WHERE ticked_at IS NOT NULL"))
        return False


@pytest.fixture(scope="module")
def ground(shipped: ShippedDags, tmp_path_factory: pytest.TempPathFactory) -> Ground:
    return Ground(shipped, tmp_path_factory.mktemp("ground"))


@pytest.fixture(scope="module")
def executed(ground: Ground) -> dict[str, dict[str, Any]]:
    """Every command → its status and output. Looking comes before changing."""
    changing = re.compile(r"airflow (dags (trigger|clear|unpause)|backfill)|daybreak waive")
    with ground.monitor():
        return ground.execute(sorted(COMMANDS, key=lambda command: bool(changing.match(command))))


@pytest.mark.parametrize("command", COMMANDS)
def test_it_ends_with_status_0(executed: dict[str, dict[str, Any]], command: str) -> None:
    answer = executed[command]
    assert answer["status"] == 0, answer["output"][-2000:]
    if " | grep " in command:
        assert command.rpartition(" ")[2] in answer["output"]


def of(form: str) -> list[str]:
    """The dags for which a command of this form is written, ``{}`` standing for the dag."""
    pattern = re.escape(form).replace(r"\{\}", r"(\w+)")
    return [found[1] for command in COMMANDS if (found := re.fullmatch(pattern, command))]


PIPELINES = {path.stem for path in RUNBOOKS}


def test_triggered_dags_have_one_more_run(ground: Ground, executed: dict[str, dict[str, Any]]) -> None:
    for dag in of("airflow dags trigger {}"):
        assert set(ground.runs(dag)) > set(ground.before[dag]), dag
    assert set(of("airflow dags trigger {}")) == PIPELINES


def test_unpaused_dags_are_unpaused(ground: Ground, executed: dict[str, dict[str, Any]]) -> None:
    running = {row[0] for row in ground.rows("SELECT dag_id FROM dag WHERE NOT is_paused")}
    assert running >= set(of("airflow dags unpause {}")) == PIPELINES


def test_cleared_is_what_the_command_names(ground: Ground, executed: dict[str, dict[str, Any]]) -> None:
    for dag in of("airflow dags clear {} --run-id RUN_ID --only-failed --yes"):
        first, whole, last = ground.before[dag][-3:]
        assert ground.states(dag, last) == {("publish", None), ("others", "success")}
        assert {state for _, state in ground.states(dag, first)} == {"success"}, "other days are left as they were"
        assert {state for _, state in ground.states(dag, whole)} == {None}
    for form in ("--only-failed --yes", "--yes"):
        assert set(of(f"airflow dags clear {{}} --run-id RUN_ID {form}")) == PIPELINES


def test_old_days_are_made_again(ground: Ground, executed: dict[str, dict[str, Any]]) -> None:
    backfilled = of("airflow backfill create --dag-id {} --from-date 2026-03-01 --to-date 2026-03-03")
    by_hand = of("airflow dags trigger {} --logical-date 2026-03-01T03:00:00+00:00")
    assert {*backfilled, *by_hand} == PIPELINES
    for dag in (*backfilled, *by_hand):
        kinds = ground.rows("SELECT run_type FROM dag_run WHERE dag_id = ? AND logical_date < '2026-03-02'", dag)
        assert {kind for (kind,) in kinds} == {"backfill" if dag in backfilled else "manual"}, dag


def test_a_waived_day_is_recorded(ground: Ground, executed: dict[str, dict[str, Any]]) -> None:
    recorded = "".join(str(row) for row in ground.rows("SELECT * FROM daybreak_action"))
    assert set(of('daybreak waive --pipeline {} --why "reason"')) == PIPELINES
    assert all(f":{pipeline}:" in recorded for pipeline in PIPELINES)


def test_who_is_on_call_is_told(executed: dict[str, dict[str, Any]]) -> None:
    for pipeline in of("daybreak oncall --pipeline {}"):
        assert "Engineer" in executed[f"daybreak oncall --pipeline {pipeline}"]["output"]
    assert set(of("daybreak oncall --pipeline {}")) == PIPELINES


@pytest.mark.parametrize("query", QUERIES)
def test_a_query_answers_on_a_warehouse_in_use(ground: Ground, query: str) -> None:
    for placeholder, value in VALUES.items():
        query = query.replace(placeholder, value)
    assert not re.search(r"<\w+>", query), "a placeholder without a value"
    with closing(sqlite3.connect(ground.home / "warehouse.db")) as warehouse:
        rows = warehouse.execute(query).fetchall()
        # What looks for trouble finds none on an ordinary day; every other question has an answer.
        looks_for_trouble = "NOT IN" in query or "web_anomaly" in query or query.startswith("INSERT")
        assert rows or looks_for_trouble, query
        warehouse.rollback()


def test_there_are_commands_to_test() -> None:
    assert len(COMMANDS) >= 80
    assert len(QUERIES) > 25
