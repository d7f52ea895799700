"""A small world, generated: the same rows for the same table and day, on every machine, for ever.

Money is in whole cents, so that sums are exact and "the aggregate equals the sum of its parts" can be asked for.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date

UNITS_OF_REGION = {"EMEA": "retail", "AMER": "retail", "APAC": "wholesale"}
REGIONS = tuple(UNITS_OF_REGION)
CATEGORIES = ("hardware", "software", "services")
TAXES = (("vat", 1900), ("sales_tax", 825), ("gst", 1000))
TAX_OF_REGION = dict(zip(REGIONS, ("vat", "sales_tax", "gst"), strict=True))
EXPERIMENTS = (("checkout_v2", "2026-01-05"), ("price_test", "2026-02-02"))
VARIANTS = ("control", "treatment")
REFERRERS = ("search", "newsletter", "partner", "direct")

Row = tuple[str | int | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A raw table: its columns in order, and how to make the rows of one day."""

    name: str
    columns: tuple[str, ...]
    rows: Callable[[random.Random, date], Iterator[Row]]
    dated: bool = True

    def present_sql(self, day: date) -> str:
        """A query that answers a row if ``day`` has landed already."""
        where = f" WHERE day = '{day.isoformat()}'" if self.dated else ""
        return f"SELECT 1 FROM {self.name}{where} LIMIT 1"  # noqa: S608 - our own name and an ISO date


def rows_of(table: str, day: date) -> list[Row]:
    """The rows of ``table`` for ``day``. Raises KeyError for a table that nobody generates."""
    seed = table if not TABLES[table].dated else f"{table}:{day.isoformat()}"
    return list(TABLES[table].rows(random.Random(seed), day))  # noqa: S311 - data, not secrets


def _sales(rng: random.Random, day: date) -> Iterator[Row]:
    for number in range(60):
        region = rng.choice(REGIONS)
        experiment = rng.choice([None, *(name for name, _ in EXPERIMENTS)])
        variant = rng.choice(VARIANTS) if experiment else None
        revenue = rng.randint(2_000, 90_000)
        order = f"{day:%Y%m%d}-{number:04d}"
        unit = f"u{rng.randrange(40):03d}"
        yield (day.isoformat(), order, unit, region, rng.choice(CATEGORIES), UNITS_OF_REGION[region], "EUR",
               TAX_OF_REGION[region], experiment, variant, revenue)  # fmt: skip


def _costs(rng: random.Random, day: date) -> Iterator[Row]:
    for region in REGIONS:
        for category in CATEGORIES:
            for kind in ("logistics", "operations"):
                yield day.isoformat(), region, category, kind, rng.randint(5_000, 30_000)


def _web_events(rng: random.Random, day: date) -> Iterator[Row]:
    for user in rng.sample(range(120), 45 + rng.randrange(15)):
        yield day.isoformat(), f"v{user:03d}", rng.choice(REFERRERS), rng.randint(1, 25)


def _crm_accounts(rng: random.Random, day: date) -> Iterator[Row]:
    for number in range(30):
        yield (
            day.isoformat(),
            f"a{number:03d}",
            REGIONS[number % 3],
            rng.choice(("active", "active", "active", "lapsed")),
        )


def _activity(rng: random.Random, day: date) -> Iterator[Row]:
    for user in rng.sample(range(150), 105 + rng.randrange(20)):
        experiment = EXPERIMENTS[user % 2][0]
        yield (day.isoformat(), f"v{user:03d}", REGIONS[user % 3], experiment, VARIANTS[user // 2 % 2],
               rng.randint(1, 9))  # fmt: skip


def _sales_force(rng: random.Random, day: date) -> Iterator[Row]:
    for number in range(24):
        region = REGIONS[number % 3]
        yield (day.isoformat(), f"{day:%Y%m%d}-S{number:03d}", region, UNITS_OF_REGION[region], rng.randint(0, 3),
               rng.randint(100_000, 400_000))  # fmt: skip


def _product_b(rng: random.Random, day: date) -> Iterator[Row]:
    for region in REGIONS:
        for category in CATEGORIES:
            yield day.isoformat(), region, category, "EUR", rng.randint(20_000, 120_000)


def _master_region(rng: random.Random, day: date) -> Iterator[Row]:
    for region, unit in UNITS_OF_REGION.items():
        yield day.isoformat(), region, unit


TABLES = {
    table.name: table
    for table in (
        Table(name="raw_sales", rows=_sales, columns=(
            "day", "order_id", "unit_id", "region", "category", "business_unit", "currency", "tax_code", "experiment",
            "variant", "revenue_cents")),
        Table(name="raw_costs", rows=_costs, columns=("day", "region", "category", "kind", "cost_cents")),
        Table(name="raw_web_events", rows=_web_events, columns=("day", "user_id", "referrer", "events")),
        Table(name="raw_crm_accounts", rows=_crm_accounts, columns=("day", "account_id", "region", "status")),
        Table(name="raw_activity", rows=_activity, columns=(
            "day", "user_id", "region", "experiment", "variant", "sessions")),
        Table(name="raw_sales_force", rows=_sales_force, columns=(
            "day", "opportunity_id", "region", "business_unit", "new_accounts", "revenue_cents")),
        Table(name="raw_product_b", rows=_product_b, columns=(
            "day", "region", "category", "currency", "revenue_cents")),
        Table(name="master_region", rows=_master_region, columns=("day", "region", "business_unit")),
        Table(name="tax_model", dated=False, columns=("tax_code", "rate_bp"), rows=lambda rng, day: iter(TAXES)),
        Table(name="experiment", dated=False, columns=("experiment", "started"),
              rows=lambda rng, day: iter(EXPERIMENTS)),
    )
}  # fmt: skip
