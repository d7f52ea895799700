"""The shipped dags, run for three business dates: what they publish, beside the same computed here."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from collections import defaultdict
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DAYS = ("2026-03-02", "2026-03-03", "2026-03-04")
TABLES = (
    "base_profit", "base_engagement", "base_growth", "unit_profit", "daily_growth", "aggregate_profit",
    "aggregate_growth", "aggregate_engagement",
)  # fmt: skip

pytestmark = [pytest.mark.airflow, pytest.mark.timeout(600)]


class Airflow:
    """An Airflow home with a warehouse; runs dags in processes of their own."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.warehouse = home / "warehouse.db"
        self.env = {
            **{k: v for k, v in os.environ.items() if not k.startswith("AIRFLOW")},
            "AIRFLOW_HOME": str(home),
            "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "dags"),
            "AIRFLOW__CORE__PLUGINS_FOLDER": str(ROOT / "plugins"),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__DAYBREAK__OWNERSHIP_FILE": str(ROOT / "include" / "ownership.yaml"),
            "AIRFLOW_CONN_WAREHOUSE": json.dumps({"conn_type": "sqlite", "host": str(self.warehouse)}),
        }
        self._call(sys.executable, "-m", "airflow", "db", "migrate")

    def run(self, *steps: dict) -> list[dict]:
        """Run the steps of :mod:`tests.support.run_dags`. → one row a run: dag, day, state, failed tasks."""
        job, answer = self.home / "job.json", self.home / "answer.json"
        job.write_text(json.dumps({"dags": str(ROOT / "dags"), "warehouse": str(self.warehouse), "steps": list(steps)}))
        self._call(sys.executable, str(ROOT / "tests" / "support" / "run_dags.py"), str(job), str(answer))
        return json.loads(answer.read_text())

    def rows(self, sql: str) -> list[tuple]:
        with closing(sqlite3.connect(self.warehouse)) as warehouse:
            return warehouse.execute(sql).fetchall()

    def published(self) -> dict[str, list[tuple]]:
        """Every published table without its freshness column, in an order of its own."""
        return {table: sorted((row[:-1] for row in self.rows(f"SELECT * FROM {table}")), key=repr) for table in TABLES}

    def _call(self, *argv: str) -> None:
        done = subprocess.run(argv, env=self.env, capture_output=True, text=True, timeout=500, check=False)
        assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]


@pytest.fixture(scope="module")
def airflow(tmp_path_factory: pytest.TempPathFactory) -> Airflow:
    """Three mornings, one after the other."""
    made = Airflow(tmp_path_factory.mktemp("airflow"))
    done = made.run(*({"day": day} for day in DAYS))
    assert [row for row in done if row["state"] != "success"] == []
    assert len(done) == 11 * len(DAYS)
    return made


def span(period: str, day: str) -> tuple[str, str]:
    """First and last day of the period so far, as ISO dates."""
    at = date.fromisoformat(day)
    first = {"day": at, "week": at - timedelta(days=at.weekday()), "month": at.replace(day=1)}[period]
    return first.isoformat(), day


def test_every_table_holds_every_day_with_its_freshness(airflow: Airflow) -> None:
    for table in TABLES:
        assert {row[0] for row in airflow.rows(f"SELECT DISTINCT day FROM {table}")} == set(DAYS), table
        assert airflow.rows(f"SELECT COUNT(*) FROM {table} WHERE published_at IS NULL") == [(0,)]


def test_profit_is_what_the_raw_rows_say(airflow: Airflow) -> None:
    rates = dict(airflow.rows("SELECT tax_code, rate_bp FROM tax_model"))
    wanted: dict[tuple, int] = defaultdict(int)
    sales = airflow.rows("SELECT day, region, category, tax_code, revenue_cents FROM raw_sales")
    costs = airflow.rows("SELECT day, region, category, cost_cents FROM raw_costs")
    product_b = airflow.rows("SELECT day, region, category, revenue_cents FROM raw_product_b")
    # Base profit exists for the days that ran: what the week had before them is not in it.
    ran = set(DAYS)
    for day in DAYS:
        for period in ("day", "week", "month"):
            first, last = span(period, day)
            for at, region, category, tax, revenue in sales:
                if first <= at <= last and at in ran:
                    wanted[day, period, region, category] += revenue - revenue * rates[tax] // 10000
            for at, region, category, revenue in product_b:
                if first <= at <= last:
                    wanted[day, period, region, category] += revenue
            for at, region, category, cost in costs:
                if first <= at <= last:
                    wanted[day, period, region, category] -= cost
    got = airflow.rows("SELECT day, period, region, category, profit_cents FROM aggregate_profit")
    assert {row[:4]: row[4] for row in got} == dict(wanted)


def test_growth_is_what_the_raw_rows_say(airflow: Airflow) -> None:
    raw = airflow.rows("SELECT day, region, business_unit, new_accounts, revenue_cents FROM raw_sales_force")
    for day, period, region, unit, accounts, revenue, previous, growth in airflow.rows(
        "SELECT day, period, region, business_unit, new_accounts, revenue_cents, previous_revenue_cents, growth_bp "
        "FROM aggregate_growth WHERE period = 'day'"
    ):
        before = (date.fromisoformat(day) - timedelta(days=1)).isoformat()
        mine = [row for row in raw if row[1:3] == (region, unit)]
        assert accounts == sum(row[3] for row in mine if row[0] == day)
        assert revenue == sum(row[4] for row in mine if row[0] == day)
        assert previous == sum(row[4] for row in mine if row[0] == before)
        assert growth == pytest.approx(10000 * (revenue - previous) / previous, abs=1)
        assert period == "day"


def test_engagement_is_what_the_raw_rows_say(airflow: Airflow) -> None:
    events = airflow.rows("SELECT day, user_id, events FROM raw_web_events")
    for day, active, total, monthly, ratio in airflow.rows(
        "SELECT day, active_users, events, monthly_users, dau_mau_bp FROM aggregate_engagement WHERE period = 'day'"
    ):
        since = (date.fromisoformat(day) - timedelta(days=29)).isoformat()
        assert active == len({user for at, user, _ in events if at == day})
        assert total == sum(count for at, _, count in events if at == day)
        assert monthly == len({user for at, user, _ in events if since <= at <= day})
        assert ratio == 10000 * active // monthly


def test_experiments_get_their_units_and_arms(airflow: Airflow) -> None:
    orders = airflow.rows("SELECT day, experiment, revenue_cents - tax_cents FROM base_profit")
    units = airflow.rows("SELECT day, SUM(profit_cents) FROM unit_profit GROUP BY day")
    assert dict(units) == {day: sum(p for at, tag, p in orders if at == day and tag) for day in DAYS}
    arms = airflow.rows("SELECT day, SUM(users) FROM daily_growth GROUP BY day")
    assert dict(arms) == dict(airflow.rows("SELECT day, SUM(users) FROM base_growth GROUP BY day"))


def test_a_second_run_of_every_dag_changes_nothing(airflow: Airflow) -> None:
    before = airflow.published()
    done = airflow.run({"day": DAYS[1]})
    assert {row["state"] for row in done} == {"success"}
    assert airflow.published() == before


def test_a_guard_stops_before_anything_is_published(airflow: Airflow) -> None:
    before = airflow.rows("SELECT * FROM aggregate_profit ORDER BY 1, 2, 3, 4, 5")
    done = airflow.run(
        {"sql": "INSERT INTO tax_model VALUES ('digital_levy', 300)"},
        {"day": DAYS[2], "dags": ["aggregate_profit"]},
        {"sql": "DELETE FROM tax_model WHERE tax_code = 'digital_levy'"},
    )
    assert done == [{"dag": "aggregate_profit", "day": DAYS[2], "state": "failed", "failed": ["guard_tax_model"]}]
    assert airflow.rows("SELECT * FROM aggregate_profit ORDER BY 1, 2, 3, 4, 5") == before


# (what spoils the data, what repairs it, the dag that runs in between, the guard that must stop it)
BAD_DATA = (
    (
        "UPDATE raw_sales SET currency = 'USD' WHERE order_id = '20260304-0000'",
        "UPDATE raw_sales SET currency = 'EUR' WHERE order_id = '20260304-0000'",
        "profit_base", "guard_currency",
    ),
    (
        "UPDATE raw_sales SET business_unit = 'moon' WHERE order_id = '20260304-0000'",
        "UPDATE raw_sales SET business_unit = (SELECT business_unit FROM master_region m "
        "WHERE m.day = raw_sales.day AND m.region = raw_sales.region) WHERE order_id = '20260304-0000'",
        "profit_base", "guard_business_units",
    ),
    (
        "INSERT INTO raw_sales SELECT * FROM raw_sales WHERE order_id = '20260304-0001'",
        "DELETE FROM raw_sales WHERE rowid = (SELECT MAX(rowid) FROM raw_sales WHERE order_id = '20260304-0001')",
        "profit_base", "guard_columns",
    ),
    (
        "INSERT INTO raw_activity VALUES ('2026-03-04', 'v999', 'EMEA', 'nobody_knows', 'control', 1)",
        "DELETE FROM raw_activity WHERE user_id = 'v999'",
        "growth_base", "guard_experiment_tags",
    ),
)  # fmt: skip


def test_bad_data_is_held_back(airflow: Airflow) -> None:
    before = airflow.published()
    steps = [
        step
        for spoil, repair, dag, _ in BAD_DATA
        for step in ({"sql": spoil}, {"day": DAYS[2], "dags": [dag]}, {"sql": repair})
    ]
    done = airflow.run(*steps)
    assert [(row["state"], row["failed"]) for row in done] == [("failed", [guard]) for *_, guard in BAD_DATA]
    assert airflow.published() == before
