"""What the drills share: a database each, a sandbox, and the table that ``make drills`` writes of what was seen."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.support.drill_table import PROPERTY, Row, in_time, write
from tests.support.postgres import own_database
from tests.support.sandbox import Sandbox, running_sandbox

_seen: list[dict[str, Any]] = []
_not_seen: list[str] = []
_left_out: list[str] = []


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--write-table", action="store_true", help="write what the drills saw into docs/reliability.md (make drills)"
    )


def pytest_deselected(items: Sequence[pytest.Item]) -> None:
    _left_out.extend(item.nodeid for item in items)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.failed or report.skipped:
        _not_seen.append(report.nodeid)
    elif report.when == "call":
        _seen.extend(value for name, value in report.user_properties if name == PROPERTY)


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    if not session.config.getoption("--write-table", default=False) or hasattr(session.config, "workerinput"):
        return
    if exitstatus or _not_seen or not _seen:
        print(f"\nthe table of docs/reliability.md stays as it is: not seen: {', '.join(_not_seen) or 'any drill'}")
        return
    folder = {path.resolve() for path in Path(__file__).parent.glob("test_*.py")}
    every = not _left_out and folder == {item.path.resolve() for item in session.items}
    write(_seen, every=every)
    if not all(in_time(row) for row in _seen):
        print("\na monitor took over later than the bar: see the table")
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
    print(f"\n{len(_seen)} drills written to docs/reliability.md{'' if every else '; the other rows stay'}")


@pytest.fixture
def note(record_property: Callable[[str, object], None]) -> Callable[[Row], None]:
    """Keeps what a drill saw, for the table."""
    return lambda row: record_property(PROPERTY, row.plain())


@pytest.fixture(scope="module")
def url(postgres_url: str) -> Iterator[str]:
    """An empty database of PostgreSQL."""
    with own_database(postgres_url) as found:
        yield found


@pytest.fixture(scope="module")
def box() -> Iterator[Sandbox]:
    with running_sandbox() as found:
        yield found
