"""Aggregate engagement: active users of the day, the week and the month so far, and DAU/MAU.

For: investors, every morning. Due: 09:00 UTC, daily.
Starts when base engagement is published (an asset, so no clock of its own).
"""

from __future__ import annotations

from airflow.providers.common.sql.operators.sql import SQLColumnCheckOperator

from pipeline_kit.daily import daily_dag, publish, published, statements
from pipeline_kit.guards import NoViolations

with daily_dag(
    "aggregate_engagement", description="Company engagement for investors", schedule=[published("base_engagement")]
):
    delivered = NoViolations(
        task_id="guard_delivered",
        sql="aggregate_engagement/missing.sql",
        error="nothing delivered for the day",
    )
    transform = statements("transform", "aggregate_engagement/transform.sql")
    columns = SQLColumnCheckOperator(
        task_id="guard_active_users",
        table="stage_aggregate_engagement",
        partition_clause="day = '{{ business_date(dag_run) }}' AND period = 'day'",
        column_mapping={
            "active_users": {"min": {"greater_than": 0}},
            "active_accounts": {"min": {"greater_than": 0}},
            # Fewer than one in fifty, or more users today than in a month: the definition of "active" has changed.
            "dau_mau_bp": {"min": {"greater_than": 200}, "max": {"leq_to": 10_000}},
        },
        accept_none=False,
        retry_on_failure=False,
    )
    delivered >> transform >> columns >> publish("aggregate_engagement")
