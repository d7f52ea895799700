"""Writing rows that may be there already, on both databases; and the database's own clock."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Table, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.dml import ReturningInsert

_AT_ONCE = 1000


def upsert(conn: Connection, table: Table, rows: Iterable[Mapping[str, Any]], *, keep: Sequence[str] = ()) -> None:
    """Insert ``rows``, or bring those that are there (by primary key) up to date; columns of ``keep`` stay as they
    were. All rows have the same keys. Many rows travel in few statements."""
    key = [column.name for column in table.primary_key.columns]
    found: dict[tuple[Any, ...], dict[str, Any]] = {}  # one statement may not change the same row twice
    for row in rows:
        place = tuple(row[name] for name in key)
        first = found.get(place, row)
        found[place] = {**row, **{name: first[name] for name in keep}}
    if not found:
        return
    dialect = sqlite if conn.dialect.name == "sqlite" else postgresql
    statement = dialect.insert(table)
    names = next(iter(found.values()))
    changed = {name: statement.excluded[name] for name in names if name not in key and name not in keep}
    if changed:
        ready: Any = statement.on_conflict_do_update(index_elements=key, set_=changed)
    else:
        ready = statement.on_conflict_do_nothing(index_elements=key)
    insert_all(conn, ready.returning(table.c[key[0]]), list(found.values()))


def insert_all(conn: Connection, statement: ReturningInsert[Any], rows: Sequence[Mapping[str, Any]]) -> int:
    """Execute an INSERT ... RETURNING for ``rows``, in their order. → how many rows it wrote.

    It is the RETURNING that lets SQLAlchemy put many rows into one statement; without it each takes a round trip.
    """
    return sum(
        len(conn.execute(statement, rows[start : start + _AT_ONCE]).all()) for start in range(0, len(rows), _AT_ONCE)
    )


def database_now(conn: Connection) -> datetime:
    """The time by which leases are judged: the server's, so that machines that disagree do not matter. With SQLite
    all are on one machine, whose own clock it is."""
    if conn.dialect.name == "postgresql":
        found: datetime = conn.execute(text("SELECT clock_timestamp()")).scalar_one()
        return found.astimezone(UTC)
    return datetime.now(UTC)
