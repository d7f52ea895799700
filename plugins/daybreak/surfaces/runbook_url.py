"""Where a pipeline's runbook is read: the team's own site, else the page that Daybreak serves."""

from __future__ import annotations

from urllib.parse import quote

from daybreak.domain.registry import Pipeline
from daybreak.surfaces.site import Site

PAGES = "daybreak/runbooks"  # below Airflow's own address
INDEX = "index"


def runbook_url(site: Site, pipeline: Pipeline | None, anchor: str | None = None) -> str | None:
    """The address of ``pipeline``'s runbook, at ``anchor`` if given; the index of all for None.

    None where the pipeline names no runbook.
    """
    own = site.registry.runbooks_base_url
    if pipeline is None:
        return own or f"{site.airflow_url}/{PAGES}/"
    if pipeline.runbook is None:
        return None
    name = quote(pipeline.runbook)
    url = f"{own.rstrip('/')}/{name}" if own else f"{site.airflow_url}/{PAGES}/{name.removesuffix('.md')}"
    return f"{url}#{quote(anchor)}" if anchor else url
