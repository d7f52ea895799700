"""``daybreak replay``: what would have happened, and who would have been told, had Daybreak watched a history."""

from __future__ import annotations

import json
import re
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from daybreak.commands.options import DEFAULT_FILE, FileOption, JsonOption, load, span, wrong_usage

if TYPE_CHECKING:
    from daybreak.domain.registry import Registry
    from daybreak.monitor.history import History
    from daybreak.monitor.replay import Replay

_TICK = re.compile(r"(\d{1,6})([smhd])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("replay")(replay)


def replay(
    file: FileOption = DEFAULT_FILE,
    runs: Annotated[
        Path | None,
        typer.Option(
            "--runs", help="Airflow's answer to POST /api/v2/dags/~/dagRuns/list; - for standard input.", metavar="R"
        ),
    ] = None,
    start: Annotated[str | None, typer.Option("--from", help="The first tick.", metavar="A")] = None,
    end: Annotated[str | None, typer.Option("--to", help="The last tick.", metavar="B")] = None,
    tick: Annotated[str, typer.Option("--tick", help="Time between two ticks: 30s, 1m, 1h.", metavar="T")] = "1m",
    from_airflow: Annotated[
        bool, typer.Option("--from-airflow", help="Read the runs from Airflow's metadata database instead.")
    ] = False,
    days: Annotated[int, typer.Option("--days", help="With --from-airflow: how far back.", min=1)] = 30,
    as_json: JsonOption = False,
) -> None:
    """Judge a history as if it were happening: the state of every occurrence, and who would have been told what."""
    from daybreak.monitor import replay as engine

    every = _tick(tick)
    if from_airflow == (runs is not None):
        wrong_usage("give either --runs R or --from-airflow")
    registry = load(file)
    if from_airflow:
        ends = datetime.now(UTC).replace(second=0, microsecond=0)
        begins = ends - timedelta(days=days)
        history = _from_airflow(registry, begins)
    else:
        assert runs is not None
        if start is None or end is None:
            wrong_usage("--from A and --to B are needed with --runs")
        begins, ends = span(start, end, registry.zone)
        history = _from_file(runs, registry)
    result = engine.replay(registry, history, begins, ends, every)
    if as_json:
        print(json.dumps(engine.as_json(result), indent=2))
    else:
        _print(result, registry)


def _from_file(path: Path, registry: Registry) -> History:
    from daybreak.errors import DaybreakError
    from daybreak.monitor.history_json import HistoryError, blind_spots, read_history

    try:
        data = sys.stdin.buffer.read() if str(path) == "-" else path.read_bytes()
        document = json.loads(data)
        history = read_history(document, registry)
    except FileNotFoundError:
        raise DaybreakError(f"{path}: no such file: give the runs that Airflow's REST API answered") from None
    except OSError as error:
        raise DaybreakError(f"{path}: cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise DaybreakError(f"{path}: not JSON: {error}") from None
    except HistoryError as error:
        raise HistoryError(f"{path}: {error}") from None
    for sentence in blind_spots(registry, document):
        typer.echo(f"daybreak: warning: {path}: {sentence}", err=True)
    return history


def _from_airflow(registry: Registry, since: datetime) -> History:
    """The runs of Airflow's metadata database, from a fortnight before ``since``: usual durations need a past."""
    from importlib import import_module

    from daybreak.monitor.history import History

    # By name: reading Airflow must not be imported, not even by a type checker, where a file is replayed.
    read_runs = import_module("daybreak.airflow_io.history").read_runs
    runs, tasks = read_runs(registry, since - timedelta(days=14))
    return History(runs, tasks)


def _tick(text: str) -> timedelta:
    match = _TICK.fullmatch(text.strip())
    seconds = int(match[1]) * _SECONDS[match[2]] if match else 0
    if seconds <= 0:
        wrong_usage(f"--tick: {text!r} is not a time between ticks: write 30s, 1m or 1h")
    return timedelta(seconds=seconds)


def _print(result: Replay, registry: Registry) -> None:
    from rich.console import Console
    from rich.table import Table

    def clock(moment: datetime | None) -> str:
        return moment.astimezone(registry.zone).strftime("%Y-%m-%d %H:%M") if moment else ""

    def table(title: str, columns: str, rows: list[tuple[Any, ...]]) -> Table:
        made = Table(title=title, title_justify="left", box=None, pad_edge=False)
        for column in columns.split():
            made.add_column(column)
        for row in rows:
            made.add_row(*("" if cell is None else str(cell) for cell in row))
        return made

    occurrences = [
        (clock(one.occurrence.due_at), one.occurrence.subject, one.state, one.reason, one.minutes_late, one.run_id)
        for one in result.occurrences
    ]
    told = [
        (clock(one.at), one.kind, one.subject or ", ".join(one.group), one.event, one.step, ", ".join(one.to))
        for one in result.notifications
        if one.to
    ]
    console = Console(soft_wrap=True)
    console.print(
        table(f"Occurrences ({registry.zone.key})", "due pipeline state reason minutes_late run", occurrences)
    )
    console.print()
    console.print(table("Who would have been told", "at kind pipeline event step to", told))
