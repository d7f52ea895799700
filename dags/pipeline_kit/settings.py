"""What differs between deployments, read once from the environment when a dag file is parsed.

Only the environment: a Variable or a Connection here would cost a query at every parse.
"""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

SCHEDULE: str | None = os.environ.get("PIPELINES_SCHEDULE", "0 3 * * *").strip()
if SCHEDULE.lower() == "none":  # started by hand or over the API only
    SCHEDULE = None

TIMEZONE = os.environ.get("PIPELINES_TIMEZONE", "UTC")
"""The zone of the schedule and of business dates."""

RETRIES = int(os.environ.get("PIPELINES_RETRIES", "2"))
RETRY_DELAY = timedelta(seconds=float(os.environ.get("PIPELINES_RETRY_DELAY_SECONDS", "300")))

POKE_SECONDS = float(os.environ.get("PIPELINES_POKE_SECONDS", "60"))
"""How often a waiting task looks again."""

CONNECTION = "warehouse"
SQL_FOLDER = Path(__file__).resolve().parents[2] / "include" / "sql"
