"""The house keeps its own rules: layers, file sizes, no stray names, every command documented."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from typer.main import get_command

from daybreak.cli import COMMANDS, build_app

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "plugins" / "daybreak"


def sources() -> list[Path]:
    return [path for path in PACKAGE.rglob("*.py") if "migrations/versions" not in str(path)]


def test_layers_hold() -> None:
    result = subprocess.run(
        [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"], cwd=ROOT, capture_output=True, text=True
    )
    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize("path", sources(), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_a_file_stays_small_enough_to_read(path: Path) -> None:
    lines = len(path.read_text().splitlines())
    assert lines <= 300, f"{path.relative_to(ROOT)} has {lines} lines: split it"


def test_nothing_beside_the_package_hides_a_module_of_the_standard_library() -> None:
    # The plugins folder is on sys.path in every Airflow process.
    beside = {path.stem for path in PACKAGE.parent.glob("*.py")}
    assert beside == {"daybreak_plugin", "airflow_local_settings"}
    assert not beside & sys.stdlib_module_names


def test_every_command_is_there_and_says_what_it_is_for() -> None:
    commands = get_command(build_app(list(dict.fromkeys(COMMANDS.values())))).commands
    assert set(commands) == set(COMMANDS)
    assert [name for name, command in commands.items() if not command.help] == []


@pytest.mark.parametrize("module", sorted(set(COMMANDS.values())))
def test_a_module_of_commands_imports_alone(module: str) -> None:
    build_app([module])


def test_the_command_starts_without_importing_airflow() -> None:
    code = "import sys, daybreak.cli as c; c.build_app(list(set(c.COMMANDS.values()))); print('airflow' in sys.modules)"
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "False"
