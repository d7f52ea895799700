"""``daybreak status``, ``history`` and ``handoff``: how things stand, how they stood, and what to take over."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from statistics import median
from typing import TYPE_CHECKING, Annotated, Any

import typer

from daybreak.commands.options import DEFAULT_FILE, FileOption, JsonOption, iso, load, pipeline_named

if TYPE_CHECKING:
    from sqlalchemy import Row

COLOURS = {"met": "green", "late": "yellow", "at_risk": "yellow", "failed": "red", "missed": "red", "pending": "dim"}


LONG_IN_VAIN = timedelta(minutes=5)  # after so long without success a delivery takes another way as well


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("status")(status)
    app.command("history")(history)
    app.command("handoff")(handoff)


def status(file: FileOption = DEFAULT_FILE, as_json: JsonOption = False) -> None:
    """Today's board: every pipeline's state, open incidents, deliveries that failed, the monitor's last tick.

    Status 1 if no monitor has judged within the last minute.
    """
    from daybreak.monitor.assembly import store_engine
    from daybreak.monitor.handoff_report import states_today
    from daybreak.monitor.health import health_of
    from daybreak.sql.database import reading
    from daybreak.store.incidents import load_incidents
    from daybreak.store.memory import kept_registry

    now, registry, store = datetime.now(UTC), load(file), store_engine()
    health = health_of(store, now)
    with reading(store) as connection:
        today = states_today(registry, connection, now)
        incidents = [each for each in load_incidents(connection, now).values() if each.open]
        failed = _undelivered(connection, now)
        kept = kept_registry(connection)
    zone = registry.zone
    if as_json:
        answer = {
            "ok": health.ok,
            "last_tick_age_seconds": None if health.tick_age is None else round(health.tick_age, 1),
            "registry_problem": kept.problem if kept else None,
            "pipelines": [
                {
                    "pipeline": each.pipeline,
                    "state": each.state,
                    "reason": each.reason,
                    "due_at": iso(each.due_at, zone) if each.due_at else None,
                    "minutes_late": each.minutes_late,
                }
                for each in today
            ],
            "incidents": [
                {
                    "dedup_key": each.dedup_key,
                    "kind": each.kind,
                    "pipeline": each.subject,
                    "group": list(each.group),
                    "state": each.state.value,
                    "reason": each.reason.value if each.reason else None,
                    "opened_at": iso(each.opened_at, zone),
                    "paged": list(each.paged),
                    "acknowledged_by": each.acknowledged_by,
                }
                for each in incidents
            ],
            "deliveries": health.deliveries,
            "failed_deliveries": failed,
        }
        print(json.dumps(answer, indent=2))
    else:
        _print_status(registry, health, today, incidents, failed, kept.problem if kept else None)
    if not health.ok:
        raise typer.Exit(1)


def history(
    pipeline: Annotated[str, typer.Option("--pipeline", help="The pipeline's id.", metavar="ID")],
    days: Annotated[int, typer.Option("--days", help="How far back.", min=1)] = 90,
    file: FileOption = DEFAULT_FILE,
    as_json: JsonOption = False,
) -> None:
    """How often a pipeline's data was there in time: attainment, missed days, minutes late, by reason and upstream."""
    from daybreak.monitor.assembly import store_engine
    from daybreak.sql.database import reading
    from daybreak.store.occurrences import history as rows_of

    now, registry = datetime.now(UTC), load(file)
    chosen = pipeline_named(registry, pipeline)
    assert chosen is not None
    with reading(store_engine()) as connection:
        rows = rows_of(connection, chosen.id, now - timedelta(days=days), now)
    summary = summarise(chosen.id, days, rows)
    if as_json:
        print(json.dumps(summary, indent=2))
        return
    late = summary["minutes_late"]
    typer.echo(f"{chosen.name}, the last {days} days: {summary['due']} due")
    rate = summary["attainment_percent"]
    typer.echo(f"in time: {summary['met']} ({'-' if rate is None else f'{rate} %'})")
    typer.echo(f"late: {summary['late']} (p50 {late['p50'] or 0} min, p95 {late['p95'] or 0} min)")
    typer.echo(f"never ready: {summary['missed']}; waived: {summary['waived']}")
    for label, counts in (("by reason", summary["by_reason"]), ("by upstream", summary["by_upstream"])):
        for name, number in counts.items():
            typer.echo(f"{label}: {name} {number}")
    for day in summary["missed_days"]:
        typer.echo(f"missed: {day['business_date']} {day['reason'] or ''} {_late_words(day['minutes_late'])}".rstrip())


def handoff(file: FileOption = DEFAULT_FILE) -> None:
    """What whoever comes on call needs to know, as it is told in Slack at each handoff."""
    from daybreak.monitor.assembly import store_engine
    from daybreak.monitor.handoff_report import gather_report, lines
    from daybreak.sql.database import reading

    now, registry = datetime.now(UTC), load(file)
    with reading(store_engine()) as connection:
        report = gather_report(registry, connection, now)
    for line in lines(registry, report):
        typer.echo(line)


def summarise(pipeline: str, days: int, rows: list[Row[Any]]) -> dict[str, Any]:
    """The figures of ``history`` from rows of the occurrence table. Waived days count for nothing; attainment is the
    share of settled or missed days that were met, in per cent, None without any."""
    counted = [row for row in rows if not row.waived and row.state not in ("pending", "at_risk", "failed")]
    met = [row for row in counted if row.state == "met"]
    bad = [row for row in counted if row.state != "met"]
    minutes = sorted(row.minutes_late for row in bad if row.minutes_late is not None)
    by_reason: dict[str, int] = {}
    by_upstream: dict[str, int] = {}
    for row in bad:
        by_reason[row.reason or "unknown"] = by_reason.get(row.reason or "unknown", 0) + 1
        if row.upstream:
            by_upstream[row.upstream] = by_upstream.get(row.upstream, 0) + 1
    return {
        "pipeline": pipeline,
        "days": days,
        "due": len(counted),
        "met": len(met),
        "late": len([row for row in bad if row.state == "late"]),
        "missed": len([row for row in bad if row.state == "missed"]),
        "waived": len([row for row in rows if row.waived]),
        "attainment_percent": round(100 * len(met) / len(counted), 1) if counted else None,
        "minutes_late": {"p50": median(minutes) if minutes else None, "p95": _percentile(minutes, 95)},
        "by_reason": dict(sorted(by_reason.items(), key=lambda each: -each[1])),
        "by_upstream": dict(sorted(by_upstream.items(), key=lambda each: -each[1])),
        "missed_days": [
            {"business_date": _day(row.business_date), "reason": row.reason, "minutes_late": row.minutes_late}
            for row in bad
        ],
    }


def _percentile(values: list[int], percent: int) -> int | None:
    """The smallest of ``values`` (sorted) that at least ``percent`` of them do not exceed."""
    if not values:
        return None
    return values[max(0, -(-len(values) * percent // 100) - 1)]


def _day(day: date) -> str:
    return day.isoformat()


def _late_words(minutes: int | None) -> str:
    return "never ready" if minutes is None else f"{minutes} min late"


def _undelivered(connection: Any, now: datetime) -> list[dict[str, Any]]:
    """What was refused for good, and what has been tried in vain for so long that another way was taken as well."""
    from sqlalchemy import and_, or_, select

    from daybreak.store.schema import delivery

    overdue = and_(
        delivery.c.state == "pending", delivery.c.error.is_not(None), delivery.c.created_at <= now - LONG_IN_VAIN
    )
    chosen = (
        select(delivery)
        .where(or_(delivery.c.state == "failed", overdue))
        .order_by(delivery.c.urgency, delivery.c.id.desc())
        .limit(20)
    )
    return [
        {
            "dedup_key": row.dedup_key,
            "channel": row.channel,
            "kind": row.kind,
            "to": list(row.to),
            "error": row.error,
            "tried_again": row.state == "pending",
        }
        for row in connection.execute(chosen)
    ]


def _print_status(
    registry: Any, health: Any, today: Any, incidents: Any, failed: list[dict[str, Any]], problem: str | None
) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    console = Console(soft_wrap=True)
    age = "never" if health.tick_age is None else f"{health.tick_age:.0f} s ago"
    console.print(f"monitor: last tick [{'green' if health.ok else 'bold red'}]{age}[/]")
    if problem:
        console.print(f"[bold red]registry in production is invalid:[/] {escape(problem)}")
    table = Table(box=None, pad_edge=False)
    for name in ("due", "pipeline", "state", "reason", "late"):
        table.add_column(name)
    for each in sorted(today, key=lambda one: one.due_at):
        due = each.due_at.astimezone(registry.zone).strftime("%a %H:%M")
        state = f"[{COLOURS.get(each.state, 'default')}]{each.state.replace('_', ' ')}[/]"
        late = "" if each.minutes_late is None else f"{each.minutes_late} min"
        table.add_row(due, escape(each.pipeline), state, (each.reason or "").replace("_", " "), late)
    console.print(table)
    for each in incidents:
        who = f", paged {', '.join(each.paged)}" if each.paged else ""
        console.print(f"[red]open[/] {escape(each.dedup_key)}: {each.state.value}{escape(who)}")
    for row in failed:
        where = f"{row['channel']} {row['kind']} for {', '.join(row['to'])}"
        word = "not delivered yet" if row["tried_again"] else "not delivered"
        console.print(f"[bold red]{word}[/] {escape(row['dedup_key'])} ({escape(where)}): {escape(str(row['error']))}")
