"""The house keeps its own rules: layers, file sizes, no stray names, every command documented."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

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


@pytest.mark.parametrize("path", sources(), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_no_module_of_ours_is_named_after_the_standard_library_at_top_level(path: Path) -> None:
    # Airflow would put it on sys.path under its bare name if .airflowignore ever stopped working.
    if path.parent == PACKAGE.parent:
        assert path.stem not in sys.stdlib_module_names


def test_every_command_is_there_and_says_what_it_is_for() -> None:
    app = build_app(list(dict.fromkeys(COMMANDS.values())))
    named = {command.name: command for command in app.registered_commands} | {
        group.name: group for group in app.registered_groups
    }
    assert set(named) == set(COMMANDS)
    for name, command in named.items():
        # Commands carry it as the docstring of their function, groups as the help of their own application.
        doc = getattr(command, "callback", None) and command.callback.__doc__
        doc = doc or command.help or getattr(getattr(command, "typer_instance", None), "info", command).help
        assert doc, f"daybreak {name} has no help"


@pytest.mark.parametrize("module", sorted(set(COMMANDS.values())))
def test_a_module_of_commands_imports_alone(module: str) -> None:
    build_app([module])


def test_the_command_starts_without_importing_airflow() -> None:
    code = "import sys, daybreak.cli as c; c.build_app(list(dict.fromkeys(c.COMMANDS.values()))); print('airflow' in sys.modules)"
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "False"
