"""Base engagement: the day's events by user, without known attacks.

For: aggregate engagement (investors), which starts when this is published.
Due: 05:00 UTC, daily. Waits for nobody: it lands web events and the CRM's accounts itself.
A suspected attack is a warning in Slack for people to judge, not a guard; the numbers are published meanwhile.
"""

from __future__ import annotations

from airflow.providers.common.sql.operators.sql import SQLColumnCheckOperator

from pipeline_kit.daily import daily_dag, publish, statements
from pipeline_kit.guards import NoViolations, SchemaUnchanged
from pipeline_kit.landing import land
from pipeline_kit.outliers import warn_of_outliers

SOURCES = ["raw_web_events", "raw_crm_accounts"]

with daily_dag("engagement_base", description="Events of the day by user"):
    schema = SchemaUnchanged(tables=SOURCES)
    delivered = NoViolations(
        task_id="guard_delivered",
        sql="engagement_base/missing.sql",
        error="nothing delivered for the day",
    )
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
    attacks = [
        warn_of_outliers("engagement_base/outliers.sql"),
        # What has been classified is no longer warned of: how much of it there is stays on record.
        statements("track_anomalies", "engagement_base/track_anomalies.sql"),
    ]
    land(SOURCES) >> schema >> [delivered, *attacks]
    delivered >> transform >> columns >> publish("base_engagement")
