"""Everything that one sandbox knows, and the clock it goes by."""

from __future__ import annotations

import asyncio
import secrets
from collections import deque
from datetime import datetime
from typing import Any

from daybreak.sandbox.actions import Outcome, Statuses, Work
from daybreak.sandbox.alerts import AlertBook
from daybreak.sandbox.channels import Channels
from daybreak.sandbox.directory import Directory
from daybreak.sandbox.faults import Faults
from daybreak.sandbox.heartbeats import Heartbeats
from daybreak.sandbox.options import Options
from daybreak.sandbox.rates import OPSGENIE_RATES, SLACK_RATES, Buckets, Spacing
from daybreak.sandbox.records import Records, Violation


class World:
    """The state behind the three services. ``version`` changes with everything that a reader could see."""

    def __init__(self, options: Options, directory: Directory | None = None) -> None:
        self.options = options
        self.directory = directory or Directory()
        self.records = Records()
        self.faults = Faults()
        self.version = 0
        self.boot = secrets.token_hex(4)  # a version of one process is none of the next one's
        self._queue: deque[tuple[str, Work]] = deque()
        self._empty()

    def _empty(self) -> None:
        self.book = AlertBook()
        self.statuses = Statuses()
        self.heartbeats = Heartbeats()
        self.channels = Channels(self.directory.channels)
        self.buckets = Buckets(OPSGENIE_RATES)
        self.spacing = Spacing()
        self.updates = Buckets(SLACK_RATES)
        self._queue.clear()

    def now(self) -> datetime:
        return self.options.clock()

    def changed(self) -> None:
        self.version += 1

    def later(self, work: Work) -> str:
        """Queue ``work``, to be applied in order after the delay; the result is its request id."""
        number = self.statuses.open()
        self._queue.append((number, work))
        asyncio.get_running_loop().call_later(self.options.apply_delay, self._apply_next)
        return number

    def at_once(self, work: Work) -> Outcome:
        """Apply what a person did on the page, after everything that was queued before."""
        self.flush()
        outcome = work(self.now())
        self.changed()
        return outcome

    def flush(self) -> None:
        """Apply everything that is queued now."""
        while self._queue:
            self._apply_next()

    def _apply_next(self) -> None:
        if self._queue:  # empty after a reset: the timer outlived its work
            number, work = self._queue.popleft()
            self.statuses.settle(number, work(self.now()))
            self.changed()

    def violated(self, service: str, method: str, path: str, rule: str, detail: str) -> None:
        self.records.violated(
            Violation(at=self.now(), service=service, method=method, path=path, rule=rule, detail=detail)
        )
        self.changed()

    def reset(self) -> None:
        """Forget alerts, messages, heartbeats, faults and records; who exists stays."""
        self._empty()
        self.records.clear()
        self.faults.clear()
        self.changed()

    def state(self) -> dict[str, Any]:
        """What ``GET /sandbox/state`` answers."""
        return {
            "now": self.now().isoformat(),
            "version": self.version,
            "alerts": [alert.full() for alert in self.book.alerts],
            "heartbeats": [beat.full() for beat in self.heartbeats.known.values()],
            "slack": {"channels": self.channels.plain()},
            "violations": self.records.violations(),
            "requests": self.records.count,
            "pending": len(self._queue),
            "faults": self.faults.plain(),
            "settings": {
                "apply_delay": self.options.apply_delay,
                "rate_limits": self.options.rate_limits,
                "slack_interval": self.options.slack_interval,
                "minute": self.options.minute,
                "strict": self.options.strict,
            },
            "directory": self.directory.plain(),
        }
