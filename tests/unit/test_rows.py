"""Many rows written in few statements, on both databases: in order, counted, and none of them twice."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, event, select

from daybreak.sql.database import open_engine, reading, writing
from daybreak.store import migrate
from daybreak.store.memory import Usual, load_ready, load_usual, save_ready, save_usual
from daybreak.store.outbox import Delivery, enqueue
from daybreak.store.schema import delivery
from tests.support.monitors import store_in
from tests.support.postgres import own_database

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
MANY = 2500  # more than travel in one statement


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    if request.param == "sqlite":
        yield store_in(tmp_path)
        return
    with own_database(request.getfixturevalue("postgres_url")) as url:
        engine = open_engine(url)
        migrate.upgrade(engine)
        yield engine
        engine.dispose()


def page(n: int) -> Delivery:
    return Delivery(
        key=f"k{n}", dedup_key=f"d{n}", channel="opsgenie", operation="create", kind="page", event="missed",
        payload={"n": n}, created_at=NOW, to=("ada",),
    )  # fmt: skip


def test_pages_are_queued_in_order_and_only_the_new_ones_count(store: Engine) -> None:
    statements: list[str] = []
    event.listen(store, "before_cursor_execute", lambda *args: statements.append(args[2]))
    with writing(store) as connection:
        assert enqueue(connection, [page(7), page(7)], NOW) == 1
        statements.clear()
        assert enqueue(connection, [page(n) for n in range(MANY)], NOW) == MANY - 1
        assert len(statements) < MANY / 100
        assert enqueue(connection, [page(n) for n in range(MANY)], NOW) == 0
    with reading(store) as connection:
        order = [row.key for row in connection.execute(select(delivery.c.key).order_by(delivery.c.id))]
    assert order == ["k7", *(f"k{n}" for n in range(MANY) if n != 7)]


def test_of_one_row_named_twice_the_later_values_count_but_for_what_is_kept(store: Engine) -> None:
    day, later = date(2026, 3, 2), NOW + timedelta(minutes=5)
    with writing(store) as connection:
        save_ready(connection, [("sales", day, NOW), ("sales", day, later)], NOW)
        save_ready(connection, [("sales", day, later)], NOW)
        assert load_ready(connection, day) == {("sales", "2026-03-02"): NOW}


def test_many_rows_are_brought_up_to_date(store: Engine) -> None:
    def usual(minutes: int) -> dict[str, Usual]:
        lasted = timedelta(minutes=minutes)
        return {f"dag_{n}": Usual(duration=lasted, samples=5, newest_end=NOW) for n in range(MANY)}

    with writing(store) as connection:
        save_usual(connection, usual(30), NOW)
        save_usual(connection, usual(40), NOW)
        assert load_usual(connection) == usual(40)
