"""Engines for Daybreak's own tables and for reading Airflow's: pools, time limits, and SQLite's transactions.

A locked SQLite database is normal weather: Airflow itself writes to it all day. So waits are short and the caller,
who knows what can be done meanwhile, tries again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from daybreak.errors import SettingsError, StoreError

BUSY_SECONDS = 2.0  # how long a writer waits for SQLite's lock, and anybody for a PostgreSQL connection
_STATEMENT_MS = 20_000  # PostgreSQL ends a statement that takes longer: a hanging tick would page nobody
_DRIVERS = {"postgres": "postgresql+psycopg2", "postgresql": "postgresql+psycopg2"}


def open_engine(
    url: str, *, connect_args: Mapping[str, Any] | None = None, busy_seconds: float = BUSY_SECONDS
) -> Engine:
    """An engine for ``url`` (SQLite or PostgreSQL). Connects to nothing yet. Raises SettingsError for other urls."""
    try:
        parsed = make_url(url)
        if parsed.drivername in _DRIVERS:
            parsed = parsed.set(drivername=_DRIVERS[parsed.drivername])
        backend = parsed.get_backend_name()
        if backend == "sqlite":
            engine = create_engine(
                parsed, poolclass=NullPool, connect_args={"timeout": busy_seconds, **(connect_args or {})}
            )
            _own_transactions(engine)
            return engine
        if backend == "postgresql":
            return create_engine(
                parsed,
                pool_size=2,
                max_overflow=4,
                pool_pre_ping=True,
                pool_recycle=1800,
                pool_timeout=busy_seconds,
                connect_args={**_patience(parsed.get_driver_name(), busy_seconds), **(connect_args or {})},
            )
    except (ArgumentError, SQLAlchemyError, ImportError) as error:
        # Never the url itself: it may hold a password.
        raise SettingsError(f"[daybreak] sql_alchemy_conn cannot be used: {type(error).__name__}") from None
    raise SettingsError(f"[daybreak] sql_alchemy_conn: {backend} is not supported: use PostgreSQL or SQLite")


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """A transaction that writes: all or nothing. On SQLite it takes the write lock at once, so that what it reads
    cannot change before it writes. Raises StoreError if the database cannot be used."""
    with _told(), engine.connect().execution_options(daybreak_writes=True) as connection, connection.begin():
        yield connection


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A transaction that only reads, in which everything is of one instant. Raises StoreError."""
    with _told(), engine.connect() as connection:
        if engine.dialect.name == "postgresql":
            connection = connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        with connection.begin():
            yield connection


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except SQLAlchemyError as error:
        raise StoreError(f"Daybreak's store cannot be used: {one_line(error)}") from error


def one_line(error: BaseException) -> str:
    """What the database said, on one line, without statement or parameters."""
    origin = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    return f"{type(origin).__name__}: {' '.join(str(origin).split())}"[:300]


def _patience(driver: str, busy_seconds: float) -> dict[str, Any]:
    limits = {"statement_timeout": str(_STATEMENT_MS), "lock_timeout": str(int(busy_seconds * 1000))}
    if driver in ("psycopg2", "psycopg"):
        options = " ".join(f"-c {name}={value}" for name, value in limits.items())
        return {"connect_timeout": 3, "options": options, "application_name": "daybreak"}
    return {}


def _own_transactions(engine: Engine) -> None:
    """Begin transactions ourselves: Python's sqlite3 begins them late, and never before DDL or a SELECT."""

    @event.listens_for(engine, "connect")
    def _connected(connection: Any, record: object) -> None:
        connection.isolation_level = None
        connection.execute("PRAGMA foreign_keys = ON")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get("daybreak_writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
