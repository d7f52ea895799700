"""The outbox: what is to be sent, written in one transaction with the incident that asked for it.

Order is kept within one dedup key and channel; between dedup keys anything may overtake. A row's ``key`` is unique,
so queueing the same decision again (a restart between two ticks) changes nothing. Every function takes a connection
inside the caller's transaction, and ``now``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal, get_args

from sqlalchemy import ColumnElement, Connection, Row, and_, func, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from daybreak.store.rows import insert_all
from daybreak.store.schema import delivery

Channel = Literal["opsgenie", "slack"]
DeliveryState = Literal["pending", "sent", "failed", "shadow", "superseded"]
CHANNELS: tuple[Channel, ...] = get_args(Channel)
RECHECK = "recheck"
"""The one operation outside of the order: it waits for minutes, and nothing may wait for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One request to one channel, complete: sending it needs neither the registry nor the incident."""

    key: str  # "<dedup key>|<channel>|<event>|<step>|..." : unique per decision
    dedup_key: str
    channel: Channel
    operation: str  # opsgenie: create, close, note, responder, ...; slack: parent, reply, rewrite
    kind: str  # page | notice | ticket | thread | resolve
    event: str
    payload: Mapping[str, Any]  # JSON: the request's content
    created_at: datetime
    step: int | None = None
    subject: str | None = None
    to: tuple[str, ...] = ()
    urgency: int = 50  # lower is sent first: pages by priority, then resolves, tickets, threads, notices
    fallback_of: int | None = None
    shadow: bool = False  # decided and recorded, never sent
    not_before: datetime | None = None  # None: at once


@dataclass(frozen=True, slots=True, kw_only=True)
class Queued:
    """A delivery as it stands in the outbox."""

    id: int
    delivery: Delivery
    state: DeliveryState
    attempts: int
    next_attempt_at: datetime
    sent_at: datetime | None = None
    error: str | None = None
    remote_id: str | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)


def enqueue(conn: Connection, deliveries: Iterable[Delivery], now: datetime) -> int:
    """Write what is not there yet; the result is how many were. A delivery in shadow is recorded as such."""
    rows = [
        {
            "key": _bounded(each.key), "dedup_key": each.dedup_key, "channel": each.channel,
            "operation": each.operation, "kind": each.kind, "event": each.event, "step": each.step,
            "subject": each.subject, "to": each.to, "urgency": each.urgency, "payload": dict(each.payload),
            "state": "shadow" if each.shadow else "pending", "attempts": 0, "created_at": each.created_at,
            "next_attempt_at": max(each.not_before or now, now), "fallback_of": each.fallback_of,
        }
        for each in deliveries
    ]  # fmt: skip
    dialect = sqlite if conn.dialect.name == "sqlite" else postgresql
    new = dialect.insert(delivery).on_conflict_do_nothing(index_elements=["key"]).returning(delivery.c.id)
    return insert_all(conn, new, rows)


def due(conn: Connection, now: datetime, limit: int, *, channel: Channel | None = None) -> list[Queued]:
    """What may be sent now, most urgent first: of each dedup key and channel only the oldest pending row."""
    chosen = select(delivery).where(_first_in_line(), delivery.c.next_attempt_at <= now)
    if channel is not None:
        chosen = chosen.where(delivery.c.channel == channel)
    chosen = chosen.order_by(delivery.c.urgency, delivery.c.created_at, delivery.c.id).limit(limit)
    return [_queued(row) for row in conn.execute(chosen)]


def following(conn: Connection, row: Queued) -> list[Queued]:
    """What is pending behind ``row`` for the same dedup key and channel, in order."""
    d = row.delivery
    later = (
        select(delivery)
        .where(
            delivery.c.state == "pending",
            delivery.c.dedup_key == d.dedup_key,
            delivery.c.channel == d.channel,
            delivery.c.operation != RECHECK,
            delivery.c.id > row.id,
        )
        .order_by(delivery.c.id)
    )
    return [_queued(found) for found in conn.execute(later)]


def opened_again(conn: Connection, row: Queued) -> bool:
    """Whether an alert of the same alias was asked for after ``row`` was queued."""
    d = row.delivery
    later = select(delivery.c.payload).where(
        delivery.c.dedup_key == d.dedup_key,
        delivery.c.channel == d.channel,
        delivery.c.operation.in_(("create", "step")),
        delivery.c.id > row.id,
    )
    return any(found.get("alias") == d.payload.get("alias") for found in conn.execute(later).scalars())


def get(conn: Connection, number: int) -> Queued | None:
    found = conn.execute(select(delivery).where(delivery.c.id == number)).first()
    return _queued(found) if found else None


def next_due_at(conn: Connection, *, channel: Channel | None = None) -> datetime | None:
    """When something pending may be sent next; None if nothing is pending."""
    chosen = select(func.min(delivery.c.next_attempt_at)).where(_first_in_line())
    if channel is not None:
        chosen = chosen.where(delivery.c.channel == channel)
    found: datetime | None = conn.execute(chosen).scalar()
    return found


def mark_sent(conn: Connection, number: int, now: datetime, *, remote_id: str | None = None) -> None:
    _mark(conn, number, state="sent", sent_at=now, error=None, remote_id=remote_id, attempts=delivery.c.attempts + 1)


def mark_retry(conn: Connection, number: int, at: datetime, error: str, *, counts: bool = True) -> None:
    """Not taken: to be tried again at ``at``. :param counts: False where it was not even tried (a limit)."""
    _mark(
        conn,
        number,
        next_attempt_at=at,
        error=error,
        attempts=delivery.c.attempts + 1 if counts else delivery.c.attempts,
    )


def hurry(conn: Connection, channel: Channel, now: datetime) -> int:
    """A channel is well again: what waited for its next attempt may go now. The result is how many rows that are."""
    waiting = and_(
        delivery.c.state == "pending",
        delivery.c.channel == channel,
        delivery.c.operation != RECHECK,
        delivery.c.attempts > 0,
        delivery.c.next_attempt_at > now,
    )
    return conn.execute(update(delivery).where(waiting).values(next_attempt_at=now)).rowcount


def clock_set_back(conn: Connection, channel: Channel, now: datetime, longest: timedelta) -> int:
    """The clock was set back, or may have been: a row that would wait for more than ``longest``, or that was made in
    what is the future now, may go at once. The result is how many rows that are."""
    waiting = and_(delivery.c.state == "pending", delivery.c.channel == channel, delivery.c.operation != RECHECK)
    late = and_(waiting, delivery.c.next_attempt_at > now + longest)
    unborn = and_(waiting, delivery.c.created_at > now)
    freed = conn.execute(update(delivery).where(late).values(next_attempt_at=now)).rowcount
    return freed + conn.execute(update(delivery).where(unborn).values(created_at=now, next_attempt_at=now)).rowcount


def mark_failed(conn: Connection, number: int, error: str) -> None:
    """Given up, for good: shown in red by ``daybreak status``."""
    _mark(conn, number, state="failed", error=error, attempts=delivery.c.attempts + 1)


def mark_superseded(conn: Connection, numbers: Sequence[int], why: str) -> None:
    """Not needed any more; ``why`` is kept beside it, so that nothing is dropped without a word."""
    if numbers:
        where = and_(delivery.c.id.in_(numbers), delivery.c.state == "pending")
        conn.execute(update(delivery).where(where).values(state="superseded", error=why))


def overdue_without_fallback(conn: Connection, before: datetime, limit: int = 100) -> list[Queued]:
    """Pages, tickets and their like, pending since before ``before``, for which no other way was tried yet."""
    other = delivery.alias("other")
    tried = select(other.c.id).where(other.c.fallback_of == delivery.c.id).exists()
    chosen = (
        select(delivery)
        .where(
            delivery.c.state == "pending",
            delivery.c.created_at <= before,
            delivery.c.fallback_of.is_(None),
            or_(
                delivery.c.operation.in_(("create", "step")),
                and_(delivery.c.operation == "parent", delivery.c.kind.in_(("notice", "thread"))),
            ),
            ~tried,
        )
        .order_by(delivery.c.urgency, delivery.c.id)
        .limit(limit)
    )
    return [_queued(row) for row in conn.execute(chosen)]


def opened_aliases(conn: Connection, dedup_key: str) -> tuple[str, ...]:
    """The aliases of every alert that was, or may have been, opened for ``dedup_key``: it itself is always one."""
    chosen = select(delivery.c.payload, delivery.c.state, delivery.c.attempts).where(
        delivery.c.dedup_key == dedup_key,
        delivery.c.channel == "opsgenie",
        delivery.c.operation.in_(("create", "step")),
        or_(delivery.c.state == "sent", delivery.c.attempts > 0),  # a lost answer may have opened one
    )
    found = [row.payload.get("alias") for row in conn.execute(chosen)]
    return tuple(dict.fromkeys([dedup_key, *(alias for alias in found if alias)]))


def pages_since(conn: Connection, since: datetime) -> Mapping[str, int]:
    """How many pages were sent to each registry id since ``since``."""
    counts: dict[str, int] = {}
    chosen = select(delivery.c.to).where(
        delivery.c.kind == "page",
        delivery.c.channel == "opsgenie",
        delivery.c.state == "sent",
        delivery.c.operation.in_(("create", "step")),
        delivery.c.sent_at > since,
    )
    for (to,) in conn.execute(chosen):
        for each in to or ():
            counts[each] = counts.get(each, 0) + 1
    return counts


def pending_count(conn: Connection) -> Mapping[str, int]:
    """State → rows, for status and health."""
    rows = conn.execute(select(delivery.c.state, func.count()).group_by(delivery.c.state))
    return {row[0]: row[1] for row in rows}


def _first_in_line() -> ColumnElement[bool]:
    """Pending, and nothing of the same dedup key and channel before it."""
    heads = (
        select(func.min(delivery.c.id))
        .where(delivery.c.state == "pending", delivery.c.operation != RECHECK)
        .group_by(delivery.c.dedup_key, delivery.c.channel)
    )
    return and_(delivery.c.state == "pending", or_(delivery.c.id.in_(heads), delivery.c.operation == RECHECK))


def _mark(conn: Connection, number: int, **values: Any) -> None:
    conn.execute(update(delivery).where(delivery.c.id == number).values(**values))


def _bounded(key: str) -> str:
    """A key that fits its column; beyond that it stays unique by a digest of the whole."""
    if len(key) <= 400:
        return key
    from hashlib import sha256

    return f"{key[:335]}#{sha256(key.encode()).hexdigest()}"


def _queued(row: Row[Any]) -> Queued:
    return Queued(
        id=row.id,
        delivery=Delivery(
            key=row.key,
            dedup_key=row.dedup_key,
            channel=row.channel,
            operation=row.operation,
            kind=row.kind,
            event=row.event,
            payload=row.payload,
            created_at=row.created_at,
            step=row.step,
            subject=row.subject,
            to=row.to or (),
            urgency=row.urgency,
            fallback_of=row.fallback_of,
            shadow=row.state == "shadow",
        ),
        state=row.state,
        attempts=row.attempts,
        next_attempt_at=row.next_attempt_at,
        sent_at=row.sent_at,
        error=row.error,
        remote_id=row.remote_id,
    )
