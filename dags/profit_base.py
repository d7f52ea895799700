"""Base profit: one row an order with its tax.

For: unit profit (experiments) and aggregate profit (investors), which start when this is published.
Due: 05:00 UTC, daily. Waits for: master data, by which orders are booked to business units.
"""

from __future__ import annotations

from airflow.providers.common.sql.operators.sql import SQLColumnCheckOperator

from daybreak.surfaces.sensors import UpstreamReadySensor
from pipeline_kit.daily import daily_dag, publish, statements
from pipeline_kit.guards import NoViolations, SchemaUnchanged
from pipeline_kit.landing import land

SOURCES = ["raw_sales", "raw_costs", "tax_model", "experiment"]

with daily_dag("profit_base", description="Orders of the day with their tax"):
    landed = land(SOURCES)
    master_data = UpstreamReadySensor(task_id="wait_for_master_data", upstream="master_data")
    schema = SchemaUnchanged(tables=SOURCES)
    delivered = NoViolations(
        task_id="guard_delivered",
        sql="profit_base/missing.sql",
        error="nothing delivered for the day",
    )
    transform = statements("transform", "profit_base/transform.sql")
    guards = [
        SQLColumnCheckOperator(
            task_id="guard_columns",
            table="stage_base_profit",
            partition_clause="day = '{{ business_date(dag_run) }}'",
            column_mapping={
                "order_id": {"null_check": {"equal_to": 0}, "unique_check": {"equal_to": 0}},
                "revenue_cents": {"null_check": {"equal_to": 0}, "min": {"geq_to": 0}},
                "tax_cents": {"null_check": {"equal_to": 0}},
            },
            accept_none=False,
            retry_on_failure=False,
        ),
        NoViolations(
            task_id="guard_business_units",
            sql="profit_base/unit_mismatch.sql",
            error="orders disagree with master data",
        ),
        NoViolations(
            task_id="guard_currency",
            sql="profit_base/currencies.sql",
            error="currencies other than EUR in the orders",
        ),
    ]
    [landed >> schema, master_data] >> delivered >> transform >> guards >> publish("base_profit")
