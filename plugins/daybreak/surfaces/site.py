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
from typing import Literal

from daybreak.config.links import LOCAL, RUNBOOK_PAGES, Links
from daybreak.config.runbooks import Shelf
from daybreak.domain.registry import Pipeline, Registry

log = logging.getLogger(__name__)

Unclaimed = Literal["ignore", "tag", "refuse"]
_UNCLAIMED: Mapping[str, Unclaimed] = {"ignore": "ignore", "tag": "tag", "refuse": "refuse"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """The registry in force and what links need to know of this deployment."""

    registry: Registry
    shelf: Shelf  # the runbooks beside the registry
    links: Links

    def runbook_url(self, pipeline: Pipeline | None, anchor: str | None = None) -> str | None:
        """Where ``pipeline``'s runbook is read, at ``anchor`` if given; for None the list of all runbooks."""
        if pipeline is not None:
            return self.links.runbook(pipeline.runbook, anchor)
        return self.links.runbooks or f"{self.links.airflow}/{RUNBOOK_PAGES}/"


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


def airflow_url() -> str:
    """Airflow's address as its own configuration says (``[api] base_url``), else the local default."""
    from airflow.configuration import conf

    return str(conf.get("api", "base_url", fallback=None) or LOCAL).rstrip("/")


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
        registry = load_with_last_good(path, airflow_home() / "daybreak").registry
        if registry is None:
            return None
        return Site(registry=registry, shelf=Shelf.beside(path), links=Links.of(registry, airflow_url()))
    except Exception:
        log.exception("the daybreak registry could not be read; dags are left as they are")
        return None
