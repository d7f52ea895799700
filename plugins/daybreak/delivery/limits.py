"""How fast and how often: back-off, a gate for each channel that is in trouble, Slack's pace, caps on pages."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

Clock = Callable[[], datetime]
DOWN = 3  # failures in a row after which a channel, not a single row, is in trouble


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Everything about sending that is a number."""

    parallel: int = 8  # requests at once to Opsgenie
    batch: int = 64  # rows looked at together: the most urgent ones
    first_wait: float = 2.0  # seconds before the second attempt; doubles from there
    longest_wait: float = 300.0
    fall_back_after: timedelta = timedelta(minutes=5)
    give_up_after: timedelta = timedelta(hours=24)
    pages_an_hour: int = 20  # for one person; beyond it pages are summarised
    slack_interval: float = 1.05  # seconds between two messages in one channel
    slack_budget: float = 5.0  # seconds that one call of send_due may spend on Slack's pace


def backoff(attempts: int, limits: Limits, rng: random.Random) -> timedelta:
    """The wait after ``attempts`` attempts (from 1 on): exponential, spread by a quarter to each side."""
    wait = min(limits.first_wait * 2.0 ** min(attempts - 1, 20), limits.longest_wait)
    return timedelta(seconds=wait * rng.uniform(0.75, 1.25))


@dataclass(slots=True)
class Gate:
    """Whether a channel may be asked at all. A channel in trouble is asked again by one request, not by all."""

    closed_until: datetime | None = None
    failures: int = 0
    failed_at: datetime | None = None

    def closed(self, now: datetime) -> bool:
        """Not before it was closed: by then the clock was set back, and the wait would be longer by as much."""
        if self.closed_until is None or (self.failed_at is not None and now < self.failed_at):
            return False
        return now < self.closed_until

    def succeeded(self) -> None:
        self.closed_until, self.failures = None, 0

    def failed(self, now: datetime, *, retry_after: float | None = None, at_least: float = 0.0) -> None:
        """:param retry_after: seconds that the other side asked for; it counts for every request of the channel."""
        self.failures += 1
        if self.failed_at is not None and now < self.failed_at:
            self.closed_until = None
        self.failed_at = now
        wait = at_least if self.failures < DOWN else max(at_least, min(2.0 ** (self.failures - DOWN), 30.0))
        wait = max(wait, retry_after or 0.0)
        if wait > 0:
            until = now + timedelta(seconds=wait)
            self.closed_until = max(self.closed_until or until, until)


@dataclass(slots=True)
class Pace:
    """When each Slack channel may get its next message. Times are the event loop's seconds."""

    interval: float
    _next: dict[str, float] = field(default_factory=dict)

    def wait(self, channel: str, now: float) -> float:
        return max(self._next.get(channel, now) - now, 0.0)

    def take(self, channel: str, now: float) -> None:
        self._next[channel] = max(self._next.get(channel, now), now) + self.interval

    def same(self, name: str, channel_id: str | None) -> None:
        """``name`` turned out to be ``channel_id``: what was counted under one counts under the other."""
        if channel_id is not None and name in self._next:
            self._next[channel_id] = max(self._next.get(channel_id, 0.0), self._next.pop(name))

    def hold(self, channel: str, now: float, seconds: float) -> None:
        """Slack itself asked for a pause of ``seconds``."""
        self._next[channel] = max(self._next.get(channel, now), now + seconds)


@dataclass(slots=True)
class PageCount:
    """Pages of the last hour by registry id; ``cap`` beyond which one person's are summarised."""

    cap: int
    counts: dict[str, int] = field(default_factory=dict)

    def take(self, ids: tuple[str, ...]) -> tuple[str, ...]:
        """Count one page to each of ``ids``; the result is those who have had their share already."""
        full = tuple(each for each in ids if self.counts.get(each, 0) >= self.cap)
        for each in ids:
            if each not in full:
                self.counts[each] = self.counts.get(each, 0) + 1
        return full
