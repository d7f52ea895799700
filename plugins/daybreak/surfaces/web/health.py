"""``/daybreak/health``: for probes and load balancers, without a user, and telling nothing but the monitor's pulse."""

from __future__ import annotations

import asyncio
import logging
import time
from datetime import UTC, datetime

from fastapi import APIRouter
from fastapi.responses import JSONResponse

log = logging.getLogger(__name__)
router = APIRouter()

STALE_AFTER = 60.0  # seconds without a tick after which the monitor counts as not working
_KEEP = 2.0  # seconds for which an answer is reused: nobody loads the database through an open door
_kept: tuple[float, float | None] | None = None


@router.get("/health")
async def health() -> JSONResponse:
    """``{"ok": true, "last_tick_age_seconds": 3.2}``; status 503 if nothing ticked for a minute (or ever)."""
    age = await asyncio.to_thread(_tick_age)
    ok = age is not None and age <= STALE_AFTER
    content = {"ok": ok, "last_tick_age_seconds": None if age is None else round(age, 1)}
    return JSONResponse(content, status_code=200 if ok else 503, headers={"Cache-Control": "no-store"})


def _tick_age() -> float | None:
    """Seconds since the last tick of whichever monitor holds the lease; None if that cannot be told."""
    global _kept
    if _kept is not None and time.monotonic() - _kept[0] < _KEEP:
        return _kept[1]
    try:
        from daybreak.monitor.health import last_tick_age

        age = last_tick_age(datetime.now(UTC))
    except Exception:
        log.warning("daybreak's store cannot be asked for the last tick", exc_info=True)
        age = None
    _kept = (time.monotonic(), age)
    return age
