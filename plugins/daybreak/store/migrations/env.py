"""Alembic's entry. A connection is handed in (with a transaction under the migration lock), or ``sqlalchemy.url`` is
set (``airflow db migrate`` asks managers for their script this way)."""

from __future__ import annotations

from typing import Any

from alembic import context

from daybreak.sql.database import open_engine, writing
from daybreak.store.schema import VERSION_TABLE, metadata

_COMMON: dict[str, Any] = {
    "target_metadata": metadata,
    "version_table": VERSION_TABLE,
    "include_name": lambda name, kind, _: kind != "table" or (name or "").startswith("daybreak_"),
    "compare_type": True,
    "transactional_ddl": True,
}


def _run() -> None:
    if context.is_offline_mode():
        context.configure(url=context.config.get_main_option("sqlalchemy.url"), literal_binds=True, **_COMMON)
        with context.begin_transaction():
            context.run_migrations()
        return
    given = context.config.attributes.get("connection")
    if given is not None:
        context.configure(connection=given, **_COMMON)
        context.run_migrations()
        return
    engine = open_engine(context.config.get_main_option("sqlalchemy.url") or "")
    with writing(engine) as connection:
        context.configure(connection=connection, **_COMMON)
        context.run_migrations()
    engine.dispose()


_run()
