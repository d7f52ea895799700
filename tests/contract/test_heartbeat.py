"""The heartbeat beats while the monitor really judges, and only then."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from daybreak.config import load_registry
from daybreak.domain.registry import Registry
from daybreak.monitor import assembly
from daybreak.monitor import heartbeat as module
from daybreak.monitor.heartbeat import STALE_AFTER, Heartbeat
from daybreak.monitor.sending import Sending
from tests.support.airflow_db import AirflowDb
from tests.support.monitors import connections, known_since, running_monitor, store_in, write_registry
from tests.support.sandbox import Sandbox, running_sandbox

QUIET = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)


@pytest.fixture
def box(monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    with running_sandbox() as found:
        for name, value in connections(found).items():
            monkeypatch.setenv(name, value)
        yield found


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    return load_registry(write_registry(tmp_path))


def pings(box: Sandbox) -> int:
    return sum(each["path"].endswith("/ping") and each["status"] == 202 for each in box.requests())


def beat(box: Sandbox, tmp_path: Path, registry: Registry, *ages: float, every: float = 0.0) -> list[bool]:
    """What each call answered; one heartbeat over all of them."""

    async def several() -> list[bool]:
        made = Heartbeat(Sending(store_in(tmp_path)), every=every)
        return [await made.beat(registry, tick_age=age) for age in ages]

    return asyncio.run(several())


def test_it_is_made_where_it_is_not_and_pinged(box: Sandbox, tmp_path: Path, registry: Registry) -> None:
    assert beat(box, tmp_path, registry, 1, 2) == [True, True]
    assert list(box.state()["heartbeats"])
    assert pings(box) == 2


def test_a_tick_older_than_a_minute_stops_it(box: Sandbox, tmp_path: Path, registry: Registry) -> None:
    assert beat(box, tmp_path, registry, STALE_AFTER, STALE_AFTER + 300, STALE_AFTER - 1) == [False, False, True]
    assert pings(box) == 1


def test_it_beats_no_more_often_than_it_should(box: Sandbox, tmp_path: Path, registry: Registry) -> None:
    assert beat(box, tmp_path, registry, 1, 1, 1, every=60) == [True, False, False]


def test_a_ping_that_failed_is_tried_again_at_the_next_look(box: Sandbox, tmp_path: Path, registry: Registry) -> None:
    box.fault("opsgenie", "503", count=1)
    assert beat(box, tmp_path, registry, 1, 1, every=60)[-1]
    assert pings(box) >= 1


def test_shadow_mode_sends_no_heartbeat(box: Sandbox, tmp_path: Path, registry: Registry) -> None:
    shadow = replace(registry, paging=replace(registry.paging, mode="shadow"))
    assert beat(box, tmp_path, shadow, 1) == [False]
    assert box.requests() == []


def test_a_monitor_that_is_blind_stops_beating_and_goes_on_when_it_sees_again(
    box: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "STALE_AFTER", 3.0)
    monkeypatch.setattr(assembly, "Heartbeat", partial(Heartbeat, every=0.2))
    airflow = AirflowDb.sqlite(tmp_path)
    airflow.dag("growth")
    airflow.beat(QUIET + timedelta(days=1))
    store = store_in(tmp_path)
    known_since(store, QUIET - timedelta(days=30), "growth", "profit")
    offset = QUIET - datetime.now(UTC)

    def more_than(count: int) -> Any:
        return lambda _: pings(box) > count

    with running_monitor(store, airflow.engine, write_registry(tmp_path), lambda: datetime.now(UTC) + offset):
        box.until(more_than(2))
        airflow.run_sql("ALTER TABLE dag_run RENAME TO away")
        last, since = pings(box), time.monotonic()
        end = since + 60
        while time.monotonic() - since < 4.0:  # until no ping came for longer than a tick may be old
            assert time.monotonic() < end, "it went on beating"
            time.sleep(0.1)
            if pings(box) > last:
                last, since = pings(box), time.monotonic()
        airflow.run_sql("ALTER TABLE away RENAME TO dag_run")
        box.until(more_than(last))
