"""The shipped dag files, as a new user reads them: short, with what they are for, and with their SQL elsewhere."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from daybreak.config import load_registry

ROOT = Path(__file__).resolve().parents[2]
REGISTRY = load_registry(ROOT / "include" / "ownership.yaml")
DAGS = sorted((ROOT / "dags").glob("*.py"))
SQL = sorted((ROOT / "include" / "sql").rglob("*.sql"))
PRODUCERS = {
    name: each for name, each in REGISTRY.upstreams.items() if each.ready_when and each.ready_when.kind == "dag"
}


def test_they_are_the_eight_pipelines_and_what_they_wait_for() -> None:
    loads = {each.ready_when.value for each in PRODUCERS.values() if each.ready_when and not each.ready_when.task}
    assert {path.stem for path in DAGS} == {*REGISTRY.pipelines, *loads}
    assert len(REGISTRY.pipelines) == 8


@pytest.mark.parametrize("path", DAGS, ids=lambda path: path.stem)
def test_a_dag_file_is_thin(path: Path) -> None:
    text = path.read_text()
    assert len(text.splitlines()) <= 80
    assert not re.search(r"\b(SELECT|INSERT INTO|DELETE FROM|UPDATE \w+ SET)\b", text), "SQL stands in include/sql"


@pytest.mark.parametrize("path", DAGS, ids=lambda path: path.stem)
def test_its_docstring_says_for_whom_and_by_when_as_the_registry_has_it(path: Path) -> None:
    said = ast.get_docstring(ast.parse(path.read_text())) or ""
    assert "For: " in said
    if path.stem in REGISTRY.pipelines:
        deadline = REGISTRY.pipelines[path.stem].deadline
        assert deadline is not None
        assert f"Due: {deadline.due:%H:%M} {deadline.zone.key}, daily." in said
    else:
        upstream = PRODUCERS[path.stem.removesuffix("_load")]
        assert f"Expected by {upstream.expected.due:%H:%M} {upstream.expected.zone.key}, daily." in said
        assert f"{upstream.id}_arrives_at" in said


@pytest.mark.parametrize("pipeline", REGISTRY.pipelines.values(), ids=lambda pipeline: pipeline.id)
def test_its_runbook_says_the_same_time(pipeline) -> None:
    text = (ROOT / "include" / "runbooks" / pipeline.runbook).read_text()
    schedule = text.partition("## Schedule and deadline")[2].partition("## ")[0]
    times = re.findall(r"Due at \**(\d\d:\d\d) UTC", schedule)
    assert times in ([f"{pipeline.deadline.due:%H:%M}"], []), "the registry's, or a word that the registry says it"
    assert times or "`daybreak status` shows it" in schedule


@pytest.mark.parametrize("path", SQL, ids=lambda path: str(path.relative_to(ROOT / "include" / "sql")))
def test_no_sql_is_left_over(path: Path) -> None:
    name = str(path.relative_to(ROOT / "include" / "sql"))
    users = [*(ROOT / "dags").rglob("*.py"), *(each for each in SQL if each != path)]
    assert any(name in each.read_text() for each in users)
