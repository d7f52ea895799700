"""Daily growth: users of each experiment arm against the day before.

For: the experiment dashboards. Due: 09:00 UTC, daily.
Starts when base growth is published (an asset, so no clock of its own).
"""

from __future__ import annotations

from airflow.providers.common.sql.operators.sql import SQLColumnCheckOperator

from pipeline_kit.daily import daily_dag, publish, published, statements
from pipeline_kit.guards import NoViolations

with daily_dag("daily_growth", description="Growth of each experiment arm", schedule=[published("base_growth")]):
    delivered = NoViolations(
        task_id="guard_delivered",
        sql="daily_growth/missing.sql",
        error="nothing delivered for the day",
    )
    transform = statements("transform", "daily_growth/transform.sql")
    columns = SQLColumnCheckOperator(
        task_id="guard_growth",
        table="stage_daily_growth",
        partition_clause="day = '{{ business_date(dag_run) }}'",
        column_mapping={
            # A day that doubles, or loses nine in ten, is a broken log more often than a good experiment.
            "growth_bp": {"min": {"greater_than": -9_000}, "max": {"less_than": 10_000}},
            "users": {"min": {"greater_than": 0}},
        },
        accept_none=True,
        retry_on_failure=False,
    )
    delivered >> transform >> columns >> publish("daily_growth")
