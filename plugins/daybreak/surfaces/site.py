"""Where this deployment keeps its things: the registry, its runbooks, Airflow's address. Never raises.

Everything is looked up when it is asked for, so that importing this module costs nothing and a changed setting
counts at once. Only :mod:`airflow.configuration` is touched, which every Airflow process has imported long before.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast

from daybreak.domain.registry import Registry

log = logging.getLogger(__name__)

Unclaimed = Literal["ignore", "tag", "refuse"]
_UNCLAIMED: Mapping[str, Unclaimed] = {"ignore": "ignore", "tag": "tag", "refuse": "refuse"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """The registry in force and what links need to know of this deployment."""

    registry: Registry
    runbooks: Path  # folder beside the registry; it may not exist
    airflow_url: str  # without a trailing slash


def setting(key: str) -> str | None:
    """``[daybreak] key`` of Airflow's configuration (``AIRFLOW__DAYBREAK__KEY``), None if unset or blank."""
    from airflow.configuration import conf

    value = conf.get("daybreak", key, fallback=None)
    return value.strip() or None if isinstance(value, str) else None


def registry_path() -> Path:
    """The registry's file: ``[daybreak] ownership_file``, else ``include/ownership.yaml`` beside the plugins folder,
    else below ``$AIRFLOW_HOME``. The file need not exist."""
    named = setting("ownership_file")
    if named:
        return Path(named).expanduser()
    from airflow.configuration import conf

    beside = Path(conf.get("core", "plugins_folder", fallback="plugins")).parent / "include" / "ownership.yaml"
    return beside if beside.is_file() else airflow_home() / "include" / "ownership.yaml"


def airflow_home() -> Path:
    return Path(os.environ.get("AIRFLOW_HOME") or "~/airflow").expanduser()


def airflow_url(registry: Registry | None = None) -> str:
    """Airflow's address as people reach it: the registry's, else ``[api] base_url``, else the local default."""
    from airflow.configuration import conf

    named = registry.airflow_base_url if registry else None
    return (named or conf.get("api", "base_url", fallback=None) or "http://localhost:8080").rstrip("/")


def unclaimed() -> Unclaimed:
    """What to do with dags that no pipeline claims: ``tag`` (default), ``ignore`` or ``refuse``."""
    named = setting("unclaimed") or "tag"
    if named not in _UNCLAIMED:
        log.error("[daybreak] unclaimed is %r: write ignore, tag or refuse; it counts as tag", named)
    return _UNCLAIMED.get(named, "tag")


def current_site() -> Site | None:
    """The registry in force, the last good one if its file is broken; None without any (the reason is logged)."""
    try:
        from daybreak.config import load_with_last_good

        path = registry_path()
        loaded = load_with_last_good(path, airflow_home() / "daybreak")
        if loaded.problem is not None:
            log.error("daybreak registry: %s", loaded.problem)
        registry = cast("Registry | None", loaded.registry)
        if registry is None:
            return None
        return Site(registry=registry, runbooks=path.parent / "runbooks", airflow_url=airflow_url(registry))
    except Exception:
        log.exception("the daybreak registry could not be read; dags are left as they are")
        return None
