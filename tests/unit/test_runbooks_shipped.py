"""The shipped runbooks: complete in form, and what they tell people to type really works."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from daybreak.cli import COMMANDS, build_app
from daybreak.commands.runbook import rendered
from daybreak.config import load_registry
from daybreak.config.runbook_lint import findings, owner_findings
from daybreak.config.runbooks import Runbook, Shelf

ROOT = Path(__file__).resolve().parents[2]
REGISTRY = ROOT / "include" / "ownership.yaml"
RUNBOOKS = sorted((ROOT / "include" / "runbooks").glob("*.md"))
TODAY = date(2026, 12, 1)
_CODE = re.compile(r"`([^`]+)`")


def typed(text: str) -> list[str]:
    """What stands in backticks, a line each: commands and queries that run over a line's end are joined."""
    return [" ".join(code.split()) for code in _CODE.findall(text)]


@pytest.mark.parametrize("path", RUNBOOKS, ids=lambda path: path.stem)
def test_a_runbook_is_complete(path: Path) -> None:
    assert list(findings(Runbook(name=path.name, text=path.read_text()), TODAY)) == []


def test_every_pipeline_has_one_and_none_is_left_over() -> None:
    named = {pipeline.runbook for pipeline in load_registry(REGISTRY).pipelines.values()}
    assert named == {path.name for path in RUNBOOKS}


@pytest.mark.parametrize("path", RUNBOOKS, ids=lambda path: path.stem)
def test_its_queries_run_on_the_warehouse(path: Path) -> None:
    queries = [code for code in typed(path.read_text()) if code.startswith(("SELECT", "INSERT"))]
    assert queries
    with closing(sqlite3.connect(":memory:")) as warehouse:
        warehouse.executescript((ROOT / "include" / "sql" / "schema.sql").read_text())
        for query in queries:
            warehouse.execute(query.replace("<date>", "2026-03-02"))


@pytest.mark.parametrize("path", RUNBOOKS, ids=lambda path: path.stem)
def test_its_daybreak_commands_exist_and_its_files_are_there(path: Path) -> None:
    for code in typed(path.read_text()):
        if code.startswith("daybreak "):
            assert code.split()[1] in COMMANDS, code
        elif code.startswith(("include/", "dags/")):
            assert (ROOT / code).exists(), code


@pytest.mark.parametrize("path", RUNBOOKS, ids=lambda path: path.stem)
def test_the_guards_it_names_are_tasks_of_the_dags(path: Path) -> None:
    tasks = set(re.findall(r"""task_id="([a-z_]+)\"""", "".join(f.read_text() for f in (ROOT / "dags").rglob("*.py"))))
    for guard in re.findall(r"`((?:guard|wait_for)_[a-z_]+)`", path.read_text()):
        assert guard in tasks, guard


def test_what_is_amiss_is_told(tmp_path: Path) -> None:
    text = RUNBOOKS[0].read_text()
    spoiled = text.replace("### Dag paused", "### On holiday").replace("Reviewed: 2026", "Reviewed: 2024")
    spoiled = spoiled.replace("## First five minutes", "## Later").replace("## Whom to tell", "## First five minutes")
    spoiled += "\n1. See [there](#nowhere), [the other](other.md) and [that](other.md#x).\n"
    (tmp_path / "here.md").touch()
    spoiled += "[Fine](here.md), [fine](https://example.com/x#y), [fine](/daybreak), [fine](#purpose).\n"
    told = list(findings(Runbook(name="x.md", text=spoiled), TODAY, folder=tmp_path))
    assert told[:-1] == [
        "has no section whom-to-tell",
        "has no section dag-paused, to which pages may lead",
        "common-failures stands before first-five-minutes: what is done first comes first",
        "links to #nowhere, which is no section of it",
        "links to other.md, which is not there",
        "links to other.md, which is not there",
    ]
    assert re.fullmatch(r"was reviewed \d+ days ago: read it again and renew the date", told[-1])


def test_a_runbook_that_holds_nothing_is_a_few_lines() -> None:
    told = list(findings(Runbook(name="x.md", text="# Growth\n"), TODAY))
    assert [line.split(",")[0] for line in told] == [
        "has no sections purpose",
        "has no sections dag-missing",
        "does not say when it was reviewed: write a line 'Reviewed: 2026-11-20'",
    ]


def test_an_owner_who_is_not_named_is_told() -> None:
    registry = load_registry(REGISTRY)
    pipeline = registry.pipelines["aggregate_growth"]
    text = "## Owners and escalation\n\nEngineer A looks after it, Engineer CC does not.\n"
    assert list(owner_findings(Runbook(name="x.md", text=text), pipeline, registry)) == [
        "does not name Engineer C (de-3), its secondary owner, in the section owners-and-escalation"
    ]


def test_a_new_runbook_has_the_form_and_says_what_is_to_be_written(tmp_path: Path) -> None:
    pipeline = load_registry(REGISTRY).pipelines["aggregate_growth"]
    now = datetime(2026, 12, 1, tzinfo=UTC)
    made = Runbook(name="x.md", text=rendered(pipeline, now))
    (only,) = findings(made, TODAY)
    assert re.fullmatch(r"still says TO WRITE in \d+ places", only)
    assert list(owner_findings(made, pipeline, load_registry(REGISTRY))) == []
    assert "airflow dags unpause aggregate_growth" in made.text


def test_the_command_makes_one_beside_the_registry_and_never_overwrites(tmp_path: Path) -> None:
    registry = tmp_path / "ownership.yaml"
    registry.write_text(
        "version: 1\npeople: {a: {name: A, opsgenie: a@example.com}}\n"
        "on_call: {layers: {primary: {start: 2026-01-05T09:00, every: 1w, members: [a]}}}\n"
        "defaults: {owner: a}\npipelines: {p: {dags: [p], owners: {primary: a}, runbook: p.md}}\n"
    )
    app = build_app(["runbook"])
    first = CliRunner().invoke(app, ["runbook", "new", "p", "--file", str(registry)])
    assert first.exit_code == 0, first.output
    assert Shelf.beside(registry).get("p.md") is not None
    second = CliRunner().invoke(app, ["runbook", "new", "p", "--file", str(registry)])
    assert "is there already" in str(second.exception)
    checked = CliRunner().invoke(app, ["runbook", "check", "--strict", "--file", str(registry)])
    assert checked.exit_code == 1
    assert re.search(r"p: p.md still says TO WRITE in \d+ places", checked.output)
