"""One look at whether an upstream is there, by a query or an object, through Airflow's hooks outside of a task."""

from __future__ import annotations

from datetime import date

from daybreak.domain.registry import ReadyWhen
from daybreak.errors import SettingsError

_NO = (None, 0, False, "", "0", "f", "false")


def look(ready_when: ReadyWhen, business_date: date) -> bool:
    """Whether it is ready now. Raises SettingsError without a connection, and whatever hooks raise."""
    value = ready_when.value.replace("{business_date}", business_date.isoformat())
    value = value.replace("{business_date_nodash}", f"{business_date:%Y%m%d}")
    if ready_when.kind == "object":
        from airflow.sdk import ObjectStoragePath

        return bool(ObjectStoragePath(value, conn_id=ready_when.conn).exists())
    if ready_when.conn is None:
        raise SettingsError("ready_when.sql needs `conn`: the Airflow connection to ask")
    from airflow.models.connection import Connection

    hook = Connection.get_connection_from_secrets(ready_when.conn).get_hook()
    row = hook.get_first(value)
    return bool(row) and row[0] not in _NO
