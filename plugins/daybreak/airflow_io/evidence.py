"""Which tasks of a failed run failed, and of what: what their callbacks left as XCom, or the lack of it.

A task that is killed leaves nothing but its state. So a failure without evidence is a kill, out of memory most likely;
the log's last line, where it can be read on this machine, confirms or denies it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from daybreak.airflow_io.task_log import last_words
from daybreak.domain.runs import Evidence, Run

_LEAVING = timedelta(seconds=5)
"""Evidence is left after the task's end is told: a failure younger than this may yet leave some."""
_DEPTH = 3


def evidence_of(run: Run, rows: Iterable[Any], now: datetime) -> tuple[Evidence, ...]:
    """The failures of ``run``, the first first. ``rows``: its failed task instances, ``evidence`` as it was stored."""
    failed = [row for row in rows if row.state == "failed"]
    failed.sort(key=lambda row: (row.end_date or now, row.task_id, row.map_index))
    return tuple(_one(row, now) for row in failed)


def _one(row: Any, now: datetime) -> Evidence:
    left = decoded(row.evidence)
    base = Evidence(
        dag_id=row.dag_id,
        run_id=row.run_id,
        task_id=row.task_id,
        try_number=row.try_number,
        map_index=row.map_index,
        host=row.hostname or None,
        at=row.end_date,
    )
    if left:
        return replace(
            base,
            exception=_text(left.get("exception")),
            host=_text(left.get("host")) or base.host,
            log_url=_text(left.get("log_url")),
            category=_text(left.get("category")),
            anchor=_text(left.get("anchor")),
            at=_instant(left.get("at")) or base.at,
        )
    if row.start_date is None or row.end_date is None:
        return base  # it never ran: there is nothing that could have been killed
    words = last_words(row.dag_id, row.run_id, row.task_id, row.try_number, row.map_index)
    if words is not None:
        return replace(base, killed=words.killed, log_tail=words.text)
    return replace(base, killed=now - row.end_date >= _LEAVING)


def decoded(value: Any) -> Mapping[str, Any]:
    """The JSON object of an XCom's value, through the layers in which Airflow wraps it; empty if it is none."""
    for _ in range(_DEPTH):
        if isinstance(value, str | bytes):
            try:
                value = json.loads(value)
            except ValueError:
                return {}
        elif isinstance(value, Mapping):
            inner = value.get("__var", value.get("__data__"))
            if inner is None:
                return value
            value = inner
    return value if isinstance(value, Mapping) else {}


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _instant(value: Any) -> datetime | None:
    try:
        found = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return None
    return found.astimezone(UTC) if found.tzinfo else None
