"""What the rehearsals do and ask: their verdicts name what is missing, and what was told is kept in its words."""

from __future__ import annotations

import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from daybreak.config import load_registry
from daybreak.demo import verdicts
from daybreak.demo.deeds import DDOS_REFERRER, task_processes
from daybreak.demo.events import Reporter
from daybreak.demo.morning import Morning, Pace, derive, plan
from daybreak.demo.report import told
from daybreak.demo.sandbox_view import View
from daybreak.demo.scenarios import SCENARIOS
from daybreak.demo.steps import Scene
from daybreak.demo.timeline import Timeline
from daybreak.domain.oncall import on_call_at
from daybreak.domain.registry import Registry

SHIPPED = Path(__file__).resolve().parents[2] / "include" / "ownership.yaml"
NOW = datetime(2026, 11, 21, 0, 59, 7, 5, tzinfo=UTC)
BRISK = Pace(told=1, due=1, quiet_due=1, at_risk="0m", whole_minutes=False)
PIPELINE = "unit_profit"


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> tuple[Registry, Morning]:
    morning = plan(NOW, head_start=timedelta(seconds=20), pace=BRISK)
    target = tmp_path_factory.mktemp("registry") / "ownership.yaml"
    derive(SHIPPED, target, morning, airflow_url="http://127.0.0.1:8080", early=frozenset({PIPELINE}))
    return load_registry(target), morning


class Records:
    """The sandbox's records, made by hand."""

    def __init__(self, given: tuple[Registry, Morning]) -> None:
        self.registry, self.morning = given
        self.alerts: list[dict[str, Any]] = []
        self.messages: list[dict[str, Any]] = []
        self.runs: list[dict[str, Any]] = []

    def alert(self, subject: str, reason: str = "", **more: Any) -> dict[str, Any]:
        holder = on_call_at(self.registry, "primary", self.morning.due)
        assert holder is not None
        alias = f"daybreak:v1:{subject}:{self.morning.business_date}"
        self.alerts.append(
            {
                "id": alias, "alias": alias, "message": f"{subject} MISSED", "description": "", "status": "open",
                "createdAt": self.morning.due.isoformat(), "count": 1, "priority": "P3", "tags": [], "notes": [],
                "details": {"reason": reason, "runbook": f"http://x/{subject}#y"}, "sources": ["monitor"],
                "responders": [{"type": "user", "username": self.registry.people[holder.person].opsgenie}], **more,
            }
        )  # fmt: skip
        return self.alerts[-1]

    def message(self, subject: str, text: str, **more: Any) -> dict[str, Any]:
        alias = f"daybreak:v1:{subject}:{self.morning.business_date}"
        self.messages.append(
            {
                "ts": f"{self.morning.due.timestamp() + len(self.messages):.6f}", "text": text, "edited": False,
                "metadata": {"event_payload": {"dedup_key": alias}}, "replies": [], **more,
            }
        )  # fmt: skip
        return self.messages[-1]

    @property
    def view(self) -> View:
        channels = [{"name": "data", "messages": self.messages}]
        return View({"alerts": self.alerts, "slack": {"channels": channels}, "violations": []})

    @property
    def scene(self) -> Scene:
        return Scene(registry=self.registry, morning=self.morning, view=self.view, dags={}, runs=self.runs)


@pytest.fixture
def records(given: tuple[Registry, Morning]) -> Records:
    return Records(given)


def test_a_brisk_morning_is_on_whole_seconds_and_its_registry_knows_them(given: tuple[Registry, Morning]) -> None:
    registry, morning = given
    assert (morning.expected - NOW, morning.expected.microsecond) == (timedelta(seconds=20, microseconds=999_995), 0)
    assert morning.due - morning.expected == timedelta(minutes=1)
    deadline = registry.pipelines[PIPELINE].deadline
    assert deadline is not None
    assert deadline.due == morning.due.time()
    assert deadline.at_risk.count == 0


def test_silence_is_all_ready_and_nothing_told(records: Records) -> None:
    assert "has not succeeded" in str(verdicts.silence(records.scene))
    records.runs = [{"dag_id": name, "state": "success"} for name in records.registry.pipelines]
    assert verdicts.silence(records.scene) is None
    records.message(PIPELINE, "hello")
    assert "somebody was told" in str(verdicts.silence(records.scene))


def test_a_page_has_its_reason_its_person_its_runbook_and_its_message(records: Records) -> None:
    question = verdicts.both(verdicts.reason_page(PIPELINE, "dag_paused"), verdicts.not_before_due(PIPELINE))
    assert question(records.scene) == f"the page for {PIPELINE}: not seen in the records"
    page = records.alert(PIPELINE, "dag_paused")
    assert "the Slack message" in str(question(records.scene))
    records.message(PIPELINE, "missed")
    assert question(records.scene) is None
    for change, said in (
        ({"details": {"reason": "running", "runbook": page["details"]["runbook"]}}, "'running', not dag_paused"),
        ({"responders": [{"username": "z@example.com"}]}, "not to the person on call"),
        ({"details": {"reason": "dag_paused"}}, "does not lead to its runbook"),
        ({"createdAt": (records.morning.due - timedelta(seconds=1)).isoformat()}, "before its deadline"),
    ):
        kept = dict(page)
        page.update(change)
        assert said in str(question(records.scene))
        page.update(kept)


def test_a_recovery_is_a_closed_alert_with_a_note_and_a_rewritten_message(records: Records) -> None:
    page, message = records.alert(PIPELINE), records.message(PIPELINE, "missed")
    assert "closed alert" in str(verdicts.closed(PIPELINE)(records.scene))
    page.update(status="closed", notes=[{"note": "ready"}])
    assert "is ready" in str(verdicts.closed(PIPELINE)(records.scene))
    message["edited"] = True
    assert verdicts.closed(PIPELINE)(records.scene) is None


def test_a_warning_is_counted_and_wakes_nobody(records: Records) -> None:
    assert "0 warnings" in str(verdicts.warned(1)(records.scene))
    records.message("x", f"traffic from {DDOS_REFERRER}")
    assert verdicts.warned(1)(records.scene) is None
    records.alert("aggregate_growth")
    assert verdicts.warned(1)(records.scene) is None, "somebody else's page"
    records.alert("engagement_base")
    assert "paged for an outlier" in str(verdicts.warned(1)(records.scene))


def test_out_of_memory_asks_for_the_ticket_too(records: Records) -> None:
    records.alert("aggregate_engagement", "out_of_memory")
    message = records.message("aggregate_engagement", "failed")
    assert "the ticket to DevOps" in str(verdicts.killed_paged(records.scene))
    records.alert("ticket:out_of_memory:aggregate_engagement", tags=["ticket"], responders=[{"name": "DevOps"}])
    assert verdicts.killed_paged(records.scene) is None
    assert "what came of the retry" in str(verdicts.retry_told(records.scene))
    message["replies"] = [{"ts": "1795265500.000001", "text": "Succeeded on retry: likely contention.", "replies": []}]
    assert verdicts.retry_told(records.scene) is None


def test_the_schedulers_page_names_all_that_is_at_stake(records: Records) -> None:
    assert verdicts.scheduler_paged(records.scene) == "0 pages about the scheduler, not 1"
    page = records.alert("system:scheduler")
    assert "does not name" in str(verdicts.scheduler_paged(records.scene))
    page["description"] = ", ".join(each.name for each in records.registry.pipelines.values())
    assert verdicts.scheduler_paged(records.scene) is None
    assert "closed alert" in str(verdicts.scheduler_back(records.scene))
    page["status"] = "closed"
    assert verdicts.scheduler_back(records.scene) is None


def test_what_was_told_is_kept_as_it_read_then(records: Records, capsys: pytest.CaptureFixture[str]) -> None:
    reporter = Reporter(timeline=Timeline())
    page, message = records.alert(PIPELINE), records.message(PIPELINE, "missed <@U0AAAAAAA>")
    reporter.tell(records.view, [])
    page.update(status="closed", notes=[{"note": "ready, 1 min late"}])
    message.update(
        text="ready <@U0AAAAAAA>",
        replies=[{"ts": "1795265500.000001", "text": "so it is", "replies": [], "edited": False}],
    )
    reporter.tell(records.view, [])
    reporter.tell(records.view, [])
    heard = [(each.how, each.what) for each in reporter.heard]
    assert sorted(heard) == [
        ("closed", f"{PIPELINE} MISSED"),
        ("message", "missed <@U0AAAAAAA>"),
        ("note", "ready, 1 min late"),
        ("page", f"{PIPELINE} MISSED"),
        ("rewritten", "ready <@U0AAAAAAA>"),
        ("thread", "so it is"),
    ]
    capsys.readouterr()
    told(Timeline(), records.scene, reporter.heard)
    printed = capsys.readouterr().out
    assert "#data: Engineer A" in printed
    assert "Engineer B" in printed, "whoever was on call, by name"
    told(Timeline(), records.scene, [])
    assert "nothing, to nobody" in capsys.readouterr().out


def test_every_scenario_but_the_quiet_one_shows_its_recovery() -> None:
    assert {name for name, each in SCENARIOS.items() if each.after is None} == {"all_quiet"}
    assert all(each.recovered for each in SCENARIOS.values() if each.after)


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="there is no /proc here")
def test_a_tasks_process_is_found_by_its_name() -> None:
    code = "import sys, time, setproctitle as s; s.setproctitle('airflow worker -- ' + sys.argv[1]); time.sleep(60)"
    process = subprocess.Popen([sys.executable, "-c", code, "0197-a-task"])
    try:
        end = time.monotonic() + 60
        while task_processes(["another", "0197-a-task"]) != {process.pid}:
            assert time.monotonic() < end
            time.sleep(0.05)
        assert task_processes(["0197-a"]) == set()
    finally:
        process.kill()
        process.wait()
