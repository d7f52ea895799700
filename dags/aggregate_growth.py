"""Aggregate growth: by region and business unit, for the day, the week and the month so far.

For: investors, every morning. Due: 09:00 UTC, daily.
Starts when base growth is published, then waits for ``sales_force``, its main source, which another team delivers.
"""

from __future__ import annotations

from airflow.providers.common.sql.operators.sql import SQLColumnCheckOperator

from daybreak.surfaces.sensors import UpstreamReadySensor
from pipeline_kit.daily import daily_dag, publish, published, statements
from pipeline_kit.guards import NoViolations, SchemaUnchanged

with daily_dag("aggregate_growth", description="Company growth for investors", schedule=[published("base_growth")]):
    sales_force = UpstreamReadySensor(task_id="wait_for_sales_force", upstream="sales_force")
    sources = [
        SchemaUnchanged(tables=["raw_sales_force"]),
        NoViolations(
            task_id="guard_delivered",
            sql="aggregate_growth/missing.sql",
            error="nothing delivered for the day",
        ),
        SQLColumnCheckOperator(
            task_id="guard_sources",
            table="raw_sales_force",
            partition_clause="day = '{{ business_date(dag_run) }}'",
            column_mapping={"opportunity_id": {"null_check": {"equal_to": 0}, "unique_check": {"equal_to": 0}}},
            accept_none=True,
            retry_on_failure=False,
        ),
    ]
    transform = statements("transform", "aggregate_growth/transform.sql")
    guards = [
        SQLColumnCheckOperator(
            task_id="guard_growth",
            table="stage_aggregate_growth",
            partition_clause="day = '{{ business_date(dag_run) }}' AND period = 'day'",
            column_mapping={
                "revenue_cents": {"null_check": {"equal_to": 0}, "min": {"geq_to": 0}},
                # A region that loses nine in ten of yesterday, or grows fourfold, was not delivered, or twice.
                "growth_bp": {"min": {"greater_than": -9_000}, "max": {"less_than": 30_000}},
            },
            accept_none=True,
            retry_on_failure=False,
        ),
        NoViolations(
            task_id="guard_business_units",
            sql="aggregate_growth/mismatches.sql",
            error="sales_force and master data disagree",
        ),
        NoViolations(
            task_id="guard_periods",
            sql="aggregate_growth/periods.sql",
            error="reporting periods do not agree",
        ),
    ]
    sales_force >> sources >> transform >> guards >> publish("aggregate_growth")
