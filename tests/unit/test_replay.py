"""``daybreak replay``: the form of its answer, what it reads, and how it says what is wrong."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from daybreak.cli import build_app, main

REGISTRY = """\
version: 1
people:
  ann: {name: Ann, opsgenie: ann@example.com}
  ben: {name: Ben, opsgenie: ben@example.com}
teams:
  sales: {name: Sales, opsgenie_team: Sales}
  leads: {name: Leads, slack_usergroup: S0LEADS}
on_call:
  layers:
    primary: {start: 2026-01-05T09:00, every: 1w, members: [ann, ben]}
defaults: {owner: ben}
upstreams:
  sales:
    team: sales
    expected_by: "05:00"
    ready_when: {dag: sales_load}
    on_delay: [{after: 0m, do: ticket, to: sales}, {after: 2h, do: thread, to: leads}]
pipelines:
  growth:
    dags: [growth]
    owners: {primary: ben}
    upstreams: [sales]
    priority: P1
    deadline: {due: "09:00"}
  profit:
    dags: [profit]
    owners: {primary: ann}
    upstreams: [sales]
    deadline: {due: "09:00", task: publish}
"""


def run(name: str, state: str, start: str | None, end: str | None, **more: Any) -> dict[str, Any]:
    """One run as the REST API answers it."""
    dag = name.partition("#")[0]
    return {
        "dag_run_id": name,
        "dag_id": dag,
        "logical_date": "2026-02-04T00:00:00Z",
        "queued_at": "2026-02-04T00:01:00+00:00",
        "start_date": start,
        "end_date": end,
        "data_interval_end": "2026-02-04T00:00:00Z",
        "run_after": "2026-02-04T00:00:00Z",
        "run_type": "scheduled",
        "state": state,
        **more,
    }


@pytest.fixture
def registry(tmp_path: Path) -> Path:
    path = tmp_path / "ownership.yaml"
    path.write_text(REGISTRY)
    return path


def replay(registry: Path, history: object, *more: str) -> Result:
    runs = registry.parent / "runs.json"
    runs.write_text(history if isinstance(history, str) else json.dumps(history))
    base = ["--file", str(registry), "--runs", str(runs), "--from", "2026-02-04", "--to", "2026-02-05"]
    return CliRunner().invoke(build_app(["replay"]), ["replay", *base, *more])


def answer(registry: Path, history: object, *more: str) -> dict[str, Any]:
    result = replay(registry, history, "--json", *more)
    assert result.exit_code == 0, result.output
    found: dict[str, Any] = json.loads(result.stdout)
    return found


LATE = {
    "dag_runs": [
        run("growth", "success", "2026-02-04T00:01:05Z", "2026-02-04T09:36:30Z"),
        run("profit", "success", "2026-02-04T00:01:05.500000+00:00", "2026-02-04T08:00:00.25Z"),
        run("sales_load", "success", "2026-02-04T00:01:00Z", "2026-02-04T04:59:00Z"),
        run("stranger", "failed", "2026-02-04T00:01:00Z", "2026-02-04T04:59:00Z"),
    ]
}


def test_the_form_of_the_answer_to_the_letter(registry: Path) -> None:
    found = answer(registry, LATE)
    assert list(found) == ["occurrences", "notifications"]
    growth = next(one for one in found["occurrences"] if one["pipeline"] == "growth")
    assert growth == {
        "pipeline": "growth",
        "business_date": "2026-02-04",
        "due_at": "2026-02-04T09:00:00+00:00",
        "state": "late",
        "reason": "running",
        "ready_at": "2026-02-04T09:36:30+00:00",
        "minutes_late": 37,
        "run_id": "growth",
    }
    page = {
        "at": "2026-02-04T09:00:00+00:00",
        "kind": "page",
        "pipeline": "growth",
        "business_date": "2026-02-04",
        "step": 0,
        "to": ["ann"],
        "priority": "P1",
        "dedup_key": "daybreak:v1:growth:2026-02-04",
    }
    assert page in found["notifications"]
    resolve = page | {"at": "2026-02-04T09:37:00+00:00", "kind": "resolve", "step": None}
    assert resolve in found["notifications"]


def test_listed_are_those_due_in_the_span_and_those_whose_cycle_is_open_at_its_end(registry: Path) -> None:
    found = answer(registry, {"dag_runs": []})
    listed = [(one["pipeline"], one["business_date"], one["state"]) for one in found["occurrences"]]
    assert listed == [
        ("growth", "2026-02-04", "missed"),
        ("profit", "2026-02-04", "missed"),
        ("growth", "2026-02-05", "pending"),
        ("profit", "2026-02-05", "pending"),
    ]


def test_a_grouped_page_names_its_members_and_an_upstream_itself(registry: Path) -> None:
    found = answer(registry, {"dag_runs": []})["notifications"]
    group = next(one for one in found if one["kind"] == "page")
    assert group["pipeline"] is None
    assert group["group"] == ["growth", "profit"]
    assert group["priority"] == "P1"
    assert group["dedup_key"] == "daybreak:v1:group:sales:2026-02-04"
    ticket = next(one for one in found if one["kind"] == "ticket")
    assert (ticket["pipeline"], ticket["step"], ticket["to"]) == ("sales", 0, ["sales"])
    assert ticket["dedup_key"] == "daybreak:v1:upstream:sales:2026-02-04"
    assert "group" not in ticket


def test_a_task_makes_ready_before_its_run_ends(registry: Path) -> None:
    history = {
        "dag_runs": [run("profit", "running", "2026-02-04T05:10:00Z", None)],
        "task_instances": [
            {
                "dag_id": "profit",
                "dag_run_id": "profit",
                "task_id": "publish",
                "map_index": -1,
                "state": "success",
                "start_date": "2026-02-04T08:00:00Z",
                "end_date": "2026-02-04T08:30:00Z",
            }
        ],
    }
    result = replay(registry, history, "--json")
    profit = next(one for one in json.loads(result.stdout)["occurrences"] if one["pipeline"] == "profit")
    assert (profit["state"], profit["ready_at"]) == ("met", "2026-02-04T08:30:00+00:00")
    assert "deadline.task" not in result.stderr


def test_without_task_instances_a_task_is_judged_by_its_run_with_a_warning(registry: Path) -> None:
    result = replay(registry, LATE, "--json")
    profit = next(one for one in json.loads(result.stdout)["occurrences"] if one["pipeline"] == "profit")
    assert profit["ready_at"] == "2026-02-04T08:00:00.250000+00:00"
    assert "pipelines.profit.deadline.task" in result.stderr


def test_the_table_for_people(registry: Path) -> None:
    result = replay(registry, LATE)
    assert result.exit_code == 0
    assert "growth" in result.stdout
    assert "Who would have been told" in result.stdout


@pytest.mark.parametrize(
    ("history", "named"),
    [
        ("not json", "not JSON"),
        ("[]", "dagRuns/list"),
        ("{}", "dag_runs: missing"),
        ('{"dag_runs": [{"dag_id": "growth"}]}', "dag_runs[0].run_after"),
        (json.dumps({"dag_runs": [run("growth", "success", "yesterday", None)]}), "dag_runs[0].start_date"),
        (
            json.dumps({"dag_runs": [run("growth", "success", "0001-01-01T00:00:00+14:00", None)]}),
            "outside the calendar",
        ),
        (json.dumps({"dag_runs": [], "task_instances": [{}]}), "task_instances[0].dag_id"),
    ],
)
def test_what_is_wrong_with_a_history_is_one_line_with_its_place(
    registry: Path, history: str, named: str, capsys: pytest.CaptureFixture[str]
) -> None:
    runs = registry.parent / "runs.json"
    runs.write_text(history)
    base = ["--file", str(registry), "--runs", str(runs), "--from", "2026-02-04", "--to", "2026-02-05"]
    with pytest.raises(SystemExit) as ended:
        main(["replay", *base])
    said = capsys.readouterr().err.strip()
    assert ended.value.code == 1
    assert named in said
    assert "runs.json" in said
    assert "\n" not in said


@pytest.mark.parametrize(
    "wrong", [["--tick", "soon"], ["--tick", "0m"], ["--to", "2026-02-03"], ["--from", "whenever"], ["--from-airflow"]]
)
def test_wrong_usage_is_status_2(registry: Path, wrong: list[str]) -> None:
    assert replay(registry, LATE, *wrong).exit_code == 2


def test_a_missing_history_is_status_1(registry: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["replay", "--file", str(registry), "--runs", "none.json", "--from", "2026-02-04", "--to", "2026-02-05"])
    assert ended.value.code == 1
    assert "none.json" in capsys.readouterr().err


def test_of_dags_that_nobody_claims_nothing_but_the_id_is_read(registry: Path) -> None:
    strange = {
        "dag_runs": [{"dag_id": "somebody_elses"}, *LATE["dag_runs"], {"dag_id": "another", "start_date": "soon"}],
        "task_instances": [{"dag_id": "somebody_elses", "state": 7}],
    }
    assert answer(registry, strange)["notifications"] == answer(registry, LATE)["notifications"]
