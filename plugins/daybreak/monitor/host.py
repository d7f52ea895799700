"""The two hosts of a monitor: a process (:func:`run_here`), and a thread beside an API server's event loop."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import threading
from collections.abc import Callable

from sqlalchemy import Engine

from daybreak.airflow_io import connections
from daybreak.errors import DaybreakError, StoreError
from daybreak.monitor.assembly import build_monitor, store_engine
from daybreak.store import migrate

log = logging.getLogger(__name__)

_AGAIN = 5.0  # seconds to the next try while the store cannot be migrated
_JOIN = 5.0


async def run_here(*, shadow: bool = False, ready: Callable[[], None] | None = None) -> None:
    """Run a monitor in this process until SIGTERM or SIGINT; then end the tick at hand and give up the lease.

    Raises SettingsError for a configuration that cannot work, and StoreError for a store of another version.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await _watch(stop, shadow=shadow, ready=ready)


async def run_in_background(stop: asyncio.Event) -> None:
    """Run a monitor beside an API server until ``stop`` is set. It has a thread and an event loop of its own, so
    nothing it does can hold up a request; whatever fails is logged, and tried again."""
    ended = threading.Event()
    inner: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []

    def work() -> None:
        try:
            asyncio.run(_hosted(inner))
        except Exception:
            log.exception("daybreak's monitor ended in this API server")
        finally:
            ended.set()

    thread = threading.Thread(target=work, name="daybreak-monitor", daemon=True)
    thread.start()
    try:
        while not stop.is_set() and not ended.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), 1.0)
    finally:
        for loop, inner_stop in inner:
            with contextlib.suppress(RuntimeError):  # its loop has ended by itself
                loop.call_soon_threadsafe(inner_stop.set)
        await asyncio.to_thread(thread.join, _JOIN)


async def _hosted(inner: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]]) -> None:
    stop = asyncio.Event()
    inner.append((asyncio.get_running_loop(), stop))
    while not stop.is_set():
        try:
            await _watch(stop)
        except DaybreakError as error:
            log.error("daybreak's monitor cannot work in this API server: %s", error)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), 60.0)


async def _watch(stop: asyncio.Event, *, shadow: bool = False, ready: Callable[[], None] | None = None) -> None:
    """A monitor at work until ``stop`` is set. Raises as :func:`run_here` does."""
    store = store_engine()
    migrating = asyncio.create_task(_migrated(store, stop))
    try:
        await asyncio.to_thread(connections.warm)
        # A store that is down when the monitor starts must not keep it from paging: it works, and migrates when it can.
        await asyncio.wait({migrating}, timeout=_AGAIN)
        if migrating.done():
            migrating.result()
        monitor = build_monitor(store=store, shadow=shadow)
        if ready is not None:
            ready()
        await monitor.run(stop)
    finally:
        migrating.cancel()
        with contextlib.suppress(asyncio.CancelledError, StoreError):
            await migrating


async def _migrated(store: Engine, stop: asyncio.Event) -> None:
    """Make or upgrade the tables, as soon as the store lets us."""
    while not stop.is_set():
        try:
            await asyncio.to_thread(migrate.upgrade, store)
            return
        except StoreError as error:
            if "does not know" in str(error):
                raise
            log.warning("the store is not ready: %s", error)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), _AGAIN)
