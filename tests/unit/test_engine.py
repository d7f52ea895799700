"""The engine, tick by tick, on real databases: recorded whole or not at all, and pages whatever the store does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine as Database
from sqlalchemy import text

from daybreak.domain.incident import State
from daybreak.errors import LeaseLost
from daybreak.monitor.engine import BLIND_AFTER, Engine
from daybreak.monitor.lease import Lease
from daybreak.sql.database import reading, writing
from daybreak.store.actions import Action, record_action
from daybreak.store.incidents import find_incident
from daybreak.store.memory import kept_registry
from daybreak.store.occurrences import find_record
from tests.support.airflow_db import AirflowDb
from tests.support.monitors import REGISTRY, engine_of, known_since, pages, queued, store_in, write_registry

DUE = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
KEY = "daybreak:v1:growth:2026-03-02"
FIRST_PAGE = ("growth", "missed", 0, ("ada",))
SECOND_PAGE = ("growth", "still_late", 1, ("bob",))


class Morning:
    """Growth runs and is late; profit is met; a scheduler beats all day."""

    def __init__(self, folder: Path) -> None:
        self.airflow = AirflowDb.sqlite(folder)
        for dag in ("growth", "profit", "orders_load"):
            self.airflow.dag(dag)
        early = DUE - 4 * HOUR
        self.airflow.run("growth", "g", state="running", run_after=early, start=early)
        self.airflow.run("profit", "p", run_after=early, start=early, end=early + HOUR)
        self.airflow.run("orders_load", "o", run_after=early, start=early - HOUR, end=early - HOUR / 2)
        self.airflow.beat(DUE + 24 * HOUR)
        self.registry = write_registry(folder)
        self.store = store_in(folder)
        known_since(self.store, DUE - timedelta(days=30), "growth", "profit")

    def engine(self, lease: Lease | None = None) -> Engine:
        return engine_of(self.store, self.airflow.engine, self.registry, lease=lease)


@pytest.fixture
def morning(tmp_path: Path) -> Morning:
    return Morning(tmp_path)


def test_a_tick_at_due_pages_once_and_records_it(morning: Morning) -> None:
    engine = morning.engine()
    before = engine.tick(DUE - MINUTE)
    assert before.wake_at == DUE
    assert pages(morning.store) == []
    engine.tick(DUE)
    engine.tick(DUE + timedelta(seconds=10))
    assert pages(morning.store) == [FIRST_PAGE]
    with reading(morning.store) as connection:
        record = find_record(connection, KEY)
        incident = find_incident(connection, KEY)
    assert record is not None
    assert record.state is State.MISSED
    assert incident is not None
    assert (incident.paging_since, incident.paged) == (DUE, ("ada",))


def test_recovery_is_told_and_recorded(morning: Morning) -> None:
    engine = morning.engine()
    engine.tick(DUE)
    morning.airflow.change_run("growth", "g", state="success", end_date=DUE + 37 * MINUTE)
    engine.tick(DUE + 38 * MINUTE)
    assert (
        next(row.operation for row in queued(morning.store) if row.kind == "resolve" and row.channel == "opsgenie")
        == "close"
    )
    with reading(morning.store) as connection:
        record = find_record(connection, KEY)
    assert record is not None
    assert (record.state, record.minutes_late) == (State.LATE, 37)


def test_a_restart_between_any_two_ticks_changes_nothing(morning: Morning) -> None:
    lease = None
    for at in (DUE - MINUTE, DUE, DUE + MINUTE, DUE + 15 * MINUTE, DUE + 16 * MINUTE):
        if lease is not None:
            lease.release()
        lease = Lease(morning.store)
        assert lease.take()
        morning.engine(lease).tick(at)
    assert pages(morning.store) == [FIRST_PAGE, SECOND_PAGE]


def test_two_monitors_queue_nothing_twice(morning: Morning) -> None:
    first = morning.engine()
    waiting = Lease(morning.store)
    assert not waiting.take()
    second = morning.engine(waiting)
    first.tick(DUE)
    first.lease.release()
    assert waiting.take()
    second.tick(DUE + timedelta(seconds=1))
    assert pages(morning.store) == [FIRST_PAGE]


def test_a_holder_that_was_overtaken_records_nothing(morning: Morning) -> None:
    stopped = morning.engine()
    stopped.tick(DUE - MINUTE)
    with writing(morning.store) as connection:
        connection.execute(text("UPDATE daybreak_lease SET expires_at = '2000-01-01 00:00:00'"))
    other = Lease(morning.store)
    assert other.take()
    with pytest.raises(LeaseLost):
        stopped.tick(DUE)
    assert pages(morning.store) == []


def test_an_acknowledgement_stops_the_step_that_waits_for_none(morning: Morning) -> None:
    engine = morning.engine()
    engine.tick(DUE)
    act(morning.store, "ack", DUE + 5 * MINUTE)
    engine.tick(DUE + 6 * MINUTE)
    engine.tick(DUE + 15 * MINUTE)
    assert pages(morning.store) == [FIRST_PAGE]
    with reading(morning.store) as connection:
        found = find_incident(connection, KEY)
    assert found is not None
    assert found.acknowledged_by == "ada"


def test_a_snooze_holds_the_next_step(morning: Morning) -> None:
    engine = morning.engine()
    engine.tick(DUE)
    act(morning.store, "snooze", DUE + MINUTE, until=DUE + 40 * MINUTE)
    engine.tick(DUE + 15 * MINUTE)
    assert pages(morning.store) == [FIRST_PAGE]
    engine.tick(DUE + 40 * MINUTE)
    assert pages(morning.store) == [FIRST_PAGE, SECOND_PAGE]


def test_a_day_that_is_waived_before_it_is_due_pages_nobody(morning: Morning) -> None:
    act(morning.store, "waive", DUE - 20 * HOUR)  # its cycle is not even open
    engine = morning.engine()
    engine.tick(DUE - MINUTE)
    engine.tick(DUE - MINUTE / 2)
    engine.tick(DUE)
    assert pages(morning.store) == []


def act(store: Database, kind: str, at: datetime, until: datetime | None = None) -> None:
    with writing(store) as connection:
        record_action(connection, Action(at=at, dedup_key=KEY, kind=kind, who="ada", why="test", until=until))  # type: ignore[arg-type]


def test_with_the_store_locked_pages_go_out_first_and_are_recorded_later(morning: Morning) -> None:
    engine = morning.engine()
    engine.tick(DUE - MINUTE)
    with writing(morning.store):  # somebody else has the write lock
        tick = engine.tick(DUE)
        assert [(row.subject, row.to) for row in tick.unrecorded] == [("growth", ("ada",))]
        engine.was_sent(tick.unrecorded[0])
        again = engine.tick(DUE + timedelta(seconds=5))
        assert again.unrecorded == (), "what was sent is not sent again"
    assert pages(morning.store) == []
    engine.tick(DUE + timedelta(seconds=10))
    assert pages(morning.store) == [FIRST_PAGE]
    with reading(morning.store) as connection:
        states = connection.execute(text("SELECT state FROM daybreak_delivery WHERE operation = 'create'")).scalars()
        assert list(states) == ["sent"]
        assert find_incident(connection, KEY) is not None


def test_with_the_store_gone_it_goes_on_from_memory(morning: Morning, tmp_path: Path) -> None:
    engine = morning.engine()
    engine.tick(DUE - MINUTE)
    hidden = tmp_path / "hidden.db"
    (tmp_path / "store.db").rename(hidden)
    (tmp_path / "store.db").write_bytes(b"this is no database, and longer than a header of one hundred bytes" * 4)
    tick = engine.tick(DUE)
    assert [row.subject for row in tick.unrecorded] == ["growth"]
    hidden.rename(tmp_path / "store.db")
    engine.tick(DUE + timedelta(seconds=10))
    assert pages(morning.store) == [FIRST_PAGE]


@pytest.mark.parametrize(("since", "paged"), [(DUE - MINUTE, ["growth"]), (DUE + MINUTE / 2, [])])
def test_without_a_store_from_the_start_what_fell_due_since_nobody_watched_is_paged(
    morning: Morning, tmp_path: Path, since: datetime, paged: list[str]
) -> None:
    """One that waited takes over without ever having read the store, some seconds after the instant."""
    (tmp_path / "store.db").write_bytes(b"this is no database, and longer than a header of one hundred bytes" * 4)
    engine = morning.engine(Lease(morning.store))
    engine.alone(since=since)
    assert [row.subject for row in engine.tick(DUE + MINUTE).unrecorded] == paged


def test_what_was_opened_without_the_store_has_its_end_told_once_it_is_back(morning: Morning, tmp_path: Path) -> None:
    hidden = (tmp_path / "store.db").rename(tmp_path / "hidden.db")
    (tmp_path / "store.db").write_bytes(b"this is no database, and longer than a header of one hundred bytes" * 4)
    lease = Lease(morning.store)
    engine = morning.engine(lease)
    engine.alone(since=DUE - MINUTE)
    (page,) = engine.tick(DUE + MINUTE).unrecorded
    engine.was_sent(page)
    hidden.rename(tmp_path / "store.db")
    assert lease.take()
    morning.airflow.change_run("growth", "g", state="success", end_date=DUE + 2 * MINUTE)
    engine.tick(DUE + 3 * MINUTE)
    assert pages(morning.store) == [FIRST_PAGE]
    assert [row.operation for row in queued(morning.store) if row.channel == "opsgenie"][:2] == ["create", "close"]


def test_a_registry_that_breaks_leaves_the_old_one_in_force_and_its_owner_is_told_once(morning: Morning) -> None:
    engine = morning.engine()
    engine.tick(DUE - 2 * MINUTE)
    morning.registry.write_text(REGISTRY.replace("due:", "dew:"))
    engine.tick(DUE - MINUTE)
    tick = engine.tick(DUE)
    assert tick.problem is not None
    assert pages(morning.store) == [FIRST_PAGE]
    told = [row for row in queued(morning.store) if row.event == "registry_invalid"]
    assert [(row.channel, row.to) for row in told] == [("slack", ("ada",))]
    with reading(morning.store) as connection:
        kept = kept_registry(connection)
    assert kept is not None
    assert kept.problem
    morning.registry.write_text(REGISTRY + "\n# good again\n")
    assert engine.tick(DUE + MINUTE).problem is None
    (over,) = [row for row in queued(morning.store) if row.event == "registry_invalid" and row.operation == "rewrite"]
    assert "Daybreak: resolved" in str(over.payload["message"]["blocks"][0])


def test_a_monitor_that_starts_beside_a_broken_registry_uses_the_stores_last_good_one(morning: Morning) -> None:
    first = morning.engine()
    first.tick(DUE - MINUTE)
    first.lease.release()
    morning.registry.write_text("version: 1\n")
    morning.engine().tick(DUE)
    assert pages(morning.store) == [FIRST_PAGE]


def test_an_unreadable_airflow_is_a_page_after_a_minute_and_no_missed_deadline(morning: Morning) -> None:
    engine = morning.engine()
    engine.tick(DUE - 5 * MINUTE)
    morning.airflow.run_sql("ALTER TABLE dag_run RENAME TO away")
    assert not engine.tick(DUE - MINUTE).judged
    assert pages(morning.store) == []
    engine.tick(DUE - MINUTE + BLIND_AFTER)
    assert pages(morning.store) == [(None, "scheduler_down", 0, ("ada",))]
    morning.airflow.run_sql("ALTER TABLE away RENAME TO dag_run")
    morning.airflow.change_run("growth", "g", state="success", end_date=DUE - MINUTE)
    assert engine.tick(DUE + MINUTE).judged
    assert len(pages(morning.store)) == 1


def test_what_was_due_before_a_pipeline_was_known_is_history(tmp_path: Path) -> None:
    morning = Morning(tmp_path)
    with writing(morning.store) as connection:
        connection.execute(text("DELETE FROM daybreak_pipeline_seen"))
    morning.engine().tick(DUE + HOUR)
    assert pages(morning.store) == []


def test_shadow_decides_and_records_and_sends_nothing(morning: Morning) -> None:
    morning.registry.write_text(REGISTRY.replace("paging: {", "paging: {mode: shadow, "))
    morning.engine().tick(DUE)
    with reading(morning.store) as connection:
        states = connection.execute(text("SELECT DISTINCT state FROM daybreak_delivery")).scalars().all()
    assert states == ["shadow"]
    assert pages(morning.store) == [FIRST_PAGE]
