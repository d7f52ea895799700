"""Where in Slack the thread of a dedup key is: one for each channel, for the incident's whole life."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, select
from sqlalchemy.dialects import postgresql, sqlite

from daybreak.store.schema import thread


@dataclass(frozen=True, slots=True, kw_only=True)
class Thread:
    """``channel`` is as the registry names it; ``channel_id`` and ``ts`` are Slack's, where it was really posted."""

    dedup_key: str
    channel: str
    channel_id: str
    ts: str


def get_thread(conn: Connection, dedup_key: str, channel: str) -> Thread | None:
    found = conn.execute(select(thread).where(thread.c.dedup_key == dedup_key, thread.c.channel == channel)).first()
    if found is None:
        return None
    return Thread(dedup_key=dedup_key, channel=channel, channel_id=found.channel_id or channel, ts=found.ts)


def put_thread(conn: Connection, found: Thread, now: datetime) -> None:
    """Record a thread; a later one for the same key and channel takes the place of the former."""
    dialect = sqlite if conn.dialect.name == "sqlite" else postgresql
    values = {
        "dedup_key": found.dedup_key, "channel": found.channel, "channel_id": found.channel_id, "ts": found.ts,
        "created_at": now,
    }  # fmt: skip
    new = {"channel_id": found.channel_id, "ts": found.ts, "created_at": now}
    conn.execute(
        dialect.insert(thread).values(values).on_conflict_do_update(index_elements=["dedup_key", "channel"], set_=new)
    )


def drop_thread(conn: Connection, dedup_key: str, channel: str) -> None:
    """Forget a thread whose parent somebody deleted in Slack."""
    conn.execute(delete(thread).where(thread.c.dedup_key == dedup_key, thread.c.channel == channel))
