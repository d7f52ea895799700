"""The peer of bench_latency: what a native deadline alert does by itself when its instant has passed.

Imported by Airflow's triggerer, and so by name from the callback of each dag. It pages as directly as it can: one
request, nothing looked up, nothing recorded.
"""

from __future__ import annotations

import os
from typing import Any

URL = "BENCH_OPSGENIE_URL"
KEY = "BENCH_OPSGENIE_KEY"
ALIAS = "native:"


async def page(dag_id: str, **context: Any) -> None:
    """Open an alert for ``dag_id``. Raises httpx.HTTPError if it was not taken."""
    import httpx

    body = {"message": f"{dag_id} missed its deadline", "alias": f"{ALIAS}{dag_id}", "priority": "P1"}
    async with httpx.AsyncClient(timeout=10, trust_env=False) as client:
        answer = await client.post(
            f"{os.environ[URL]}/v2/alerts", json=body, headers={"Authorization": f"GenieKey {os.environ[KEY]}"}
        )
    answer.raise_for_status()
