"""The outbox: one row a decision, in order for one incident, the most urgent incident first. On both databases."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import Engine, text

from daybreak.sql.database import open_engine, reading, writing
from daybreak.store import outbox, schema
from daybreak.store.outbox import Delivery
from daybreak.store.threads import Thread, get_thread, put_thread
from tests.support.delivery import START, Life, registry_of


def row(name: str, n: int = 0, *, operation: str = "create", urgency: int = 10, **more: object) -> Delivery:
    made = Delivery(
        key=f"{name}|{operation}|{n}", dedup_key=name, channel="opsgenie", operation=operation, kind="page",
        event="missed", payload={"alias": name}, created_at=START, to=("a",), urgency=urgency,
    )  # fmt: skip
    return replace(made, **more)  # type: ignore[arg-type]


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    if request.param == "sqlite":
        made = open_engine(f"sqlite:///{tmp_path / 'outbox.db'}")
        schema.metadata.create_all(made)
        yield made
        made.dispose()
        return
    url = os.environ.get("DAYBREAK_TEST_POSTGRES")
    if not url:
        pytest.skip("DAYBREAK_TEST_POSTGRES is not set: NOT tested against PostgreSQL")
    name = f"outbox_{uuid4().hex[:12]}"
    server = open_engine(url).execution_options(isolation_level="AUTOCOMMIT")
    with server.connect() as conn:
        conn.execute(text(f"CREATE DATABASE {name}"))
    made = open_engine(f"{url.rpartition('/')[0]}/{name}")
    schema.metadata.create_all(made)
    yield made
    made.dispose()
    with server.connect() as conn:
        conn.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    server.dispose()


def queue(engine: Engine, *rows: Delivery) -> int:
    with writing(engine) as conn:
        return outbox.enqueue(conn, rows, START)


def due(engine: Engine, **later: float) -> list[str]:
    with reading(engine) as conn:
        return [each.delivery.key for each in outbox.due(conn, START + timedelta(**later), 10)]


def test_a_key_is_queued_once(engine: Engine) -> None:
    assert queue(engine, row("x"), row("y")) == 2
    assert queue(engine, row("x"), row("z")) == 1
    long = row("x" * 300, key="k" * 5000)
    assert queue(engine, long) == 1
    assert queue(engine, long) == 0


def test_one_incidents_rows_go_one_after_the_other(engine: Engine) -> None:
    queue(engine, row("x", 1), row("x", 2, urgency=1), row("y", 1, urgency=5))
    assert due(engine) == ["y|create|1", "x|create|1"]
    with writing(engine) as conn:
        first = outbox.due(conn, START, 10)[1]
        outbox.mark_retry(conn, first.id, START + timedelta(minutes=5), "HTTP 503")
    assert due(engine) == ["y|create|1"]
    assert due(engine, minutes=6) == ["y|create|1", "x|create|1"]
    with writing(engine) as conn:
        outbox.mark_sent(conn, first.id, START, remote_id="r")
    assert due(engine) == ["x|create|2", "y|create|1"]


def test_what_waits_for_minutes_holds_nothing_up(engine: Engine) -> None:
    queue(engine, row("x", operation="recheck", urgency=70, not_before=START + timedelta(minutes=5)), row("x", 2))
    assert due(engine) == ["x|create|2"]
    assert due(engine, minutes=5) == ["x|create|2", "x|recheck|0"]
    with reading(engine) as conn:
        assert outbox.next_due_at(conn, channel="opsgenie") == START
        assert outbox.next_due_at(conn, channel="slack") is None


def test_every_alias_that_may_be_open_is_known(engine: Engine) -> None:
    queue(engine, row("x", 1), row("x", 2, payload={"alias": "x:step:1"}), row("x", 3, payload={"alias": "never"}))
    with writing(engine) as conn:
        rows = outbox.due(conn, START, 10)
        outbox.mark_sent(conn, rows[0].id, START)
        (second,) = outbox.due(conn, START, 10)
        outbox.mark_retry(conn, second.id, START, "no answer")
    with reading(engine) as conn:
        assert outbox.opened_aliases(conn, "x") == ("x", "x:step:1")
        assert outbox.pages_since(conn, START - timedelta(hours=1)) == {"a": 1}


def test_a_page_without_success_is_found_once(engine: Engine) -> None:
    queue(engine, row("x"), row("y"))
    with writing(engine) as conn:
        found = outbox.overdue_without_fallback(conn, START)
        assert [each.delivery.dedup_key for each in found] == ["x", "y"]
        outbox.enqueue(conn, [replace(row("x", 9), channel="slack", fallback_of=found[0].id)], START)
        assert [each.delivery.dedup_key for each in outbox.overdue_without_fallback(conn, START)] == ["y"]


def test_a_channel_that_is_well_again_is_not_kept_waiting(engine: Engine) -> None:
    queue(engine, row("x"), row("y"))
    with writing(engine) as conn:
        for each in outbox.due(conn, START, 10):
            outbox.mark_retry(conn, each.id, START + timedelta(minutes=5), "HTTP 503")
        assert outbox.hurry(conn, "opsgenie", START) == 2
    assert len(due(engine)) == 2


def test_rows_come_back_as_they_went_in(engine: Engine) -> None:
    rows = Life(registry_of()).page(START)
    queue(engine, *rows)
    with reading(engine) as conn:
        back = {each.delivery.key: each.delivery for each in outbox.due(conn, START, 10)}
    assert back == {each.key: each for each in rows}


def test_a_thread_is_kept_by_key_and_channel(engine: Engine) -> None:
    one = Thread(dedup_key="x", channel="#a", channel_id="C1", ts="1.0")
    with writing(engine) as conn:
        put_thread(conn, one, START)
        put_thread(conn, replace(one, ts="2.0"), START)
        assert get_thread(conn, "x", "#a") == replace(one, ts="2.0")
        assert get_thread(conn, "x", "#b") is None


def test_what_waits_for_a_clock_that_was_set_back_may_go_at_once(engine: Engine) -> None:
    back = START - timedelta(hours=1)
    queue(
        engine,
        row("made-ahead"),
        row("again", created_at=back - timedelta(minutes=1)),
        row("over", operation="recheck"),
    )
    with writing(engine) as conn:
        outbox.mark_retry(conn, 2, START + timedelta(minutes=1), "503")
        assert outbox.due(conn, back, 10) == []
        assert outbox.clock_set_back(conn, "slack", back, timedelta(0)) == 0
        assert outbox.clock_set_back(conn, "opsgenie", back, timedelta(hours=2)) == 1, "one was made in the future"
        assert [each.delivery.dedup_key for each in outbox.due(conn, back, 10)] == ["made-ahead"]
        assert outbox.clock_set_back(conn, "opsgenie", back, timedelta(minutes=5)) == 1, "one would wait for an hour"
        found = outbox.due(conn, back, 10)
    assert {each.delivery.dedup_key for each in found} == {"made-ahead", "again"}
    assert all(each.delivery.created_at <= back for each in found)
