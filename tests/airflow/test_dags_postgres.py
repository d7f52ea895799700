"""The shipped dags with the warehouse on PostgreSQL, through the same operators: they publish the same rows."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from tests.support.postgres import own_database
from tests.support.shipped_dags import DAYS, TABLES, ShippedDags

pytestmark = [pytest.mark.airflow, pytest.mark.postgres, pytest.mark.timeout(600)]


def test_all_eight_publish_what_they_publish_on_sqlite(shipped: ShippedDags, postgres_url: str, tmp_path: Path) -> None:
    with own_database(postgres_url) as url:
        there = ShippedDags(tmp_path)
        there.env["AIRFLOW_CONN_WAREHOUSE"] = make_url(url).set(drivername="postgres").render_as_string(False)
        done = there.run({"day": DAYS[0]})
        assert [row for row in done if row["state"] != "success"] == []
        engine = create_engine(url)
        try:
            with engine.connect() as warehouse:
                for table in TABLES:
                    rows = warehouse.execute(text(f"SELECT * FROM {table}")).all()
                    wanted = shipped.rows(f"SELECT * FROM {table} WHERE day = '{DAYS[0]}'")
                    assert as_text(rows) == as_text(wanted), table
        finally:
            engine.dispose()


def as_text(rows: list[tuple]) -> list[tuple[str, ...]]:
    """Rows without their freshness, sorted; a date is text to SQLite."""
    return sorted(tuple(str(value) for value in row[:-1]) for row in rows)
