"""Upstreams that no run and no event tells of (``ready_when`` of kind sql or object): asked about beside the ticks."""

from __future__ import annotations

import logging
from datetime import date, datetime, timedelta

from sqlalchemy import Engine as Database

from daybreak.airflow_io.probes import look
from daybreak.domain.incident import Occurrence
from daybreak.domain.occurrence import calendar_of
from daybreak.domain.registry import Registry, Upstream
from daybreak.errors import StoreError
from daybreak.monitor.engine import Engine, Tick
from daybreak.sql.database import writing
from daybreak.store.memory import save_ready

log = logging.getLogger(__name__)

_KINDS = frozenset({"sql", "object"})
_AHEAD = timedelta(hours=6)  # so long before it is expected an upstream is first looked for


class Probes:
    """One look at each that matters. A probe that hangs holds up the other probes, and nothing else."""

    EVERY = 30.0  # seconds
    LAST_LOOK = 1.0  # seconds before an upstream is expected: what comes in the last half minute is in time

    def __init__(self, store: Database) -> None:
        self._store = store
        self._failing: dict[str, str] = {}

    def look(self, engine: Engine, tick: Tick, now: datetime) -> int:
        """Ask, and record what is there. → how many became ready."""
        found: list[tuple[str, date, datetime]] = []
        asked: set[str] = set()
        for upstream, occurrence in self._wanted(tick.registry, now):
            day = occurrence.business_date
            if (upstream.id, day.isoformat()) in engine.known_ready():
                asked.add(upstream.id)
                continue
            assert upstream.ready_when is not None
            try:
                ready = look(upstream.ready_when, day)
            except Exception as error:  # noqa: BLE001 - hooks raise what they like; it is said once a kind of trouble
                trouble = type(error).__name__
                if self._failing.get(upstream.id) != trouble:
                    log.warning("upstream %s cannot be looked for: %s", upstream.id, trouble)
                self._failing[upstream.id] = trouble
                continue
            self._failing.pop(upstream.id, None)
            asked.add(upstream.id)
            if ready:
                found.append((upstream.id, day, now))
        if found:
            try:
                with writing(self._store) as connection:
                    save_ready(connection, found, now)
            except StoreError as error:
                log.warning("what a probe saw could not be recorded: %s", error)
        engine.probed(asked, found)
        return len(found)

    @classmethod
    def pause(cls, tick: Tick, now: datetime) -> float:
        """Seconds to the next look: :attr:`EVERY`, or sooner where an upstream is expected before that."""
        ahead = ((one.due_at - now).total_seconds() - cls.LAST_LOOK for _, one in cls._wanted(tick.registry, now))
        return min([cls.EVERY, *(seconds for seconds in ahead if seconds > 0)])

    @staticmethod
    def _wanted(registry: Registry, now: datetime) -> list[tuple[Upstream, Occurrence]]:
        calendar = calendar_of(registry)
        wanted = []
        for upstream in registry.upstreams.values():
            if upstream.ready_when is None or upstream.ready_when.kind not in _KINDS:
                continue
            current = calendar.current(upstream, now)
            if current is not None and now >= current.due_at - _AHEAD:
                wanted.append((upstream, current))
        return wanted
