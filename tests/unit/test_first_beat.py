"""A scheduler that does not beat is paged once it had the time to: it may have been started together with us."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine as Database

from daybreak.monitor.engine import FIRST_BEAT, Engine
from tests.support.airflow_db import AirflowDb
from tests.support.monitors import engine_of, known_since, pages, queued, store_in, write_registry

START = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
DOWN = [(None, "scheduler_down", 0, ("ada",))]


class Night:
    """Nothing is due; the last beat is from before the machine was switched off."""

    def __init__(self, folder: Path) -> None:
        self.airflow = AirflowDb.sqlite(folder)
        for dag in ("growth", "profit", "orders_load"):
            self.airflow.dag(dag)
        self.airflow.beat(START - timedelta(hours=9))
        self.registry = write_registry(folder)
        self.store: Database = store_in(folder)
        known_since(self.store, START - timedelta(days=30), "growth", "profit")

    def engine(self) -> Engine:
        return engine_of(self.store, self.airflow.engine, self.registry)


@pytest.fixture
def night(tmp_path: Path) -> Night:
    return Night(tmp_path)


def test_one_that_is_started_together_with_the_monitor_has_the_time_to_beat(night: Night) -> None:
    engine, half = night.engine(), START + FIRST_BEAT / 2
    engine.tick(START)
    engine.tick(half)
    night.airflow.run_sql("UPDATE job SET latest_heartbeat = :t", t=half)
    engine.tick(START + FIRST_BEAT)
    assert pages(night.store) == []


def test_one_that_never_beats_is_a_page_and_stays_one_when_another_monitor_takes_over(night: Night) -> None:
    first = night.engine()
    for seconds in (0, 20, 30, 40):
        first.tick(START + timedelta(seconds=seconds))
    assert pages(night.store) == DOWN
    first.lease.release()
    night.engine().tick(START + timedelta(minutes=1))
    assert pages(night.store) == DOWN
    assert not [row for row in queued(night.store) if row.kind == "resolve"]
