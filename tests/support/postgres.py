"""A PostgreSQL database of a test's own."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.pool import NullPool


@contextmanager
def own_database(server_url: str, *, like: str | None = None) -> Iterator[str]:
    """The URL of a new database on the server, dropped at the end whoever is still connected.

    :param like: URL of a database, to which nobody is connected, to copy; None: the new one is empty
    """
    name = f"daybreak_test_{uuid.uuid4().hex[:12]}"
    # Nothing is kept open: a drill restarts its server meanwhile.
    server = create_engine(server_url, isolation_level="AUTOCOMMIT", poolclass=NullPool)
    with server.connect() as connection:
        copied = f' TEMPLATE "{make_url(like).database}"' if like else ""
        connection.execute(text(f'CREATE DATABASE "{name}"{copied}'))
    try:
        yield make_url(server_url).set(database=name).render_as_string(hide_password=False)
    finally:
        with server.connect() as connection:
            connection.execute(text(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'))
