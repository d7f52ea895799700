"""A claimed file that stops parsing: its owner hears of it at once and once, and the deadline makes it a page."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from daybreak.monitor.lease import Lease
from daybreak.sql.database import reading
from daybreak.store.incidents import load_incidents
from tests.support.airflow_db import AirflowDb
from tests.support.monitors import engine_of, known_since, pages, queued, store_in, write_registry

DUE = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
TRACE = (
    "Traceback (most recent call last):\n  File \"growth.py\", line 3\nModuleNotFoundError: No module named 'taxes'\n"
)


class Morning:
    """Five hours before due growth's file does not parse, as Airflow's own tables tell it."""

    def __init__(self, folder: Path) -> None:
        self.airflow = AirflowDb.sqlite(folder)
        self.airflow.dag("growth", stale=True, file="metrics/growth.py")
        self.airflow.dag("profit")
        early = DUE - 8 * HOUR
        self.airflow.run("profit", "p", run_after=early, start=early, end=early + HOUR)
        self.airflow.beat(DUE + 48 * HOUR)
        self.file = write_registry(folder)
        self.store = store_in(folder)
        known_since(self.store, DUE - timedelta(days=30), "growth", "profit")
        self.lease = Lease(self.store)
        assert self.lease.take()

    def tick(self, at: datetime) -> None:
        """By an engine of its own each time, as after a restart."""
        engine_of(self.store, self.airflow.engine, self.file, lease=self.lease).tick(at)

    def told(self) -> list[tuple[str, tuple[str, ...], str]]:
        """(kind, to, what the message says) of each notice of an import error."""
        rows = [row for row in queued(self.store) if row.event == "import_error" and row.operation == "parent"]
        return [(row.kind, row.to, str(row.payload["message"])) for row in rows]


@pytest.fixture
def morning(tmp_path: Path) -> Morning:
    return Morning(tmp_path)


def test_told_to_the_owner_at_once_and_once(morning: Morning) -> None:
    morning.tick(DUE - 5 * HOUR)
    assert morning.told() == []
    morning.airflow.import_error("metrics/growth.py", TRACE)
    morning.tick(DUE - 5 * HOUR + timedelta(seconds=10))
    ((kind, to, said),) = morning.told()
    assert (kind, to) == ("notice", ("ada",))
    assert "No module named 'taxes'" in said.replace("\\'", "'")
    assert pages(morning.store) == []
    for hours in range(4, 0, -1):
        morning.tick(DUE - hours * HOUR)
    assert len(morning.told()) == 1
    assert pages(morning.store) == []


def test_the_deadline_makes_it_a_page_and_it_stays_one_notice(morning: Morning) -> None:
    morning.airflow.import_error("metrics/growth.py", TRACE)
    for at in (DUE - 5 * HOUR, DUE - MINUTE, DUE, DUE + MINUTE, DUE + 16 * HOUR):  # past midnight as well
        morning.tick(at)
    assert pages(morning.store)[0] == ("growth", "missed", 0, ("ada",))
    assert len(morning.told()) == 1
    page = next(row for row in queued(morning.store) if row.kind == "page" and row.operation == "create")
    assert page.payload["body"]["details"]["reason"] == "import_error"


def test_mended_it_is_over_and_a_second_time_is_told_again(morning: Morning) -> None:
    morning.airflow.import_error("metrics/growth.py", TRACE)
    morning.tick(DUE - 5 * HOUR)
    morning.airflow.run_sql("DELETE FROM import_error")
    morning.airflow.run_sql("UPDATE dag SET is_stale = false WHERE dag_id = 'growth'")
    morning.tick(DUE - 4 * HOUR)
    with reading(morning.store) as connection:
        found = [one for one in load_incidents(connection, DUE - 6 * HOUR).values() if one.kind == "system"]
    assert [one.resolved_at for one in found] == [DUE - 4 * HOUR]
    morning.airflow.import_error("metrics/growth.py", TRACE)
    morning.tick(DUE - 3 * HOUR)
    assert [said.count("(again)") > 0 for _, _, said in morning.told()] == [False, True]


def test_a_file_that_nobody_claims_is_no_owners_news(morning: Morning) -> None:
    morning.airflow.import_error("metrics/other.py", TRACE)
    morning.tick(DUE - 5 * HOUR)
    assert morning.told() == []
