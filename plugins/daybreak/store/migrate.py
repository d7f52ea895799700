"""Makes and upgrades Daybreak's tables, under a lock: any number of processes may try at once, one does it.

The lock is PostgreSQL's advisory lock, or SQLite's own write lock, held by the transaction in which all of it happens:
a migration that fails, or whose process dies, leaves the tables as they were.
"""

from __future__ import annotations

import logging
import time
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, text

from daybreak.errors import StoreError
from daybreak.sql.database import reading, writing
from daybreak.store.schema import VERSION_TABLE

log = logging.getLogger(__name__)

FOLDER = Path(__file__).parent / "migrations"
_LOCK = 5_241_127_090_601  # an arbitrary key of PostgreSQL's advisory locks, Daybreak's own
_PATIENCE = 30.0  # seconds to wait for another process that is migrating


def head() -> str:
    """The newest revision that this version of Daybreak knows."""
    found = ScriptDirectory.from_config(_config(None)).get_current_head()
    if found is None:
        raise StoreError("Daybreak's migrations are not installed: reinstall the package")
    return found


def current(engine: Engine) -> str | None:
    """The revision of the tables that are there; None for none."""
    with reading(engine) as connection:
        return _revision(connection)


def upgrade(engine: Engine, revision: str = "head", *, patience: float = _PATIENCE) -> str | None:
    """Bring the tables to ``revision``. → the revision from before. Waits up to ``patience`` seconds for the lock.

    Tables of a newer Daybreak are left alone: raises StoreError, as for a database that cannot be used.
    """
    return _migrate(engine, revision, patience, down=False)


def downgrade(engine: Engine, revision: str, *, patience: float = _PATIENCE) -> str | None:
    """Take the tables back to ``revision`` (``base``: drop them all). → the revision from before."""
    return _migrate(engine, revision, patience, down=True)


def _migrate(engine: Engine, revision: str, patience: float, *, down: bool) -> str | None:
    script = ScriptDirectory.from_config(_config(None))
    known = {each.revision for each in script.walk_revisions()}
    end = time.monotonic() + patience
    while True:
        try:
            with writing(engine) as connection:
                _lock(connection, patience)
                before = _revision(connection)
                if before is not None and before not in known:
                    raise StoreError(
                        f"the store is of revision {before}, which this Daybreak does not know: "
                        "deploy the newer Daybreak again, or point [daybreak] sql_alchemy_conn elsewhere"
                    )
                if not down and before == head() and revision in ("head", before):
                    return before
                (command.downgrade if down else command.upgrade)(_config(connection), revision)
                log.info("daybreak's store: %s -> %s", before or "nothing", _revision(connection) or "nothing")
                return before
        except StoreError as error:
            if "locked" not in str(error) or time.monotonic() > end:
                raise
            time.sleep(0.05)


def _lock(connection: Connection, patience: float) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"SET LOCAL lock_timeout = {int(patience * 1000)}"))
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})


def _revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE}).get_current_revision()


def _config(connection: Connection | None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config
