"""Pages a second through the outbox, and from decision to accepted request, beside Airflow's own alert hook."""

from __future__ import annotations

import asyncio
import statistics
import time
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest import mock

from daybreak.delivery.sender import send_due
from daybreak.store.outbox import Delivery
from tests.support.delivery import Clock, Post, post_office
from tests.support.sandbox import Sandbox, running_sandbox

PAGES = 200


def run() -> list[dict[str, Any]]:
    """Rows as benchmarks/__main__.py has them."""
    with running_sandbox() as box, TemporaryDirectory() as folder:
        hook = _hook(box, PAGES)
        if len(box.requests()) < PAGES:
            raise RuntimeError("the hook sent less than it was asked to")
        with post_office(box, Path(folder), pages_an_hour=10 * PAGES) as post:
            ours = _outbox(post, PAGES)
            waits = _latency(post, 30)
    middle = statistics.median(waits) * 1000
    return [
        _row("delivery: pages a second through the outbox", ours, "1/s"),
        _row("delivery: pages a second through OpsgenieAlertHook", hook, "1/s"),
        # The hook records nothing: each of our pages is in the database before it is sent, and again after.
        _row("delivery: outbox over OpsgenieAlertHook", ours / hook, "ratio"),
        _row("delivery: decision to accepted request, median", middle, "ms", bar="at most 1000", ok=middle <= 1000),
        _row("delivery: decision to accepted request, slowest", max(waits) * 1000, "ms"),
    ]


def _row(name: str, value: float, unit: str, *, bar: str | None = None, ok: bool = True) -> dict[str, Any]:
    return {"name": name, "value": value, "unit": unit, "bar": bar, "ok": ok}


def _outbox(post: Post, count: int) -> float:
    started = time.perf_counter()
    post.queue(_page(f"outbox-{n}") for n in range(count))
    report = asyncio.run(send_due(post.engine, post.channels, post.clock))
    if report.sent != count:
        raise RuntimeError(f"{report.sent} of {count} pages were sent")
    return count / (time.perf_counter() - started)


def _latency(post: Post, count: int) -> list[float]:
    """Seconds from queueing one page to its recorded acceptance, one at a time, each with a connection of its own."""
    post.clock = Clock(datetime.now(UTC))
    waits = []
    for n in range(count):
        started = time.perf_counter()
        post.queue([_page(f"alone-{n}")])
        asyncio.run(send_due(post.engine, post.channels, post.clock))
        waits.append(time.perf_counter() - started)
    return waits


def _hook(box: Sandbox, count: int) -> float:
    from airflow.models.connection import Connection
    from airflow.providers.opsgenie.hooks.opsgenie import OpsgenieAlertHook

    connection = Connection(conn_id="bench", conn_type="opsgenie", host=box.url, password=box.key)
    with mock.patch.object(OpsgenieAlertHook, "get_connection", return_value=connection):
        hook = OpsgenieAlertHook("bench")
        started = time.perf_counter()
        for n in range(count):
            hook.create_alert(dict(_page(f"hook-{n}").payload["body"]))
        return count / (time.perf_counter() - started)


def _page(alias: str) -> Delivery:
    body = {
        "message": f"{alias} MISSED 09:00 UTC", "alias": alias, "priority": "P2", "tags": ["daybreak"],
        "description": "What to do first: look. " * 40,
        "responders": [{"type": "user", "username": "a@example.com"}],
    }  # fmt: skip
    return Delivery(
        key=alias, dedup_key=alias, channel="opsgenie", operation="create", kind="page", event="missed",
        payload={"alias": alias, "body": body, "next": [], "slack": []}, created_at=datetime.now(UTC), to=("a",),
    )  # fmt: skip
