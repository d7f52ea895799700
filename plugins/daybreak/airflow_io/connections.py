"""Keys and addresses of Opsgenie and Slack, out of Airflow's connections: environment, secrets backend or database.

Outside of a task Airflow's own classes look in all three, in that order, as the API server and the scheduler do.
"""

from __future__ import annotations

from typing import Any

from daybreak.config.channels import (
    JsmOpsSettings,
    OpsgenieSettings,
    SlackSettings,
    jsm_ops_from,
    opsgenie_from,
    slack_from,
)
from daybreak.domain.registry import Dialect, Jsm, Paging
from daybreak.errors import SettingsError


def warm() -> None:
    """Import what the first look-up needs: Airflow's models take seconds, and a page should not wait for them."""
    import airflow.models.connection  # noqa: F401


def opsgenie_settings(name: str, *, dialect: Dialect = "opsgenie", jsm: Jsm | None = None) -> OpsgenieSettings:
    """The Opsgenie (or JSM) integration of the connection ``name``. Raises SettingsError."""
    found = _connection(name)
    return opsgenie_from(
        name,
        password=found.password,
        host=found.host,
        schema=found.schema,
        port=found.port,
        extra=_extra(name, found),
        dialect=dialect,
        jsm=jsm_settings(jsm) if jsm else None,
    )


def paging_settings(paging: Paging) -> OpsgenieSettings:
    """What the registry's ``paging`` section names. Raises SettingsError."""
    return opsgenie_settings(paging.connection, dialect=paging.dialect, jsm=paging.jsm)


def jsm_settings(jsm: Jsm) -> JsmOpsSettings:
    """JSM's operations API. Raises SettingsError."""
    found = _connection(jsm.connection)
    return jsm_ops_from(
        jsm.connection,
        login=found.login,
        password=found.password,
        cloud_id=jsm.cloud_id,
        team=jsm.team,
        host=found.host,
        schema=found.schema,
        port=found.port,
        extra=_extra(jsm.connection, found),
    )


def slack_settings(name: str) -> SlackSettings:
    """The Slack app of the connection ``name``. Raises SettingsError."""
    found = _connection(name)
    return slack_from(name, password=found.password, extra=_extra(name, found))


def _connection(name: str) -> Any:
    from airflow.exceptions import AirflowException
    from airflow.models.connection import Connection

    try:
        return Connection.get_connection_from_secrets(name)
    except AirflowException:
        remedy = f"add it in Airflow, or set AIRFLOW_CONN_{name.upper()}"
        raise SettingsError(f"Airflow has no connection {name!r}: {remedy}") from None
    except Exception as error:  # noqa: BLE001 - backends raise what they like; never their text, which may hold secrets
        raise SettingsError(f"the connection {name!r} cannot be read: {type(error).__name__}") from None


def _extra(name: str, found: Any) -> dict[str, Any]:
    try:
        extra = found.extra_dejson
    except ValueError:
        raise SettingsError(f"connection {name!r}: its extra is not JSON") from None
    return dict(extra) if isinstance(extra, dict) else {}
