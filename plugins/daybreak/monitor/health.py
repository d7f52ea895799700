"""Whether a monitor judges, for probes, ``daybreak status`` and the board."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine

from daybreak.monitor.assembly import store_engine
from daybreak.sql.database import reading
from daybreak.store import lease, outbox

STALE_AFTER = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """``tick_age``: seconds since the last tick that judged, None if there was none. ``deliveries``: state → rows."""

    tick_age: float | None
    tick_seconds: float | None
    holder: str | None
    deliveries: dict[str, int]

    @property
    def ok(self) -> bool:
        return self.tick_age is not None and self.tick_age <= STALE_AFTER


def health_of(store: Engine, now: datetime) -> Health:
    """As the store tells it at ``now``. Raises StoreError."""
    with reading(store) as connection:
        found = lease.look(connection)
        deliveries = dict(outbox.pending_count(connection))
    ticked = found.ticked_at if found else None
    return Health(
        tick_age=_age(ticked, now) if ticked else None,
        tick_seconds=found.tick_seconds if found else None,
        holder=found.holder if found else None,
        deliveries=deliveries,
    )


_store: Engine | None = None


def last_tick_age(now: datetime) -> float | None:
    """Seconds since the last tick of whichever monitor acts; None if there was none. Raises StoreError."""
    global _store
    if _store is None:
        _store = store_engine()
    with reading(_store) as connection:
        found = lease.look(connection)
    if found is None or found.ticked_at is None:
        return None
    return _age(found.ticked_at, now)


def _age(ticked_at: datetime, now: datetime) -> float:
    """Seconds between the two. A tick in the future was made before the clock was set back: it is no news either."""
    return abs((now - ticked_at).total_seconds())
