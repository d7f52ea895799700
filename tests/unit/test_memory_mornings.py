"""Mornings on which memory runs out: the ticket, and what is said of the retry. See tests/support/mornings.py."""

from __future__ import annotations

from dataclasses import replace

import pytest

from daybreak.domain.incident import Event
from daybreak.domain.registry import Silence, Tickets
from tests.support.mornings import Morning, at, killed_in, runs_of
from tests.support.registries import pipeline, registry, upstream
from tests.support.ticks import Monitor

ASKED = Tickets(out_of_memory="devops")
MEMORY = registry(pipeline("growth"), tickets=ASKED)

MORNINGS = {
    "out of memory: a ticket beside the page, and the retry succeeds": Morning(
        MEMORY,
        """
        02:00 growth   starts
        02:30 growth   fails killed
        03:00 growth#2 starts manual
        03:30 growth#2 succeeds
        """,
        """
        02:30 page    growth step 0 -> ann
        02:30 ticket  growth -> devops
        03:30 resolve growth -> ann
        03:30 notice  growth -> devops
        """,
        "met",
        notes="03:30 succeeded on retry: likely contention",
    ),
    "out of memory again: waiting for the team that was asked, once for each retry": Morning(
        MEMORY,
        """
        02:00 growth   starts
        02:30 growth   fails killed
        03:00 growth#2 starts manual
        03:30 growth#2 fails killed
        10:00 growth#3 starts manual
        10:30 growth#3 fails killed
        11:00 growth#4 starts manual
        11:30 growth#4 succeeds
        """,
        """
        02:30 page    growth step 0 -> ann
        02:30 ticket  growth -> devops
        03:30 notice  growth -> devops
        10:30 notice  growth -> devops
        11:30 resolve growth -> ann
        11:30 notice  growth -> devops
        """,
        "late out_of_memory 150",
        notes="""
        03:30 failed again: waiting for devops
        09:00 now missed: not ready when it was due
        10:00 the cause is now: running
        10:30 failed again: waiting for devops
        10:30 the cause is now: out of memory
        11:00 the cause is now: running
        11:30 succeeded on retry: likely contention
        """,
    ),
    "out of memory, then another failure: no word of memory": Morning(
        MEMORY,
        """
        02:00 growth   starts
        02:30 growth   fails killed
        03:00 growth#2 starts manual
        03:30 growth#2 fails
        """,
        "02:30 page growth step 0 -> ann\n 02:30 ticket growth -> devops",
        "missed run_failed",
        notes="03:30 the cause is now: run failed\n 09:00 now missed: not ready when it was due",
    ),
    "out of memory where a failure is a notice: the ticket all the same": Morning(
        registry(pipeline("growth", on_failure="notice"), tickets=ASKED),
        "02:00 growth starts\n 02:30 growth fails killed\n 03:00 growth#2 starts manual\n 03:30 growth#2 succeeds",
        "02:30 notice growth -> olga\n 02:30 ticket growth -> devops\n 03:30 notice growth -> devops",
        "met",
        notes="03:30 succeeded on retry: likely contention",
    ),
    "out of memory of one of several dags: its retry is told before the pipeline is ready": Morning(
        registry(pipeline("growth", dags=("base", "report")), tickets=ASKED),
        """
        02:00 base     starts
        02:30 base     fails killed
        03:00 base#2   starts manual
        03:30 base#2   succeeds
        03:30 report   starts
        04:00 report   fails killed
        05:00 report#2 starts manual
        05:30 report#2 succeeds
        """,
        """
        02:30 page    growth step 0 -> ann
        02:30 ticket  growth -> devops
        03:30 notice  growth -> devops
        04:00 notice  growth -> devops
        05:30 resolve growth -> ann
        05:30 notice  growth -> devops
        """,
        "met",
        notes="""
        03:30 succeeded on retry: likely contention
        04:00 report ran out of memory too: waiting for devops
        05:30 succeeded on retry: likely contention
        """,
    ),
    "out of memory of what has no deadline": Morning(
        registry(pipeline("tidy", due=None), tickets=ASKED),
        """
        02:00 tidy   starts
        02:10 tidy   fails killed
        04:00 tidy#2 starts manual
        04:10 tidy#2 succeeds
        """,
        """
        02:10 page    tidy step 0 -> ann
        02:10 ticket  tidy -> devops
        04:10 resolve tidy -> ann
        04:10 notice  tidy -> devops
        """,
        "",
        notes="04:10 succeeded on retry: likely contention",
    ),
    "out of memory without a team to ask: the page alone": Morning(
        registry(pipeline("growth")),
        "02:00 growth starts\n 02:30 growth fails killed\n 03:00 growth#2 starts manual\n 03:30 growth#2 succeeds",
        "02:30 page growth step 0 -> ann\n 03:30 resolve growth -> ann",
        "met",
        notes="",
    ),
    "a backfill that succeeds says nothing of memory": Morning(
        MEMORY,
        """
        02:00 growth   starts
        02:30 growth   fails killed
        03:00 growth#2 starts backfill
        03:30 growth#2 succeeds
        """,
        "02:30 page growth step 0 -> ann\n 02:30 ticket growth -> devops",
        "missed out_of_memory",
        notes="09:00 now missed: not ready when it was due",
    ),
    "out of memory in a group: its thread says which pipeline": Morning(
        registry(
            pipeline("growth", upstreams=("sales",)),
            pipeline("profit", upstreams=("sales",)),
            upstream("sales"),
            tickets=ASKED,
        ),
        """
        06:30 sales_load starts
        09:20 sales_load succeeds
        09:30 growth     starts
        09:40 growth     fails killed
        09:50 growth#2   starts manual
        10:00 growth#2   succeeds
        09:30 profit     starts
        10:10 profit     succeeds
        """,
        """
        05:00 ticket  sales step 0 -> sales
        07:00 thread  sales step 1 -> leads
        08:30 notice  growth -> olga
        08:30 notice  profit -> olga
        09:00 page    growth+profit step 0 -> ann
        09:20 notice  sales -> sales, leads
        09:40 ticket  growth -> devops
        10:00 notice  growth -> devops
        10:10 resolve growth+profit -> ann
        """,
        "late upstream_late 60",
        notes="""
        09:20 the cause is now: no run
        09:20 the cause is now: no run
        09:30 the cause is now: running
        09:30 the cause is now: running
        09:40 the cause is now: out of memory
        09:50 the cause is now: running
        10:00 growth succeeded on retry: likely contention
        """,
    ),
    "out of memory in a silence: nobody is asked": Morning(
        registry(
            pipeline("growth"),
            tickets=ASKED,
            silences=(Silence(pipeline="growth", start=at("00:00"), end=at("+1 00:00")),),
        ),
        "02:00 growth starts\n 02:30 growth fails killed",
        "",
        "missed out_of_memory",
    ),
}


@pytest.mark.parametrize("name", MORNINGS)
def test_a_morning(name: str) -> None:
    MORNINGS[name].check()


@pytest.mark.parametrize("name", MORNINGS)
def test_passing_over_idle_ticks_changes_nothing(name: str) -> None:
    MORNINGS[name].check_idle_ticks()


KILLED = "02:00 growth starts\n 02:30 growth fails killed"
KEY = "daybreak:v1:growth:2026-02-04"


def killed_morning() -> Monitor:
    return Monitor(MEMORY, runs_of(KILLED), evidence=killed_in(KILLED))


def test_while_airflow_cannot_be_read_nothing_has_failed_again() -> None:
    monitor = killed_morning()
    assert monitor.tick("02:30") == ["page growth step 0 -> ann", "ticket growth -> devops"]
    assert monitor.tick("09:00") == []  # missed by now
    monitor.blind = True
    assert monitor.tick("09:01") == []
    assert Event.RETRIED not in monitor.events()
    monitor.blind = False
    assert monitor.tick("09:02") == []


def test_a_waived_day_closes_the_ticket_and_what_begins_anew_asks_anew() -> None:
    monitor = killed_morning()
    monitor.tick("02:30")
    recorded = monitor.recorded[KEY]
    monitor.recorded[KEY] = replace(recorded, waived="olga: not needed")
    assert monitor.tick("03:00") == ["resolve growth -> ann", "notice growth -> devops"]
    assert monitor.told(Event.TICKET_CLOSED).text == "nobody waits for it any more"
    assert monitor.tick("03:01") == []
    monitor.recorded[KEY] = recorded  # needed after all
    assert monitor.tick("03:02") == ["page growth step 0 -> ann", "ticket growth -> devops"]


def test_the_team_may_be_named_later_and_may_leave_the_registry() -> None:
    monitor = killed_morning()
    monitor.registry = registry(pipeline("growth"))
    assert monitor.tick("02:30") == ["page growth step 0 -> ann"]
    monitor.registry = MEMORY
    assert monitor.tick("02:31") == ["ticket growth -> devops"]
    monitor.registry = registry(pipeline("growth"), teams={})
    monitor.runs += runs_of("03:00 growth#2 starts manual\n 03:30 growth#2 succeeds")
    assert monitor.tick("03:30") == ["resolve growth -> ann"]
    assert not any(one.open for one in monitor.incidents.values())
