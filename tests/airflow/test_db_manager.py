"""Daybreak's tables hung on ``airflow db migrate``: made, kept, and dropped with Airflow's own by ``db reset``."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import create_engine, inspect, text

from daybreak.demo.airflow_up import airflow
from daybreak.store.migrate import head
from daybreak.store.schema import VERSION_TABLE, metadata
from tests.support.airflow_template import ROOT, postgres_template, sqlite_template
from tests.support.postgres import own_database

pytestmark = [pytest.mark.airflow, pytest.mark.timeout(600)]

OURS = {*metadata.tables, VERSION_TABLE}


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a database in which Airflow's own tables are up to date and ours are not there."""
    if request.param == "sqlite":
        shutil.copyfile(sqlite_template(), tmp_path / "airflow.db")
        yield f"sqlite:///{tmp_path / 'airflow.db'}"
        return
    server = request.getfixturevalue("postgres_url")
    with own_database(server, like=postgres_template(server)) as url:
        yield url


def airflow_db(home: Path, url: str, *arguments: str) -> None:
    """``airflow db ...`` with our manager named in the configuration, as an operator would run it."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")}
    done = subprocess.run(
        airflow("db", *arguments),
        env={
            **kept,
            "AIRFLOW_HOME": str(home),
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": url,
            "AIRFLOW__DATABASE__EXTERNAL_DB_MANAGERS": "daybreak.surfaces.db_manager.DaybreakDBManager",
            "AIRFLOW__CORE__PLUGINS_FOLDER": str(ROOT / "plugins"),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        },
        capture_output=True,
        text=True,
        timeout=280,
    )
    assert done.returncode == 0, done.stdout[-1000:] + done.stderr[-3000:]


def tables(url: str) -> set[str]:
    engine = create_engine(url)
    try:
        return {name for name in inspect(engine).get_table_names() if name.startswith("daybreak_")}
    finally:
        engine.dispose()


def said(url: str, statement: str) -> list[tuple[object, ...]]:
    """The rows of a statement, committed."""
    engine = create_engine(url)
    with closing(engine.connect()) as connection, connection.begin():
        result = connection.execute(text(statement))
        rows = [tuple(row) for row in result] if result.returns_rows else []
    engine.dispose()
    return rows


def test_migrate_makes_the_tables_keeps_what_is_in_them_and_reset_drops_it(tmp_path: Path, database: str) -> None:
    assert tables(database) == set()
    airflow_db(tmp_path, database, "migrate")
    assert tables(database) == OURS
    assert said(database, f"SELECT version_num FROM {VERSION_TABLE}") == [(head(),)]

    said(database, "INSERT INTO daybreak_pipeline_seen VALUES ('growth', '2026-03-02 09:00:00+00:00')")
    airflow_db(tmp_path, database, "migrate")
    assert said(database, "SELECT pipeline FROM daybreak_pipeline_seen") == [("growth",)]

    airflow_db(tmp_path, database, "reset", "--yes")
    assert tables(database) == OURS
    assert said(database, "SELECT pipeline FROM daybreak_pipeline_seen") == []
