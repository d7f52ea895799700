"""The registry in force and what surfaces need to know of this deployment. Never raises.

Looked up when it is asked for: an unchanged registry costs one ``stat``, and a changed one counts at once.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

from daybreak.airflow_io import settings
from daybreak.config.links import LOCAL, RUNBOOK_PAGES, Links
from daybreak.config.runbooks import Shelf
from daybreak.domain.registry import Pipeline, Registry

log = logging.getLogger(__name__)


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


def current_site() -> Site | None:
    """The registry in force, the last good one if its file is broken; None without any (the reason is logged)."""
    try:
        from daybreak.config import load_with_last_good

        path = settings.ownership_file()
        registry = load_with_last_good(path, settings.airflow_home() / "daybreak").registry
        if registry is None:
            return None
        links = Links.of(registry, settings.airflow_base_url() or LOCAL)
        return Site(registry=registry, shelf=Shelf.beside(path), links=links)
    except Exception:
        log.exception("the daybreak registry could not be read; dags are left as they are")
        return None
