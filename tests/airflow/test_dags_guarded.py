"""Every guard of the shipped dags is seen failing on bad data, and what it stops is not published."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

import pytest

from daybreak.config.triage import Failure, classify, rules_for
from tests.support.shipped_dags import DAYS, ROOT, ShippedDags

pytestmark = [pytest.mark.airflow, pytest.mark.timeout(900)]

DAY, DAY_BEFORE = DAYS[2], DAYS[1]
ORDER = "'20260304-0000'"


class Bad(NamedTuple):
    """What spoils the data, what repairs it, and the dag and its guard that stand in between."""

    spoil: str
    repair: str
    dag: str
    guard: str
    names: str  # what the error begins with, for guards that name the culprit
    also: tuple[str, ...] = ()  # other guards that the same mistake sets off


def wrong_sql(table: str, change: str) -> tuple[str, str]:
    """A wrong transformation, as somebody might commit one: each row that is staged is changed. → (make, drop)."""
    make = f"CREATE TRIGGER wrong AFTER INSERT ON stage_{table} BEGIN {change}; END"
    return make, "DROP TRIGGER wrong"


def nothing(table: str, which: str = "1 = 1") -> tuple[str, str]:
    """The day's rows of a table are away, and none that is landed for the day stays. → (take away, give back)."""
    lost = f"CREATE TRIGGER lost AFTER INSERT ON {table} WHEN NEW.day = '{DAY}' BEGIN DELETE FROM {table} "
    return (
        f"UPDATE {table} SET day = '1999-01-01' WHERE day = '{DAY}' AND {which}; {lost}WHERE rowid = NEW.rowid; END",
        f"DROP TRIGGER lost; UPDATE {table} SET day = '{DAY}' WHERE day = '1999-01-01'",
    )


ROW = "UPDATE stage_aggregate_profit SET profit_cents = profit_cents + 1 WHERE rowid = NEW.rowid"
REGION = "DELETE FROM stage_aggregate_profit WHERE rowid = NEW.rowid AND region = 'APAC'"
CROWD = (
    "INSERT INTO raw_web_events WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 9000) "
    f"SELECT '{DAY_BEFORE}', 'crowd' || i, 'search', 1 FROM n"
)
BAD = (
    # A source has changed its columns, or what stands in them.
    Bad("ALTER TABLE raw_sales ADD COLUMN levy_cents BIGINT", "ALTER TABLE raw_sales DROP COLUMN levy_cents",
        "profit_base", "guard_schema", "raw_sales.levy_cents is new"),
    Bad("ALTER TABLE raw_crm_accounts RENAME COLUMN status TO state",
        "ALTER TABLE raw_crm_accounts RENAME COLUMN state TO status",
        "engagement_base", "guard_schema", "raw_crm_accounts.state is new, raw_crm_accounts.status is missing"),
    Bad(f"UPDATE raw_activity SET sessions = 'many' || sessions WHERE day = '{DAY}' AND user_id < 'v010'",
        "UPDATE raw_activity SET sessions = CAST(SUBSTR(sessions, 5) AS INTEGER) WHERE sessions LIKE 'many%'",
        "growth_base", "guard_schema", "raw_activity.sessions holds something else than whole numbers"),
    Bad("ALTER TABLE raw_product_b ADD COLUMN rebate BIGINT", "ALTER TABLE raw_product_b DROP COLUMN rebate",
        "aggregate_profit", "guard_schema", "raw_product_b.rebate is new"),
    Bad("ALTER TABLE raw_sales_force ADD COLUMN stage TEXT", "ALTER TABLE raw_sales_force DROP COLUMN stage",
        "aggregate_growth", "guard_schema", "raw_sales_force.stage is new"),
    # Nothing was delivered, and nothing failed.
    *(Bad(*nothing(table), dag, "guard_delivered", f"{named}: nothing delivered for the day")
      for table, dag, named in (
          ("raw_sales", "profit_base", "raw_sales"), ("master_region", "profit_base", "master_region"),
          ("raw_activity", "growth_base", "raw_activity"), ("raw_web_events", "engagement_base", "raw_web_events"),
          ("base_profit", "unit_profit", "base_profit"), ("base_growth", "daily_growth", "base_growth"),
          ("base_profit", "aggregate_profit", "base_profit"), ("raw_product_b", "aggregate_profit", "Product B"),
          ("raw_costs", "aggregate_profit", "costs"), ("raw_sales_force", "aggregate_growth", "sales_force"),
          ("master_region", "aggregate_growth", "master_region"),
          ("base_engagement", "aggregate_engagement", "base_engagement"),
          ("raw_web_events", "aggregate_engagement", "raw_web_events"),
          ("raw_crm_accounts", "aggregate_engagement", "raw_crm_accounts"))),
    Bad(*nothing("base_profit", "experiment IS NOT NULL"), "unit_profit", "guard_delivered",
        "experiment tags in base_profit: nothing delivered for the day"),
    Bad(f"INSERT INTO ddos_referrer SELECT DISTINCT referrer, 'too many' FROM raw_web_events WHERE day = '{DAY}'",
        "DELETE FROM ddos_referrer WHERE why = 'too many'; DELETE FROM web_anomaly WHERE why = 'too many'",
        "engagement_base", "guard_delivered", "raw_web_events without ddos_referrer: nothing delivered for the day"),
    *(Bad(f"ALTER TABLE {table} RENAME TO kept; CREATE TABLE {table} AS SELECT * FROM kept WHERE 1 = 0",
          f"DROP TABLE {table}; ALTER TABLE kept RENAME TO {table}", dag, "guard_delivered",
          f"{table}: nothing delivered for the day")
      for table, dag in (("experiment", "unit_profit"), ("tax_model", "aggregate_profit"))),
    # Nulls in keys, records that are there twice.
    Bad("INSERT INTO raw_sales SELECT * FROM raw_sales WHERE order_id = '20260304-0001'",
        "DELETE FROM raw_sales WHERE rowid = (SELECT MAX(rowid) FROM raw_sales WHERE order_id = '20260304-0001')",
        "profit_base", "guard_columns", ""),
    Bad(f"INSERT INTO raw_web_events VALUES ('{DAY}', NULL, 'search', 1)",
        "DELETE FROM raw_web_events WHERE user_id IS NULL", "engagement_base", "guard_columns", ""),
    Bad(f"INSERT INTO raw_activity VALUES ('{DAY}', 'v999', NULL, 'checkout_v2', 'control', 1)",
        "DELETE FROM raw_activity WHERE user_id = 'v999'", "growth_base", "guard_columns", ""),
    Bad(f"INSERT INTO raw_product_b SELECT * FROM raw_product_b WHERE day = '{DAY}' LIMIT 1",
        f"DELETE FROM raw_product_b WHERE rowid = (SELECT MAX(rowid) FROM raw_product_b WHERE day = '{DAY}')",
        "aggregate_profit", "guard_sources", "Product B, EMEA hardware"),
    Bad(f"INSERT INTO raw_sales_force SELECT * FROM raw_sales_force WHERE day = '{DAY}' LIMIT 1",
        f"DELETE FROM raw_sales_force WHERE rowid = (SELECT MAX(rowid) FROM raw_sales_force WHERE day = '{DAY}')",
        "aggregate_growth", "guard_sources", ""),
    # Reference values that nobody knows.
    Bad("INSERT INTO tax_model VALUES ('digital_levy', 300)", "DELETE FROM tax_model WHERE tax_code = 'digital_levy'",
        "aggregate_profit", "guard_tax_model", "digital_levy"),
    Bad(f"INSERT INTO raw_activity VALUES ('{DAY}', 'v999', 'EMEA', 'nobody_knows', 'control', 1)",
        "DELETE FROM raw_activity WHERE user_id = 'v999'", "growth_base", "guard_experiment_tags", "nobody_knows"),
    Bad(f"INSERT INTO base_profit SELECT day, 'x', unit_id, region, category, business_unit, currency, tax_code, "
        f"'nobody_knows', variant, revenue_cents, tax_cents, published_at FROM base_profit WHERE order_id = {ORDER}",
        "DELETE FROM base_profit WHERE order_id = 'x'", "unit_profit", "guard_experiment_tags", "nobody_knows"),
    # Sums, currencies, business units, periods.
    Bad(f"UPDATE raw_sales SET currency = 'USD' WHERE order_id = {ORDER}",
        f"UPDATE raw_sales SET currency = 'EUR' WHERE order_id = {ORDER}", "profit_base", "guard_currency", "USD"),
    Bad(f"UPDATE raw_sales SET business_unit = 'moon' WHERE order_id = {ORDER}",
        "UPDATE raw_sales SET business_unit = (SELECT business_unit FROM master_region m "
        f"WHERE m.day = raw_sales.day AND m.region = raw_sales.region) WHERE order_id = {ORDER}",
        "profit_base", "guard_business_units", ""),
    Bad(f"UPDATE raw_sales_force SET business_unit = 'moon' WHERE day >= '{DAY_BEFORE}' AND region = 'APAC'",
        f"UPDATE raw_sales_force SET business_unit = 'wholesale' WHERE day >= '{DAY_BEFORE}' AND region = 'APAC'",
        "aggregate_growth", "guard_business_units", "APAC reported by moon", ("guard_periods",)),
    Bad(f"UPDATE raw_sales_force SET day = '1999-01-01' WHERE day = '{DAY_BEFORE}' AND region = 'APAC'",
        f"UPDATE raw_sales_force SET day = '{DAY_BEFORE}' WHERE day = '1999-01-01'",
        "aggregate_growth", "guard_periods", "APAC wholesale reported nothing for the day before"),
    Bad(*wrong_sql("aggregate_profit", ROW), "aggregate_profit", "guard_sums", ""),
    Bad(*wrong_sql("aggregate_profit", REGION), "aggregate_profit", "guard_parts_and_whole", "costs of the day: parts"),
    # Bounds: what nobody has seen yet is an error more often than a success.
    Bad(f"UPDATE base_profit SET revenue_cents = revenue_cents + 5000000 WHERE order_id = {ORDER}",
        f"UPDATE base_profit SET revenue_cents = revenue_cents - 5000000 WHERE order_id = {ORDER}",
        "unit_profit", "guard_columns", ""),
    Bad(f"UPDATE raw_product_b SET revenue_cents = revenue_cents + 200000000 WHERE day = '{DAY}'",
        f"UPDATE raw_product_b SET revenue_cents = revenue_cents - 200000000 WHERE day = '{DAY}'",
        "aggregate_profit", "guard_columns", ""),
    Bad(f"UPDATE base_growth SET users = users * 1000 WHERE day = '{DAY}'",
        f"UPDATE base_growth SET users = users / 1000 WHERE day = '{DAY}'", "daily_growth", "guard_growth", ""),
    Bad(f"UPDATE raw_sales_force SET revenue_cents = revenue_cents * 100 WHERE day = '{DAY}' AND region = 'EMEA'",
        f"UPDATE raw_sales_force SET revenue_cents = revenue_cents / 100 WHERE day = '{DAY}' AND region = 'EMEA'",
        "aggregate_growth", "guard_growth", ""),
    Bad(CROWD, "DELETE FROM raw_web_events WHERE user_id LIKE 'crowd%'",
        "aggregate_engagement", "guard_active_users", ""),
)  # fmt: skip


@pytest.fixture(scope="module")
def guarded(shipped: ShippedDags) -> tuple[dict[str, Any], dict[str, Any], list[dict[str, Any]]]:
    """(what was published before, what after, one answer a spoiled run)."""
    before = shipped.published()
    steps = [step for bad in BAD for step in ({"sql": bad.spoil}, {"day": DAY, "dags": [bad.dag]}, {"sql": bad.repair})]
    done = shipped.run(*steps)
    # Two of the spoiled tables are published ones themselves: repaired by then.
    return before, shipped.published(), done


def test_every_guard_of_every_dag_is_tried() -> None:
    written = {
        (path.stem, guard)
        for path in (ROOT / "dags").glob("*.py")
        for guard in re.findall(r'task_id="(guard_\w+)"', path.read_text())
    }
    written |= {
        (path.stem, "guard_schema") for path in (ROOT / "dags").glob("*.py") if "SchemaUnchanged(" in path.read_text()
    }
    assert {(bad.dag, bad.guard) for bad in BAD} == written


@pytest.mark.parametrize("number", range(len(BAD)), ids=[f"{b.dag}-{b.guard}-{n}" for n, b in enumerate(BAD)])
def test_the_guard_stops_the_run(guarded: tuple[Any, Any, list[dict[str, Any]]], number: int) -> None:
    bad, done = BAD[number], guarded[2][number]
    assert done["state"] == "failed"
    assert done["failed"] == sorted([bad.guard, *bad.also]), "this guard, and no other task"
    assert done["errors"][bad.guard].startswith(bad.names)


def test_what_is_not_there_is_the_upstreams_section_of_the_runbook(
    guarded: tuple[Any, Any, list[dict[str, Any]]],
) -> None:
    rules = rules_for(ROOT / "include")
    said = [run["errors"]["guard_delivered"] for run in guarded[2] if "guard_delivered" in run["failed"]]
    assert len(said) == sum(bad.guard == "guard_delivered" for bad in BAD)
    for message in said:
        failure = Failure(message=message, operator="NoViolations", exceptions=("AirflowException",))
        assert classify(failure, rules).category == "upstream.missing", message


def test_nothing_of_it_was_published(guarded: tuple[dict[str, Any], dict[str, Any], Any]) -> None:
    before, after, _ = guarded
    assert after == before
