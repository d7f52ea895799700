"""One bad file a rule. Its first line says what is expected (severity | path | part of the message), and the comment
``<- here`` stands on the line that must be named."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import ValidationError

from daybreak.config import check_file
from daybreak.config.advice import ADVICE
from daybreak.config.draft import draft_of, salvage
from daybreak.config.reading import Unreadable, read
from daybreak.config.rules import RULES
from daybreak.config.shape import shape_findings
from daybreak.config.spec import FileSpec

FOLDER = Path(__file__).parents[1] / "bad_registries"
FILES = sorted(FOLDER.glob("*.yaml"))
NOW = datetime(2026, 3, 1, tzinfo=UTC)


def expected(path: Path) -> tuple[str, str, str, int]:
    lines = path.read_text().splitlines()
    severity, dotted, fragment = (part.strip() for part in lines[0].lstrip("# ").split(" | "))
    here = [number for number, line in enumerate(lines, start=1) if line.endswith("# <- here")]
    return severity, dotted, fragment, here[0] if here else 1


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_bad_file_has_its_problem_and_no_other(path: Path) -> None:
    severity, dotted, fragment, line = expected(path)
    problems = check_file(path, NOW)
    assert [(each.severity, each.path, each.line) for each in problems] == [(severity, dotted, line)]
    assert fragment in problems[0].message
    assert "\n" not in problems[0].message


def test_every_rule_has_a_file_that_breaks_it() -> None:
    broken = set()
    for path in FILES:
        try:
            document = read(path.read_bytes())
        except Unreadable:
            continue
        try:
            draft = draft_of(FileSpec.model_validate(document.data), FOLDER / "runbooks")
        except ValidationError as error:
            wrong = [finding.path for finding in shape_findings(error, document)]
            draft = salvage(document.data, wrong, FOLDER / "runbooks")
        broken |= {rule.__name__ for rule in RULES if list(rule(draft))}
    assert broken == {rule.__name__ for rule in RULES}


def test_every_warning_has_a_file_that_earns_it() -> None:
    assert sum(expected(path)[0] == "warning" for path in FILES) == len(ADVICE)
