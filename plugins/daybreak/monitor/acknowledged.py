"""Acknowledged in Opsgenie is acknowledged: looked up while it matters, so that `unless: acknowledged` holds.

It becomes an action like that of ``daybreak ack``: recorded with who did it, and taken up by the next tick.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta

from sqlalchemy import Engine

from daybreak.delivery.opsgenie import OpsgenieClient
from daybreak.domain.incident import Incident
from daybreak.domain.registry import Registry
from daybreak.errors import DaybreakError, DeliveryRefused, StoreError
from daybreak.monitor.decide_escalation import step_instants, steps_for, zone_for
from daybreak.monitor.engine import Tick
from daybreak.monitor.sending import Sending
from daybreak.sql.database import reading, writing
from daybreak.store.actions import Action, record_action
from daybreak.store.incidents import load_incidents

log = logging.getLogger(__name__)

_PATIENCE = 3.0  # seconds that a step may wait for Opsgenie's answer; then it fires
_AT_ONCE = 30
_BEFORE = timedelta(seconds=1)


class Acknowledgements:
    """Looks at most at thirty alerts at a time."""

    def __init__(self, store: Engine, sending: Sending) -> None:
        self._store = store
        self._sending = sending
        self._cannot: str | None = None  # digest of a registry whose service cannot be asked (JSM without its ops API)

    async def look(self, tick: Tick, now: datetime) -> int:
        """Ask for every open alert that nobody acknowledged, and for which that matters. → how many were."""
        return await self._ask(tick, now, lambda incident: _matters(tick.registry, incident))

    async def look_before(self, tick: Tick | None, now: datetime) -> int:
        """Just before a tick in which a step would fire unless somebody acknowledged: ask once more."""
        if tick is None or tick.wake_at > now + _BEFORE:
            return 0
        return await self._ask(tick, now, lambda incident: _about_to_fire(tick.registry, incident, now + _BEFORE))

    async def _ask(self, tick: Tick, now: datetime, wanted: Callable[[Incident], bool]) -> int:
        registry = tick.registry
        if registry.paging.mode == "shadow" or self._cannot == registry.digest:
            return 0
        try:
            incidents = await asyncio.to_thread(self._open, now)
            chosen = [each for each in incidents.values() if wanted(each)][:_AT_ONCE]
            if not chosen:
                return 0
            async with asyncio.timeout(_PATIENCE), self._sending.opsgenie(registry) as client:
                found = await asyncio.gather(*(self._who(client, each) for each in chosen))
            return await asyncio.to_thread(self._record, [each for each in found if each], now)
        except DeliveryRefused as error:
            log.warning("acknowledgements cannot be looked up: %s", error)
            self._cannot = registry.digest
        except (DaybreakError, TimeoutError) as error:
            log.warning("acknowledgements were not looked up: %s", error)
        return 0

    def _open(self, now: datetime) -> Mapping[str, Incident]:
        with reading(self._store) as connection:
            return load_incidents(connection, now)

    async def _who(self, client: OpsgenieClient, incident: Incident) -> tuple[str, str] | None:
        state = await client.get(incident.dedup_key)
        if state is None or not state.open or not state.acknowledged:
            return None
        return incident.dedup_key, state.acknowledged_by or "somebody"

    def _record(self, found: Iterable[tuple[str, str]], now: datetime) -> int:
        acted = [Action(at=now, dedup_key=key, kind="ack", who=who, why="in Opsgenie") for key, who in found]
        if not acted:
            return 0
        try:
            with writing(self._store) as connection:
                for each in acted:
                    record_action(connection, each)
        except StoreError as error:
            log.warning("an acknowledgement could not be recorded yet: %s", error)
            return 0
        return len(acted)


def _unanswered(incident: Incident) -> bool:
    return incident.open and bool(incident.paged) and incident.acknowledged_at is None and incident.member_of is None


def _matters(registry: Registry, incident: Incident) -> bool:
    """Any that was paged: who is on it is worth showing, too."""
    return _unanswered(incident)


def _about_to_fire(registry: Registry, incident: Incident, by: datetime) -> bool:
    if not _unanswered(incident) or incident.paging_since is None:
        return False
    pipelines = [registry.pipelines[one] for one in incident.group if one in registry.pipelines]
    pipeline = min(pipelines, key=lambda one: one.priority, default=None) or registry.pipelines.get(
        incident.subject or ""
    )
    steps = steps_for(registry, pipeline)
    instants = step_instants([step.after for step in steps], incident.paging_since, zone_for(registry, pipeline))
    return any(
        at <= by and step.unless_acknowledged and n not in incident.steps_done
        for n, (step, at) in enumerate(zip(steps, instants, strict=True))
    )
