"""``daybreak oncall``: who is on call, until when, why, and whom escalation would reach."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from daybreak.commands.options import (
    DEFAULT_FILE,
    FileOption,
    JsonOption,
    for_people,
    instant,
    iso,
    load,
    pipeline_named,
    wrong_usage,
)

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from daybreak.domain.cover import Holder
    from daybreak.domain.registry import Registry


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("oncall")(oncall)


def oncall(
    file: FileOption = DEFAULT_FILE,
    at: Annotated[str | None, typer.Option("--at", help="An instant; now if left out.", metavar="T")] = None,
    pipeline: Annotated[
        str | None, typer.Option("--pipeline", help="Whose secondary owner and escalation count.", metavar="ID")
    ] = None,
    explain: Annotated[bool, typer.Option("--explain", help="Say in words why it is this person.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Who is on call, and whom a page would reach."""
    from daybreak.domain.explain import explain as reasons
    from daybreak.domain.oncall import on_call_at
    from daybreak.domain.targets import page_order

    registry = load(file)
    zone = registry.on_call.zone
    t = instant(at, zone, "--at") if at is not None else datetime.now(UTC).replace(microsecond=0)
    asked = pipeline_named(registry, pipeline)
    try:
        holders = {layer: on_call_at(registry, layer, t, asked) for layer in registry.on_call.layers}
        page = page_order(registry, t, asked)
    except OverflowError:
        wrong_usage(f"--at: {at} is too near the ends of the calendar")
    chains = {layer: reasons(registry, layer, t, asked) for layer in holders} if explain else {}
    if as_json:
        answer: dict[str, object] = {
            "at": iso(t, zone),
            "layers": {layer: _as_json(holder, zone) for layer, holder in holders.items()},
            "page": list(page),
        }
        if explain:
            answer["explain"] = {layer: list(chain) for layer, chain in chains.items()}
        typer.echo(json.dumps(answer, indent=2))
    else:
        _print(registry, t, holders, page, chains)
    if holders["primary"] is None:
        raise typer.Exit(1)


def _as_json(holder: Holder | None, zone: ZoneInfo) -> dict[str, str] | None:
    if holder is None:
        return None
    return {
        "person": holder.person,
        "start": iso(holder.start, zone),
        "end": iso(holder.end, zone),
        "reason": holder.reason,
    }


def _print(
    registry: Registry,
    t: datetime,
    holders: dict[str, Holder | None],
    page: tuple[str, ...],
    chains: dict[str, tuple[str, ...]],
) -> None:
    zone = registry.on_call.zone
    width = max(len(layer) for layer in holders)
    typer.echo(for_people(t, zone))
    for layer, holder in holders.items():
        if holder is None:
            typer.echo(f"  {layer:<{width}}  nobody")
        else:
            person = registry.people[holder.person]
            typer.echo(
                f"  {layer:<{width}}  {person.name} ({person.id}) until {for_people(holder.end, zone)}, {holder.reason}"
            )
        for line in chains.get(layer, ()):
            typer.echo(f"  {'':<{width}}    {line}")
    names = {one.id: one.name for one in registry.people.values()} | {
        team.id: team.name for team in registry.teams.values()
    }
    typer.echo("a page reaches: " + ", then ".join(f"{names[one]} ({one})" for one in page))
