"""Upstreams that a query or an object tells of, asked through real Airflow connections and hooks."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine as Database

from daybreak.monitor.engine import Engine
from daybreak.monitor.lease import Lease
from daybreak.monitor.probes import Probes
from tests.support.airflow_db import AirflowDb
from tests.support.monitors import REGISTRY, engine_of, known_since, queued, store_in, write_registry

EXPECTED = datetime(2026, 3, 2, 5, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
QUERY = "SELECT count(*) FROM loads WHERE day = '{business_date}'"
READY_WHEN = "ready_when: {dag: orders_load}"


class Morning:
    """Growth waits for orders, and ``ready_when`` is what a test makes of it."""

    def __init__(self, folder: Path, ready_when: str) -> None:
        text = REGISTRY.replace(READY_WHEN, f"ready_when: {ready_when}")
        text = text.replace("growth: {dags: [growth],", "growth: {dags: [growth], upstreams: [orders],")
        self.registry = write_registry(folder, text)
        self.store: Database = store_in(folder)
        known_since(self.store, EXPECTED - timedelta(days=30), "growth", "profit")
        self.airflow = AirflowDb.sqlite(folder)
        self.airflow.dag("growth")
        self.airflow.dag("profit")
        self.airflow.beat(EXPECTED + timedelta(days=1))
        self.warehouse = folder / "warehouse.db"
        with closing(sqlite3.connect(self.warehouse)) as made:
            made.execute("CREATE TABLE loads (day TEXT)")

    def engine(self) -> Engine:
        return engine_of(self.store, self.airflow.engine, self.registry)

    def load(self, day: str) -> None:
        with closing(sqlite3.connect(self.warehouse)) as warehouse, warehouse:
            warehouse.execute("INSERT INTO loads VALUES (?)", (day,))

    def told(self) -> list[tuple[str, str]]:
        """(kind, event) of what was queued about the upstream, a thing told through two channels once."""
        rows = [row for row in queued(self.store) if row.dedup_key == "daybreak:v1:upstream:orders:2026-03-02"]
        return list(dict.fromkeys((row.kind, row.event) for row in rows))


@pytest.fixture
def by_query(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Morning:
    morning = Morning(tmp_path, f'{{sql: "{QUERY}", conn: warehouse}}')
    monkeypatch.setenv("AIRFLOW_CONN_WAREHOUSE", json.dumps({"conn_type": "sqlite", "host": str(morning.warehouse)}))
    return morning


def test_a_query_tells_that_an_upstream_is_late_and_that_it_arrived(by_query: Morning) -> None:
    engine, probes = by_query.engine(), Probes(by_query.store)
    by_query.load("2026-03-01")  # yesterday's is no answer for today
    assert probes.look(engine, engine.tick(EXPECTED - MINUTE), EXPECTED - MINUTE) == 0
    tick = engine.tick(EXPECTED)
    assert [kind for kind, _ in by_query.told()] == ["ticket"]
    by_query.load("2026-03-02")
    arrived = EXPECTED + 40 * MINUTE
    assert probes.look(engine, tick, arrived) == 1
    assert probes.look(engine, tick, arrived + MINUTE) == 0, "what is known is not asked again"
    engine.tick(arrived + MINUTE)
    assert by_query.told() == [("ticket", "upstream_late"), ("notice", "upstream_arrived")]
    assert engine.known_ready() == {("orders", "2026-03-02"): arrived}


def test_what_a_probe_saw_outlives_the_monitor(by_query: Morning) -> None:
    by_query.load("2026-03-02")
    first, seen_at = by_query.engine(), EXPECTED - 20 * MINUTE
    assert Probes(by_query.store).look(first, first.tick(seen_at), seen_at) == 1
    first.lease.release()
    lease = Lease(by_query.store)
    assert lease.take()
    second = engine_of(by_query.store, by_query.airflow.engine, by_query.registry, lease=lease)
    second.tick(EXPECTED)
    assert second.known_ready() == {("orders", "2026-03-02"): seen_at}
    assert by_query.told() == []


def test_a_warehouse_that_cannot_be_asked_blames_nobody(by_query: Morning, caplog: pytest.LogCaptureFixture) -> None:
    by_query.warehouse.write_bytes(b"no database at all, and longer than the header of one" * 20)
    engine, probes = by_query.engine(), Probes(by_query.store)
    tick = engine.tick(EXPECTED - MINUTE)
    for minute in range(3):
        assert probes.look(engine, tick, EXPECTED + minute * MINUTE) == 0
    engine.tick(EXPECTED + 3 * MINUTE)
    assert by_query.told() == []
    assert sum("orders cannot be looked for" in line for line in caplog.messages) == 1, "said once"


def test_a_connection_that_nobody_made_is_said_and_harms_nothing(
    by_query: Morning, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.delenv("AIRFLOW_CONN_WAREHOUSE")
    engine = by_query.engine()
    assert Probes(by_query.store).look(engine, engine.tick(EXPECTED), EXPECTED) == 0
    assert "orders cannot be looked for" in caplog.text


def test_an_object_tells_that_an_upstream_is_there(tmp_path: Path) -> None:
    morning = Morning(tmp_path, f'{{object: "file://{tmp_path}/{{business_date_nodash}}/_SUCCESS"}}')
    engine, probes = morning.engine(), Probes(morning.store)
    tick = engine.tick(EXPECTED - 10 * MINUTE)
    assert probes.look(engine, tick, EXPECTED - 10 * MINUTE) == 0
    (tmp_path / "20260302").mkdir()
    (tmp_path / "20260302" / "_SUCCESS").touch()
    assert probes.look(engine, tick, EXPECTED - 5 * MINUTE) == 1
    engine.tick(EXPECTED)
    assert morning.told() == []


def test_nothing_is_asked_long_before_it_is_expected(by_query: Morning) -> None:
    engine, early = by_query.engine(), EXPECTED + timedelta(hours=10)  # the next day's is asked from 23:00 on
    tick = engine.tick(early)
    by_query.load("2026-03-03")
    assert Probes(by_query.store).look(engine, tick, early) == 0


def test_the_last_look_is_just_before_the_expected_instant(by_query: Morning) -> None:
    """One that arrives in the last seconds is not called late for want of a look."""
    engine = by_query.engine()
    tick = engine.tick(EXPECTED - MINUTE)
    assert Probes.pause(tick, EXPECTED - 10 * MINUTE) == Probes.EVERY
    assert Probes.pause(tick, EXPECTED - timedelta(seconds=12)) == pytest.approx(11)
    assert Probes.pause(tick, EXPECTED + timedelta(seconds=1)) == Probes.EVERY
