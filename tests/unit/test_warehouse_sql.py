"""The pipelines' SQL on SQLite and on PostgreSQL: the same statements, the same published rows."""

from __future__ import annotations

import re
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jinja2
import pytest
import sqlalchemy as sa
import sqlparse

ROOT = Path(__file__).resolve().parents[2]
SQL = ROOT / "include" / "sql"
DAY = date(2026, 3, 4)
PIPELINES = {
    "profit_base": "base_profit", "engagement_base": "base_engagement", "growth_base": "base_growth",
    "unit_profit": "unit_profit", "daily_growth": "daily_growth", "aggregate_profit": "aggregate_profit",
    "aggregate_growth": "aggregate_growth", "aggregate_engagement": "aggregate_engagement",
}  # fmt: skip
QUERIES = sorted(
    str(path.relative_to(SQL))
    for path in SQL.glob("*/*.sql")
    if path.name not in ("transform.sql", "known_taxes.sql", "track_anomalies.sql")
)  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def _dags_folder() -> Iterator[None]:
    """The dags folder on the path, as Airflow puts it there."""
    sys.path.insert(0, str(ROOT / "dags"))
    yield
    sys.path.remove(str(ROOT / "dags"))


class Warehouse:
    """A database with the schema and seven days of raw rows; runs the pipelines' files as the operators would."""

    def __init__(self, connection: Any, mark: str) -> None:
        from pipeline_kit.calendar_days import MACROS
        from pipeline_kit.generate import TABLES, rows_of

        self.connection = connection
        self.macros = MACROS
        self.templates = jinja2.Environment(loader=jinja2.FileSystemLoader(SQL), undefined=jinja2.StrictUndefined)
        self.run("schema.sql")
        with closing(connection.cursor()) as cursor:
            for table in TABLES.values():
                marks = ", ".join([mark] * len(table.columns))
                for back in range(7 if table.dated else 1):
                    rows = rows_of(table.name, DAY - timedelta(days=back))
                    cursor.executemany(f"INSERT INTO {table.name} ({', '.join(table.columns)}) VALUES ({marks})", rows)
        connection.commit()

    def run(self, file: str, *, table: str = "", day: date = DAY) -> list[tuple]:
        run = SimpleNamespace(
            data_interval_end=None, logical_date=None, run_after=datetime(day.year, day.month, day.day, 3, tzinfo=UTC)
        )
        task = SimpleNamespace(outlets=[SimpleNamespace(name=table)])
        text = self.templates.get_template(file).render(**self.macros, dag_run=run, task=task)
        rows: list[tuple] = []
        with closing(self.connection.cursor()) as cursor:
            for statement in sqlparse.split(sqlparse.format(text, strip_comments=True)):
                cursor.execute(statement.rstrip(";"))
                if cursor.description:
                    rows = [tuple(row) for row in cursor.fetchall()]
        self.connection.commit()
        return rows

    def publish(self, day: date = DAY) -> dict[str, list[tuple]]:
        """Run every pipeline for ``day``. → the published rows without their freshness, as text, sorted."""
        for pipeline, table in PIPELINES.items():
            self.run(f"{pipeline}/transform.sql", day=day)
            self.run("publish.sql", table=table, day=day)
        published = {}
        for table in PIPELINES.values():
            with closing(self.connection.cursor()) as cursor:
                cursor.execute(f"SELECT * FROM {table}")
                published[table] = sorted(tuple(str(value) for value in row[:-1]) for row in cursor.fetchall())
        return published


@pytest.fixture
def on_sqlite() -> Iterator[Warehouse]:
    with closing(sqlite3.connect(":memory:")) as connection:
        yield Warehouse(connection, "?")


@pytest.fixture
def on_postgres(postgres_url: str) -> Iterator[Warehouse]:
    engine = sa.create_engine(postgres_url)
    name = f"warehouse_{id(engine):x}"
    with engine.begin() as admin:
        admin.execute(sa.text(f"CREATE SCHEMA {name}"))
    connection = engine.raw_connection()
    try:
        with closing(connection.cursor()) as cursor:
            cursor.execute(f"SET search_path TO {name}")
        connection.commit()
        yield Warehouse(connection, "%s")
    finally:
        connection.close()
        with engine.begin() as admin:
            admin.execute(sa.text(f"DROP SCHEMA {name} CASCADE"))
        engine.dispose()


def test_a_second_run_changes_nothing(on_sqlite: Warehouse) -> None:
    first = on_sqlite.publish()
    assert all(first.values())
    assert on_sqlite.publish() == first


def test_another_day_leaves_the_first_alone(on_sqlite: Warehouse) -> None:
    first = on_sqlite.publish()
    both = on_sqlite.publish(DAY - timedelta(days=1))
    for table, rows in first.items():
        assert set(rows) <= set(both[table])
        assert len(both[table]) > len(rows)


def test_no_guard_finds_anything_on_an_ordinary_day(on_sqlite: Warehouse) -> None:
    on_sqlite.publish()
    assert {file: on_sqlite.run(file) for file in QUERIES} == {file: [] for file in QUERIES}


def tables_read(file: str) -> set[str]:
    """The raw, reference and base tables that a file of SQL reads; known attacks may well be none."""
    found = set(re.findall(r"(?:FROM|JOIN)\s+(\w+)", (SQL / file).read_text()))
    return {name for name in found if not name.startswith("stage_")} - {"ddos_referrer"}


@pytest.mark.parametrize("pipeline", PIPELINES)
def test_each_table_that_a_pipeline_reads_is_named_when_it_is_empty(on_sqlite: Warehouse, pipeline: str) -> None:
    named = {"raw_product_b": "Product B", "raw_costs": "costs"} if pipeline == "aggregate_profit" else {}
    named |= {"raw_sales_force": "sales_force"}
    on_sqlite.publish()
    reads = tables_read(f"{pipeline}/missing.sql")
    assert tables_read(f"{pipeline}/transform.sql") <= reads
    for table in reads:
        on_sqlite.connection.execute(f"CREATE TABLE kept AS SELECT * FROM {table}")
        on_sqlite.connection.execute(f"DELETE FROM {table}")
        assert on_sqlite.run(f"{pipeline}/missing.sql") == [(named.get(table, table),)]
        on_sqlite.connection.execute(f"INSERT INTO {table} SELECT * FROM kept")
        on_sqlite.connection.execute("DROP TABLE kept")
    assert on_sqlite.run(f"{pipeline}/missing.sql") == []


def test_a_suspect_referrer_is_named_until_it_is_classified(on_sqlite: Warehouse) -> None:
    with closing(on_sqlite.connection.cursor()) as cursor:
        for number in range(3):
            cursor.execute(f"INSERT INTO raw_web_events VALUES ('{DAY}', 'bot{number}', 'free-prizes.example', 9000)")
    assert on_sqlite.run("engagement_base/outliers.sql") == [("free-prizes.example",)]
    before = dict(on_sqlite.publish())["aggregate_engagement"]
    on_sqlite.connection.execute("INSERT INTO ddos_referrer VALUES ('free-prizes.example', 'attack')")
    assert on_sqlite.run("engagement_base/outliers.sql") == []
    assert on_sqlite.publish()["aggregate_engagement"] != before, "the next run leaves the attack out"
    for _ in range(2):  # a second run counts it once
        on_sqlite.run("engagement_base/track_anomalies.sql")
    tracked = on_sqlite.connection.execute("SELECT day, referrer, why, events, users FROM web_anomaly").fetchall()
    assert tracked == [(DAY.isoformat(), "free-prizes.example", "attack", 27000, 3)]


def test_an_unknown_tax_is_named(on_sqlite: Warehouse) -> None:
    on_sqlite.connection.execute("INSERT INTO tax_model VALUES ('digital_levy', 300)")
    assert on_sqlite.run("aggregate_profit/unknown_taxes.sql") == [("digital_levy",)]


@pytest.mark.postgres
def test_postgres_publishes_the_same_rows(on_sqlite: Warehouse, on_postgres: Warehouse) -> None:
    assert on_postgres.publish() == on_sqlite.publish()
    assert on_postgres.publish() == on_sqlite.publish()
    for file in QUERIES:
        assert on_postgres.run(file) == []
    on_postgres.run("engagement_base/track_anomalies.sql")
