"""``daybreak replay --from-airflow``: what the last days would have told, out of Airflow's own database."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from daybreak.cli import build_app
from daybreak.sql.database import open_engine
from tests.support.airflow_db import AirflowDb, create_tables
from tests.support.monitors import write_registry
from tests.support.postgres import own_database

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
TODAY = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


@pytest.fixture(params=["sqlite", "postgres"])
def airflow(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[AirflowDb]:
    """Three days: the first in time, on the second growth failed and was run again, on the third nothing ran."""
    if request.param == "sqlite":
        made = AirflowDb.sqlite(tmp_path)
        fill(made)
        monkeypatch.setenv("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", made.url)
        yield made
        return
    with own_database(request.getfixturevalue("postgres_url")) as url:
        create_tables(url, home=tmp_path)
        made = AirflowDb(open_engine(url))
        fill(made)
        monkeypatch.setenv("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", url)
        yield made
        made.engine.dispose()


def fill(airflow: AirflowDb) -> None:
    airflow.dag("growth")
    airflow.dag("profit")
    airflow.dag("somebody_elses")
    for days_ago in (3, 2, 1):
        night = TODAY - days_ago * DAY + 3 * HOUR
        airflow.run("profit", f"p{days_ago}", run_after=night, start=night, end=night + HOUR)
        airflow.run("somebody_elses", f"s{days_ago}", state="failed", run_after=night, start=night, end=night + HOUR)
        if days_ago == 3:
            airflow.run("growth", "g3", run_after=night, start=night, end=night + HOUR)
        if days_ago == 2:
            airflow.run("growth", "g2", state="failed", run_after=night, start=night, end=night + HOUR)
            again = night + 5 * HOUR
            airflow.run("growth", "again", run_type="manual", run_after=again, start=again, end=again + 2 * HOUR)
    backfill = TODAY - DAY + 4 * HOUR
    airflow.run("growth", "b", run_type="backfill", run_after=backfill, start=backfill, end=backfill + HOUR)


def replay(tmp_path: Path, *arguments: str) -> Result:
    path = write_registry(tmp_path)
    return CliRunner().invoke(build_app(["replay", "registry"]), ["replay", "--file", str(path), *arguments])


def test_three_days_out_of_airflows_database(airflow: AirflowDb, tmp_path: Path) -> None:
    result = replay(tmp_path, "--from-airflow", "--days", "4", "--json")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    growth = {
        one["business_date"]: (one["state"], one["reason"], one["minutes_late"], one["run_id"])
        for one in found["occurrences"]
        if one["pipeline"] == "growth"
    }
    assert growth[f"{TODAY - 3 * DAY:%Y-%m-%d}"] == ("met", None, None, "g3")
    assert growth[f"{TODAY - 2 * DAY:%Y-%m-%d}"] == ("late", "running", 60, "again")
    assert growth[f"{TODAY - DAY:%Y-%m-%d}"] == ("missed", "no_run", None, None), "a backfill never counts"
    day = f"{TODAY - 2 * DAY:%Y-%m-%d}"
    told = [
        (one["kind"], one["at"][11:16], one["step"], one["to"])
        for one in found["notifications"]
        if one["pipeline"] == "growth" and one["business_date"] == day
    ]
    assert told == [
        ("page", "04:00", 0, ["ada"]),
        ("page", "04:15", 1, ["bob"]),
        ("resolve", "10:00", None, ["ada", "bob"]),
    ]
    assert not any("somebody_elses" in json.dumps(one) for one in found["notifications"])


def test_it_says_in_words_who_would_have_been_told(airflow: AirflowDb, tmp_path: Path) -> None:
    shown = replay(tmp_path, "--from-airflow", "--days", "3").stdout
    assert "Who would have been told" in shown
    assert "page" in shown
    assert "ada" in shown


def test_a_database_that_is_not_there_is_one_clear_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", f"sqlite:///{tmp_path / 'none' / 'airflow.db'}")
    result = replay(tmp_path, "--from-airflow")
    assert result.exit_code == 1
    assert "Airflow's metadata database cannot be read" in str(result.exception)
