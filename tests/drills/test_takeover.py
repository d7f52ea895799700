"""Two monitors as operating-system processes on PostgreSQL: one is killed, or stopped past its lease and woken.

The processes are real and so are the signals; the clock is the wall's. Deadlines are whole minutes, so each drill
takes up to two.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, text

from daybreak.sql.database import open_engine, reading
from daybreak.store import migrate
from tests.support.airflow_db import AirflowDb, create_tables
from tests.support.monitors import REGISTRY, connections, known_since, write_registry
from tests.support.postgres import own_database
from tests.support.sandbox import Sandbox, running_sandbox

pytestmark = [pytest.mark.drill, pytest.mark.postgres]

TAKEOVER = 15.0
ALIAS = "daybreak:v1:growth:"


@contextmanager
def monitor(env: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """A monitor's process, killed at the end whatever became of it."""
    command = [sys.executable, "-c", "from daybreak.cli import main; main()", "monitor"]
    process = subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGCONT)
            process.kill()
        process.wait(10)


class Stage:
    """A morning whose pipeline is due ``seconds`` from now, to the whole minute after that."""

    def __init__(self, url: str, folder: Path, sandbox: Sandbox, seconds: float) -> None:
        create_tables(url, home=folder)
        self.store: Engine = open_engine(url)
        migrate.upgrade(self.store)
        airflow = AirflowDb(self.store)
        now = datetime.now(UTC)
        self.due = (now + timedelta(seconds=seconds + 60)).replace(second=0, microsecond=0)
        for dag in ("growth", "profit", "orders_load"):
            airflow.dag(dag)
        airflow.run("growth", "g", state="running", run_after=now - timedelta(minutes=1), start=now)
        airflow.beat(now + timedelta(hours=1))
        clock = f"{self.due:%H:%M}"
        registry = REGISTRY.replace('"09:00", at_risk: 30m', f'"{clock}", at_risk: 1m', 1)
        registry = "\n".join(line for line in registry.splitlines() if not line.startswith("  profit:"))
        known_since(self.store, now - timedelta(days=30), "growth")
        self.env = {
            **os.environ,
            **connections(sandbox),
            "AIRFLOW_HOME": str(folder),
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": url,
            "AIRFLOW__DAYBREAK__OWNERSHIP_FILE": str(write_registry(folder, registry)),
        }

    def holder(self) -> int | None:
        """The process id of whoever holds the lease, and has ticked under it."""
        with reading(self.store) as connection:
            row = connection.execute(text("SELECT holder FROM daybreak_lease WHERE ticked_at IS NOT NULL")).first()
        return int(row[0].split("/")[1]) if row else None

    def wait_for(self, holds: Any, seconds: float) -> float:
        began = time.monotonic()
        while not holds():
            assert time.monotonic() - began < seconds, f"not within {seconds} s"
            time.sleep(0.1)
        return time.monotonic() - began


@pytest.fixture
def url(postgres_url: str) -> Iterator[str]:
    with own_database(postgres_url) as found:
        yield found


def until(instant: datetime) -> None:
    time.sleep(max(0.0, (instant - datetime.now(UTC)).total_seconds()))


def growth(sandbox: Sandbox) -> list[dict[str, Any]]:
    return [alert for alert in sandbox.alerts() if alert["alias"].startswith(ALIAS)]


def creations(sandbox: Sandbox) -> int:
    """How often the page was asked for: an alias hides from its readers that it was asked for twice."""
    return sum(alert["count"] for alert in growth(sandbox))


def test_killed_before_due_the_other_takes_over_and_pages_once(url: str, tmp_path: Path) -> None:
    with running_sandbox() as sandbox:
        stage = Stage(url, tmp_path, sandbox, 30)
        with monitor(stage.env) as first:
            stage.wait_for(lambda: stage.holder() == first.pid, 60)
            with monitor(stage.env) as second:
                time.sleep(5)  # it is up, and waits
                first.kill()
                took = stage.wait_for(lambda: stage.holder() == second.pid, 40)
                assert took <= TAKEOVER, f"the other took over after {took:.1f} s"
                until(stage.due)
                stage.wait_for(lambda: growth(sandbox), 15)
                time.sleep(3)
                assert creations(sandbox) == 1


def test_stopped_past_its_lease_and_woken_it_sends_and_records_nothing(url: str, tmp_path: Path) -> None:
    with running_sandbox() as sandbox:
        stage = Stage(url, tmp_path, sandbox, 45)
        with monitor(stage.env) as first:
            stage.wait_for(lambda: stage.holder() == first.pid, 60)
            with monitor(stage.env) as second:
                time.sleep(5)
                first.send_signal(signal.SIGSTOP)
                stage.wait_for(lambda: stage.holder() == second.pid, 40)
                until(stage.due)
                stage.wait_for(lambda: growth(sandbox), 15)
                first.send_signal(signal.SIGCONT)
                time.sleep(6)
                assert creations(sandbox) == 1
                assert stage.holder() == second.pid
                assert first.poll() is None, "it waits for its turn"
                second.terminate()
                assert second.wait(20) == 0, "it ends in order on SIGTERM"
                stage.wait_for(lambda: stage.holder() == first.pid, 20)
                assert creations(sandbox) == 1
