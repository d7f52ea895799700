"""The declaration through which Airflow finds Daybreak's surfaces. Everything dear is imported when it is asked for.

Every task start loads all plugins, so this module imports nothing of weight: the web application (FastAPI), the
deadline references and the link are made when Airflow reads the attribute that holds them.

There are **no listeners**: with any listener registered, dags with ``end_from_trigger=True`` tasks fail to parse.
"""

from __future__ import annotations

import logging
from functools import cached_property
from importlib.metadata import PackageNotFoundError, distribution
from typing import Any

from airflow.plugins_manager import AirflowPlugin

log = logging.getLogger(__name__)

URL_PREFIX = "/daybreak"


class DaybreakPlugin(AirflowPlugin):
    """Web application, runbook links and deadline references."""

    name = "daybreak"

    @cached_property
    def fastapi_apps(self) -> list[dict[str, Any]]:
        """Only the API server reads this."""
        try:
            from daybreak.surfaces.web.app import create_app

            return [{"app": create_app(), "url_prefix": URL_PREFIX, "name": "Daybreak"}]
        except Exception:
            log.exception("daybreak's web application cannot be made; Airflow goes on without it")
            return []

    @cached_property
    def global_operator_extra_links(self) -> list[Any]:
        from daybreak.surfaces.links import RunbookLink

        return [RunbookLink()]

    @cached_property
    def deadline_references(self) -> list[Any]:
        from daybreak.surfaces.deadlines import WallClockDeadline

        return [WallClockDeadline]


def installed_as_package() -> bool:
    """Whether an installed ``daybreak`` declares the plugin by entry point, so that the plugins folder need not."""
    try:
        return any(entry.group == "airflow.plugins" for entry in distribution("daybreak").entry_points)
    except PackageNotFoundError:
        return False
