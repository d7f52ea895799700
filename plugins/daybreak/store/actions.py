"""What people did: ack, snooze, waive. Recorded here by whoever serves the person, and taken up within seconds by the
monitor, the only writer of incidents."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Connection, Row, select, update

from daybreak.store.schema import action

Kind = Literal["ack", "snooze", "waive"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """``who`` did ``kind`` to the occurrence or incident of ``dedup_key``, and ``why``."""

    at: datetime
    dedup_key: str
    kind: Kind
    who: str
    why: str
    until: datetime | None = None  # of a snooze
    id: int = 0
    applied_at: datetime | None = None


def record_action(conn: Connection, done: Action) -> int:
    """→ its number."""
    values = {"at": done.at, "dedup_key": done.dedup_key, "action": done.kind, "who": done.who, "why": done.why}
    result = conn.execute(action.insert().values(**values, until=done.until))
    return int(result.inserted_primary_key[0])  # type: ignore[index]


def open_actions(conn: Connection) -> list[Action]:
    """Those that the monitor has not taken up, the oldest first."""
    chosen = select(action).where(action.c.applied_at.is_(None)).order_by(action.c.id)
    return [_action(row) for row in conn.execute(chosen)]


def actions_of(conn: Connection, dedup_key: str) -> list[Action]:
    chosen = select(action).where(action.c.dedup_key == dedup_key).order_by(action.c.id)
    return [_action(row) for row in conn.execute(chosen)]


def mark_applied(conn: Connection, numbers: Iterable[int], now: datetime) -> None:
    found = list(numbers)
    if found:
        conn.execute(update(action).where(action.c.id.in_(found)).values(applied_at=now))


def _action(row: Row[Any]) -> Action:
    return Action(
        id=row.id,
        at=row.at,
        dedup_key=row.dedup_key,
        kind=row.action,
        who=row.who,
        why=row.why,
        until=row.until,
        applied_at=row.applied_at,
    )
