"""The "Runbook" link of every task instance of a claimed dag: to the section for its failure, if it failed.

``get_link`` runs in the API server, while a page is made: it looks up one XCom and must never raise, for an exception
would take the other links of the page with it.
"""

from __future__ import annotations

import logging
from typing import Any

from airflow.sdk import BaseOperatorLink

from daybreak.domain.runs import EVIDENCE_KEY

log = logging.getLogger(__name__)


class RunbookLink(BaseOperatorLink):
    """An empty answer (shown as a disabled link) where the dag has no runbook."""

    name = "Runbook"

    def get_link(self, operator: Any, *, ti_key: Any) -> str:
        try:
            from daybreak.surfaces.site import current_site

            site = current_site()
            pipeline = site.registry.pipeline_of(ti_key.dag_id) if site else None
            if site is None or pipeline is None:
                return ""
            return site.runbook_url(pipeline, _anchor(ti_key)) or ""
        except Exception:
            log.exception("no runbook link for %s", ti_key)
            return ""


def _anchor(ti_key: Any) -> str | None:
    """The section that the failed task's evidence names; None without evidence or where it cannot be read."""
    try:
        from airflow.models.xcom import XComModel
        from airflow.utils.session import create_session
        from sqlalchemy import select

        with create_session(scoped=False) as session:
            row = session.execute(
                select(XComModel.value).where(
                    XComModel.dag_id == ti_key.dag_id,
                    XComModel.run_id == ti_key.run_id,
                    XComModel.task_id == ti_key.task_id,
                    XComModel.map_index == ti_key.map_index,
                    XComModel.key == EVIDENCE_KEY,
                )
            ).first()
        if row is None:
            return None
        found = _decoded(row[0])
        return found.get("anchor") if isinstance(found, dict) else None
    except Exception:
        log.warning("the evidence of %s cannot be read", ti_key, exc_info=True)
        return None


def _decoded(value: Any) -> Any:
    """What the task pushed: Airflow stores a JSON text, in a JSON column."""
    import json

    while isinstance(value, (str, bytes)):
        value = json.loads(value)
    return value
