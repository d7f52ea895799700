"""``/daybreak/upstreams/<id>?date=2026-02-02``: an upstream's delay and who was told of it. A sensor's link leads here.

Shown to whoever may read a dag that waits for the upstream; the pages of pipelines that the user may not read are
left out. Reads Daybreak's own tables and writes nothing.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from datetime import UTC, date, datetime

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import HTMLResponse

from daybreak.domain.registry import Pipeline, Upstream
from daybreak.monitor.upstream_report import UpstreamReport, expected_on, gather_upstream, today_of, waiting_for
from daybreak.surfaces.site import Site, current_site
from daybreak.surfaces.web.access import Readable, SignedIn, airflow_root
from daybreak.surfaces.web.runbooks import HEADERS
from daybreak.surfaces.web.upstream_page import missing_page, upstream_page

log = logging.getLogger(__name__)
router = APIRouter(prefix="/upstreams")

UNREADABLE = "Daybreak's tables cannot be read; the API server's log says why."


@router.get("/{name}")
async def show(name: str, request: Request, user: SignedIn, date: str | None = None) -> HTMLResponse:
    """One upstream on one business date, by default the one whose cycle is open."""
    site = await asyncio.to_thread(current_site)
    upstream = site.registry.upstreams.get(name) if site else None
    waiting = waiting_for(site.registry, name) if site else ()
    access = Readable(user)
    readable = tuple(one for one in waiting if access.any_of(one.dags))
    if not readable and not access.any_of(_own_dag(upstream)):
        raise HTTPException(status_code=403, detail="You may read no dag that waits for this upstream")
    home, now = airflow_root(request), datetime.now(UTC)
    day = _day(date, site, upstream, now) if site and upstream else None
    if site is None or upstream is None or day is None:
        page = missing_page(name=name, date=date if upstream else None, airflow_home=home)
        return HTMLResponse(page, status_code=404, headers=HEADERS)
    report, trouble = await asyncio.to_thread(_read, site, upstream, day, now)
    page = upstream_page(
        _only(report, readable), site.registry, waiting=readable, now=now, trouble=trouble, airflow_home=home
    )
    return HTMLResponse(page, headers=HEADERS)


def _read(site: Site, upstream: Upstream, day: date, now: datetime) -> tuple[UpstreamReport, str | None]:
    """(what the store holds, nothing), or (what the calendar says, why there is no more)."""
    from daybreak.monitor.assembly import store_engine
    from daybreak.sql.database import reading

    try:
        with reading(store_engine()) as connection:
            return gather_upstream(site.registry, connection, upstream, day, now), None
    except Exception:
        log.exception("daybreak's page of the upstream %s cannot read the store", upstream.id)
        expected = expected_on(site.registry, upstream, day)
        return UpstreamReport(upstream=upstream, business_date=day, occurrence=expected), UNREADABLE


def _only(report: UpstreamReport, readable: tuple[Pipeline, ...]) -> UpstreamReport:
    """Without what is about other people's pipelines alone, and without their names."""
    ids = {one.id for one in readable}
    told = []
    for each in report.told:
        mine = tuple(one for one in each.pipelines if one in ids)
        if mine or not each.pipelines:
            told.append(replace(each, pipelines=mine))
    return replace(report, told=tuple(told))


def _own_dag(upstream: Upstream | None) -> list[str]:
    """The dag that makes the upstream ready, where one does: its readers may look as well."""
    ready_when = upstream.ready_when if upstream else None
    return [ready_when.value] if ready_when and ready_when.kind == "dag" else []


def _day(text: str | None, site: Site, upstream: Upstream, now: datetime) -> date | None:
    """The business date that is asked for; None for what is no date."""
    if not text:
        return today_of(site.registry, upstream, now)
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if 1970 <= day.year < 2200 else None
