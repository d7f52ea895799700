"""Daybreak's FastAPI application, which Airflow mounts at ``/daybreak``, and the monitor that lives beside it.

Every route needs a user but ``/health``, which tells only whether the monitor ticks. Mounted applications are not
authenticated by Airflow: each route here asks by itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator

from fastapi import FastAPI

from daybreak.surfaces.web import board, health, runbooks, upstreams

log = logging.getLogger(__name__)

GRACE = 5.0  # seconds that the monitor gets to end its tick when the API server stops


def create_app() -> FastAPI:
    """The application, its monitor started and ended with the API server's worker."""
    app = FastAPI(title="Daybreak", docs_url=None, redoc_url=None, openapi_url=None, lifespan=_lifespan)
    app.include_router(health.router)
    app.include_router(runbooks.router)
    app.include_router(board.router)
    app.include_router(upstreams.router)
    return app


@contextlib.asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Hosts the monitor. Each worker and replica does; a lease in the store lets one of them act."""
    stop = asyncio.Event()
    task = asyncio.create_task(_host_monitor(stop), name="daybreak-monitor")
    try:
        yield
    finally:
        stop.set()
        done, _ = await asyncio.wait({task}, timeout=GRACE)
        if not done:
            task.cancel()


async def _host_monitor(stop: asyncio.Event) -> None:
    """Whatever happens in the monitor stays here: the API server goes on."""
    try:
        from daybreak.airflow_io.settings import monitor_in_api_server

        if not monitor_in_api_server():
            log.info("daybreak's monitor does not run here ([daybreak] monitor_in_api_server)")
            return
        from daybreak.monitor.host import run_in_background

        await run_in_background(stop)
    except Exception:
        log.exception("daybreak's monitor ended in this API server; a standalone `daybreak monitor` is not affected")
