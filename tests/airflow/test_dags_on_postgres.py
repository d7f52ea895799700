"""Every shipped dag on a warehouse in PostgreSQL, as the Compose deployment has it: through the same operators."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.support.postgres import own_database
from tests.support.shipped_dags import DAYS, ROOT, TABLES, ShippedDags

pytestmark = [pytest.mark.airflow, pytest.mark.postgres, pytest.mark.timeout(600)]

DAY = DAYS[0]


@pytest.fixture(scope="module")
def warehouse(postgres_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[sa.Engine]:
    """The warehouse after one morning."""
    with own_database(postgres_url) as url:
        dags = ShippedDags(tmp_path_factory.mktemp("airflow"))
        dags.env["AIRFLOW_CONN_WAREHOUSE"] = url.replace("postgresql+psycopg2", "postgres")
        done = dags.run({"day": DAY})
        assert [row for row in done if row["state"] != "success"] == []
        assert len(done) == 11
        engine = sa.create_engine(url)
        yield engine
        engine.dispose()


def rows(warehouse: sa.Engine, sql: str) -> list[tuple[object, ...]]:
    with warehouse.connect() as connection:
        return [tuple(row) for row in connection.execute(sa.text(sql))]


def test_every_table_is_published_with_its_freshness(warehouse: sa.Engine) -> None:
    for table in TABLES:
        found = rows(warehouse, f"SELECT day, count(*) > 0, count(*) = count(published_at) FROM {table} GROUP BY day")
        assert found == [(date.fromisoformat(DAY), True, True)], table


def test_the_numbers_are_those_of_the_generated_orders(warehouse: sa.Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "dags"))
    from pipeline_kit.generate import TABLES as RAW
    from pipeline_kit.generate import rows_of

    column = RAW["raw_sales"].columns.index("revenue_cents")
    sold = sum(int(row[column] or 0) for row in rows_of("raw_sales", date.fromisoformat(DAY)))
    assert rows(warehouse, "SELECT sum(revenue_cents) FROM base_profit") == [(sold,)]
    assert Path(sys.modules["pipeline_kit"].__file__ or "").is_relative_to(ROOT)
