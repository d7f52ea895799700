"""What the commands about time have in common: the registry's file, instants in and out, wrong usage in one line."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn
from zoneinfo import ZoneInfo

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from daybreak.domain.registry import Pipeline, Registry

DEFAULT_FILE = Path("include/ownership.yaml")
OWNERSHIP_FILE = "AIRFLOW__DAYBREAK__OWNERSHIP_FILE"

FileOption = Annotated[
    Path, typer.Option("--file", envvar=OWNERSHIP_FILE, help="The registry.", metavar="F", show_default=True)
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def wrong_usage(message: str) -> NoReturn:
    """Say on standard error, in one line, what is wrong with the command, and end with status 2."""
    typer.echo(f"daybreak: {message}", err=True)
    raise typer.Exit(2)


def load(file: Path) -> Registry:
    """The registry in ``file``. Raises RegistryError (the command then ends with status 1)."""
    from daybreak.config import load_registry

    return load_registry(file)


def instant(text: str, zone: ZoneInfo, option: str) -> datetime:
    """The instant (UTC) that a person wrote: ISO 8601, read in ``zone`` where it has no offset."""
    from daybreak.domain.clock import wall_instant

    try:
        value = datetime.fromisoformat(text.strip())
        if value.tzinfo is None:
            return wall_instant(value.replace(fold=0), zone)
        return value.astimezone(UTC)
    except ValueError:
        wrong_usage(f"{option}: {text!r} is not a time: write 2026-03-02T09:00, with an offset or without")
    except OverflowError:
        wrong_usage(f"{option}: {text!r} is outside the calendar")


def span(start: str, end: str, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """``--from`` and ``--to`` as instants, the first before the second."""
    begins, ends = instant(start, zone, "--from"), instant(end, zone, "--to")
    if begins >= ends:
        wrong_usage(f"--to: {end} is not after --from {start}")
    return begins, ends


def pipeline_named(registry: Registry, name: str | None, option: str = "--pipeline") -> Pipeline | None:
    """The pipeline of that id; None for none named."""
    if name is None:
        return None
    if name not in registry.pipelines:
        wrong_usage(f"{option}: the registry has no pipeline {name!r}{did_you_mean(name, registry.pipelines)}")
    return registry.pipelines[name]


def did_you_mean(word: str, known: object) -> str:
    """``; did you mean 'x'?`` where something close is known, else the first few that are."""
    from collections.abc import Iterable
    from difflib import get_close_matches

    names = [str(name) for name in known] if isinstance(known, Iterable) else []
    close = get_close_matches(word, names, n=1)
    if close:
        return f"; did you mean {close[0]!r}?"
    return f"; it has {', '.join(sorted(names)[:8])}" if names else ""


def iso(moment: datetime, zone: ZoneInfo) -> str:
    """``moment`` in ISO 8601 with the offset of ``zone``, or of UTC where that has seconds (before about 1900)."""
    try:
        local = moment.astimezone(zone)
    except OverflowError:
        return moment.isoformat()
    offset = local.utcoffset()
    whole = offset is not None and offset.total_seconds() % 60 == 0
    return local.isoformat() if whole else moment.astimezone(UTC).isoformat()


def named(registry: Registry, person: str) -> str:
    """``Engineer A (de-1)``, safe to put into a rich table."""
    from rich.markup import escape

    return escape(f"{registry.people[person].name} ({person})")


def console() -> Console:
    """Where tables go: as wide as the terminal, or wide enough for any row when written to a file or a pipe."""
    import sys

    from rich.console import Console

    return Console(width=None if sys.stdout.isatty() else 140, highlight=False)


def for_people(moment: datetime, zone: ZoneInfo) -> str:
    """``Mon 2026-03-02 09:00 CET``."""
    return moment.astimezone(zone).strftime("%a %Y-%m-%d %H:%M %Z")
