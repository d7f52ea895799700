"""What a failed task leaves behind, in the task's own process: exception, try, host, log link, kind of failure.

It is pushed as an XCom of the failed task instance under :data:`daybreak.domain.runs.EVIDENCE_KEY`, as one JSON object
with the fields of :class:`daybreak.domain.runs.Evidence` that only the task's process knows: ``exception``,
``try_number``, ``map_index``, ``host``, ``log_url``, ``category``, ``anchor``, ``at`` (ISO 8601). The monitor reads it
from the metadata database. Nothing but the Task SDK is used, and nothing is raised: a task that fails shall fail for
its own reason alone.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

log = logging.getLogger(__name__)

EXCEPTION_LIMIT = 2000  # characters


def leave_evidence(context: Mapping[str, Any]) -> None:
    """``on_failure_callback`` of a task: runs once, after its last try."""
    try:
        from daybreak.domain.runs import EVIDENCE_KEY  # only now: each parse would pay for the import

        ti = context["ti"]
        ti.xcom_push(key=EVIDENCE_KEY, value=evidence_of(context, now=datetime.now(UTC)))
    except Exception:
        # In the dag processor (a task whose process vanished) there is no way to push: the monitor then finds none.
        log.warning("daybreak: this failure's evidence could not be left behind", exc_info=True)


def evidence_of(context: Mapping[str, Any], *, now: datetime) -> dict[str, Any]:
    """The JSON object for the failed task of ``context``; ``now`` is when it was seen."""
    ti = context["ti"]
    error = context.get("exception")
    category, anchor = _triage(ti, error)
    return {
        "exception": exception_text(error),
        "try_number": getattr(ti, "try_number", 0),
        "map_index": getattr(ti, "map_index", -1),
        "host": _host(ti),
        "log_url": getattr(ti, "log_url", None),
        "category": category,
        "anchor": anchor,
        "at": now.isoformat(),
    }


def exception_text(error: Any) -> str | None:
    """``ValueError: what it said``, on one line, without what Airflow knows to be secret, at most 2000 characters."""
    if error is None:
        return None
    said = " ".join(str(error).split())
    name = type(error).__name__
    text = said if isinstance(error, str) else f"{name}: {said}" if said else name
    try:
        from airflow.sdk._shared.secrets_masker import redact

        text = str(redact(text))
    except ImportError:
        log.debug("this Airflow has no secrets masker where it is looked for")
    return text if len(text) <= EXCEPTION_LIMIT else text[: EXCEPTION_LIMIT - 1] + "…"


def _triage(ti: Any, error: Any) -> tuple[str | None, str | None]:
    """(category, anchor of the runbook's section for it); (None, None) if that cannot be told."""
    try:
        from daybreak.airflow_io.settings import ownership_file
        from daybreak.config.triage import Failure, classify, exception_names, rules_for
        from daybreak.surfaces.site import current_site

        task = getattr(ti, "task", None)
        failure = Failure(
            message=str(error or ""),
            exceptions=exception_names(error) if isinstance(error, BaseException) else (),
            operator=getattr(task, "task_type", None),
            task_id=getattr(ti, "task_id", None),
        )
        verdict = classify(failure, rules_for(ownership_file().parent))
        site = current_site()
        pipeline = site.registry.pipeline_of(ti.dag_id) if site else None
        runbook = site.shelf.get(pipeline.runbook) if site and pipeline else None
        return verdict.category, verdict.anchor_in(runbook.slugs) if runbook else verdict.anchors[0]
    except Exception:
        log.warning("daybreak: this failure could not be classified", exc_info=True)
        return None, None


def _host(ti: Any) -> str | None:
    named = getattr(ti, "hostname", None)
    if named:
        return str(named)
    import socket

    return socket.gethostname()
