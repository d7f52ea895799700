"""Aggregate profit for investors: by region and category, for the day, the week and the month so far.

Starts when base profit is published and waits for Product B's models. A tax in ``tax_model`` that the transformation
does not know stops it before anything is published: see "A new tax" in the runbook.
"""

from __future__ import annotations

from airflow.providers.common.sql.operators.sql import SQLColumnCheckOperator

from daybreak.surfaces.sensors import UpstreamReadySensor
from pipeline_kit.daily import NoViolations, daily_dag, publish, published, statements

with daily_dag("aggregate_profit", description="Company profit for investors", schedule=[published("base_profit")]):
    product_b = UpstreamReadySensor(task_id="wait_for_product_b", upstream="product_b")
    tax_model = NoViolations(
        task_id="guard_tax_model",
        sql="aggregate_profit/unknown_taxes.sql",
        error="unknown tax in tax_model, for which the transformation has no rule",
    )
    transform = statements("transform", "aggregate_profit/transform.sql")
    guards = [
        SQLColumnCheckOperator(
            task_id="guard_columns",
            table="stage_aggregate_profit",
            partition_clause="day = '{{ business_date(dag_run) }}'",
            column_mapping={
                "tax_cents": {"null_check": {"equal_to": 0}},
                "profit_cents": {"null_check": {"equal_to": 0}, "min": {"greater_than": -100_000_000}},
            },
            accept_none=False,
            retry_on_failure=False,
        ),
        NoViolations(
            task_id="guard_parts_and_whole",
            sql="aggregate_profit/parts_and_whole.sql",
            error="regions do not add up to the company",
        ),
    ]
    product_b >> tax_model >> transform >> guards >> publish("aggregate_profit")
