"""``daybreak timeoff import``: absences out of a calendar, as entries to look through and paste."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from daybreak.commands.options import DEFAULT_FILE, FileOption, JsonOption, did_you_mean, iso, load, wrong_usage

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from daybreak.domain.registry import TimeOff


def register(app: typer.Typer) -> None:
    """Add the group with its one command."""
    group = typer.Typer(help="Absences from a calendar into the registry.", no_args_is_help=True)
    group.callback()(_group)
    group.command("import")(import_)
    app.add_typer(group, name="timeoff")


def _group() -> None:
    """Absences from a calendar into the registry."""


def import_(
    calendar: Annotated[Path, typer.Argument(help="A calendar's export.", metavar="FILE.ics")],
    person: Annotated[
        str | None, typer.Option("--person", help="Whose absences they all are; else as the events name.", metavar="ID")
    ] = None,
    file: FileOption = DEFAULT_FILE,
    as_json: JsonOption = False,
) -> None:
    """Propose `time_off` entries for the absences in FILE.ics. Nothing is changed."""
    from daybreak.config.absences import read_absences

    registry = load(file)
    if person is not None and person not in registry.people:
        wrong_usage(f"--person: the registry has no person {person!r}{did_you_mean(person, registry.people)}")
    found = read_absences(registry, calendar, person=person)
    zone = registry.on_call.zone
    if as_json:
        entries = [_as_json(entry, zone) for entry in found.entries]
        left_out = [{"event": title, "why": why} for title, why in found.left_out]
        typer.echo(json.dumps({"time_off": entries, "left_out": left_out}, indent=2))
        return
    for title, why in found.left_out:
        typer.echo(f"left out: {' '.join(title.split())}: {why}", err=True)
    typer.echo(f"# on_call.time_off of {file}" if found.entries else "# nothing to add")
    for entry in found.entries:
        typer.echo(_as_yaml(entry, zone))


def _as_json(entry: TimeOff, zone: ZoneInfo) -> dict[str, object]:
    return {
        "person": entry.person,
        "start": iso(entry.start, zone),
        "end": iso(entry.end, zone),
        "requested": entry.requested.isoformat() if entry.requested else None,
        "in_lieu": entry.in_lieu,
    }


def _as_yaml(entry: TimeOff, zone: ZoneInfo) -> str:
    words = [f"person: {entry.person}", f"start: {_written(entry.start, zone)}", f"end: {_written(entry.end, zone)}"]
    if entry.requested:
        words.append(f"requested: {entry.requested.isoformat()}")
    if entry.in_lieu:
        words.append("in_lieu: true")
    return f"    - {{{', '.join(words)}}}"


def _written(instant: datetime, zone: ZoneInfo) -> str:
    """A date at midnight, else a local time, with its offset where the time comes twice that day."""
    from daybreak.domain.clock import wall_instant

    local = instant.astimezone(zone)
    naive = local.replace(tzinfo=None, fold=0)
    if wall_instant(naive, zone) != instant:
        return f'"{iso(instant, zone)}"'
    if naive - naive.replace(hour=0, minute=0, second=0, microsecond=0) == timedelta(0):
        return naive.date().isoformat()
    return naive.isoformat(timespec="minutes" if naive.second == 0 else "seconds")
