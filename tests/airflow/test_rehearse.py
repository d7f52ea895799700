"""The nine scenarios of ``daybreak rehearse``, on one booted Airflow: who was told what, read in the sandbox's records.

Three mornings. Scenarios that are about different pipelines share one; every record of a morning must belong to one of
its scenarios, so nobody is told a thing too much either.
"""

from __future__ import annotations

import os
import re
import signal
import traceback
from collections.abc import Callable, Iterator

import pytest

from daybreak.demo.morning import Pace
from daybreak.demo.play import now_text
from daybreak.demo.sandbox_view import Alert, Message, View
from daybreak.demo.scenarios import SCENARIOS
from tests.support.rehearsals import Played, Season, season

pytestmark = [pytest.mark.airflow, pytest.mark.timeout(1500)]

BRISK = Pace(told=1, due=1, quiet_due=1, at_risk="0m", whole_minutes=False)
# (name, acts, the clock's pace, seconds before its first instant). In the quiet one all is due at the first instant; in
# the last nothing waits for a deadline.
MORNINGS = (
    ("quiet", [("all_quiet",)], Pace(told=0, due=0, quiet_due=0, at_risk="0m", whole_minutes=False), 75),
    ("late", [("sales_force_late", "product_b_late", "oom", "import_error", "paused")], BRISK, 30),
    ("broken", [("new_tax", "ddos"), ("scheduler_down",)], Pace(), 20),
)


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Season]:
    with season(tmp_path_factory.mktemp("season")) as made:
        yield made


@pytest.fixture(scope="module")
def played(stage: Season) -> Callable[[str], Played]:
    """The morning in which a scenario was played."""
    done: dict[str, Played | str] = {}
    for _, acts, pace, least in MORNINGS:
        names = [name for act in acts for name in act]
        try:
            result: Played | str = stage.morning(*acts, pace=pace, least=least)
        except Exception:  # the other mornings can still tell something
            result = traceback.format_exc()
        done.update(dict.fromkeys(names, result))

    def of(scenario: str) -> Played:
        found = done[scenario]
        assert isinstance(found, Played), found
        return found

    return of


def key(morning: Played, subject: str) -> str:
    return f"daybreak:v1:{subject}:{morning.clock.business_date}"


def told(morning: Played, scenario: str) -> View:
    """The records when everything had been told that the scenario must tell."""
    assert scenario in morning.rehearsal.told, morning.why_not(scenario)
    return morning.rehearsal.told[scenario].view


def recovered(morning: Played, scenario: str) -> View:
    assert scenario in morning.rehearsal.recovered, morning.why_not(scenario)
    return morning.rehearsal.recovered[scenario].view


def alert(view: View, alias: str) -> Alert:
    (found,) = [each for each in view.alerts if each.alias == alias]
    return found


def on_call(morning: Played, found: Alert) -> str | None:
    return morning.last.on_call_name(found.created_at)


def thread(view: View, alias: str, channel: str) -> Message:
    """The one parent message of an incident in a channel."""
    (found,) = [m for m in view.messages if alias in str(m.metadata) and m.channel.lstrip("#") == channel]
    return found


def replies(message: Message) -> str:
    return "\n".join(reply.text for reply in message.replies)


def test_all_nine_are_played() -> None:
    assert sorted(SCENARIOS) == sorted(name for _, acts, _, _ in MORNINGS for act in acts for name in act)


def test_all_quiet(played: Callable[[str], Played]) -> None:
    morning = played("all_quiet")
    assert morning.why_not("all_quiet") is None
    assert morning.end.alerts == []
    assert morning.end.messages == []
    assert morning.heard == []


def test_sales_force_late(played: Callable[[str], Played]) -> None:
    morning, clock = played("sales_force_late"), played("sales_force_late").clock
    view, end = told(morning, "sales_force_late"), recovered(morning, "sales_force_late")
    ticket = alert(view, key(morning, "upstream:sales_force"))
    assert (ticket.kind, ticket.responders) == ("ticket", ["Sales Force DE"])
    assert ticket.created_at >= clock.expected
    (leaders,) = [m for m in view.messages if "<!subteam^S0DALEADS" in m.text and "Sales Force" in m.text]
    assert (leaders.channel.lstrip("#"), leaders.at >= clock.told) == ("investor-metrics", True)
    page = alert(view, key(morning, "aggregate_growth"))
    assert (page.kind, page.priority, page.responders) == ("page", "P1", [on_call(morning, page)])
    assert page.created_at >= clock.due
    assert page.details["reason"] == "upstream_late"
    assert "waits for Sales Force" in page.message
    assert page.details["runbook"].endswith("aggregate_growth#upstream-late")
    assert all(f"<@{who}>" in thread(view, page.alias, "growth").text for who in ("U0AAAAAAA", "U0CCCCCCC")), (
        "its owners are tagged"
    )
    assert alert(end, page.alias).closed
    assert "late" in alert(end, page.alias).notes[-1]
    assert "ready" in thread(end, page.alias, "growth").headline
    assert alert(morning.end, ticket.alias).closed, "the ticket ends with the delay"


def test_product_b_late(played: Callable[[str], Played]) -> None:
    morning = played("product_b_late")
    view, end = told(morning, "product_b_late"), recovered(morning, "product_b_late")
    ticket = alert(view, key(morning, "upstream:product_b"))
    assert (ticket.kind, ticket.responders) == ("ticket", ["Product B DE"])
    page = alert(view, key(morning, "aggregate_profit"))
    assert (page.priority, page.responders) == ("P1", [on_call(morning, page)])
    assert page.details["reason"] == "upstream_late"
    assert "waits for Product B" in page.message
    assert alert(end, page.alias).closed
    assert "ready" in thread(end, page.alias, "profit").headline


def test_new_tax(played: Callable[[str], Played]) -> None:
    morning = played("new_tax")
    view, end = told(morning, "new_tax"), recovered(morning, "new_tax")
    page = alert(view, key(morning, "aggregate_profit"))
    assert (page.priority, page.responders) == ("P1", [on_call(morning, page)])
    assert (page.details["task"], page.details["reason"]) == ("guard_tax_model", "run_failed")
    assert "digital_levy" in page.message, "in the first line, which is cut after 130 characters"
    assert len(page.message) <= 130
    assert page.details["runbook"].endswith("aggregate_profit#unknown-reference-value")
    assert "digital_levy" in thread(view, page.alias, "profit").text
    assert alert(end, page.alias).closed, "once the tax has a rule and the guard was cleared"


def test_ddos(played: Callable[[str], Played]) -> None:
    morning = played("ddos")
    assert "ddos" in morning.rehearsal.recovered, morning.why_not("ddos")
    warnings = [m for m in morning.end.messages if "free-prizes.example" in m.text]
    assert [m.channel.lstrip("#") for m in warnings] == ["data-alerts"], "one warning, and none after it is classified"
    assert "ddos_referrer" in warnings[0].text
    assert not [each for each in morning.end.alerts if "engagement" in each.alias or "free-prizes" in each.text]


def test_oom(played: Callable[[str], Played]) -> None:
    morning = played("oom")
    view, end = told(morning, "oom"), recovered(morning, "oom")
    page = alert(view, key(morning, "aggregate_engagement"))
    assert (page.priority, page.responders) == ("P1", [on_call(morning, page)])
    assert page.details["reason"] == "out_of_memory"
    assert page.details["runbook"].endswith("aggregate_engagement#out-of-memory")
    (ticket,) = [each for each in view.alerts if each.responders == ["DevOps"]]
    assert ticket.kind == "ticket"
    assert "aggregate_engagement" in ticket.text
    assert alert(end, page.alias).closed, "cleared, it ran"
    assert "Succeeded on retry: likely contention." in replies(thread(end, page.alias, "engagement"))


def test_import_error(played: Callable[[str], Played]) -> None:
    morning, clock = played("import_error"), played("import_error").clock
    view, end = told(morning, "import_error"), recovered(morning, "import_error")
    notice = next(m for m in view.messages if m.channel.lstrip("#") == "growth" and "no longer parses" in m.text)
    assert notice.at < clock.due, "the owner hears of it before anybody is woken"
    assert "a_module_that_nobody_installed" in notice.headline, "what a phone shows of it"
    page = alert(view, key(morning, "daily_growth"))
    assert page.created_at >= clock.due
    assert (page.details["reason"], page.responders) == ("import_error", [on_call(morning, page)])
    assert "a_module_that_nobody_installed" in page.text
    assert alert(end, page.alias).closed


def test_paused(played: Callable[[str], Played]) -> None:
    morning, clock = played("paused"), played("paused").clock
    view, end = told(morning, "paused"), recovered(morning, "paused")
    page = alert(view, key(morning, "unit_profit"))
    assert page.created_at >= clock.due
    assert (page.details["reason"], page.priority, page.responders) == ("dag_paused", "P3", [on_call(morning, page)])
    assert not [run for run in morning.rehearsal.told["paused"].runs if run["dag_id"] == "unit_profit"]
    assert alert(end, page.alias).closed


def test_scheduler_down(played: Callable[[str], Played]) -> None:
    morning = played("scheduler_down")
    view, end = told(morning, "scheduler_down"), recovered(morning, "scheduler_down")
    (page,) = view.about("system:scheduler")
    assert page.responders == [on_call(morning, page)]
    assert "scheduler" in page.message
    assert end.about("system:scheduler")[0].closed


@pytest.mark.parametrize(("name", "acts"), [row[:2] for row in MORNINGS], ids=[row[0] for row in MORNINGS])
def test_nobody_was_told_anything_else(played: Callable[[str], Played], name: str, acts: list[tuple[str, ...]]) -> None:
    morning = played(acts[0][0])
    expected = {
        "quiet": set(),
        "late": {
            "upstream:sales_force", "upstream:product_b", "aggregate_growth", "aggregate_profit",
            "aggregate_engagement", "ticket:out_of_memory:aggregate_engagement", "daily_growth", "unit_profit",
        },
        "broken": {"aggregate_profit", "system:scheduler"},
    }[name]  # fmt: skip
    subjects = [re.sub(r"^daybreak:v1:|:\d{4}-\d\d-\d\d.*$", "", each.alias) for each in morning.end.alerts]
    assert sorted(subjects) == sorted(expected)
    assert morning.end.violations == [], "Opsgenie and Slack would have taken all of it"


ENDLESS = (
    "CREATE VIEW endless AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n",
    "CREATE TRIGGER stall BEFORE INSERT ON aggregate_profit BEGIN SELECT COUNT(*) FROM endless; END",
)


def test_a_task_killed_in_the_middle_of_publishing_publishes_nothing(
    played: Callable[[str], Played], stage: Season
) -> None:
    """The task has deleted the day's rows and is inserting new ones when it is killed: readers see the old ones."""
    rehearsal = played("new_tax").rehearsal
    day, journal = rehearsal.stage.morning.business_date, stage.stage.place.warehouse.with_name("warehouse.db-journal")
    rows = "SELECT * FROM aggregate_profit ORDER BY day, period, region, category"
    total = "SELECT SUM(profit_cents) FROM aggregate_profit WHERE period = 'day'"
    before, (sum_before,) = stage.warehouse(rows), stage.warehouse(total)[0]
    stage.warehouse("UPDATE raw_costs SET cost_cents = cost_cents + 1000 WHERE day = ? AND kind = 'logistics'", day)
    for statement in ENDLESS:
        stage.warehouse(statement)
    stage.stage.airflow.trigger("aggregate_profit", logical_date=now_text())
    stage.until(lambda: rehearsal.running("aggregate_profit", "publish") and journal.exists(), "publish is at work")
    (pid,) = rehearsal.pids("aggregate_profit")
    os.kill(pid, signal.SIGKILL)
    stage.until(lambda: pid not in rehearsal.pids("aggregate_profit"), "Airflow has noticed")
    for kind, name in (("TRIGGER", "stall"), ("VIEW", "endless")):
        stage.warehouse(f"DROP {kind} {name}")
    assert stage.warehouse(rows) == before, "to the last column, freshness too"
    stage.until(lambda: not rehearsal.active("aggregate_profit"), "the retry is over")
    after = stage.warehouse(rows)
    assert [row[:5] for row in after] == [row[:5] for row in before]
    assert all(new[-1] > old[-1] for new, old in zip(after, before, strict=True))
    assert stage.warehouse(total) == [(sum_before - 9 * 1000,)], "the costs of three regions times three categories"
