"""``daybreak schedule``: the on-call over a span of time, as a table, a month's page, JSON or a calendar."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from daybreak.commands.options import (
    DEFAULT_FILE,
    FileOption,
    JsonOption,
    console,
    did_you_mean,
    for_people,
    iso,
    load,
    named,
    span,
    wrong_usage,
)

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from daybreak.domain.registry import Registry
    from daybreak.domain.schedule import Schedule


NOBODY = ("nobody", "gap")


class Format(StrEnum):
    """How the schedule is printed."""

    TABLE = "table"
    JSON = "json"
    ICS = "ics"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("schedule")(schedule)


def schedule(
    file: FileOption = DEFAULT_FILE,
    start: Annotated[str | None, typer.Option("--from", help="The first instant.", metavar="A")] = None,
    end: Annotated[str | None, typer.Option("--to", help="The instant after the last.", metavar="B")] = None,
    month: Annotated[
        str | None, typer.Option("--month", help="A month's page instead, such as 2026-03.", metavar="YYYY-MM")
    ] = None,
    layer: Annotated[str | None, typer.Option("--layer", help="This layer alone.", metavar="L")] = None,
    person: Annotated[
        str | None, typer.Option("--person", help="With ics: this person's calendar alone.", metavar="ID")
    ] = None,
    directory: Annotated[
        Path | None, typer.Option("--directory", help="With ics: write team.ics and one file a person.", metavar="DIR")
    ] = None,
    layout: Annotated[Format, typer.Option("--format", help="How to print it.")] = Format.TABLE,
    as_json: JsonOption = False,
) -> None:
    """Who is on call from A to B, and where nobody is."""
    from daybreak.domain.schedule import schedule as schedule_of

    layout = Format.JSON if as_json else layout
    registry = load(file)
    zone = registry.on_call.zone
    if layer is not None and layer not in registry.on_call.layers:
        wrong_usage(f"--layer: the registry has no layer {layer!r}{did_you_mean(layer, registry.on_call.layers)}")
    if person is not None and person not in registry.people:
        wrong_usage(f"--person: the registry has no person {person!r}{did_you_mean(person, registry.people)}")
    if (person or directory) and layout is not Format.ICS:
        wrong_usage("--person and --directory go with --format ics")
    first_day = None
    if month is not None:
        if start or end or layout is not Format.TABLE:
            wrong_usage("--month goes with neither --from, --to nor another format")
        first_day, begins, ends = _month(month, zone)
    elif start is None or end is None:
        wrong_usage("give --from and --to, or --month")
    else:
        begins, ends = span(start, end, zone)
    try:
        found = schedule_of(registry, begins, ends, layer)
    except OverflowError:
        wrong_usage("--from, --to: too near the ends of the calendar")
    if layout is Format.JSON:
        typer.echo(json.dumps(_as_json(found, zone), indent=2))
    elif layout is Format.ICS:
        _calendars(registry, found, person, directory)
    elif first_day is not None:
        from daybreak.commands.month import print_month

        print_month(registry, found, first_day)
    else:
        _table(registry, found)


def _as_json(found: Schedule, zone: ZoneInfo) -> dict[str, list[dict[str, str]]]:
    return {
        "shifts": [
            {
                "layer": shift.layer,
                "person": shift.person,
                "start": iso(shift.start, zone),
                "end": iso(shift.end, zone),
                "reason": shift.reason,
            }
            for shift in found.shifts
        ],
        "gaps": [{"layer": gap.layer, "start": iso(gap.start, zone), "end": iso(gap.end, zone)} for gap in found.gaps],
    }


def _month(text: str, zone: ZoneInfo) -> tuple[date, datetime, datetime]:
    """The month's first day, and its span in ``zone``."""
    from daybreak.domain.clock import wall_time

    try:
        first = date.fromisoformat(f"{text}-01")
        after = (first + timedelta(days=31)).replace(day=1)
        return first, wall_time(first, time(0), zone), wall_time(after, time(0), zone)
    except (ValueError, OverflowError):
        wrong_usage(f"--month: {text!r} is not a month: write 2026-03")


def _table(registry: Registry, found: Schedule) -> None:
    from rich.table import Table

    from daybreak.domain.cover import Gap, Holder

    zone = registry.on_call.zone
    table = Table(box=None, pad_edge=False)
    for heading in ("layer", "person", "from", "to", "reason"):
        table.add_column(heading, no_wrap=heading in ("from", "to"))
    order = list(registry.on_call.layers)
    entries: list[Holder | Gap] = [*found.shifts, *found.gaps]
    for entry in sorted(entries, key=lambda entry: (order.index(entry.layer), entry.start)):
        person, reason = (named(registry, entry.person), entry.reason) if isinstance(entry, Holder) else NOBODY
        style = None if isinstance(entry, Holder) else "red"
        table.add_row(
            entry.layer, person, for_people(entry.start, zone), for_people(entry.end, zone), reason, style=style
        )
    console().print(table)


def _calendars(registry: Registry, found: Schedule, person: str | None, directory: Path | None) -> None:
    from daybreak.config.ics import calendar

    now = datetime.now(UTC).replace(microsecond=0)
    if directory is None:
        typer.echo(calendar(registry, found, now=now, person=person), nl=False)
        return
    try:
        directory.mkdir(parents=True, exist_ok=True)
        for name in [person] if person else [None, *registry.people]:
            path = directory / f"{name or 'team'}.ics"
            path.write_bytes(calendar(registry, found, now=now, person=name))
            typer.echo(path)
    except OSError as error:
        wrong_usage(f"--directory: {error.filename or directory}: {error.strerror}; name a folder that can be written")
