"""Failures of dags that nobody claims, from Airflow's own schema to the catch-all owner's notice."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine as Database
from sqlalchemy import event, select

from daybreak.airflow_io.reader import Reader
from daybreak.config import parse_registry
from daybreak.monitor.lease import Lease
from daybreak.sql.database import open_engine, reading
from daybreak.store.schema import lease as lease_table
from tests.support.airflow_db import AirflowDb, create_tables
from tests.support.monitors import (
    REGISTRY,
    engine_of,
    known_since,
    queued,
    running_monitor,
    store_in,
    write_registry,
)
from tests.support.postgres import own_database

NOW = datetime(2026, 3, 2, 7, 0, tzinfo=UTC)
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
REGISTRY_VALUE = parse_registry(REGISTRY.encode(), source="test")
PATIENCE = 60.0


@pytest.fixture(params=["sqlite", "postgres"])
def airflow(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[AirflowDb]:
    if request.param == "sqlite":
        yield strays(AirflowDb.sqlite(tmp_path))
        return
    with own_database(request.getfixturevalue("postgres_url")) as url:
        create_tables(url, home=tmp_path)
        made = AirflowDb(open_engine(url))
        yield strays(made)
        made.engine.dispose()


def strays(airflow: AirflowDb) -> AirflowDb:
    """Failed runs that count, and all that do not: too old, a backfill, a success, a claimed or an awaited dag's."""
    for dag in ("growth", "profit", "orders_load"):
        airflow.dag(dag)
    for dag, run_id, state, age, kind in (
        ("stray", "new", "failed", 1, "scheduled"),
        ("stray", "asset", "failed", 2, "asset_triggered"),
        ("stray", "old", "failed", 40, "scheduled"),
        ("stray", "filled", "failed", 3, "backfill"),
        ("other", "fine", "success", 1, "manual"),
        ("other", "busy", "running", 2, "manual"),
        ("growth", "claimed", "failed", 1, "scheduled"),
        ("orders_load", "awaited", "failed", 1, "scheduled"),
    ):
        when = NOW - age * HOUR
        airflow.run(dag, run_id, state=state, run_after=when, start=when, end=when, run_type=kind)
    airflow.task("stray", "new", "load", state="failed", start_date=NOW - HOUR, end_date=NOW - HOUR)
    airflow.beat(NOW + 24 * HOUR)
    return airflow


def test_failed_runs_of_dags_that_nobody_claims_are_read_and_nothing_else(airflow: AirflowDb) -> None:
    found = Reader(airflow.engine).read(REGISTRY_VALUE, {}, NOW)
    assert [run.run_id for run in found.unclaimed] == ["new", "asset"]
    assert set(found.runs) == {"growth", "orders_load"}
    assert ("stray", "new") not in found.evidence, "nobody asks what an unclaimed dag failed of"
    ignoring = Reader(airflow.engine, unclaimed=False).read(REGISTRY_VALUE, {}, NOW)
    assert (ignoring.unclaimed, ignoring.runs) == ((), found.runs)


def test_they_cost_no_statement_and_of_many_the_newest_are_read(airflow: AirflowDb) -> None:
    for number in range(230):
        when = NOW - number * MINUTE / 2
        airflow.run("storm", f"r{number}", state="failed", run_after=when, start=when, end=when)
    counted: list[str] = []
    event.listen(airflow.engine, "before_cursor_execute", lambda *args: counted.append(args[2]))
    with_them = Reader(airflow.engine).read(REGISTRY_VALUE, {}, NOW).unclaimed
    cost = len(counted)
    Reader(airflow.engine, unclaimed=False).read(REGISTRY_VALUE, {}, NOW)
    assert len(counted) == 2 * cost
    assert len(with_them) == 200
    ages = [NOW - run.run_after for run in with_them]
    assert max(ages) < timedelta(hours=2), "the newest"


def test_a_dag_that_a_glob_claims_is_not_unclaimed(tmp_path: Path) -> None:
    airflow = strays(AirflowDb.sqlite(tmp_path))
    airflow.dag("stray")
    text = REGISTRY.replace("dags: [profit]", 'dags: ["str*"]')
    found = Reader(airflow.engine).read(parse_registry(text.encode(), source="test"), {}, NOW)
    assert found.unclaimed == ()
    assert [run.run_id for run in found.runs["stray"]] == ["new", "asset", "filled"]


def told(store: Database) -> list[tuple[str, tuple[str, ...], str]]:
    """(channel, to, text of the message) of what was said about unclaimed dags."""
    return [
        (row.payload["channel"], row.to, row.payload["message"]["text"])
        for row in queued(store)
        if row.event == "unclaimed_failed" and row.operation == "parent"
    ]


def test_the_catch_all_owner_is_told_once_whatever_is_restarted(airflow: AirflowDb, tmp_path: Path) -> None:
    store, registry = store_in(tmp_path, "daybreak.db"), write_registry(tmp_path / "registry")
    known_since(store, NOW - timedelta(days=30), "growth", "profit")

    def tick(at: datetime) -> int:
        lease = Lease(store)
        assert lease.take()
        engine_of(store, airflow.engine, registry, lease=lease).tick(at)
        lease.release()
        return len(told(store))

    assert [tick(NOW + n * MINUTE) for n in range(3)] == [1, 1, 1]
    ((channel, to, text),) = told(store)
    assert (channel, to) == ("#data-alerts", ("ada",))
    assert "stray failed (2 runs); no pipeline of the registry claims it" in text
    when = NOW + 10 * MINUTE
    airflow.run("stray", "later", state="failed", run_after=when, start=when, end=when)
    assert [tick(when + n * MINUTE) for n in range(3)] == [2, 2, 2]
    assert "stray failed again; no pipeline" in told(store)[1][2]
    airflow.change_run("stray", "later", state="running", end_date=None)  # cleared: over, and nobody is told so
    assert tick(when + 5 * MINUTE) == 2
    assert not [row for row in queued(store) if row.operation == "rewrite"]
    airflow.change_run("stray", "later", state="failed", end_date=when + 8 * MINUTE)
    assert tick(when + 9 * MINUTE) == 3, "cleared and failed anew is news"


@pytest.mark.parametrize(("setting", "expected"), [("tag", 1), ("refuse", 1), ("ignore", 0)])
def test_the_setting_that_ignores_them_means_silence_here_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, setting: str, expected: int
) -> None:
    monkeypatch.setenv("AIRFLOW__DAYBREAK__UNCLAIMED", setting)
    airflow = strays(AirflowDb.sqlite(tmp_path))
    store, registry = store_in(tmp_path, "daybreak.db"), write_registry(tmp_path / "registry")
    known_since(store, NOW - timedelta(days=30), "growth", "profit")
    offset = NOW - datetime.now(UTC)
    with running_monitor(store, airflow.engine, registry, lambda: datetime.now(UTC) + offset):
        give_up = time.monotonic() + PATIENCE
        while not ticked(store):
            assert time.monotonic() < give_up, "no tick was recorded"
            time.sleep(0.05)
    assert len(told(store)) == expected


def ticked(store: Database) -> bool:
    with reading(store) as connection:
        return connection.execute(select(lease_table.c.ticked_at)).scalar() is not None
