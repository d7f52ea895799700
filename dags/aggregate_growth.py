"""Aggregate growth for investors: by region and business unit, for the day, the week and the month so far.

Starts when base growth is published and waits for ``sales_force``, its main source, which another team delivers.
"""

from __future__ import annotations

from airflow.providers.common.sql.operators.sql import SQLColumnCheckOperator

from daybreak.surfaces.sensors import UpstreamReadySensor
from pipeline_kit.daily import NoViolations, daily_dag, publish, published, statements

with daily_dag("aggregate_growth", description="Company growth for investors", schedule=[published("base_growth")]):
    sales_force = UpstreamReadySensor(task_id="wait_for_sales_force", upstream="sales_force")
    transform = statements("transform", "aggregate_growth/transform.sql")
    guards = [
        SQLColumnCheckOperator(
            task_id="guard_growth",
            table="stage_aggregate_growth",
            partition_clause="day = '{{ business_date(dag_run) }}' AND period = 'day'",
            column_mapping={
                "revenue_cents": {"null_check": {"equal_to": 0}, "min": {"geq_to": 0}},
                "growth_bp": {"min": {"geq_to": -10_000}, "max": {"less_than": 1_000_000}},
            },
            accept_none=True,
            retry_on_failure=False,
        ),
        NoViolations(
            task_id="guard_business_units",
            sql="aggregate_growth/mismatches.sql",
            error="sales_force and master data disagree",
        ),
    ]
    sales_force >> transform >> guards >> publish("aggregate_growth")
