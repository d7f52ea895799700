"""The few facts of a dag run that surfaces need, whichever of Airflow's many shapes it comes in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from daybreak.domain.runs import BACKFILL, Run

_STAMP = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:\+\d{2}:\d{2}|Z)")
_TYPES = ("scheduled", "manual", "asset_triggered", "backfill")


def run_of(found: Any, *, dag_id: str | None = None, run_id: str | None = None) -> Run | None:
    """A run from an object or a mapping with Airflow's field names; None if there is not even a ``run_id``.

    A field that is absent counts as not known; an absent ``run_after`` is read from the run id, which holds it.
    """
    get = found.get if isinstance(found, Mapping) else lambda key, default=None: getattr(found, key, default)
    run_id = run_id or (_text(get("run_id")) or _text(get("dag_run_id")) if found is not None else None)
    dag_id = dag_id or (_text(get("dag_id")) if found is not None else None)
    if run_id is None or dag_id is None:
        return None
    stamp = _STAMP.search(run_id)
    instants = {
        key: _instant(get(key)) if found is not None else None
        for key in ("run_after", "logical_date", "data_interval_end", "queued_at", "start_date", "end_date")
    }
    run_after = instants.pop("run_after") or instants["logical_date"] or (_instant(stamp[0]) if stamp else None)
    if run_after is None:
        return None
    return Run(
        dag_id=dag_id,
        run_id=run_id,
        run_type=_text(get("run_type")) or type_in(run_id),
        state=_text(get("state")) or "",
        run_after=run_after,
        **instants,
    )


def type_in(run_id: str) -> str:
    """The run's type as its id begins with it: ``scheduled__...`` → ``scheduled``; anything else is ``manual``."""
    return next((name for name in _TYPES if run_id.startswith(f"{name}__")), "manual")


def is_backfill(run: Run) -> bool:
    return run.run_type == BACKFILL


def _text(value: Any) -> str | None:
    """An enum's value, or text."""
    value = getattr(value, "value", value)
    return value if isinstance(value, str) and value else None


def _instant(value: Any) -> datetime | None:
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            return None
    if not isinstance(value, datetime):
        return None
    return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
