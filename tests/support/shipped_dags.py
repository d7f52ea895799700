"""The shipped dags on a warehouse of their own: run for business dates, and what they publish, read."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

from tests.support.airflow_template import sqlite_template

ROOT = Path(__file__).resolve().parents[2]
DAYS = ("2026-03-02", "2026-03-03", "2026-03-04")
TABLES = (
    "base_profit", "base_engagement", "base_growth", "unit_profit", "daily_growth", "aggregate_profit",
    "aggregate_growth", "aggregate_engagement",
)  # fmt: skip


class ShippedDags:
    """An Airflow home with a warehouse; runs dags in processes of their own."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.warehouse = home / "warehouse.db"
        self.env = {
            **{k: v for k, v in os.environ.items() if not k.startswith("AIRFLOW")},
            "AIRFLOW_HOME": str(home),
            "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "dags"),
            "AIRFLOW__CORE__PLUGINS_FOLDER": str(ROOT / "plugins"),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__DAYBREAK__OWNERSHIP_FILE": str(ROOT / "include" / "ownership.yaml"),
            "AIRFLOW_CONN_WAREHOUSE": json.dumps({"conn_type": "sqlite", "host": str(self.warehouse)}),
        }
        shutil.copyfile(sqlite_template(), home / "airflow.db")

    def run(self, *steps: dict[str, Any]) -> list[dict[str, Any]]:
        """Run the steps of :mod:`tests.support.run_dags`. → one row a run: dag, day, state, failed tasks."""
        job, answer = self.home / "job.json", self.home / "answer.json"
        job.write_text(json.dumps({"dags": str(ROOT / "dags"), "warehouse": str(self.warehouse), "steps": list(steps)}))
        self._call(sys.executable, str(ROOT / "tests" / "support" / "run_dags.py"), str(job), str(answer))
        return json.loads(answer.read_text())

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(self.warehouse)) as warehouse:
            return warehouse.execute(sql).fetchall()

    def published(self) -> dict[str, list[tuple[Any, ...]]]:
        """Every published table without its freshness column, in an order of its own."""
        return {table: sorted((row[:-1] for row in self.rows(f"SELECT * FROM {table}")), key=repr) for table in TABLES}

    def _call(self, *argv: str) -> None:
        done = subprocess.run(argv, env=self.env, capture_output=True, text=True, timeout=500, check=False)
        assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
