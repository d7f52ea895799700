"""The lease: one acts, another takes over, and whoever was stopped notices before it does anything."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, update

from daybreak.errors import LeaseLost, StoreError
from daybreak.monitor import lease as holding
from daybreak.monitor.lease import Lease
from daybreak.sql.database import reading, writing
from daybreak.store import lease as stored
from daybreak.store.schema import lease as table
from tests.support.monitors import store_in

SHORT = timedelta(seconds=2)


@pytest.fixture
def store(tmp_path: Path) -> Engine:
    return store_in(tmp_path)


class Clock:
    """Stands for the steady clock."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        monkeypatch.setattr(holding, "steady", lambda: self.now)


def expire(store: Engine, by: timedelta = timedelta(seconds=-1)) -> None:
    """Set the date at which the lease expires, relative to now."""
    with writing(store) as connection:
        connection.execute(update(table).values(expires_at=datetime.now(UTC) + by))


def test_the_first_gets_it_and_the_second_waits(store: Engine) -> None:
    first, second = Lease(store, ttl=SHORT), Lease(store, ttl=SHORT)
    assert first.take()
    assert not second.take()
    first.check()
    with pytest.raises(LeaseLost):
        second.check()


def test_it_is_given_up_at_an_orderly_end(store: Engine) -> None:
    first, second = Lease(store, ttl=SHORT), Lease(store, ttl=SHORT)
    assert first.take()
    first.release()
    assert second.take()
    assert second.token == 2


def test_an_expired_one_is_taken_over_and_its_holder_can_neither_send_nor_record(
    store: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock(monkeypatch)
    first, second = Lease(store, ttl=SHORT), Lease(store, ttl=SHORT)
    assert first.take()
    expire(store)  # the holder is stopped for a while
    clock.now += 3
    assert second.take()
    with pytest.raises(LeaseLost):
        first.check()
    with pytest.raises(LeaseLost), writing(store) as connection:
        first.renew_within(connection)
    second.check()
    first.lost()
    assert not first.take(), "it is not simply given back"


def test_the_token_rises_with_each_change_of_holder(store: Engine) -> None:
    tokens = []
    for _ in range(3):
        one = Lease(store, ttl=SHORT)
        assert one.take()
        tokens.append(one.token)
        expire(store)
    assert tokens == [1, 2, 3]


def test_sending_stops_before_the_lease_ends(store: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch)
    one = Lease(store, ttl=timedelta(seconds=10))
    assert one.take()
    clock.now += 8.9
    one.check()
    clock.now += 0.2
    with pytest.raises(LeaseLost):
        one.check()


def test_a_wall_clock_set_back_does_not_keep_a_dead_monitors_lease_alive(
    store: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock(monkeypatch)
    dead, waiting = Lease(store, ttl=SHORT), Lease(store, ttl=SHORT)
    assert dead.take()
    expire(store, timedelta(hours=1))  # so it looks after the clock went back by an hour
    assert not waiting.take()
    clock.now += 1.5
    assert not waiting.take()
    clock.now += 1.0  # unchanged for longer than it lasts
    assert waiting.take()


def test_a_living_holder_is_not_mistaken_for_a_dead_one(store: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch)
    living, waiting = Lease(store, ttl=SHORT), Lease(store, ttl=SHORT)
    assert living.take()
    for _ in range(5):
        assert not waiting.take()
        clock.now += 1.5
        assert living.take()


def test_renewing_tells_of_the_tick(store: Engine) -> None:
    one = Lease(store)
    assert one.take()
    at = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
    with writing(store) as connection:
        one.renew_within(connection, ticked_at=at, tick_seconds=0.2)
    with reading(store) as connection:
        found = stored.look(connection)
    assert found is not None
    assert (found.ticked_at, found.tick_seconds) == (at, 0.2)


def test_a_store_that_is_locked_is_a_store_error(store: Engine) -> None:
    one = Lease(store)
    with writing(store), pytest.raises(StoreError, match="locked"):
        one.take()
