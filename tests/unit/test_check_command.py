"""``daybreak check`` and ``daybreak schema`` as other programs call them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from typer.testing import CliRunner, Result

from daybreak.cli import build_app
from daybreak.config.reading import read

ROOT = Path(__file__).parents[2]
SHIPPED = ROOT / "include" / "ownership.yaml"
BAD = ROOT / "tests" / "bad_registries"
DAYBREAK = Path(sys.executable).with_name("daybreak")


def run(*args: str | Path) -> Result:
    return CliRunner().invoke(build_app(["registry"]), [str(arg) for arg in args])


def test_the_shipped_registry_is_valid_without_a_warning() -> None:
    result = run("check", "--strict", "--file", SHIPPED, "--json", "--at", "2026-12-01")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout) == {"ok": True, "problems": []}


def test_problems_have_exactly_the_documented_keys() -> None:
    result = run("check", "--file", BAD / "overlapping_overrides.yaml", "--json", "--at", "2026-03-01T00:00Z")
    assert result.exit_code == 1
    answer = json.loads(result.stdout)
    assert answer["ok"] is False
    (problem,) = answer["problems"]
    assert set(problem) == {"severity", "path", "line", "message"}
    assert (problem["severity"], problem["path"]) == ("error", "on_call.overrides[1]")
    assert isinstance(problem["line"], int)


def test_warnings_do_not_fail() -> None:
    result = run("check", "--file", BAD / "warns_of_late_request.yaml", "--json", "--at", "2026-03-01")
    assert result.exit_code == 0
    answer = json.loads(result.stdout)
    assert answer["ok"] is True
    assert [problem["severity"] for problem in answer["problems"]] == ["warning"]


def test_a_sparse_runbook_is_a_warning_and_with_strict_an_error(tmp_path: Path) -> None:
    registry, runbook = tmp_path / "ownership.yaml", tmp_path / "runbooks" / "growth.md"
    registry.write_text(
        "version: 1\n"
        "people: {a: {name: Ann, opsgenie: a@example.com}}\n"
        "on_call: {layers: {primary: {start: 2026-01-05T09:00, every: 1w, members: [a]}}}\n"
        "defaults: {owner: a}\n"
        "pipelines:\n"
        "  growth: {dags: [growth], owners: {primary: a}, runbook: growth.md}\n"
        "  profit: {dags: [profit], owners: {primary: a}}\n"
    )
    runbook.parent.mkdir()
    runbook.write_text("# Growth\n\nReviewed: 2026-03-01\n\n## Owners and escalation\n\nBen.\n")
    for more, severity, status in (((), "warning", 0), (("--strict",), "error", 1)):
        result = run("check", "--file", registry, "--json", "--at", "2026-03-02", *more)
        assert result.exit_code == status
        answer = json.loads(result.stdout)
        assert answer["ok"] is (status == 0)
        assert {(each["severity"], each["path"], each["line"]) for each in answer["problems"]} == {
            (severity, "pipelines.growth.runbook", 6)
        }
        assert "does not name Ann (a), its primary owner" in result.stdout
    late = json.loads(run("check", "--file", registry, "--json", "--at", "2026-10-01").stdout)
    assert any("was reviewed 214 days ago" in each["message"] for each in late["problems"])


def test_a_registry_in_error_is_told_without_its_runbooks() -> None:
    result = run("check", "--file", BAD / "runbook_missing.yaml", "--json", "--at", "2026-03-01")
    assert {each["severity"] for each in json.loads(result.stdout)["problems"]} == {"error"}


def test_at_moves_its_now() -> None:
    gap = BAD / "warns_of_nobody_on_call.yaml"
    assert json.loads(run("check", "--file", gap, "--json", "--at", "2026-03-01").stdout)["problems"]
    assert json.loads(run("check", "--file", gap, "--json", "--at", "2026-06-01").stdout)["problems"] == []


@pytest.mark.parametrize("at", ["yesterday", "2026-13-01", "0001-01-01T00:00+14:00", "9999-12-31T23:59-14:00"])
def test_an_instant_that_is_none_is_wrong_usage(at: str) -> None:
    result = run("check", "--file", SHIPPED, "--at", at)
    assert result.exit_code == 2
    assert "--at" in result.stderr


def test_people_read_a_line_a_problem(tmp_path: Path) -> None:
    result = run("check", "--file", BAD / "unknown_owner.yaml", "--at", "2026-03-01")
    assert result.exit_code == 1
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    assert line.startswith(f"{BAD / 'unknown_owner.yaml'}:26: error: pipelines.growth.owners.primary: ")


def test_a_pre_commit_hook_can_hand_over_several_files() -> None:
    result = run("check", SHIPPED, BAD / "unknown_owner.yaml", BAD / "unknown_team.yaml")
    assert result.exit_code == 1
    assert len(result.stderr.splitlines()) == 2
    (hook,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    assert hook["entry"] == "daybreak check"


def test_a_missing_file_is_status_one_and_one_line(tmp_path: Path) -> None:
    result = subprocess.run(
        [DAYBREAK, "check", "--json", "--file", tmp_path / "none.yaml"], capture_output=True, text=True, check=False
    )
    assert result.returncode == 1
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    assert "none.yaml" in line
    assert "--file" in line


def test_the_file_is_named_by_airflows_own_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__DAYBREAK__OWNERSHIP_FILE", str(BAD / "unknown_team.yaml"))
    result = run("check")
    assert result.exit_code == 1
    assert "unknown_team.yaml" in result.stderr


class TestSchema:
    committed: dict[str, Any] = json.loads((ROOT / "include" / "ownership.schema.json").read_text())

    def test_the_committed_schema_is_up_to_date(self) -> None:
        result = run("schema")
        assert result.exit_code == 0
        # If this fails: daybreak schema > include/ownership.schema.json
        assert result.stdout == (ROOT / "include" / "ownership.schema.json").read_text()

    def test_it_is_a_schema(self) -> None:
        jsonschema.Draft202012Validator.check_schema(self.committed)

    @pytest.mark.parametrize("path", [SHIPPED, *sorted((ROOT / "include" / "examples").glob("*.yaml"))], ids=str)
    def test_good_files_pass_it(self, path: Path) -> None:
        jsonschema.validate(load(path), self.committed, cls=jsonschema.Draft202012Validator)
        assert "$schema=" in path.read_text().splitlines()[0]

    @pytest.mark.parametrize(
        "name",
        [
            "unknown_top_key",
            "unknown_deadline_key",
            "person_without_name",
            "unknown_priority",
            "bad_clock",
            "unknown_day",
        ],
    )
    def test_mistakes_of_shape_do_not(self, name: str) -> None:
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(load(BAD / f"{name}.yaml"), self.committed, cls=jsonschema.Draft202012Validator)


def load(path: Path) -> Any:
    """The values as an editor's YAML 1.2 has them: dates are text."""
    return read(path.read_bytes()).data
