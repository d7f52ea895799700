"""The shipped dags, run for three business dates: what they publish, beside the same computed here from raw rows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest

from tests.support.shipped_dags import DAYS, TABLES, ShippedDags

pytestmark = [pytest.mark.airflow, pytest.mark.timeout(600)]

PERIODS = ("day", "week", "month")
Rows = dict[tuple[Any, ...], tuple[Any, ...]]


def start_of(period: str, day: str) -> str:
    """The first day of the period so far, as an ISO date."""
    at = date.fromisoformat(day)
    return {"day": at, "week": at - timedelta(days=at.weekday()), "month": at.replace(day=1)}[period].isoformat()


def previous(period: str, day: str) -> tuple[str, str]:
    """First and last day of the whole period before."""
    last = date.fromisoformat(start_of(period, day)) - timedelta(days=1)
    return start_of(period, last.isoformat()), last.isoformat()


def spans() -> Iterator[tuple[str, str, str]]:
    for day in DAYS:
        for period in PERIODS:
            yield day, period, start_of(period, day)


def per_ten_thousand(part: int, whole: int) -> int | None:
    """As both databases divide whole numbers: towards zero."""
    return int(10_000 * part / whole) if whole else None


def table(shipped: ShippedDags, name: str, keys: int) -> Rows:
    """Published rows without their freshness: the first ``keys`` columns → the rest. Keys are unique."""
    rows = shipped.published()[name]
    found = {row[:keys]: row[keys:] for row in rows}
    assert len(found) == len(rows), "a key is there twice"
    return found


def test_every_table_holds_every_day_with_its_freshness(shipped: ShippedDags) -> None:
    for name in TABLES:
        assert {row[0] for row in shipped.rows(f"SELECT DISTINCT day FROM {name}")} == set(DAYS), name
        assert shipped.rows(f"SELECT COUNT(*) FROM {name} WHERE published_at IS NULL") == [(0,)]


def test_base_profit(shipped: ShippedDags) -> None:
    rates = dict(shipped.rows("SELECT tax_code, rate_bp FROM tax_model"))
    wanted: Rows = {}
    for row in shipped.rows("SELECT * FROM raw_sales"):
        day, order, unit, region, category, business_unit, currency, tax, experiment, variant, revenue = row
        if day in DAYS:
            wanted[day, order] = (
                unit, region, category, business_unit, currency, tax, experiment, variant, revenue,
                revenue * rates[tax] // 10_000,
            )  # fmt: skip
    assert table(shipped, "base_profit", 2) == wanted
    assert len(wanted) == 60 * len(DAYS)


def test_unit_profit(shipped: ShippedDags) -> None:
    wanted: dict[tuple[Any, ...], list[int]] = defaultdict(lambda: [0, 0])
    rates = dict(shipped.rows("SELECT tax_code, rate_bp FROM tax_model"))
    for day, unit, tax, experiment, variant, revenue in shipped.rows(
        "SELECT day, unit_id, tax_code, experiment, variant, revenue_cents FROM raw_sales"
    ):
        if day in DAYS and experiment is not None:
            found = wanted[day, experiment, variant, unit]
            found[0] += 1
            found[1] += revenue - revenue * rates[tax] // 10_000
    assert table(shipped, "unit_profit", 4) == {key: tuple(value) for key, value in wanted.items()}


def test_aggregate_profit(shipped: ShippedDags) -> None:
    rates = dict(shipped.rows("SELECT tax_code, rate_bp FROM tax_model"))
    entries = [
        (day, region, category, revenue, revenue * rates[tax] // 10_000, 0)
        for day, region, category, tax, revenue in shipped.rows(
            "SELECT day, region, category, tax_code, revenue_cents FROM raw_sales"
        )
    ]
    entries += [(*row, 0, 0) for row in shipped.rows("SELECT day, region, category, revenue_cents FROM raw_product_b")]
    entries += [
        (day, region, category, 0, 0, cost)
        for day, region, category, cost in shipped.rows("SELECT day, region, category, cost_cents FROM raw_costs")
    ]
    sums: dict[tuple[Any, ...], list[int]] = defaultdict(lambda: [0, 0, 0])
    for day, period, first in spans():
        for at, region, category, *amounts in entries:
            # Base profit exists for the days that ran: what the month had before them is not in it.
            if first <= at <= day and at in DAYS:
                total = sums[day, period, first, region, category]
                total[:] = [one + other for one, other in zip(total, amounts, strict=True)]
    wanted = {key: (revenue, tax, cost, revenue - tax - cost) for key, (revenue, tax, cost) in sums.items()}
    assert table(shipped, "aggregate_profit", 5) == wanted
    assert {key[1] for key in wanted} == set(PERIODS)


def test_base_growth_and_daily_growth(shipped: ShippedDags) -> None:
    active: dict[tuple[Any, ...], set[str]] = defaultdict(set)
    sessions: dict[tuple[Any, ...], int] = defaultdict(int)
    for day, user, region, experiment, variant, count in shipped.rows(
        "SELECT day, user_id, region, experiment, variant, sessions FROM raw_activity"
    ):
        active[day, region, experiment, variant].add(user)
        sessions[day, region, experiment, variant] += count
    base: Rows = {}
    arms: dict[tuple[Any, ...], list[int]] = defaultdict(lambda: [0, 0])
    for (day, *arm), users in list(active.items()):
        if day in DAYS:
            before = len(active[((date.fromisoformat(day) - timedelta(days=1)).isoformat(), *arm)])
            base[day, *arm] = (len(users), sessions[day, *arm], before)
            arms[day, arm[1], arm[2]][0] += len(users)
            arms[day, arm[1], arm[2]][1] += before
    assert table(shipped, "base_growth", 4) == base
    assert table(shipped, "daily_growth", 3) == {
        key: (users, before, per_ten_thousand(users - before, before)) for key, (users, before) in arms.items()
    }


def test_aggregate_growth(shipped: ShippedDags) -> None:
    raw = shipped.rows("SELECT day, region, business_unit, new_accounts, revenue_cents FROM raw_sales_force")
    wanted: Rows = {}
    for day, period, first in spans():
        since, until = previous(period, day)
        for region, unit in {row[1:3] for row in raw}:
            mine = [row for row in raw if row[1:3] == (region, unit)]
            now = [row for row in mine if first <= row[0] <= day]
            revenue = sum(row[4] for row in now)
            before = sum(row[4] for row in mine if since <= row[0] <= until)
            growth = per_ten_thousand(revenue - before, before)
            wanted[day, period, first, region, unit] = (sum(row[3] for row in now), revenue, before, growth)
    assert table(shipped, "aggregate_growth", 5) == wanted


def test_base_and_aggregate_engagement(shipped: ShippedDags) -> None:
    raw = shipped.rows("SELECT day, user_id, events FROM raw_web_events")
    base: dict[tuple[Any, ...], int] = defaultdict(int)
    for day, user, events in raw:
        base[day, user] += events
    assert table(shipped, "base_engagement", 2) == {key: (n,) for key, n in base.items() if key[0] in DAYS}
    accounts = shipped.rows("SELECT day FROM raw_crm_accounts WHERE status = 'active'")
    wanted: Rows = {}
    for day, period, first in spans():
        since = (date.fromisoformat(day) - timedelta(days=29)).isoformat()
        seen = {key: n for key, n in base.items() if key[0] in DAYS and first <= key[0] <= day}
        users = len({user for _, user in seen})
        monthly = len({user for at, user, _ in raw if since <= at <= day})
        wanted[day, period, first] = (
            users, sum(seen.values()), monthly, per_ten_thousand(users, monthly) if period == "day" else None,
            accounts.count((day,)),
        )  # fmt: skip
    assert table(shipped, "aggregate_engagement", 3) == wanted


def test_a_second_run_of_every_dag_changes_nothing(shipped: ShippedDags) -> None:
    before = shipped.published()
    done = shipped.run({"day": DAYS[1]})
    assert len(done) == 11
    assert {row["state"] for row in done} == {"success"}
    assert shipped.published() == before
