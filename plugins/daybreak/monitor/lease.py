"""Holding the lease: whether this monitor may act, by the store's word and by a clock that nobody can set.

Two rules keep two monitors from acting at once. Whatever is recorded is recorded in a transaction that first renews the
lease under its token. Whatever is sent is sent only while the last renewal, by this machine's steady clock, is younger
than the lease lasts; that clock runs on while a process is stopped, so one that wakes knows at once.

And one keeps the lease from being stuck when a wall clock is set back: a lease that a waiting monitor has seen
unchanged for longer than it lasts has expired, whatever its date says.
"""

from __future__ import annotations

import os
import socket
import time
import uuid
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Engine

from daybreak.errors import LeaseLost, StoreError
from daybreak.sql.database import reading, writing
from daybreak.store import lease
from daybreak.store.rows import database_now

MARGIN = 1.0  # seconds before its end from which the lease is not relied on for sending
_STEADY = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)  # runs on while the machine sleeps, where there is one


def steady() -> float:
    """Seconds on a clock that never goes back and that runs on while this process is stopped."""
    return time.clock_gettime(_STEADY)


def new_holder() -> str:
    """A name for this monitor that no other, and no later one, has: ``host/pid/random``."""
    return f"{socket.gethostname()[:120]}/{os.getpid()}/{uuid.uuid4().hex[:12]}"


class Lease:
    """One monitor's hold on the lease. Used by one thread at a time to take and renew; ``check`` is for any."""

    def __init__(self, store: Engine, *, ttl: timedelta = lease.TTL, holder: str | None = None) -> None:
        self.holder = holder or new_holder()
        self.token: int | None = None
        self._store = store
        self._ttl = ttl
        self._until = 0.0  # on the steady clock
        self._seen: tuple[int, datetime] | None = None  # another's lease, as it was last seen
        self._seen_since = 0.0

    @property
    def held(self) -> bool:
        """Whether it was ours when last looked at."""
        return self.token is not None

    def take(self) -> bool:
        """Take or renew it in a transaction of its own. → whether it is ours now. Raises StoreError."""
        asked = steady()
        if self._seen is not None and not self.held and not self._may_be_free(asked):
            return False
        with writing(self._store) as connection:
            found = lease.take(connection, self.holder, dead=self._dead(asked), ttl=self._ttl)
        if found.holder != self.holder:
            self.token = None
            self._watch((found.token, found.expires_at), asked)
            return False
        if self.token is not None and found.token != self.token:
            raise LeaseLost("another monitor held the lease in between")
        self.token, self._until, self._seen = found.token, asked + self._ttl.total_seconds(), None
        return True

    def renew_within(self, connection: Connection, **ticked: Any) -> float:
        """Renew as part of the caller's transaction, which must be rolled back on LeaseLost. → what
        :meth:`renewed` is to be given once that transaction is committed."""
        asked = steady()
        if self.token is None:
            raise LeaseLost("this monitor does not hold the lease")
        lease.renew(connection, self.holder, self.token, ttl=self._ttl, **ticked)
        return asked

    def renewed(self, asked: float) -> None:
        """The transaction of :meth:`renew_within` was committed."""
        self._until = asked + self._ttl.total_seconds()

    def check(self) -> None:
        """Before anything is sent. Raises LeaseLost unless the lease is surely ours still."""
        if self.token is None or steady() > self._until - MARGIN:
            raise LeaseLost("the lease ran out: another monitor may act now")

    def lost(self) -> None:
        """Forget that it was ours."""
        self.token, self._until = None, 0.0

    def release(self) -> None:
        """Give it up at an orderly end, so that another need not wait for it to expire."""
        if self.token is None:
            return
        try:
            with writing(self._store) as connection:
                lease.release(connection, self.holder, self.token)
        except StoreError:
            pass  # it expires by itself
        finally:
            self.lost()

    def _may_be_free(self, now: float) -> bool:
        """A look without the write lock: those who wait must not slow down the one who works."""
        with reading(self._store) as connection:
            found = lease.look(connection)
            clock = database_now(connection)
        if found is None or found.expires_at <= clock:
            return True
        self._watch((found.token, found.expires_at), now)
        return self._dead(now) is not None

    def _watch(self, seen: tuple[int, datetime], now: float) -> None:
        if seen != self._seen:
            self._seen, self._seen_since = seen, now

    def _dead(self, now: float) -> tuple[int, datetime] | None:
        """Another's lease that has not changed for longer than it lasts."""
        lasted = self._seen is not None and now - self._seen_since > self._ttl.total_seconds()
        return self._seen if lasted else None
