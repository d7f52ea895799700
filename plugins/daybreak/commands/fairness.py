"""``daybreak fairness``: who carries how much of the on-call."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from daybreak.commands.options import DEFAULT_FILE, FileOption, JsonOption, console, iso, load, named, span, wrong_usage

if TYPE_CHECKING:
    from daybreak.domain.fairness import Fairness, Share
    from daybreak.domain.registry import Registry


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("fairness")(fairness)


def fairness(
    start: Annotated[str, typer.Option("--from", help="The first instant.", metavar="A")],
    end: Annotated[str, typer.Option("--to", help="The instant after the last.", metavar="B")],
    file: FileOption = DEFAULT_FILE,
    as_json: JsonOption = False,
) -> None:
    """Shifts, weekends, holidays, covers, and what is owed, person by person."""
    from daybreak.domain.fairness import fairness as shares_of

    registry = load(file)
    zone = registry.on_call.zone
    begins, ends = span(start, end, zone)
    try:
        found = shares_of(registry, begins, ends)
    except OverflowError:
        wrong_usage("--from, --to: too near the ends of the calendar")
    if as_json:
        answer = {
            "from": iso(begins, zone),
            "to": iso(ends, zone),
            "people": [_as_json(share) for share in found.shares],
            "mean_days": round(found.mean_days, 3),
            "spread_days": round(found.spread_days, 3),
        }
        typer.echo(json.dumps(answer, indent=2))
    else:
        _table(registry, found)


def _as_json(share: Share) -> dict[str, object]:
    return {
        "person": share.person,
        "shifts": dict(share.shifts),
        "days": round(share.days, 3),
        "weekend_days": share.weekend_days,
        "holiday_days": share.holiday_days,
        "covers_given": share.covers_given,
        "covers_received": share.covers_received,
        "credits": {"earned": share.credits, "settled": share.credits_settled, "open": share.credits_open},
        "days_in_lieu": {"owed": share.lieu_owed, "settled": share.lieu_settled, "open": share.lieu_open},
    }


def _table(registry: Registry, found: Fairness) -> None:
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    table.add_column("person", no_wrap=True)
    headings = ("days", "weekend", "holiday", "covered", "was covered", "credits open", "days in lieu open")
    for heading in (*registry.on_call.layers, *headings):
        table.add_column(heading, justify="right")
    for share in found.shares:
        numbers = (
            *share.shifts.values(),
            f"{share.days:.1f}",
            share.weekend_days,
            share.holiday_days,
            share.covers_given,
            share.covers_received,
            f"{share.credits_open} of {share.credits}",
            f"{share.lieu_open} of {share.lieu_owed}",
        )
        table.add_row(named(registry, share.person), *map(str, numbers))
    out = console()
    out.print(table)
    out.print(f"mean {found.mean_days:.1f} days, spread {found.spread_days:.1f} days")
