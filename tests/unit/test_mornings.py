"""Whole mornings. Left: what Airflow's runs did; then: who heard of it, when. See tests/support/mornings.py."""

from __future__ import annotations

import pytest

from daybreak.domain.registry import Silence
from tests.support.mornings import Morning, at, usual_days
from tests.support.registries import WEEKDAYS, pipeline, registry, step, upstream

STANDARD = (
    step("0m", "on_call"),
    step("15m", "secondary", unless_acknowledged=True),
    step("2h", "secondary", tell=["leads"]),
    step("4h", "manager"),
)
GROWTH = registry(pipeline("growth"))
STEPS = registry(pipeline("growth"), steps=STANDARD)
WAITING = registry(pipeline("growth", upstreams=("sales",)), upstream("sales"))
MANY = registry(
    pipeline("growth", upstreams=("sales",), priority="P3"),
    pipeline("profit", upstreams=("sales",), priority="P1"),
    pipeline("alone", due="10:00", upstreams=("sales",)),
    upstream("sales"),
)
TWO_DAGS = registry(pipeline("growth", dags=("base", "report")))
UNDATED = registry(pipeline("tidy", due=None))


MORNINGS = {
    "nothing wrong, nobody told": Morning(
        GROWTH,
        """
        02:00 growth starts
        03:00 growth succeeds
        """,
        "",
        "met",
    ),
    "ready at due exactly is in time": Morning(GROWTH, "02:00 growth starts\n 09:00 growth succeeds", "", "met"),
    "a run that was never created": Morning(
        STEPS,
        "",
        """
        08:30 notice growth -> olga
        09:00 page growth step 0 -> ann
        09:15 page growth step 1 -> ben
        11:00 page growth step 2 -> ben
        11:00 notice growth step 2 -> leads
        13:00 page growth step 3 -> mia
        """,
        "missed no_run",
    ),
    "still running at due, 37 minutes late": Morning(
        GROWTH,
        """
        02:00 growth starts
        09:37 growth succeeds
        """,
        """
        09:00 page growth step 0 -> ann
        09:37 resolve growth -> ann
        """,
        "late running 37",
    ),
    "late by seconds is late by a minute, rounded up": Morning(
        GROWTH,
        "02:00 growth starts\n 09:00:20 growth succeeds",
        "09:00 page growth step 0 -> ann\n 09:01 resolve growth -> ann",
        "late running 1",
    ),
    "failed before due, rerun in time": Morning(
        GROWTH,
        """
        02:00 growth   starts
        02:30 growth   fails
        03:10 growth#2 starts manual
        04:00 growth#2 succeeds
        """,
        """
        02:30 page growth step 0 -> ann
        04:00 resolve growth -> ann
        """,
        "met",
    ),
    "failed becomes missed: no second page": Morning(
        GROWTH,
        """
        02:00 growth starts
        08:50 growth fails
        """,
        "08:50 page growth step 0 -> ann",
        "missed run_failed",
    ),
    "flapping: fail, clear, fail pages once": Morning(
        GROWTH,
        """
        02:00 growth   starts
        02:30 growth   fails
        03:00 growth#2 starts manual
        03:30 growth#2 fails
        04:00 growth#3 starts manual
        04:30 growth#3 fails
        """,
        "02:30 page growth step 0 -> ann",
        "missed run_failed",
    ),
    "steps count from the failure, also while a rerun runs": Morning(
        STEPS,
        """
        02:00 growth   starts
        02:30 growth   fails
        02:40 growth#2 starts manual
        05:00 growth#2 succeeds
        """,
        """
        02:30 page growth step 0 -> ann
        02:45 page growth step 1 -> ben
        04:30 page growth step 2 -> ben
        04:30 notice growth step 2 -> leads
        05:00 resolve growth -> ann, ben, leads
        """,
        "met",
    ),
    "at risk only: ends without resolve": Morning(
        GROWTH,
        "08:40 growth starts\n 08:55 growth succeeds",
        "08:30 notice growth -> olga",
        "met",
    ),
    "too late a start for the usual duration": Morning(
        GROWTH,
        usual_days("growth", 60) + "\n 08:10 growth starts\n 08:50 growth succeeds",
        "08:01 notice growth -> olga",
        "met",
    ),
    "longer than twice the usual is at risk, then stuck": Morning(
        GROWTH,
        usual_days("growth", 60) + "\n 02:00 growth starts",
        """
        04:01 notice growth -> olga
        09:00 page growth step 0 -> ann
        """,
        "missed stuck",
    ),
    "a manual rerun after the miss recovers it": Morning(
        GROWTH,
        "10:00 growth starts manual\n 10:30 growth succeeds",
        """
        08:30 notice growth -> olga
        09:00 page growth step 0 -> ann
        10:30 resolve growth -> ann, olga
        """,
        "late no_run 90",
    ),
    "an asset-triggered run without logical date counts": Morning(
        GROWTH, "07:00 growth starts asset_triggered\n 07:30 growth succeeds", "", "met"
    ),
    "a backfill never counts": Morning(
        GROWTH,
        "07:00 growth starts backfill\n 07:30 growth succeeds",
        "08:30 notice growth -> olga\n 09:00 page growth step 0 -> ann",
        "missed no_run",
    ),
    "an old date run again does not count": Morning(
        GROWTH,
        "07:00 growth starts for=-1_02:00\n 07:30 growth succeeds",
        "08:30 notice growth -> olga\n 09:00 page growth step 0 -> ann",
        "missed no_run",
    ),
    "queued all morning": Morning(
        GROWTH,
        "02:00 growth queued",
        "08:30 notice growth -> olga\n 09:00 page growth step 0 -> ann",
        "missed queued",
    ),
    "several dags: ready at the latest of them": Morning(
        TWO_DAGS,
        """
        02:00 base   starts
        02:30 base   succeeds
        02:40 report starts
        09:10 report succeeds
        """,
        "09:00 page growth step 0 -> ann\n 09:10 resolve growth -> ann",
        "late running 10",
    ),
    "several dags: one that failed is a failure": Morning(
        TWO_DAGS,
        """
        02:00 base   starts
        02:00 report starts
        02:30 base   fails
        03:00 report succeeds
        """,
        "02:30 page growth step 0 -> ann",
        "missed run_failed",
    ),
    "several dags: a run of the cycle began, so nothing is at risk before due": Morning(
        TWO_DAGS,
        "02:00 base starts\n 02:30 base succeeds",
        "09:00 page growth step 0 -> ann",
        "missed no_run",
    ),
    "the upstream is late: ticket, thread, page with the reason, arrival": Morning(
        WAITING,
        """
        00:10 growth     starts
        06:30 sales_load starts
        09:20 sales_load succeeds
        09:40 growth     succeeds
        """,
        """
        05:00 ticket  sales step 0 -> sales
        07:00 thread  sales step 1 -> leads
        09:00 page    growth step 0 -> ann
        09:20 notice  sales -> sales, leads
        09:40 resolve growth -> ann
        """,
        "late upstream_late 40",
    ),
    "the upstream arrives early": Morning(
        WAITING,
        """
        03:00 sales_load starts
        03:30 sales_load succeeds
        04:00 growth     starts
        04:30 growth     succeeds
        """,
        "",
        "met",
    ),
    "began before its upstream was ready: met, and the owner hears of it": Morning(
        WAITING,
        """
        02:00 growth     starts
        02:30 growth     succeeds
        03:00 sales_load starts
        03:30 sales_load succeeds
        """,
        "02:30 notice growth -> olga",
        "met stale_input",
    ),
    "one late upstream, two pipelines due at once: one page": Morning(
        MANY,
        """
        06:30 sales_load starts
        09:20 sales_load succeeds
        09:30 growth     starts
        09:40 growth     succeeds
        09:30 profit     starts
        09:50 profit     succeeds
        09:30 alone      starts
        09:55 alone      succeeds
        """,
        """
        05:00 ticket  sales step 0 -> sales
        07:00 thread  sales step 1 -> leads
        08:30 notice  growth -> olga
        08:30 notice  profit -> olga
        09:00 page    growth+profit step 0 -> ann
        09:20 notice  sales -> sales, leads
        09:50 resolve growth+profit -> ann
        """,
        "late upstream_late 40",
    ),
    "a failure of what has no deadline, closed by the next success": Morning(
        UNDATED,
        """
        02:00 tidy   starts
        02:10 tidy   fails
        04:00 tidy#2 starts manual
        04:10 tidy#2 succeeds
        """,
        "02:10 page tidy step 0 -> ann\n 04:10 resolve tidy -> ann",
        "",
    ),
    "a silence: judged and recorded, nobody told": Morning(
        registry(
            pipeline("growth"),
            silences=(Silence(pipeline="growth", start=at("00:00"), end=at("+1 00:00")),),
        ),
        "",
        "",
        "missed no_run",
        until="+1 08:00",
    ),
    "on_failure: notice informs, the deadline pages": Morning(
        registry(pipeline("growth", on_failure="notice")),
        "02:00 growth starts\n 02:30 growth fails",
        "02:30 notice growth -> olga\n 09:00 page growth step 0 -> ann",
        "missed run_failed",
    ),
    "a policy without a step at once pages nobody at first": Morning(
        registry(pipeline("growth"), steps=(step("30m", "on_call"),)),
        "02:00 growth starts\n 09:20 growth succeeds",
        "",
        "late running 20",
    ),
    "whatever was wrong at the start opens at the start, and its steps count from there": Morning(
        STEPS,
        "",
        """
        12:00 page growth step 0 -> ann
        12:15 page growth step 1 -> ben
        14:00 page growth step 2 -> ben
        14:00 notice growth step 2 -> leads
        16:00 page growth step 3 -> mia
        """,
        "missed no_run",
        since="12:00",
    ),
    "first seen when already late: a notice, not a page": Morning(
        GROWTH,
        "02:00 growth starts\n 09:30 growth succeeds",
        "12:00 notice growth -> olga",
        "late 30",
        since="12:00",
    ),
    "Friday's cycle lasts until Monday's": Morning(
        registry(pipeline("growth", days=WEEKDAYS)),
        """
        +2 02:00 growth   starts
        +2 02:30 growth   fails
        +3 11:00 growth#2 starts manual
        +3 11:30 growth#2 succeeds
        """,
        """
        +2 02:30 page    growth step 0 -> ann
        +3 11:30 resolve growth -> ann
        """,
        "late run_failed 1590",
        since="+2 00:00",
        until="+3 12:00",
    ),
    "at a handoff the newcomer is added": Morning(
        registry(pipeline("growth", due="06:00")),
        "",
        """
        +5 05:30 notice growth -> olga
        +5 06:00 page growth step 0 -> ann
        +5 09:00 page growth -> ben
        """,
        "missed no_run",
        since="+5 00:00",
        until="+5 12:00",
    ),
}
DAY = {"Friday's cycle lasts until Monday's": 2, "at a handoff the newcomer is added": 5}


@pytest.mark.parametrize("name", MORNINGS)
def test_a_morning(name: str) -> None:
    morning = MORNINGS[name]
    morning.check(DAY.get(name, 0))


@pytest.mark.parametrize("name", MORNINGS)
def test_passing_over_idle_ticks_changes_nothing(name: str) -> None:
    MORNINGS[name].check_idle_ticks()
