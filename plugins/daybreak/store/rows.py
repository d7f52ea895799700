"""Writing rows that may be there already, on both databases; and the database's own clock."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Table, text
from sqlalchemy.dialects import postgresql, sqlite

_AT_ONCE = 1000


def upsert(conn: Connection, table: Table, rows: Iterable[Mapping[str, Any]], *, keep: Sequence[str] = ()) -> None:
    """Insert ``rows``, or bring those that are there (by primary key) up to date; columns of ``keep`` stay as they
    were. All rows have the same keys."""
    found = [dict(row) for row in rows]
    if not found:
        return
    dialect = sqlite if conn.dialect.name == "sqlite" else postgresql
    key = [column.name for column in table.primary_key.columns]
    statement = dialect.insert(table)
    changed = {name: statement.excluded[name] for name in found[0] if name not in key and name not in keep}
    if changed:
        ready: Any = statement.on_conflict_do_update(index_elements=key, set_=changed)
    else:
        ready = statement.on_conflict_do_nothing(index_elements=key)
    for start in range(0, len(found), _AT_ONCE):
        conn.execute(ready, found[start : start + _AT_ONCE])


def database_now(conn: Connection) -> datetime:
    """The time by which leases are judged: the server's, so that machines that disagree do not matter. With SQLite
    all are on one machine, whose own clock it is."""
    if conn.dialect.name == "postgresql":
        found: datetime = conn.execute(text("SELECT clock_timestamp()")).scalar_one()
        return found.astimezone(UTC)
    return datetime.now(UTC)
