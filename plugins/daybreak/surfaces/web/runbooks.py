"""``/daybreak/runbooks/``: every pipeline's runbook, beside what the registry knows of the pipeline."""

from __future__ import annotations

import asyncio
import re

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import HTMLResponse, RedirectResponse

from daybreak.domain.registry import Pipeline
from daybreak.surfaces.documentation import facts_of
from daybreak.surfaces.site import current_site
from daybreak.surfaces.web.access import Readable, SignedIn, airflow_root
from daybreak.surfaces.web.page import CONTENT_SECURITY_POLICY, index_page, missing_page, runbook_page

router = APIRouter(prefix="/runbooks")

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,199}")
HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "private, no-cache",
}


@router.get("")
async def without_slash(request: Request, user: SignedIn) -> RedirectResponse:
    """The list's links are relative: they need the slash."""
    return RedirectResponse(f"{request.scope.get('root_path', '')}/runbooks/")


@router.get("/")
async def index(request: Request, user: SignedIn) -> HTMLResponse:
    """The runbooks of the pipelines that this user may read."""
    site = await asyncio.to_thread(current_site)
    readable = Readable(user)
    named: dict[str, list[Pipeline]] = {}
    for pipeline in site.registry.pipelines.values() if site else ():
        if pipeline.runbook and readable.any_of(pipeline.dags):
            named.setdefault(pipeline.runbook, []).append(pipeline)
    entries = [
        (file.removesuffix(".md"), ", ".join(p.name for p in pipelines), pipelines[0].purpose or "")
        for file, pipelines in sorted(named.items())
    ]
    return HTMLResponse(index_page(entries=entries, airflow_home=airflow_root(request)), headers=HEADERS)


@router.get("/{name}")
async def show(name: str, request: Request, user: SignedIn) -> HTMLResponse:
    """One runbook; ``name`` is its file's, with or without ``.md``."""
    site = await asyncio.to_thread(current_site)
    file = name if name.endswith(".md") else f"{name}.md"
    pipelines = [p for p in site.registry.pipelines.values() if p.runbook == file] if site else []
    if not Readable(user).any_of(dag for one in pipelines for dag in one.dags):
        raise HTTPException(status_code=403, detail="You may not read this runbook")
    runbook = await asyncio.to_thread(site.shelf.get, file) if site and _NAME.fullmatch(file) else None
    home = airflow_root(request)
    if site is None or runbook is None:
        return HTMLResponse(missing_page(name=name, airflow_home=home), status_code=404, headers=HEADERS)
    several = len(pipelines) > 1
    facts = [
        (f"{pipeline.name}: {label}" if several else label, value)
        for pipeline in pipelines
        for label, value in facts_of(site.registry, pipeline)
    ]
    return HTMLResponse(runbook_page(name=name, text=runbook.text, facts=facts, airflow_home=home), headers=HEADERS)
