"""Token buckets, as Opsgenie counts requests, and Slack's one message a second and channel."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, kw_only=True, slots=True)
class Rate:
    """``burst`` requests at once, ``per_second`` on average."""

    burst: int
    per_second: float


# A small account's share: enough for any morning, too little for a loop that sends without thinking.
OPSGENIE_RATES = {
    "alerts": Rate(burst=200, per_second=10.0),
    "actions": Rate(burst=200, per_second=10.0),
    "reads": Rate(burst=300, per_second=15.0),
    "config": Rate(burst=100, per_second=5.0),
}


# Slack's tier 3, by method and workspace.
SLACK_RATES = {"updates": Rate(burst=50, per_second=50 / 60)}


class Buckets:
    """One bucket a domain and key. Pure: the time is an argument."""

    def __init__(self, rates: dict[str, Rate]) -> None:
        self._rates = rates
        self._levels: dict[str, tuple[float, datetime]] = {}

    def take(self, domain: str, now: datetime) -> float:
        """Take one token. The result is 0 when there was one, else the seconds until there will be."""
        rate = self._rates[domain]
        level, then = self._levels.get(domain, (float(rate.burst), now))
        level = min(float(rate.burst), level + max(0.0, (now - then).total_seconds()) * rate.per_second)
        if level < 1:
            self._levels[domain] = (level, now)
            return (1 - level) / rate.per_second
        self._levels[domain] = (level - 1, now)
        return 0.0

    def clear(self) -> None:
        self._levels.clear()


class Spacing:
    """At most one event a key in each interval."""

    def __init__(self) -> None:
        self._last: dict[str, datetime] = {}

    def take(self, key: str, interval: float, now: datetime) -> int:
        """0 if ``key`` may go now, else the whole seconds (at least 1) after which it may."""
        last = self._last.get(key)
        if last is not None and interval > 0:
            wait = (last + timedelta(seconds=interval) - now).total_seconds()
            if wait > 0:
                return max(1, math.ceil(wait))
        self._last[key] = now
        return 0

    def clear(self) -> None:
        self._last.clear()
