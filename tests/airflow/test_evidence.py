"""What a failed task leaves behind, in its own process: what went wrong and of what kind, and never an exception."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from daybreak.domain.runs import EVIDENCE_KEY
from daybreak.surfaces.evidence import EXCEPTION_LIMIT, evidence_of, exception_text, leave_evidence
from tests.support.surfaces import growth, make_site, registry

NOW = datetime(2026, 2, 2, 4, 30, tzinfo=UTC)
RUNBOOK = "# Growth\n\n## Data quality\n\nLook.\n\n## A new tax\n\nAsk.\n\n## Run failed\n\nLook at the log.\n"


class Task:
    """A failed task instance, as its callback is handed it; keeps what is pushed."""

    def __init__(self) -> None:
        self.dag_id, self.task_id, self.run_id = "growth", "guard_taxes", "scheduled__1"
        self.try_number, self.map_index, self.hostname = 3, -1, "worker-1"
        self.log_url = "https://airflow.example.com/log"
        self.task = SimpleNamespace(task_type="NoViolations")
        self.pushed: dict[str, Any] = {}

    def xcom_push(self, key: str, value: Any) -> None:
        self.pushed[key] = value


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a registry whose runbook has a section for what our own rules name."""
    site = make_site(tmp_path, registry(growth()))
    (tmp_path / "runbooks" / "growth.md").write_text(RUNBOOK)
    monkeypatch.setenv("AIRFLOW__DAYBREAK__OWNERSHIP_FILE", str(tmp_path / "ownership.yaml"))
    monkeypatch.setattr("daybreak.surfaces.site.current_site", lambda: site)
    return tmp_path


def left(error: Any, ti: Any = None) -> dict[str, Any]:
    return evidence_of({"ti": ti or Task(), "exception": error}, now=NOW)


def test_all_that_only_the_task_knows(place: Path) -> None:
    assert left(ValueError("null value in column\n cents")) == {
        "exception": "ValueError: null value in column cents",
        "try_number": 3,
        "map_index": -1,
        "host": "worker-1",
        "log_url": "https://airflow.example.com/log",
        "category": "quality.nulls",
        "anchor": "data-quality",  # the runbook has no section of its own for nulls
        "at": "2026-02-02T04:30:00+00:00",
    }


def test_the_teams_rules_name_kind_and_section(place: Path) -> None:
    rules = place / "triage.yaml"
    rules.write_text("rules:\n- {category: quality.tax, anchor: a-new-tax, operator: NoViolations, task: ^guard_}\n")
    found = left(RuntimeError("something"))
    assert (found["category"], found["anchor"]) == ("quality.tax", "a-new-tax")


def test_broken_rules_leave_the_packaged_ones_in_force(place: Path, caplog: pytest.LogCaptureFixture) -> None:
    (place / "triage.yaml").write_text("rules:\n- {category: quality.tax, mesage: x}\n")
    assert left(MemoryError())["category"] == "infrastructure.out_of_memory"
    assert "triage.yaml:2: triage.rules[0].mesage" in caplog.text


def test_it_is_pushed_as_json_once(place: Path) -> None:
    ti = Task()
    leave_evidence({"ti": ti, "exception": KeyError("conf")})
    assert list(ti.pushed) == [EVIDENCE_KEY]
    assert json.loads(json.dumps(ti.pushed[EVIDENCE_KEY]))["category"] == "code.bug"


@pytest.mark.parametrize(
    "context", [{}, {"ti": None}, {"ti": SimpleNamespace()}, {"ti": Task(), "exception": object()}]
)
def test_it_never_raises(place: Path, context: dict[str, Any]) -> None:
    leave_evidence(context)


def test_a_text_that_is_a_secret_or_too_long_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    from airflow.sdk._shared.secrets_masker import _secrets_masker, mask_secret

    monkeypatch.setattr(_secrets_masker(), "patterns", set())
    monkeypatch.setattr(_secrets_masker(), "replacer", None)
    mask_secret("hunter22hunter22")
    said = exception_text(RuntimeError("login with hunter22hunter22 failed")) or ""
    assert said == "RuntimeError: login with *** failed"
    assert len(exception_text(RuntimeError("x" * 10_000)) or "") == EXCEPTION_LIMIT
    assert exception_text(None) is None
    assert exception_text("killed from outside") == "killed from outside"
