"""The generated world of the reference dags: always the same, and never outside what the guards allow."""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict
from datetime import date, timedelta

import pytest
from dags.pipeline_kit.generate import TABLES, rows_of

YEAR = [date(2026, 1, 1) + timedelta(days=number) for number in range(400)]


@pytest.mark.parametrize("table", sorted(TABLES))
def test_the_same_rows_every_time_and_as_many_columns_as_named(table: str) -> None:
    rows = rows_of(table, YEAR[70])
    assert rows == rows_of(table, YEAR[70])
    assert rows
    assert {len(row) for row in rows} == {len(TABLES[table].columns)}


def test_days_differ_but_reference_tables_do_not() -> None:
    assert rows_of("raw_sales", YEAR[0]) != rows_of("raw_sales", YEAR[1])
    assert rows_of("tax_model", YEAR[0]) == rows_of("tax_model", YEAR[1])


def test_an_ordinary_day_never_trips_the_guard_of_daily_growth() -> None:
    users = {day: Counter((row[3], row[4]) for row in rows_of("raw_activity", day)) for day in YEAR}
    for before, day in itertools.pairwise(YEAR):
        for arm, count in users[day].items():
            growth = 10_000 * (count - users[before][arm]) / users[before][arm]
            assert -9_000 < growth < 10_000, (day, arm)


def test_an_ordinary_day_never_trips_the_guard_of_aggregate_growth() -> None:
    revenue: dict[date, dict] = {}
    for day in YEAR:
        revenue[day] = defaultdict(int)
        for row in rows_of("raw_sales_force", day):
            revenue[day][row[2], row[3]] += row[5]
    for before, day in itertools.pairwise(YEAR):
        for part, cents in revenue[day].items():
            assert -10_000 <= 10_000 * (cents - revenue[before][part]) / revenue[before][part] < 1_000_000


def test_an_ordinary_day_has_no_suspect_referrer_and_no_absurd_unit() -> None:
    for day in YEAR[::7]:
        events: dict[str, list[int]] = defaultdict(list)
        for row in rows_of("raw_web_events", day):
            events[row[2]].append(row[3])
        for referrer, mine in events.items():
            others = [count for name, counts in events.items() if name != referrer for count in counts]
            assert sum(mine) <= 10 * len(mine) * sum(others) / len(others)
        profit: dict[tuple, int] = defaultdict(int)
        for row in rows_of("raw_sales", day):
            profit[row[2], row[8], row[9]] += row[10]
        assert max(profit.values()) < 2_000_000
