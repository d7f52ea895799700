"""``daybreak ack``, ``snooze`` and ``waive``: what a person does about an incident, recorded with who and why."""

from __future__ import annotations

import getpass
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from daybreak.commands.options import DEFAULT_FILE, FileOption, for_people, load, pipeline_named, wrong_usage

if TYPE_CHECKING:
    from daybreak.domain.registry import Pipeline, Registry

PipelineOption = Annotated[str, typer.Option("--pipeline", help="The pipeline's id.", metavar="ID")]
DateOption = Annotated[
    str | None, typer.Option("--date", help="The business date, such as 2026-03-02; today's by default.", metavar="D")
]
WhyOption = Annotated[str, typer.Option("--why", help="Why, for those who read it later.", metavar="TEXT")]
WhoOption = Annotated[
    str | None, typer.Option("--who", help="Who does it; by default who is logged in here.", metavar="NAME")
]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("ack")(_command("ack", "Acknowledge an incident: steps with `unless: acknowledged` do not fire."))
    app.command("snooze")(snooze)
    app.command("waive")(
        _command(
            "waive", "Declare a pipeline's day as not needed: its incident ends, and nobody is paged for that day."
        )
    )


def _command(kind: Literal["ack", "waive"], does: str) -> Callable[..., None]:
    """A command that needs to know no more than which day of which pipeline, and why."""

    def command(
        pipeline: PipelineOption,
        why: WhyOption,
        day: DateOption = None,
        who: WhoOption = None,
        file: FileOption = DEFAULT_FILE,
    ) -> None:
        _record(kind, file, pipeline, day, who, why)

    command.__doc__ = does
    return command


def snooze(
    pipeline: PipelineOption,
    why: WhyOption,
    lasts: Annotated[str, typer.Option("--for", help="For how long, such as 30m or 2h.", metavar="DURATION")] = "1h",
    day: DateOption = None,
    who: WhoOption = None,
    file: FileOption = DEFAULT_FILE,
) -> None:
    """Hold the escalation of an incident for a while. It still ends by itself when the data is ready."""
    _record("snooze", file, pipeline, day, who, why, lasts=lasts)


def _record(
    kind: Literal["ack", "snooze", "waive"],
    file: object,
    name: str,
    day: str | None,
    who: str | None,
    why: str,
    *,
    lasts: str | None = None,
) -> None:
    from pathlib import Path

    from daybreak.domain.duration import Duration
    from daybreak.domain.incident import dedup_key
    from daybreak.monitor.assembly import store_engine
    from daybreak.sql.database import reading, writing
    from daybreak.store.actions import Action, record_action
    from daybreak.store.incidents import find_incident

    now = datetime.now(UTC)
    registry = load(Path(str(file)))
    pipeline = pipeline_named(registry, name)
    assert pipeline is not None
    if not why.strip():
        wrong_usage("--why: say why in a few words")
    until = None
    if lasts is not None:
        try:
            until = Duration.parse(lasts).after(now, registry.zone)
        except ValueError as error:
            wrong_usage(f"--for: {error}")
    key = dedup_key(pipeline.id, _date(registry, pipeline, day, now))
    store = store_engine()
    with reading(store) as connection:
        incident = find_incident(connection, key)
    if kind != "waive" and (incident is None or not incident.open):
        typer.echo(f"daybreak: {key} has no open incident: there is nothing to {kind}", err=True)
        raise typer.Exit(1)
    with writing(store) as connection:
        done = Action(at=now, dedup_key=key, kind=kind, who=who or getpass.getuser(), why=why.strip(), until=until)
        record_action(connection, done)
    held = f" until {for_people(until, registry.on_call.zone)}" if until else ""
    typer.echo(f"{key}: {kind}{held}; the monitor takes it up within ten seconds")


def _date(registry: Registry, pipeline: Pipeline, day: str | None, now: datetime) -> date:
    from daybreak.domain.clock import local_date
    from daybreak.domain.occurrence import calendar_of

    if day is not None:
        try:
            return date.fromisoformat(day)
        except ValueError:
            wrong_usage(f"--date: {day!r} is not a date: write 2026-03-02")
    current = calendar_of(registry).current(pipeline, now)
    return current.business_date if current is not None else local_date(now, registry.zone)
