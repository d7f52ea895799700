"""Migrations up and down and by many at once; what is written is what is read."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect, text

from daybreak.domain.incident import Incident, Occurrence, Reason, Recorded, State
from daybreak.errors import SettingsError, StoreError
from daybreak.sql.database import open_engine, reading, writing
from daybreak.store import migrate
from daybreak.store.actions import Action, mark_applied, open_actions, record_action
from daybreak.store.incidents import find_incident, load_incidents, save_incidents
from daybreak.store.occurrences import load_records, save_records
from daybreak.store.schema import VERSION_TABLE, metadata
from tests.support.monitors import store_in

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def incident(**more: object) -> Incident:
    given = {
        "dedup_key": "daybreak:v1:growth:2026-03-02", "kind": "pipeline", "subject": "growth",
        "business_date": date(2026, 3, 2), "due_at": NOW, "state": State.MISSED, "reason": Reason.NO_RUN,
        "opened_at": NOW, "steps_done": (0,), "paged": ("ada",), **more,
    }  # fmt: skip
    return Incident(**given)  # type: ignore[arg-type]


def record(day: int, state: State, **more: object) -> Recorded:
    due = NOW.replace(day=day)
    one = Occurrence(
        subject="growth", business_date=due.date(), due_at=due, opens_at=due - timedelta(hours=9),
        closes_at=due + timedelta(hours=15),
    )  # fmt: skip
    return Recorded(occurrence=one, state=state, **more)  # type: ignore[arg-type]


def test_up_down_and_up_again(tmp_path: Path) -> None:
    store = open_engine(f"sqlite:///{tmp_path / 's.db'}")
    assert migrate.current(store) is None
    assert migrate.upgrade(store) is None
    assert migrate.current(store) == migrate.head()
    with reading(store) as connection:
        context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
        assert compare_metadata(context, metadata) == [], "the migrations make what the schema says"
    migrate.downgrade(store, "base")
    assert set(inspect(store).get_table_names()) <= {VERSION_TABLE}
    migrate.upgrade(store)
    assert set(inspect(store).get_table_names()) == {*metadata.tables, VERSION_TABLE}


def test_many_migrate_at_once(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 's.db'}"
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: migrate.upgrade(open_engine(url, busy_seconds=0.1)), range(4)))
    assert sorted(map(str, found)) == sorted(["None", *[migrate.head()] * 3])


def test_a_newer_store_is_left_alone(tmp_path: Path) -> None:
    store = store_in(tmp_path)
    with writing(store) as connection:
        connection.execute(text(f"UPDATE {VERSION_TABLE} SET version_num = '9999'"))
    with pytest.raises(StoreError, match="9999, which this Daybreak does not know"):
        migrate.upgrade(store)


def test_an_address_that_cannot_be_used_is_named_without_its_password() -> None:
    with pytest.raises(SettingsError, match="mysql is not supported") as error:
        open_engine("mysql://someone:hunter2@host/db")
    assert "hunter2" not in str(error.value)


def test_a_failed_transaction_writes_nothing(tmp_path: Path) -> None:
    store = store_in(tmp_path)
    with pytest.raises(StoreError), writing(store) as connection:  # noqa: PT012 - both in one transaction
        save_incidents(connection, [incident()])
        connection.execute(text("SELECT * FROM no_such_table"))
    with reading(store) as connection:
        assert load_incidents(connection, NOW) == {}


def test_incidents_come_back_as_they_were_and_the_ended_are_left_out(tmp_path: Path) -> None:
    store = store_in(tmp_path)
    open_one = incident()
    ended = incident(dedup_key="daybreak:v1:growth:2026-02-20", resolved_at=NOW - timedelta(days=9))
    with writing(store) as connection:
        save_incidents(connection, [open_one, ended])
    with writing(store) as connection:
        save_incidents(connection, [incident(paged=("ada", "bob"))])
    with reading(store) as connection:
        assert load_incidents(connection, NOW - timedelta(days=3)) == {
            open_one.dedup_key: incident(paged=("ada", "bob"))
        }
        assert find_incident(connection, ended.dedup_key) == ended


def test_records_that_judging_needs_are_loaded_and_no_more(tmp_path: Path) -> None:
    store = store_in(tmp_path)
    later = NOW + timedelta(days=20)
    settled_long_ago, latest = record(3, State.MET, ready_at=NOW), record(5, State.LATE, minutes_late=7)
    unsettled = record(10, State.MISSED, reason=Reason.RUN_FAILED, waived="ada: holiday")
    with writing(store) as connection:
        save_records(connection, [settled_long_ago, unsettled], {}, NOW)
    with reading(store) as connection:
        assert set(load_records(connection, later).values()) == {unsettled}
        assert load_records(connection, NOW.replace(day=3)) != {}
    with writing(store) as connection:
        save_records(connection, [latest], {}, NOW)
    with reading(store) as connection:
        assert latest not in load_records(connection, later).values()


def test_what_people_did_is_taken_up_once(tmp_path: Path) -> None:
    store = store_in(tmp_path)
    with writing(store) as connection:
        number = record_action(connection, Action(at=NOW, dedup_key="k", kind="ack", who="ada", why="on it"))
    with writing(store) as connection:
        assert [each.who for each in open_actions(connection)] == ["ada"]
        mark_applied(connection, [number], NOW)
    with reading(store) as connection:
        assert open_actions(connection) == []
