"""What Airflow calls when a run failed or a native deadline passed: one page, at once, without the monitor.

Both detectors use the occurrence's dedup key, so that the monitor and these make one alert between them. One attempt
of at most three seconds; nothing is stored and nothing is raised. This module is imported whenever a dag is parsed
(a native deadline names a function of it): whatever is dear is imported when something has gone wrong.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

log = logging.getLogger(__name__)


def dag_failed(context: Mapping[str, Any]) -> None:
    """``on_failure_callback`` of a dag: runs in the dag processor, once the run has failed for good."""
    try:
        from datetime import UTC, datetime

        from daybreak.surfaces.paging import page_failure

        page_failure(context, now=datetime.now(UTC))
    except Exception:
        log.exception("daybreak: this failure was not paged from here; the monitor finds it by itself")


async def deadline_missed(
    *, pipeline: str, waits: Mapping[str, str] | None = None, context: Mapping[str, Any] | None = None, **_: Any
) -> str:
    """Callback of a native deadline: runs in the triggerer. The answer, one line, shows in Airflow's own records."""
    try:
        import asyncio
        from datetime import UTC, datetime

        from daybreak.surfaces.paging import page_miss

        # A file is read and a connection looked up: in a thread, so that no other trigger of the process waits.
        return await asyncio.to_thread(page_miss, pipeline, waits or {}, context or {}, now=datetime.now(UTC))
    except Exception as error:
        log.exception("daybreak: this miss was not paged from here; the monitor finds it by itself")
        return f"not paged: {type(error).__name__}"
