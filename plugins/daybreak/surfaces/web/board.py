"""``/daybreak/board``: today's pipelines, the worst first, for whoever follows the Board button of a message.

Shows only pipelines whose dags the user may read. Reads Daybreak's own tables; nothing is written and no monitor is
needed, but the page says when none has judged lately.
"""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from daybreak.surfaces.site import Site, current_site
from daybreak.surfaces.web.access import Readable, SignedIn, airflow_root
from daybreak.surfaces.web.board_page import Board, Row, board_page
from daybreak.surfaces.web.runbooks import HEADERS

log = logging.getLogger(__name__)
router = APIRouter()


@router.get("/board")
async def board(request: Request, user: SignedIn) -> HTMLResponse:
    """The board of the pipelines that this user may read."""
    site = await asyncio.to_thread(current_site)
    found = await asyncio.to_thread(_read, site, datetime.now(UTC)) if site else Board(trouble="There is no registry.")
    readable = Readable(user)
    rows = tuple(row for row in found.rows if readable.any_of(row.pipeline.dags))
    shown = Board(at=found.at, tick_age=found.tick_age, trouble=found.trouble, rows=rows)
    return HTMLResponse(board_page(shown, airflow_home=airflow_root(request)), headers=HEADERS)


def _read(site: Site, now: datetime) -> Board:
    """The whole board; whatever keeps the tables from being read is said on it, and logged."""
    from daybreak.domain.targets import resolve
    from daybreak.monitor.assembly import store_engine
    from daybreak.monitor.handoff_report import states_today
    from daybreak.monitor.health import health_of
    from daybreak.sql.database import reading
    from daybreak.store.incidents import load_incidents

    registry = site.registry
    try:
        store = store_engine()
        with reading(store) as connection:
            states = states_today(registry, connection, now)
            incidents = load_incidents(connection, now)
        health = health_of(store, now)
    except Exception:
        log.exception("daybreak's board cannot read the store")
        return Board(at=now, trouble="Daybreak's tables cannot be read; the API server's log says why.")
    by_subject = {one.subject: one for one in incidents.values() if one.open and one.kind == "pipeline"}
    rows = []
    for state in states:
        pipeline = registry.pipelines[state.pipeline]
        incident = by_subject.get(pipeline.id)
        dag = incident.dag_id if incident and incident.dag_id else pipeline.dags[0]
        rows.append(
            Row(
                pipeline=pipeline,
                state=state,
                zone=pipeline.deadline.zone if pipeline.deadline else registry.zone,
                owners=tuple(
                    registry.people[one].name for one in (pipeline.primary_owner, pipeline.secondary_owner) if one
                ),
                on_call=tuple(registry.people[one].name for one in resolve(registry, "on_call", pipeline, now)),
                paged=tuple(registry.people[one].name if one in registry.people else one for one in incident.paged)
                if incident
                else (),
                acknowledged_by=incident.acknowledged_by if incident else None,
                runbook=site.runbook_url(pipeline) if pipeline.runbook else None,
                dag=site.links.dag_run(dag, incident.run_id if incident else None),
            )
        )
    return Board(at=now, tick_age=health.tick_age, rows=tuple(rows))
