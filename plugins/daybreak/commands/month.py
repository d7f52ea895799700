"""A month of the on-call as a page of a calendar, for a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING

from daybreak.domain.clock import wall_time

if TYPE_CHECKING:
    from daybreak.domain.registry import Registry
    from daybreak.domain.schedule import Schedule

COLOURS = ("cyan", "green", "yellow", "magenta", "blue", "bright_red", "bright_cyan", "bright_green")
MARKS = {"rotation": "", "override": " (override)", "swap": " (swap)", "cover": " (cover)", "compensation": " (comp.)"}


def print_month(registry: Registry, found: Schedule, first: date) -> None:
    """Print the month of ``first``: weeks as rows; each day names who comes on call, with the hour, or holds it."""
    from rich.table import Table

    from daybreak.commands.options import console

    table = Table(title=f"{first:%B %Y}, {registry.on_call.zone.key}", show_lines=True, expand=True)
    for name in ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"):
        table.add_column(name, ratio=1)
    cells = [""] * first.weekday() + [_cell(registry, found, day) for day in _days(first)]
    cells += [""] * (-len(cells) % 7)
    for week in range(0, len(cells), 7):
        table.add_row(*cells[week : week + 7])
    out = console()
    out.print(table)
    if len(registry.on_call.layers) > 1:
        out.print(f"Lines of a day: {', '.join(registry.on_call.layers)}.")


def _days(first: date) -> Iterator[date]:
    day = first
    while day.month == first.month:
        yield day
        day += timedelta(days=1)


def _cell(registry: Registry, found: Schedule, day: date) -> str:
    zone = registry.on_call.zone
    start, end = wall_time(day, time(0), zone), wall_time(day + timedelta(days=1), time(0), zone)
    holidays = registry.on_call.holidays
    festive = holidays is not None and day in registry.on_call.holiday_dates(holidays, day.year)
    lines = [f"[bold]{day.day}[/bold]" + (" holiday" if festive else "")]
    lines += [_line(registry, found, layer, start, end) for layer in registry.on_call.layers]
    return "\n".join(lines)


def _line(registry: Registry, found: Schedule, layer: str, start: datetime, end: datetime) -> str:
    zone = registry.on_call.zone
    words = []
    for shift in found.shifts:
        if shift.layer == layer and shift.start < end and shift.end > start:
            since = "" if shift.start <= start else f"{shift.start.astimezone(zone):%H:%M} "
            colour = COLOURS[list(registry.people).index(shift.person) % len(COLOURS)]
            words.append(f"{since}[{colour}]{shift.person}[/{colour}]{MARKS[shift.reason]}")
    if any(gap.layer == layer and gap.start < end and gap.end > start for gap in found.gaps):
        words.append("[bold red]nobody[/bold red]")
    return ", ".join(words)
