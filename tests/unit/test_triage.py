"""What kind of failure: rules as data, the team's before the packaged ones, and no failure lost over a broken file."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from daybreak.cli import build_app
from daybreak.config.triage import PACKAGED, Failure, classify, exception_names, load_rules, rules_for
from daybreak.config.triage_file import examine_rules
from daybreak.errors import RegistryError

SHIPPED = Path(__file__).parents[2] / "include" / "triage.yaml"


def verdict(message: str = "", *, error: BaseException | None = None, **known: object) -> str:
    names = exception_names(error) if error is not None else ()
    failure = Failure(message=message or str(error or ""), exceptions=names, **known)  # type: ignore[arg-type]
    return classify(failure, load_rules(PACKAGED)).category


@pytest.mark.parametrize(
    ("error", "category"),
    [
        (MemoryError(), "infrastructure.out_of_memory"),
        (RuntimeError("Container killed by YARN for exceeding memory limits"), "infrastructure.out_of_memory"),
        (RuntimeError("command exited with code 137"), "infrastructure.out_of_memory"),
        (OSError("[Errno 28] No space left on device"), "infrastructure.storage"),
        (ConnectionResetError("Connection reset by peer"), "infrastructure.network"),
        (TimeoutError("timed out"), "infrastructure.timeout"),
        (RuntimeError("502 Bad Gateway"), "infrastructure.network"),
        (
            ValueError("tax_model holds a tax that the transformation does not know: digital_levy"),
            "quality.unknown_reference_value",
        ),
        (RuntimeError("unknown product category 'garden'"), "quality.unknown_reference_value"),
        (RuntimeError("UNIQUE constraint failed: profit.day"), "quality.duplicates"),
        (RuntimeError('column "cost" does not exist'), "quality.schema_drift"),
        (RuntimeError("NOT NULL constraint failed: profit.cents"), "quality.nulls"),
        (RuntimeError("revenue fell by 80 % against last week: outlier"), "quality.outlier"),
        (RuntimeError("401 Client Error: Unauthorized for url"), "operational.credentials_expired"),
        (RuntimeError("An error occurred (ExpiredToken)"), "operational.credentials_expired"),
        (KeyError("conf"), "code.bug"),
        (RuntimeError("no such table: profit"), "code.configuration"),
        (RuntimeError("something else entirely"), "unknown"),
    ],
)  # fmt: skip
def test_each_kind_of_failure_gets_its_category(error: BaseException, category: str) -> None:
    assert verdict(error=error) == category


def test_a_task_that_vanished_without_a_word_ran_out_of_memory() -> None:
    assert verdict(killed=True) == "infrastructure.out_of_memory"


def test_the_cause_counts_as_well_as_the_exception() -> None:
    error = RuntimeError("the step failed")
    error.__cause__ = MemoryError()
    assert verdict(error=error) == "infrastructure.out_of_memory"


def test_the_best_section_that_the_runbook_has() -> None:
    found = classify(Failure(message="unknown tax"), load_rules(PACKAGED))
    assert found.anchors[0] == "unknown-reference-value"
    assert found.anchor_in({"data-quality", "run-failed"}) == "data-quality"
    assert found.anchor_in({"run-failed"}) == "run-failed"
    assert found.anchor_in(set()) is None


def test_a_teams_own_rules_come_first(tmp_path: Path) -> None:
    (tmp_path / "triage.yaml").write_text(
        "rules:\n- {category: quality.nulls, anchor: our-section, message: unknown tax, task: ^guard_}\n"
    )
    rules = rules_for(tmp_path)
    assert classify(Failure(message="Unknown tax", task_id="guard_tax"), rules).anchors[0] == "our-section"
    assert classify(Failure(message="Unknown tax", task_id="load"), rules).category == "quality.unknown_reference_value"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("rules: [", "triage.yaml:2: triage: not YAML"),
        ("rules: 7", "must be a list"),
        ("rules: [{anchor: x}]", "rules[0]: must be a mapping with at least a `category`"),
        ("rules: [{category: a.b, mesage: x}]", "rules[0].mesage: is not a key"),
        (
            "rules: [{category: a.b, message: '('}]",
            "triage.yaml:1: triage.rules[0].message: `(` is not a regular expression",
        ),
        ("rules: [{category: a.b, exception: 5}]", "rules[0].exception: must be a name or a list of names"),
        ("rules: [{category: a.b, exception: []}]", "rules[0].exception: must be a name or a list of names"),
        ("rules: [{category: a.b, message: ''}]", "rules[0].message: must be a regular expression"),
        ("rules: [{category: a.b, killed: perhaps}]", "rules[0].killed: is `perhaps`: write true or false"),
        ("rules: [{category: a.b, killed: true, anchor: 7}]", "rules[0].anchor: must be the anchor"),
        ("rules: [{category: quality.nulls}]", "rules[0]: holds for every failure"),
        ("rules: [{category: nulls, task: x}]", "rules[0].category: is `nulls`: write group.kind"),
        ("rules: []\nrule: []", "triage.yaml:2: triage.rule: is not a key of this file"),
        ("\n", "the file is empty"),
        ("- 7", "must be a mapping"),
    ],
)
def test_a_broken_file_is_one_clear_line_and_is_left_out(tmp_path: Path, content: str, says: str) -> None:
    path = tmp_path / "triage.yaml"
    path.write_text(content)
    with pytest.raises(RegistryError) as caught:
        load_rules(path)
    assert says in str(caught.value)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert rules_for(tmp_path) == load_rules(PACKAGED)


def test_every_mistake_is_found_at_once_with_its_line() -> None:
    text = "rules:\n- {category: qualty.nulls, message: x}\n- {category: a.b, mesage: x}\n- {anchor: y}\n- 7\n"
    rules, problems = examine_rules(text.encode())
    assert rules == ()
    assert [(each.line, each.path, each.severity) for each in problems] == [
        (2, "triage.rules[0].category", "warning"),
        (3, "triage.rules[1].category", "warning"),
        (3, "triage.rules[1].mesage", "error"),
        (3, "triage.rules[1]", "error"),
        (4, "triage.rules[2]", "error"),
        (5, "triage.rules[3]", "error"),
    ]
    assert "did you mean `quality`?" in problems[0].message
    assert any("did you mean `message`?" in each.message for each in problems)


@given(st.one_of(st.binary(max_size=200), st.text(alphabet="rules:-[]{}, \n'aycteg.m7", max_size=80).map(str.encode)))
def test_whatever_stands_in_the_file_is_rules_or_problems(data: bytes) -> None:
    rules, problems = examine_rules(data)
    assert rules == () or not [each for each in problems if each.severity == "error"]
    assert all(each.message and "\n" not in each.message for each in problems)


def test_the_packaged_and_the_shipped_rules_have_nothing_wrong() -> None:
    for path in (PACKAGED, SHIPPED):
        rules, problems = examine_rules(path.read_bytes())
        assert rules
        assert problems == []


def test_the_shipped_rules_name_our_own_guards_failures() -> None:
    """Read as the surfaces read them: beside the registry, before the packaged ones."""
    dags = "".join(path.read_text() for path in (SHIPPED.parents[1] / "dags").rglob("*.py"))
    rules = rules_for(SHIPPED.parent)
    assert len(rules) > len(load_rules(PACKAGED))
    operators = {operator for rule in load_rules(SHIPPED) for operator in rule.operators}
    assert operators
    assert [operator for operator in operators if f"{operator}(" not in dags] == []
    twice = Failure(message="delivered twice: order 7", operator="NoViolations", exceptions=("AirflowException",))
    assert classify(twice, rules).category == "quality.duplicates"
    nothing = Failure(message="costs: nothing delivered for the day", operator="NoViolations", exceptions=())
    assert classify(nothing, rules).category == "upstream.missing"
    assert classify(twice, load_rules(PACKAGED)).category != "quality.duplicates"


def test_check_finds_mistakes_in_the_rules_beside_the_registry(tmp_path: Path) -> None:
    shutil.copytree(SHIPPED.parent, tmp_path, dirs_exist_ok=True)
    registry = tmp_path / "ownership.yaml"
    assert "triage" not in CliRunner().invoke(build_app(["registry"]), ["check", "--file", str(registry)]).output
    (tmp_path / "triage.yaml").write_text("rules:\n- {category: quality.nulls, mesage: x}\n")
    found = CliRunner().invoke(build_app(["registry"]), ["check", "--file", str(registry)])
    assert found.exit_code == 1
    assert f"{tmp_path}/triage.yaml:2: error: triage.rules[0].mesage: is not a key of a rule" in found.output
    assert "did you mean `message`?" in found.output


def test_only_the_beginning_of_a_huge_message_is_looked_at() -> None:
    assert verdict("out of memory" + "a" * 5_000_000) == "infrastructure.out_of_memory"
    assert verdict("a" * 5_000_000 + " out of memory") == "unknown"
