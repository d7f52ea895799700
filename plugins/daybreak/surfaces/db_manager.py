"""Lets ``airflow db migrate`` make and upgrade Daybreak's tables, where they live in Airflow's metadata database.

    AIRFLOW__DATABASE__EXTERNAL_DB_MANAGERS=daybreak.surfaces.db_manager.DaybreakDBManager

Not needed: a monitor does the same when it starts. For those whose processes may not change tables.
"""

from __future__ import annotations

from typing import Any

from airflow.utils.db_manager import BaseDBManager

from daybreak.store import migrate
from daybreak.store.schema import VERSION_TABLE, metadata


class DaybreakDBManager(BaseDBManager):
    """What Airflow asks for; the work is :mod:`daybreak.store.migrate`'s, under its lock."""

    metadata = metadata
    version_table_name = VERSION_TABLE
    migration_dir = str(migrate.FOLDER)
    alembic_file = str(migrate.FOLDER / "alembic.ini")
    supports_table_dropping = True

    def initdb(self, use_migration_files: bool = False) -> None:
        """Make the tables."""
        self.upgradedb()

    def create_db_from_orm(self) -> None:
        """Made by the migrations as well: there is one way in which these tables come to be."""
        self.upgradedb()

    def upgradedb(self, to_revision: str | None = None, *args: Any, show_sql_only: bool = False, **more: Any) -> None:
        """Bring the tables to ``to_revision``, or to the newest."""
        if show_sql_only:
            super().upgradedb(to_revision, show_sql_only=True)
            return
        migrate.upgrade(self._engine(), to_revision or "head")

    def downgrade(self, to_revision: str, *args: Any, **more: Any) -> None:
        """Take the tables back to ``to_revision``."""
        migrate.downgrade(self._engine(), to_revision)

    def _engine(self) -> Any:
        from daybreak.airflow_io.settings import metadata_connect_args
        from daybreak.sql.database import open_engine

        # An engine of our own: it takes the write lock as a migration needs it, whatever Airflow's does. What this
        # session holds is ended first, or SQLite would have us wait for ourselves.
        self.session.commit()
        url = self.session.get_bind().engine.url.render_as_string(hide_password=False)
        return open_engine(url, connect_args=metadata_connect_args())
