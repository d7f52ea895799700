"""A real metadata database without a running Airflow: its own schema, made by its own models, filled row by row."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import uuid
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, text

from daybreak.domain.runs import EVIDENCE_KEY
from daybreak.sql.database import open_engine, writing

_MAKE = """
import sys
from sqlalchemy import create_engine
from airflow.models import import_all_models
from airflow.models.base import Base
import_all_models()
Base.metadata.create_all(create_engine(sys.argv[1]))
"""


@cache
def _template() -> Path:
    """An empty metadata database of SQLite, made once a test session: importing Airflow's models takes seconds."""
    folder = Path(tempfile.mkdtemp(prefix="daybreak-airflow-"))
    create_tables(f"sqlite:///{folder / 'airflow.db'}", home=folder)
    return folder / "airflow.db"


def create_tables(url: str, *, home: Path) -> None:
    """Make Airflow's own tables in the database of ``url``."""
    env = {**os.environ, "AIRFLOW_HOME": str(home), "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": url}
    subprocess.run([sys.executable, "-c", _MAKE, url], check=True, env=env, capture_output=True, timeout=120)


class AirflowDb:
    """Writes what Airflow would. Instants are aware."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    @classmethod
    def sqlite(cls, folder: Path) -> AirflowDb:
        target = folder / "airflow.db"
        shutil.copyfile(_template(), target)
        return cls(open_engine(f"sqlite:///{target}"))

    @property
    def url(self) -> str:
        return self.engine.url.render_as_string(hide_password=False)

    def dag(self, dag_id: str, *, paused: bool = False, stale: bool = False, file: str | None = None) -> None:
        self.run_sql(
            "INSERT INTO dag_bundle (name, active) SELECT 'dags', true WHERE NOT EXISTS (SELECT 1 FROM dag_bundle)"
        )
        self._insert(
            "dag",
            dag_id=dag_id, is_paused=paused, is_stale=stale, relative_fileloc=file or f"{dag_id}.py",
            fileloc=f"/dags/{file or f'{dag_id}.py'}", bundle_name="dags", timetable_type="null", max_active_tasks=16,
            max_consecutive_failed_dag_runs=0, has_task_concurrency_limits=False, partition_mapper_info="{}",
            exceeds_max_non_backfill=False, timetable_partitioned=False, timetable_periodic=False, fail_fast=False,
        )  # fmt: skip

    def import_error(self, file: str, stacktrace: str) -> None:
        self._insert("import_error", filename=file, bundle_name="dags", stacktrace=stacktrace)

    def beat(self, at: datetime, *, state: str = "running") -> None:
        """A scheduler's heartbeat; ``success`` is the state of one that ended in order."""
        self._insert("job", job_type="SchedulerJob", state=state, latest_heartbeat=at)

    def run(
        self,
        dag_id: str,
        run_id: str,
        *,
        state: str = "success",
        run_after: datetime,
        run_type: str = "scheduled",
        logical: bool = True,
        start: datetime | None = None,
        end: datetime | None = None,
        interval_end: datetime | None = None,
    ) -> None:
        self._insert(
            "dag_run",
            dag_id=dag_id, run_id=run_id, state=state, run_type=run_type, run_after=run_after,
            logical_date=run_after if logical else None,
            data_interval_end=interval_end or (run_after if logical else None),
            queued_at=run_after, start_date=start, end_date=end, clear_number=0, span_status="not_started",
        )  # fmt: skip

    def task(self, dag_id: str, run_id: str, task_id: str, *, state: str | None, **more: Any) -> None:
        values = {
            "id": self._uuid(), "dag_id": dag_id, "run_id": run_id, "task_id": task_id, "state": state,
            "map_index": -1, "try_number": 1, "max_tries": 0, "pool": "default_pool", "pool_slots": 1,
            "operator": "PythonOperator", "span_status": "not_started", **more,
        }  # fmt: skip
        self._insert("task_instance", **values)

    def evidence(self, dag_id: str, run_id: str, task_id: str, left: dict[str, Any]) -> None:
        """As a task's callback leaves it; Airflow keeps the JSON text as a JSON string."""
        number = self.one("SELECT id FROM dag_run WHERE dag_id = :d AND run_id = :r", d=dag_id, r=run_id)
        self._insert(
            "xcom", dag_run_id=number, task_id=task_id, map_index=-1, key=EVIDENCE_KEY, dag_id=dag_id, run_id=run_id,
            value=json.dumps(left), timestamp=datetime.now(UTC),
        )  # fmt: skip

    def change_run(self, dag_id: str, run_id: str, **values: Any) -> None:
        assignments = ", ".join(f"{name} = :{name}" for name in values)
        self.run_sql(
            f"UPDATE dag_run SET {assignments} WHERE dag_id = :d AND run_id = :r", d=dag_id, r=run_id, **values
        )

    def run_sql(self, sql: str, **values: Any) -> None:
        with writing(self.engine) as connection:
            connection.execute(text(sql), {name: self._bound(value) for name, value in values.items()})

    def one(self, sql: str, **values: Any) -> Any:
        with self.engine.connect() as connection:
            return connection.execute(text(sql), values).scalar()

    def _insert(self, table: str, **values: Any) -> None:
        names = ", ".join(f'"{name}"' for name in values)
        self.run_sql(f"INSERT INTO {table} ({names}) VALUES ({', '.join(f':{n}' for n in values)})", **values)

    def _bound(self, value: Any) -> Any:
        if isinstance(value, datetime) and self.engine.dialect.name == "sqlite":
            return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
        return value

    def _uuid(self) -> str:
        found = uuid.uuid4()
        return found.hex if self.engine.dialect.name == "sqlite" else str(found)


def minutes(count: float) -> timedelta:
    """Short, for tables of times."""
    return timedelta(minutes=count)
