"""The lease: of any number of monitors exactly one acts. Kept in the database, judged by the database's clock.

Its token rises with each change of holder. Whoever records does so in a transaction that first renews the lease by its
token: a holder that was stopped, and woke after another took over, cannot write (docs/monitor.md, "The lease").
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, select, update

from daybreak.errors import LeaseLost
from daybreak.store.rows import database_now
from daybreak.store.schema import lease

NAME = "monitor"
TTL = timedelta(seconds=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseRow:
    """The lease as it stands."""

    holder: str
    token: int
    expires_at: datetime
    acquired_at: datetime
    ticked_at: datetime | None = None
    tick_seconds: float | None = None
    note: str | None = None


def look(conn: Connection) -> LeaseRow | None:
    """The lease; None if nobody ever held it."""
    row = conn.execute(select(lease).where(lease.c.name == NAME)).first()
    return _row(row) if row else None


def take(conn: Connection, holder: str, *, dead: tuple[int, datetime] | None = None, ttl: timedelta = TTL) -> LeaseRow:
    """Take the lease if it is free, has expired or is ``holder``'s own already; the answer is the lease as it then is.

    :param dead: (token, expires at) of a lease that was seen unchanged for longer than it lasts, by the caller's own
        steady clock: it has expired, whatever the wall clock says after it was set back
    """
    chosen = select(lease).where(lease.c.name == NAME)
    row = conn.execute(chosen.with_for_update()).first()
    now = database_now(conn)
    if row is None:
        fresh = LeaseRow(holder=holder, token=1, expires_at=now + ttl, acquired_at=now)
        conn.execute(
            lease.insert().values(
                name=NAME, holder=holder, token=1, expires_at=fresh.expires_at, acquired_at=fresh.acquired_at
            )
        )
        return fresh
    found = _row(row)
    if found.holder == holder:
        conn.execute(update(lease).where(lease.c.name == NAME).values(expires_at=now + ttl))
        return _row(conn.execute(chosen).one())
    if found.expires_at > now and dead != (found.token, found.expires_at):
        return found
    conn.execute(
        update(lease)
        .where(lease.c.name == NAME)
        .values(holder=holder, token=found.token + 1, expires_at=now + ttl, acquired_at=now)
    )
    return _row(conn.execute(chosen).one())


def renew(conn: Connection, holder: str, token: int, *, ttl: timedelta = TTL, **ticked: Any) -> None:
    """Renew, as the first thing in a transaction that records. ``ticked``: ``ticked_at``, ``tick_seconds``, ``note``.

    Raises LeaseLost if another holds it now: the transaction must not be committed.
    """
    until = database_now(conn) + ttl
    mine = (lease.c.name == NAME) & (lease.c.holder == holder) & (lease.c.token == token)
    if conn.execute(update(lease).where(mine).values(expires_at=until, **ticked)).rowcount != 1:
        raise LeaseLost("another monitor acts now")


def check(conn: Connection, holder: str, token: int) -> None:
    """Raises LeaseLost if ``holder`` does not hold it under ``token`` any more."""
    found = look(conn)
    if found is None or found.holder != holder or found.token != token:
        raise LeaseLost("another monitor acts now")


def release(conn: Connection, holder: str, token: int) -> None:
    """Give it up at an orderly end, so that another need not wait."""
    mine = (lease.c.name == NAME) & (lease.c.holder == holder) & (lease.c.token == token)
    conn.execute(update(lease).where(mine).values(expires_at=database_now(conn)))


def _row(row: Row[Any]) -> LeaseRow:
    return LeaseRow(
        holder=row.holder,
        token=row.token,
        expires_at=row.expires_at,
        acquired_at=row.acquired_at,
        ticked_at=row.ticked_at,
        tick_seconds=row.tick_seconds,
        note=row.note,
    )
