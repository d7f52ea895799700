"""Base growth: active users by region and experiment arm, beside those of the day before.

For: daily growth (experiments) and aggregate growth (investors), which start when this is published.
Due: 05:00 UTC, daily. Waits for: master data.
"""

from __future__ import annotations

from airflow.providers.common.sql.operators.sql import SQLColumnCheckOperator

from daybreak.surfaces.sensors import UpstreamReadySensor
from pipeline_kit.daily import daily_dag, publish, statements
from pipeline_kit.guards import NoViolations, SchemaUnchanged
from pipeline_kit.landing import land

SOURCES = ["raw_activity", "experiment"]

with daily_dag("growth_base", description="Active users of the day by region and experiment arm"):
    master_data = UpstreamReadySensor(task_id="wait_for_master_data", upstream="master_data")
    delivered = NoViolations(
        task_id="guard_delivered",
        sql="growth_base/missing.sql",
        error="nothing delivered for the day",
    )
    transform = statements("transform", "growth_base/transform.sql")
    guards = [
        SQLColumnCheckOperator(
            task_id="guard_columns",
            table="stage_base_growth",
            partition_clause="day = '{{ business_date(dag_run) }}'",
            column_mapping={
                "region": {"null_check": {"equal_to": 0}},
                "experiment": {"null_check": {"equal_to": 0}},
                "users": {"null_check": {"equal_to": 0}, "min": {"greater_than": 0}},
            },
            accept_none=False,
            retry_on_failure=False,
        ),
        NoViolations(
            task_id="guard_experiment_tags",
            sql="growth_base/unknown_experiments.sql",
            error="unknown reference: experiment tags that nobody registered",
        ),
    ]
    landed = land(SOURCES) >> SchemaUnchanged(tables=SOURCES)
    [landed, master_data] >> delivered >> transform >> guards >> publish("base_growth")
