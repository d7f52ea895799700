"""Unit-level profit: what each unit earned in each arm of each experiment.

For: the experiment dashboards, by which experiments are judged.
Due: 09:00 UTC, daily. Starts when base profit is published (an asset, so no clock of its own).
"""

from __future__ import annotations

from airflow.providers.common.sql.operators.sql import SQLColumnCheckOperator

from pipeline_kit.daily import daily_dag, publish, published, statements
from pipeline_kit.guards import NoViolations

with daily_dag(
    "unit_profit", description="Profit of each unit in each experiment arm", schedule=[published("base_profit")]
):
    delivered = NoViolations(
        task_id="guard_delivered",
        sql="unit_profit/missing.sql",
        error="nothing delivered for the day",
    )
    transform = statements("transform", "unit_profit/transform.sql")
    guards = [
        SQLColumnCheckOperator(
            task_id="guard_columns",
            table="stage_unit_profit",
            partition_clause="day = '{{ business_date(dag_run) }}'",
            column_mapping={
                "unit_id": {"null_check": {"equal_to": 0}},
                # Twenty thousand euros for one unit and day is beyond anything seen: a double-counted source.
                "profit_cents": {"max": {"less_than": 2_000_000}, "min": {"greater_than": -2_000_000}},
            },
            accept_none=False,
            retry_on_failure=False,
        ),
        NoViolations(
            task_id="guard_experiment_tags",
            sql="unit_profit/unknown_experiments.sql",
            error="unknown reference: experiment tags that nobody registered",
        ),
    ]
    delivered >> transform >> guards >> publish("unit_profit")
