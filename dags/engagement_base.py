"""Base engagement: events a user, without known attacks; aggregate engagement builds on it."""

from __future__ import annotations

from airflow.providers.common.sql.operators.sql import SQLColumnCheckOperator

from pipeline_kit.daily import daily_dag, publish, statements
from pipeline_kit.landing import land
from pipeline_kit.outliers import warn_of_outliers

with daily_dag("engagement_base", description="Events of the day by user"):
    landed = land(["raw_web_events", "raw_crm_accounts"])
    transform = statements("transform", "engagement_base/transform.sql")
    columns = SQLColumnCheckOperator(
        task_id="guard_columns",
        table="stage_base_engagement",
        partition_clause="day = '{{ business_date(dag_run) }}'",
        column_mapping={
            "user_id": {"null_check": {"equal_to": 0}, "unique_check": {"equal_to": 0}},
            "events": {"min": {"greater_than": 0}},
        },
        accept_none=False,
        retry_on_failure=False,
    )
    # A warning, not a guard: a suspected attack is for people to judge, and the numbers are published meanwhile.
    landed >> [transform, warn_of_outliers("engagement_base/outliers.sql")]
    transform >> columns >> publish("base_engagement")
