"""``daybreak check`` and ``daybreak schema``: is the registry right, and what may it hold?"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import typer

from daybreak.commands.options import DEFAULT_FILE, OWNERSHIP_FILE, instant, wrong_usage

if TYPE_CHECKING:
    from daybreak.config import Problem


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(check)
    app.command()(schema)


def check(
    files: list[Path] = typer.Argument(None, help="Registries; several for a pre-commit hook.", show_default=False),
    file: Path = typer.Option(None, "--file", help=f"The registry (default: {OWNERSHIP_FILE}, else {DEFAULT_FILE})."),
    at: str = typer.Option(None, "--at", help="Check as if it were this instant (ISO 8601).", show_default="now"),
    as_json: bool = typer.Option(False, "--json", help="Print the problems as JSON."),
    strict: bool = typer.Option(False, "--strict", help="Warnings, those about runbooks too, are errors."),
) -> None:
    """Find every mistake of a registry, its runbooks and its rules of triage at once, with path, line and remedy."""
    from daybreak.errors import RegistryMissing

    now = _instant(at)
    named = [*([file] if file else []), *(files or [])] or [default_file()]
    missing = False
    problems: list[tuple[Path, Problem]] = []
    for each in named:
        try:
            problems += _problems(each, now, strict=strict)
        except RegistryMissing as error:
            missing = True
            print(f"daybreak: {error}", file=sys.stderr)
    ok = not missing and all(problem.severity != "error" for _, problem in problems)
    if as_json and not missing:
        _print_json(ok, [problem for _, problem in problems])
    else:
        for path, problem in problems:
            _print_line(path, problem)
        if ok:
            count = len(problems)
            print(f"{', '.join(map(str, named))}: valid" + (f", {count} warning{'s'[: count > 1]}" if count else ""))
    if not ok:
        raise typer.Exit(1)


def schema() -> None:
    """Print the JSON Schema of ownership.yaml, which editors complete and check it with."""
    from daybreak.config.schema import schema_text

    typer.echo(schema_text(), nl=False)


def default_file() -> Path:
    """The registry that is meant when none is named."""
    return Path(os.environ.get(OWNERSHIP_FILE) or DEFAULT_FILE)


def _problems(path: Path, now: datetime, *, strict: bool) -> list[tuple[Path, Problem]]:
    """What is wrong with the registry at ``path`` and, where nothing is, with its runbooks; then with the rules of
    triage beside it. By file and line."""
    from daybreak.config import check_file
    from daybreak.config.runbook_check import runbook_problems
    from daybreak.config.triage_file import triage_file, triage_problems

    problems = check_file(path, now)
    if all(problem.severity != "error" for problem in problems):
        problems = sorted([*problems, *runbook_problems(path, now)], key=lambda problem: problem.line or 0)
    found = [(path, each) for each in problems] + [(triage_file(path), each) for each in triage_problems(path)]
    return [(file, replace(each, severity="error")) for file, each in found] if strict else found


def _instant(text: str | None) -> datetime:
    if text is None:
        return datetime.now(UTC)
    found = instant(text, ZoneInfo("UTC"), "--at")
    if not 1970 <= found.year < 2200:
        wrong_usage(f"--at: {text} is outside 1970 to 2199")
    return found


def _print_json(ok: bool, problems: list[Problem]) -> None:
    rows = [
        {"severity": each.severity, "path": each.path, "line": each.line, "message": each.message} for each in problems
    ]
    print(json.dumps({"ok": ok, "problems": rows}, indent=2, ensure_ascii=False))


def _print_line(path: Path, problem: Problem) -> None:
    where = f"{path}:{problem.line}" if problem.line else str(path)
    stream = sys.stderr if problem.severity == "error" else sys.stdout
    print(f"{where}: {problem.severity}: {problem}", file=stream)
