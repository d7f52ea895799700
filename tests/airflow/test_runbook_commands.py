"""Every ``airflow ...`` command of the runbooks, read by Airflow's own parser, names a dag that is there."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DAGS = {path.stem for path in (ROOT / "dags").glob("*.py")}
COMMANDS = sorted(
    {
        " ".join(code.split()).split(" | ")[0]
        for path in (ROOT / "include" / "runbooks").glob("*.md")
        for code in re.findall(r"`(airflow [^`]+)`", path.read_text())
    }
)

pytestmark = pytest.mark.airflow


@pytest.fixture(scope="module")
def parser():
    from airflow.cli.cli_parser import get_parser

    return get_parser()


@pytest.mark.parametrize("command", COMMANDS)
def test_airflow_understands_it(parser, command: str) -> None:
    arguments = parser.parse_args(shlex.split(command)[1:])
    named = getattr(arguments, "dag_id", None)
    assert named is None or named in DAGS


def test_there_are_commands_to_test() -> None:
    assert len(COMMANDS) > 40
