"""The same on PostgreSQL: migrations by many at once, the lease, the reader on Airflow's schema, whole ticks."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect, text

from daybreak.errors import LeaseLost, StoreError
from daybreak.monitor.lease import Lease
from daybreak.sql.database import open_engine, reading, writing
from daybreak.store import migrate
from daybreak.store.schema import VERSION_TABLE, metadata
from tests.support.airflow_db import AirflowDb, create_tables
from tests.support.monitors import engine_of, known_since, pages, write_registry
from tests.support.postgres import own_database

pytestmark = pytest.mark.postgres

DUE = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def url(postgres_url: str) -> Iterator[str]:
    with own_database(postgres_url) as found:
        yield found


def test_up_down_and_up_again(url: str) -> None:
    store = open_engine(url)
    migrate.upgrade(store)
    with reading(store) as connection:
        context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
        assert compare_metadata(context, metadata) == []
    migrate.downgrade(store, "base")
    assert set(inspect(store).get_table_names()) <= {VERSION_TABLE}
    migrate.upgrade(store)
    assert set(inspect(store).get_table_names()) == {*metadata.tables, VERSION_TABLE}


def test_many_migrate_at_once(url: str) -> None:
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: migrate.upgrade(open_engine(url)), range(4)))
    assert sorted(map(str, found)) == sorted(["None", *[migrate.head()] * 3])


def test_of_many_that_want_the_lease_one_gets_it(url: str) -> None:
    migrate.upgrade(open_engine(url))
    several = [Lease(open_engine(url)) for _ in range(4)]

    def take(one: Lease) -> bool:
        try:
            return one.take()
        except StoreError:  # two that insert the very first row at once: one is told so, and tries again
            return one.take()

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(take, several)) == 1


def test_an_overtaken_holder_cannot_record(url: str) -> None:
    store = open_engine(url)
    migrate.upgrade(store)
    first, second = Lease(store), Lease(store)
    assert first.take()
    with writing(store) as connection:
        connection.execute(text("UPDATE daybreak_lease SET expires_at = now() - interval '1 second'"))
    assert second.take()
    with pytest.raises(LeaseLost), writing(store) as connection:
        first.renew_within(connection)


def test_a_morning_on_airflows_own_schema(url: str, tmp_path: Path) -> None:
    create_tables(url, home=tmp_path)
    airflow, store = AirflowDb(open_engine(url)), open_engine(url)
    migrate.upgrade(store)
    for dag in ("growth", "profit", "orders_load"):
        airflow.dag(dag)
    early = DUE - 4 * HOUR
    airflow.beat(DUE + HOUR)
    airflow.run("orders_load", "o", run_after=early, start=early - HOUR, end=early - HOUR / 2)
    airflow.run("profit", "p", run_after=early, start=early, end=early + HOUR)
    airflow.run("growth", "f", state="failed", run_after=early, start=early, end=DUE - HOUR)
    airflow.task("growth", "f", "check", state="failed", start_date=early, end_date=DUE - HOUR)
    airflow.evidence("growth", "f", "check", {"exception": "ValueError: tax", "host": "w1"})
    known_since(store, DUE - timedelta(days=30), "growth", "profit")
    engine = engine_of(store, airflow.engine, write_registry(tmp_path))
    engine.tick(DUE - HOUR + timedelta(seconds=1))
    tick = engine.tick(DUE)
    assert pages(store)[0] == ("growth", "failed", 0, ("ada",))
    judged = {each.occurrence.subject: each for each in tick.judgements}
    assert [one.exception for one in judged["growth"].failures] == ["ValueError: tax"]
    assert judged["profit"].state.value == "met"
