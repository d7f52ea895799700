"""The heartbeat that Opsgenie watches: it beats only while the monitor really judges."""

from __future__ import annotations

import logging

from daybreak.domain.registry import Registry
from daybreak.errors import DeliveryError
from daybreak.monitor.lease import steady
from daybreak.monitor.sending import Sending

log = logging.getLogger(__name__)

STALE_AFTER = 60.0  # seconds without a tick that judged
EVERY = 60.0
_LOOK = 5.0
_ALARM_MINUTES = 3  # Opsgenie raises its alarm after so many minutes of silence


class Heartbeat:
    """Pings at most once in ``every`` seconds."""

    def __init__(self, sending: Sending, *, every: float = EVERY) -> None:
        self._sending = sending
        self._every = every
        self._beaten: float | None = None
        self._there: str | None = None  # the heartbeat that is known to exist

    async def beat(self, registry: Registry, *, tick_age: float) -> bool:
        """Ping if it is time and ``tick_age`` (seconds) is young enough. → whether it did. Raises SettingsError."""
        name = registry.paging.heartbeat
        if name is None or registry.paging.mode == "shadow":
            return False
        if self._beaten is not None and steady() - self._beaten < self._every:
            return False
        if tick_age >= STALE_AFTER:
            log.error("no heartbeat: the last tick that judged is %.0f s old", tick_age)
            return False
        try:
            async with self._sending.opsgenie(registry) as client:
                if self._there != name:
                    await client.ensure_heartbeat(name, minutes=_ALARM_MINUTES)
                    self._there = name
                await client.ping_heartbeat(name)
        except DeliveryError as error:
            log.warning("heartbeat %s: %s", name, error)
            return False
        self._beaten = steady()
        return True

    def pause(self) -> float:
        """Seconds until it is worth asking again."""
        return min(self._every, _LOOK)
