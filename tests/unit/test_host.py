"""Both hosts of a monitor begin beside a store that is away: what falls due is paged all the same."""

from __future__ import annotations

import asyncio
import importlib
import socket
import threading
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from daybreak.demo.morning import zone_of_nine
from daybreak.monitor import host, loop
from tests.support.airflow_db import AirflowDb
from tests.support.monitors import REGISTRY, connections, write_registry
from tests.support.sandbox import running_sandbox


def test_the_api_servers_monitor_pages_without_a_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    importlib.import_module("airflow.models.connection")  # takes seconds on a busy machine, and none of them are due's
    monkeypatch.setattr(host, "_AGAIN", 0.2)
    monkeypatch.setattr(loop, "TTL", timedelta(seconds=1))  # a lease that nobody can take
    airflow = AirflowDb.sqlite(tmp_path)
    now = datetime.now(UTC)
    zone = zone_of_nine(now)
    for dag in ("growth", "profit", "orders_load"):
        airflow.dag(dag)
        airflow.run(dag, "today", state="running", run_after=now - timedelta(minutes=1), start=now)
    airflow.beat(now + timedelta(hours=1))
    due = f"{(now + timedelta(seconds=5)).astimezone(ZoneInfo(zone)):%H:%M:%S}"
    text = REGISTRY.replace('"09:00"', f'"{due}"', 1).replace('"09:00"', '"23:00"', 1)
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        store = f"postgresql+psycopg2://nobody@127.0.0.1:{nobody.getsockname()[1]}/daybreak"
        with running_sandbox() as sandbox:
            settings = {
                **connections(sandbox),
                "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": airflow.url,
                "AIRFLOW__DAYBREAK__SQL_ALCHEMY_CONN": store,
                "AIRFLOW__DAYBREAK__OWNERSHIP_FILE": str(write_registry(tmp_path, f"timezone: {zone}\n{text}")),
            }
            for name, value in settings.items():
                monkeypatch.setenv(name, value)
            with_stop(host.run_in_background, lambda: sandbox.until(pages, 60))
            (page,) = pages(sandbox.state())
    assert page["count"] == 1


def pages(state: dict[str, Any]) -> list[dict[str, Any]]:
    return [alert for alert in state["alerts"] if alert["alias"].startswith("daybreak:v1:growth:")]


def with_stop(work: Callable[[asyncio.Event], Awaitable[None]], meanwhile: Callable[[], object]) -> None:
    """Run ``work`` on a loop of its own while ``meanwhile`` goes on here; then have it stop, and wait for its end."""
    stop = asyncio.Event()
    running = asyncio.new_event_loop()
    thread = threading.Thread(target=lambda: running.run_until_complete(work(stop)), daemon=True)
    thread.start()
    try:
        meanwhile()
    finally:
        running.call_soon_threadsafe(stop.set)
        thread.join(60)
    assert not thread.is_alive()
    running.close()
