"""What this deployment is configured to: ``[daybreak]`` in Airflow's configuration, looked up when asked for.

Every key can be given as ``AIRFLOW__DAYBREAK__KEY``, as Airflow's users expect. Nothing is read at import.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from daybreak.errors import SettingsError

log = logging.getLogger(__name__)

Unclaimed = Literal["ignore", "tag", "refuse"]
_UNCLAIMED: Mapping[str, Unclaimed] = {"ignore": "ignore", "tag": "tag", "refuse": "refuse"}
_TRUE = frozenset({"1", "true", "t", "yes", "y", "on"})
_FALSE = frozenset({"0", "false", "f", "no", "n", "off"})


def ownership_file() -> Path:
    """The registry's file: ``[daybreak] ownership_file``, else ``include/ownership.yaml`` beside the plugins folder,
    else below ``$AIRFLOW_HOME``. It need not exist."""
    named = _get("daybreak", "ownership_file")
    if named:
        return Path(named).expanduser()
    beside = Path(_get("core", "plugins_folder") or "plugins").parent / "include" / "ownership.yaml"
    return beside if beside.is_file() else airflow_home() / "include" / "ownership.yaml"


def airflow_home() -> Path:
    """``$AIRFLOW_HOME``, else ``~/airflow``."""
    return Path(os.environ.get("AIRFLOW_HOME") or "~/airflow").expanduser()


def metadata_url() -> str:
    """The SQLAlchemy URL of Airflow's metadata database. Raises SettingsError where none can be told (in a task)."""
    url = _get("database", "sql_alchemy_conn")
    if not url or url.startswith("airflow-db-not-allowed"):
        raise SettingsError("[database] sql_alchemy_conn is not set: run this where Airflow's configuration is")
    return url


def metadata_connect_args() -> Mapping[str, Any]:
    """``[database] sql_alchemy_connect_args``: a dotted path to a mapping (TLS, time-outs), as Airflow reads it."""
    named = _get("database", "sql_alchemy_connect_args")
    if not named:
        return {}
    from airflow._shared.module_loading import import_string

    try:
        found = import_string(named)
    except ImportError as error:
        raise SettingsError(f"[database] sql_alchemy_connect_args: {named} cannot be imported: {error}") from None
    return dict(found) if isinstance(found, Mapping) else {}


def store_url() -> str | None:
    """``[daybreak] sql_alchemy_conn``: a database of Daybreak's own. None: Airflow's metadata database."""
    return _get("daybreak", "sql_alchemy_conn")


def monitor_in_api_server() -> bool:
    """Whether the API server hosts a monitor: ``[daybreak] monitor_in_api_server``, True by default."""
    return flag("monitor_in_api_server", default=True)


def airflow_base_url() -> str | None:
    """``[api] base_url``: Airflow's address as people reach it."""
    return _get("api", "base_url")


def scheduler_patience() -> float:
    """Seconds without a heartbeat after which Airflow itself calls a scheduler dead."""
    return float(_get("scheduler", "scheduler_health_check_threshold") or 30)


def log_folder() -> Path | None:
    """Where task logs are written on this machine."""
    named = _get("logging", "base_log_folder")
    return Path(named).expanduser() if named else None


def unclaimed() -> Unclaimed:
    """``[daybreak] unclaimed``: what to do with dags that no pipeline claims. ``tag`` by default, and for a word that
    is none of the three, which is logged: this is asked at parse, where nothing may fail."""
    named = setting("unclaimed") or "tag"
    if named not in _UNCLAIMED:
        log.error("[daybreak] unclaimed is %r: write ignore, tag or refuse; it counts as tag", named)
    return _UNCLAIMED.get(named, "tag")


def setting(key: str) -> str | None:
    """``[daybreak] key``; None if unset or blank."""
    return _get("daybreak", key)


def flag(key: str, *, default: bool) -> bool:
    """``[daybreak] key`` as true or false. Raises SettingsError for anything else."""
    text = (_get("daybreak", key) or "").lower()
    if not text:
        return default
    if text in _TRUE or text in _FALSE:
        return text in _TRUE
    raise SettingsError(f"[daybreak] {key} is {text!r}: write True or False")


def _get(section: str, key: str) -> str | None:
    from airflow.configuration import conf

    value = conf.get(section, key, fallback=None)
    return value.strip() or None if isinstance(value, str) else None
