"""The days a run speaks of. SQL gets them as macros, so that no date arithmetic differs between databases."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pendulum

from pipeline_kit.settings import TIMEZONE


def business_date(dag_run: Any) -> date:
    """The local date of the run's effective instant.

    The instant is its data interval's end, else its logical date, else ``run_after``: runs that an asset started
    have nothing but the last.
    """
    instant = dag_run.data_interval_end or dag_run.logical_date or dag_run.run_after
    return pendulum.instance(instant).in_timezone(TIMEZONE).date()


def week_start(day: date) -> date:
    """The Monday of the week of ``day``."""
    return day - timedelta(days=day.weekday())


def month_start(day: date) -> date:
    """The first of the month of ``day``."""
    return day.replace(day=1)


def periods(day: date) -> list[tuple[str, date, date]]:
    """``(name, first day, first day of the one before)`` of the day, the week and the month that ``day`` is in."""
    week, month = week_start(day), month_start(day)
    return [
        ("day", day, day - timedelta(days=1)),
        ("week", week, week - timedelta(days=7)),
        ("month", month, month_start(month - timedelta(days=1))),
    ]


def days_before(day: date, count: int) -> date:
    """``count`` days before ``day``."""
    return day - timedelta(days=count)


MACROS = {"business_date": business_date, "periods": periods, "days_before": days_before}
