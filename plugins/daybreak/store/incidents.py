"""Incidents, as they are remembered from one tick to the next."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields
from datetime import datetime

from sqlalchemy import Connection, or_, select

from daybreak.domain.incident import Incident, Reason, State
from daybreak.store.rows import upsert
from daybreak.store.schema import incident

_FIELDS = tuple(each.name for each in fields(Incident))


def load_incidents(conn: Connection, ended_after: datetime) -> dict[str, Incident]:
    """Dedup key → incident: all that are open, and those that ended after ``ended_after``, in order of opening."""
    chosen = (
        select(incident)
        .where(or_(incident.c.resolved_at.is_(None), incident.c.resolved_at > ended_after))
        .order_by(incident.c.opened_at, incident.c.dedup_key)
    )
    return {row.dedup_key: _incident(row) for row in conn.execute(chosen)}


def find_incident(conn: Connection, dedup_key: str) -> Incident | None:
    row = conn.execute(select(incident).where(incident.c.dedup_key == dedup_key)).first()
    return _incident(row) if row else None


def save_incidents(conn: Connection, changed: Iterable[Incident]) -> None:
    upsert(conn, incident, ({name: getattr(each, name) for name in _FIELDS} for each in changed))


def _incident(row: object) -> Incident:
    values = {name: getattr(row, name) for name in _FIELDS}
    values["state"] = State(values["state"])
    values["reason"] = Reason(values["reason"]) if values["reason"] else None
    return Incident(**values)
