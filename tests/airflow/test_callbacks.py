"""The callbacks' pages, on the wire of the stand-in Opsgenie: who is paged, when nobody is, and nothing is raised."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from daybreak.domain.duration import Duration
from daybreak.domain.registry import Paging, Silence, Step
from daybreak.domain.runs import Run
from daybreak.surfaces import callbacks, paging, questions
from daybreak.surfaces.questions import Questions
from tests.support.sandbox import Sandbox, running_sandbox
from tests.support.surfaces import growth, make_site, registry

NOW = datetime(2026, 2, 2, 4, 30, tzinfo=UTC)  # de-2's week ends at 09:00 this morning, and de-1's begins
KEY = "daybreak:v1:growth:2026-02-02"


class Answers:
    """What Airflow would answer to a callback's questions."""

    tasks: dict[str, str] = {"load": "failed", "publish": "upstream_failed"}
    state = "running"
    evidence: dict[str, Any] = {
        "exception": "ValueError: unknown tax 'digital_levy'",
        "category": "quality.unknown_reference_value",
        "anchor": "upstream-late",
    }


@pytest.fixture(scope="module")
def opsgenie() -> Iterator[Sandbox]:
    with running_sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def site(opsgenie: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The surfaces use ``site.value``, Airflow answers ``site.answers``, and pages go to the sandbox."""
    opsgenie.reset()
    opsgenie.heal()

    class Holder:
        value: Any = make_site(tmp_path)
        answers = Answers()

    monkeypatch.setattr("daybreak.surfaces.paging.current_site", lambda: Holder.value)
    monkeypatch.setattr(questions, "_task_states", lambda run: dict(Holder.answers.tasks))
    monkeypatch.setattr(questions, "_run_state", lambda run: Holder.answers.state)
    monkeypatch.setattr(questions, "_evidence", lambda run, task_id, map_index: dict(Holder.answers.evidence))
    connection = {"conn_type": "opsgenie", "host": opsgenie.opsgenie_url, "password": opsgenie.key}
    monkeypatch.setenv("AIRFLOW_CONN_OPSGENIE_DEFAULT", json.dumps(connection))
    return Holder


def failed(
    at: datetime = NOW - timedelta(minutes=30), *, task_type: str = "PythonOperator", **run: Any
) -> dict[str, Any]:
    """A failed run's context, as the dag processor hands it over."""
    task = SimpleNamespace(task_id="load", task_type=task_type)
    dag = SimpleNamespace(dag_id="growth", task_dict={"load": task})
    fields = {"run_id": f"scheduled__{at.isoformat()}", "run_after": at, "logical_date": at, "data_interval_end": at}
    found = SimpleNamespace(**{**fields, "run_type": "scheduled", "state": "failed", "clear_number": 0, **run})
    ti = SimpleNamespace(dag_id="growth", run_id=found.run_id, task_id="load", map_index=-1, try_number=3, log_url=None)
    return {"dag": dag, "dag_run": found, "run_id": found.run_id, "ti": ti, "task": task, "reason": "task_failure"}


def missed(**run: Any) -> dict[str, Any]:
    """A missed run's context, as the triggerer hands it over."""
    base = {
        "dag_id": "growth",
        "dag_run_id": "asset_triggered__2026-02-02T03:00:00+00:00",
        "logical_date": None,
        "data_interval_end": None,
        "run_after": "2026-02-02T03:00:00Z",
        "run_type": "asset_triggered",
        "state": "running",
    }
    return {"dag_run": {**base, **run}, "deadline": {"id": "x", "deadline_time": "2026-02-02T09:00:00Z"}}


def test_a_failed_run_pages_whoever_is_on_call(site: Any, opsgenie: Sandbox) -> None:
    told = paging.page_failure(failed(), now=NOW)
    assert told == f"paged b@example.com as {KEY}"
    alert = opsgenie.until(lambda state: state["alerts"])[0]
    assert alert["alias"] == KEY
    assert alert["priority"] == "P1"
    assert alert["source"] == "Daybreak callback: dag failure"
    assert [each["username"] for each in alert["responders"]] == ["b@example.com"]
    details = alert["details"]
    assert details["reason"] == "run_failed"
    assert details["dag_id"] == "growth"
    assert details["task"] == "load"
    assert details["runbook"].startswith("https://airflow.example.com/daybreak/runbooks/growth#")
    assert "unknown tax 'digital_levy'" in alert["description"]
    assert not opsgenie.violations()


def test_a_passed_deadline_pages_and_says_what_it_waits_for(site: Any, opsgenie: Sandbox) -> None:
    site.answers.tasks = {"wait": "deferred", "publish": "None"}
    now = datetime(2026, 2, 2, 9, 0, 2, tzinfo=UTC)
    told = paging.page_miss("growth", {"wait": "sales_force"}, missed(), now=now)
    assert told == f"paged a@example.com as {KEY}"
    alert = opsgenie.until(lambda state: state["alerts"])[0]
    assert alert["source"] == "Daybreak callback: deadline missed"
    assert alert["details"]["reason"] == "upstream_late"
    assert "Sales Force" in alert["message"]
    assert not opsgenie.violations()


def test_both_callbacks_and_again_make_one_alert(site: Any, opsgenie: Sandbox) -> None:
    paging.page_failure(failed(), now=NOW)
    paging.page_miss("growth", {}, missed(), now=datetime(2026, 2, 2, 9, 0, 1, tzinfo=UTC))
    paging.page_failure(failed(), now=NOW)
    assert opsgenie.until(lambda state: state["alerts"] and state["alerts"][0]["count"] == 3)
    assert len(opsgenie.alerts()) == 1


@pytest.mark.parametrize(
    ("change", "because"),
    [
        ({"pipeline": {"on_failure": "notice"}}, "on_failure is notice"),
        ({"registry": {"paging": Paging(mode="shadow")}}, "paging.mode is shadow"),
        ({"run": {"run_type": "backfill"}}, "a backfill"),
        ({"run": {"at": NOW - timedelta(days=3)}}, "an earlier cycle"),
        ({"silence": True}, "silenced"),
        ({"registry": {"escalations": {"late": (Step(after=Duration(15, "m"), page=("on_call",)),)}},
          "pipeline": {"escalation": "late"}}, "pages nobody at first"),
        ({"tasks": {"load": "success"}}, "cleared, or marked success"),
        ({"run": {"task_type": "UpstreamReadySensor"}}, "waiting for an upstream"),
        ({"run": {"clear_number": 1}, "now": datetime(2026, 2, 2, 12, tzinfo=UTC)}, "a cleared run after due"),
        ({"pipeline": {"dags": ("another",)}}, "no pipeline of the registry claims"),
    ],
)  # fmt: skip
def test_nobody_is_paged(site: Any, opsgenie: Sandbox, tmp_path: Path, change: dict[str, Any], because: str) -> None:
    more = dict(change.get("registry", {}))
    if change.get("silence"):
        hour = timedelta(hours=1)
        more["silences"] = (Silence(pipeline="growth", start=NOW - hour, end=NOW + hour, why="frozen"),)
    site.value = make_site(tmp_path, registry(growth(**change.get("pipeline", {})), **more))
    site.answers.tasks = change.get("tasks", site.answers.tasks)
    told = paging.page_failure(failed(**change.get("run", {})), now=change.get("now", NOW))
    assert told.startswith("not paged: ")
    assert because in told
    assert opsgenie.alerts() == []


@pytest.mark.parametrize("change", [{"run_type": "backfill"}, {"state": "success"}])
def test_no_miss_is_paged_for(site: Any, opsgenie: Sandbox, change: dict[str, Any]) -> None:
    site.answers.state = change.get("state", "running")
    told = paging.page_miss("growth", {}, missed(**change), now=datetime(2026, 2, 2, 9, 0, 1, tzinfo=UTC))
    assert told.startswith("not paged: ")
    assert opsgenie.alerts() == []


def test_with_little_context_the_page_goes_out_all_the_same(site: Any, opsgenie: Sandbox) -> None:
    """A run that timed out has no task at fault: the context is a dag, a run id and a reason."""
    site.answers.tasks = {}
    whole = failed()
    told = paging.page_failure({key: whole[key] for key in ("dag", "run_id", "reason")}, now=NOW)
    assert told == f"paged b@example.com as {KEY}"


def test_an_opsgenie_that_hangs_costs_three_seconds_and_no_more(site: Any, opsgenie: Sandbox) -> None:
    opsgenie.fault("opsgenie", "hang")
    started = time.monotonic()
    told = paging.page_failure(failed(), now=NOW)
    assert time.monotonic() - started < 4.5
    assert told.startswith("not paged: ")
    assert opsgenie.key not in told


def test_questions_that_are_not_answered_hold_nothing_up(
    site: Any, opsgenie: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(questions, "PATIENCE", 0.1)
    monkeypatch.setattr(questions, "_task_states", lambda run: time.sleep(1) or {})
    run = Run(dag_id="growth", run_id="x", run_type="manual", state="failed", run_after=NOW)
    asked = Questions(run, patience=0.1)
    started = time.monotonic()
    assert asked.task_states() == {}
    assert asked.evidence("load", -1) == {}
    assert asked.run_state() == "failed"
    assert time.monotonic() - started < 0.5


def test_nothing_is_raised_and_no_key_is_logged(
    site: Any, opsgenie: Sandbox, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    callbacks.dag_failed({})
    callbacks.dag_failed(failed(at=datetime.now(UTC)))
    answer = asyncio.run(callbacks.deadline_missed(pipeline="growth", context=missed(), unknown=1))
    assert answer.startswith("not paged")
    monkeypatch.delenv("AIRFLOW_CONN_OPSGENIE_DEFAULT")
    assert paging.page_failure(failed(), now=NOW).startswith("not paged: ")
    assert opsgenie.key not in caplog.text


def test_the_monitor_makes_the_same_key(site: Any) -> None:
    from daybreak.domain.occurrence import calendar_of

    found = site.value.registry
    for hours in range(0, 96, 5):
        at = NOW + timedelta(hours=hours)
        occurrence = calendar_of(found).current(found.pipelines["growth"], at)
        assert occurrence is not None
        from daybreak.surfaces.cycles import pipeline_cycle

        assert pipeline_cycle(found, found.pipelines["growth"], at).business_date == occurrence.business_date


def test_a_pipeline_without_deadline_is_paged_for_its_runs_date(site: Any, opsgenie: Sandbox, tmp_path: Path) -> None:
    site.value = make_site(tmp_path, dataclasses.replace(registry(growth(deadline=None))))
    assert paging.page_failure(failed(), now=NOW) == f"paged b@example.com as {KEY}"
    assert opsgenie.until(lambda state: state["alerts"])[0]["details"]["reason"] == "run_failed"
