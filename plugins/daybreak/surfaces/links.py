"""The links under a task instance's Details → Extra Links: the runbook, and who was told of the upstream's delay.

``RunbookLink`` is asked in the API server, while a page is made: it looks up one XCom and must never raise, for an
exception would take the other links of the page with it. ``WhoWasToldLink`` is a sensor's own, so Airflow asks it in
the task's process and keeps the answer as an XCom.
"""

from __future__ import annotations

import logging
from typing import Any

from airflow.sdk import BaseOperatorLink

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


class WhoWasToldLink(BaseOperatorLink):
    """To the page of the delay that the sensor waits out. Empty for a sensor whose upstream the registry lacks."""

    name = "Who was told"

    def get_link(self, operator: Any, *, ti_key: Any) -> str:
        """What the sensor found out when it looked last."""
        return str(getattr(operator, "told_url", None) or "")

    def publish(self, operator: Any, ti: Any) -> None:
        """Store the link now: Airflow itself does so only once the task ends or defers. Never raises."""
        try:
            if url := self.get_link(operator, ti_key=ti):
                ti.xcom_push(key=self.xcom_key, value=url)
        except Exception:
            log.warning("the link to who was told of the delay could not be stored", exc_info=True)


def _anchor(ti_key: Any) -> str | None:
    """The section that the failed task's evidence names; None without evidence or where it cannot be read."""
    try:
        from airflow.models.xcom import XComModel
        from airflow.utils.session import create_session
        from sqlalchemy import select

        from daybreak.domain.runs import EVIDENCE_KEY  # only now: sensors import this module at parse

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
