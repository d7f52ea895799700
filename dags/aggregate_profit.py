"""Aggregate profit: by region and category, for the day, the week and the month so far.

For: investors, every morning and every quarter. Due: 06:00 UTC, daily.
Starts when base profit is published, then waits for Product B's models. A tax in ``tax_model`` that the transformation
does not know stops it before anything is published: see "Unknown reference value" in the runbook.
"""

from __future__ import annotations

from airflow.providers.common.sql.operators.sql import SQLColumnCheckOperator, SQLTableCheckOperator

from daybreak.surfaces.sensors import UpstreamReadySensor
from pipeline_kit.daily import daily_dag, publish, published, statements
from pipeline_kit.guards import NoViolations, SchemaUnchanged

TODAY = "day = '{{ business_date(dag_run) }}'"

with daily_dag("aggregate_profit", description="Company profit for investors", schedule=[published("base_profit")]):
    product_b = UpstreamReadySensor(task_id="wait_for_product_b", upstream="product_b")
    sources = [
        SchemaUnchanged(tables=["raw_product_b", "raw_costs"]),
        NoViolations(
            task_id="guard_delivered",
            sql="aggregate_profit/missing.sql",
            error="nothing delivered for the day",
        ),
        NoViolations(
            task_id="guard_tax_model",
            sql="aggregate_profit/unknown_taxes.sql",
            error="unknown tax in tax_model, for which the transformation has no rule",
        ),
        NoViolations(
            task_id="guard_sources",
            sql="aggregate_profit/sources.sql",
            error="delivered twice, or not in EUR",
        ),
    ]
    transform = statements("transform", "aggregate_profit/transform.sql")
    guards = [
        SQLColumnCheckOperator(
            task_id="guard_columns",
            table="stage_aggregate_profit",
            partition_clause=TODAY,
            column_mapping={
                "tax_cents": {"null_check": {"equal_to": 0}},
                # A million euros either way, for one region and category, is beyond anything seen.
                "profit_cents": {
                    "null_check": {"equal_to": 0},
                    "min": {"greater_than": -100_000_000},
                    "max": {"less_than": 100_000_000},
                },
            },
            accept_none=False,
            retry_on_failure=False,
        ),
        SQLTableCheckOperator(
            task_id="guard_sums",
            table="stage_aggregate_profit",
            partition_clause=TODAY,
            checks={"profit_is_the_rest": {"check_statement": "profit_cents = revenue_cents - tax_cents - cost_cents"}},
            retry_on_failure=False,
        ),
        NoViolations(
            task_id="guard_parts_and_whole",
            sql="aggregate_profit/parts_and_whole.sql",
            error="regions do not add up to the company",
        ),
    ]
    product_b >> sources >> transform >> guards >> publish("aggregate_profit")
