"""A wall clock that is set back, as each part that goes by it sees it. Real processes: tests/drills/test_clock.py."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from daybreak.delivery.limits import DOWN, Gate
from daybreak.monitor.health import health_of
from daybreak.monitor.lease import Lease
from daybreak.sql.database import writing
from tests.support.airflow_db import AirflowDb
from tests.support.monitors import connections, known_since, running_monitor, store_in, write_registry
from tests.support.sandbox import running_sandbox

DUE = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def test_a_closed_gate_does_not_stay_closed_for_as_much_longer() -> None:
    gate = Gate()
    for _ in range(DOWN):
        gate.failed(DUE, retry_after=20)
    assert gate.closed(DUE)
    assert gate.closed(DUE + timedelta(seconds=19))
    assert not gate.closed(DUE - HOUR)
    gate.failed(DUE - HOUR, retry_after=20)
    assert gate.closed(DUE - HOUR)
    assert not gate.closed(DUE - HOUR + timedelta(seconds=20)), "its own wait, not that of before"


@pytest.mark.parametrize(("ago", "ok"), [(timedelta(seconds=30), True), (HOUR, False), (-HOUR, False)])
def test_a_tick_in_the_future_is_no_sign_of_life(tmp_path: Path, ago: timedelta, ok: bool) -> None:
    store = store_in(tmp_path)
    lease = Lease(store)
    assert lease.take()
    with writing(store) as connection:
        lease.renew_within(connection, ticked_at=DUE - ago, tick_seconds=0.1)
    found = health_of(store, DUE)
    assert (found.tick_age, found.ok) == (abs(ago.total_seconds()), ok)


def test_a_page_that_waits_for_its_next_attempt_does_not_wait_for_the_clock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    airflow = AirflowDb.sqlite(tmp_path)
    for dag in ("growth", "profit", "orders_load"):
        airflow.dag(dag)
    airflow.run("growth", "g", state="running", run_after=DUE - 4 * HOUR, start=DUE - 4 * HOUR)
    airflow.run("profit", "p", run_after=DUE - 4 * HOUR, start=DUE - 4 * HOUR, end=DUE - 3 * HOUR)
    airflow.run("orders_load", "o", run_after=DUE - 6 * HOUR, start=DUE - 6 * HOUR, end=DUE - 5 * HOUR)
    airflow.beat(DUE + HOUR)
    registry, store = write_registry(tmp_path), store_in(tmp_path)
    known_since(store, DUE - timedelta(days=30), "growth", "profit")
    offset = [DUE - datetime.now(UTC)]

    def tried(state: dict) -> bool:  # type: ignore[type-arg]
        return any(row["path"] == "/v2/alerts" and row["status"] == 503 for row in sandbox.requests())

    with running_sandbox() as sandbox:
        for name, value in connections(sandbox).items():
            monkeypatch.setenv(name, value)
        sandbox.fault("opsgenie", "503")
        with running_monitor(store, airflow.engine, registry, lambda: datetime.now(UTC) + offset[0]):
            sandbox.until(tried, 60)
            offset[0] -= HOUR
            sandbox.heal()
            (alert,) = sandbox.until(lambda state: state["alerts"], 60)
    assert (alert["alias"], alert["count"]) == ("daybreak:v1:growth:2026-03-02", 1)
