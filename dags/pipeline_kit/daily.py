"""The daily dag and the tasks that every pipeline has: transform and publish (guards.py and landing.py have the rest).

A transformation fills ``stage_<table>`` for one business date, guards look at the stage, and only ``publish`` touches
``<table>``: in one transaction, replacing the date's rows. So a second run changes nothing, and a run that a guard
stopped, or that was killed half-way, publishes nothing.
"""

from __future__ import annotations

from typing import Any

import pendulum
from airflow.providers.common.sql.operators.sql import SQLExecuteQueryOperator
from airflow.sdk import DAG, Asset

from pipeline_kit import settings
from pipeline_kit.calendar_days import MACROS


def daily_dag(dag_id: str, *, description: str, schedule: Any = settings.SCHEDULE) -> DAG:
    """A dag of one run a day that neither catches up nor runs twice at a time."""
    return DAG(
        dag_id,
        description=description,
        schedule=schedule,
        start_date=pendulum.datetime(2026, 1, 1, tz=settings.TIMEZONE),
        catchup=False,
        max_active_runs=1,
        template_searchpath=[str(settings.SQL_FOLDER)],
        user_defined_macros=MACROS,
        default_args={
            "conn_id": settings.CONNECTION,
            "retries": settings.RETRIES,
            "retry_delay": settings.RETRY_DELAY,
        },
    )


def published(table: str) -> Asset:
    """The asset that stands for a day of ``table`` having been published."""
    return Asset(name=table, uri=f"x-warehouse://{table}")


def statements(task_id: str, file: str, **kwargs: Any) -> SQLExecuteQueryOperator:
    """Run the statements of a file under ``include/sql`` in one transaction."""
    return SQLExecuteQueryOperator(task_id=task_id, sql=file, split_statements=True, do_xcom_push=False, **kwargs)


def publish(table: str) -> SQLExecuteQueryOperator:
    """Replace the business date's rows of ``table`` by what stands in ``stage_<table>``."""
    return statements("publish", "publish.sql", outlets=[published(table)])
