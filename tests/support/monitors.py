"""A monitor, or its engine alone, on databases of a test's own; and the smallest registry worth watching."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from sqlalchemy import Engine as Database
from sqlalchemy import select

from daybreak.airflow_io.reader import Reader
from daybreak.monitor.assembly import build_monitor
from daybreak.monitor.engine import Engine
from daybreak.monitor.lease import Lease
from daybreak.monitor.planning import Planning
from daybreak.monitor.registries import RegistrySource
from daybreak.sql.database import open_engine, reading, writing
from daybreak.store import migrate
from daybreak.store.memory import save_seen
from daybreak.store.outbox import Delivery
from daybreak.store.schema import delivery
from tests.support.sandbox import Sandbox

REGISTRY = """
version: 1
people:
  ada: {name: Ada, opsgenie: ada@example.com, slack: U0AAAAAAA}
  bob: {name: Bob, opsgenie: bob@example.com, slack: U0BBBBBBB}
teams:
  sales: {name: Sales, opsgenie_team: Sales, slack_channel: "#sales"}
on_call:
  layers:
    primary: {start: 2026-01-05T09:00, every: 1w, members: [ada]}
    secondary: {start: 2026-01-05T09:00, every: 1w, members: [bob]}
defaults: {owner: ada, slack_channel: "#data-alerts", escalation: standard}
paging: {heartbeat: daybreak}
escalations:
  standard:
    - {after: 0m, page: on_call}
    - {after: 15m, page: secondary, unless: acknowledged}
upstreams:
  orders:
    name: Orders
    team: sales
    expected_by: "05:00"
    ready_when: {dag: orders_load}
    on_delay:
      - {after: 0m, do: ticket, to: sales}
pipelines:
  growth: {dags: [growth], owners: {primary: ada, secondary: bob}, priority: P1, deadline: {due: "09:00", at_risk: 30m}}
  profit: {dags: [profit], owners: {primary: bob}, deadline: {due: "09:00", at_risk: 30m}}
"""


def write_registry(folder: Path, text: str = REGISTRY) -> Path:
    """→ the file, with a runbooks folder beside it."""
    (folder / "runbooks").mkdir(parents=True, exist_ok=True)
    path = folder / "ownership.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def store_in(folder: Path, name: str = "store.db") -> Database:
    """A store of its own, made."""
    store = open_engine(f"sqlite:///{folder / name}", busy_seconds=0.2)
    migrate.upgrade(store)
    return store


def known_since(store: Database, at: datetime, *pipelines: str) -> None:
    """As if the registry had had ``pipelines`` since ``at``: what was due before a pipeline was known is history."""
    with writing(store) as connection:
        save_seen(connection, dict.fromkeys(pipelines, at))


def engine_of(store: Database, metadata: Database, registry: Path, *, lease: Lease | None = None) -> Engine:
    """An engine that holds the lease, unless one is given that does not."""
    held = lease or Lease(store)
    if lease is None:
        assert held.take()
    reader = Reader(metadata)
    planning = Planning(registry)
    return Engine(store=store, reader=reader, registries=RegistrySource(registry, store), planning=planning, lease=held)


def queued(store: Database) -> list[Delivery]:
    """What stands in the outbox, sent or not, in order."""
    with reading(store) as connection:
        rows = connection.execute(select(delivery).order_by(delivery.c.id)).all()
    return [
        Delivery(
            key=row.key, dedup_key=row.dedup_key, channel=row.channel, operation=row.operation, kind=row.kind,
            event=row.event, payload=row.payload, created_at=row.created_at, step=row.step, subject=row.subject,
            to=row.to,
        )
        for row in rows
    ]  # fmt: skip


def pages(store: Database) -> list[tuple[str | None, str, int | None, tuple[str, ...]]]:
    """(pipeline, event, step, to) of the pages in the outbox that go to Opsgenie."""
    return [
        (row.subject, row.event, row.step, row.to)
        for row in queued(store)
        if row.channel == "opsgenie" and row.operation in ("create", "step") and row.kind == "page"
    ]


def connections(sandbox: Sandbox) -> dict[str, str]:
    """The environment that leads Daybreak to the stand-in."""
    opsgenie = {"conn_type": "opsgenie", "host": sandbox.opsgenie_url, "password": sandbox.key}
    slack = {"conn_type": "slack", "password": sandbox.token, "extra": {"base_url": sandbox.slack_url}}
    return {
        "AIRFLOW_CONN_OPSGENIE_DEFAULT": json.dumps(opsgenie),
        "AIRFLOW_CONN_SLACK_API_DEFAULT": json.dumps(slack),
        "NO_PROXY": "127.0.0.1,localhost",
    }


@contextmanager
def running_monitor(
    store: Database, metadata: Database, registry: Path, clock: Callable[[], datetime]
) -> Iterator[threading.Thread]:
    """A whole monitor in a thread of this process, ended with the block."""
    inner: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []
    started = threading.Event()

    async def work() -> None:
        stop = asyncio.Event()
        inner.append((asyncio.get_running_loop(), stop))
        started.set()
        monitor = build_monitor(store=store, metadata=metadata, registry_file=registry, clock=clock)
        await monitor.run(stop)

    thread = threading.Thread(target=lambda: asyncio.run(work()), name="monitor-under-test", daemon=True)
    thread.start()
    assert started.wait(5)
    try:
        yield thread
    finally:
        for loop, stop in inner:
            loop.call_soon_threadsafe(stop.set)
        thread.join(10)
        assert not thread.is_alive(), "the monitor did not end within ten seconds"
