"""What kind of failure: rules as data, the team's before the packaged ones, and no failure lost over a broken file."""

from __future__ import annotations

from pathlib import Path

import pytest

from daybreak.config.triage import PACKAGED, Failure, classify, exception_names, load_rules, rules_for
from daybreak.errors import RegistryError


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
        ("rules: [", "is not YAML"),
        ("rules: 7", "must be a list"),
        ("rules: [{anchor: x}]", "rules[0]: must be a mapping with at least a `category`"),
        ("rules: [{category: a.b, mesage: x}]", "rules[0].mesage: is not a key"),
        ("rules: [{category: a.b, message: '('}]", "rules[0].message: is not a regular expression"),
        ("rules: [{category: a.b, exception: 5}]", "rules[0].exception: must be a name or a list of names"),
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


def test_a_huge_message_is_quick() -> None:
    import time

    started = time.perf_counter()
    verdict("a" * 5_000_000 + " unknown ")
    assert time.perf_counter() - started < 1
