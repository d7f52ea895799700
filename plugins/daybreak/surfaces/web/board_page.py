"""The board as HTML: no script, the look of the runbook page, a card for each pipeline on a narrow screen."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from html import escape
from zoneinfo import ZoneInfo

from daybreak.domain.registry import Pipeline
from daybreak.monitor.handoff_report import PipelineState
from daybreak.surfaces.web.page import document, way_back

WORST_FIRST = ("missed", "failed", "late", "at_risk", "pending", "met")
STALE_AFTER = 60.0  # seconds without a tick after which the board warns that nobody judges

_STYLE = """
main{max-width:72rem}table.board{border-collapse:collapse;width:100%}table.board td,table.board th{border:0;
border-bottom:1px solid var(--line);padding:.6rem .7rem;background:none}table.board th{color:var(--soft);
font-size:.85rem;font-weight:500}
.state{display:inline-block;padding:.1rem .6rem;border-radius:1rem;font-size:.85rem;white-space:nowrap;color:#fff}
.missed,.failed{background:#b3261e}.late,.at_risk{background:#8a5300}.met{background:#1d6b35}
.pending{background:#5b6575}small{color:var(--soft)}p.warn{background:var(--mark);padding:.6rem 1rem;border-radius:8px}
@media (max-width:44rem){table.board thead{display:none}table.board tr{display:block;padding:.6rem 0;
border-bottom:1px solid var(--line)}table.board td{display:block;border:0;padding:.15rem 0}
table.board td[data-label]:before{content:attr(data-label) ": ";color:var(--soft);font-size:.85rem}}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One pipeline today. ``paged`` and ``acknowledged_by`` are of its open incident."""

    pipeline: Pipeline
    state: PipelineState
    zone: ZoneInfo
    owners: tuple[str, ...]
    on_call: tuple[str, ...]
    paged: tuple[str, ...] = ()
    acknowledged_by: str | None = None
    runbook: str | None = None
    dag: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """``tick_age``: seconds since a monitor last judged; None if none ever did."""

    at: datetime | None = None
    tick_age: float | None = None
    trouble: str | None = None
    rows: tuple[Row, ...] = ()


def board_page(board: Board, *, airflow_home: str) -> str:
    """The whole page."""
    rows = sorted(board.rows, key=lambda row: (WORST_FIRST.index(row.state.state), row.state.due_at or board.at))
    if rows:
        head = "".join(f"<th>{name}</th>" for name in ("State", "Pipeline", "Due", "Owners", "On call", ""))
        body = "".join(map(_row, rows))
        table = f'<table class="board"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'
    else:
        table = "" if board.trouble else "<p>No pipeline with a deadline that you may read is due today.</p>"
    at = f"<p><small>{board.at:%a %d %b %Y %H:%M:%S} UTC</small></p>" if board.at else ""
    top = way_back(airflow_home, runbooks="runbooks/")
    return document("Daybreak: today", top, f"<h1>Today</h1>{at}{_warning(board)}{table}", style=_STYLE)


def _warning(board: Board) -> str:
    if board.trouble:
        return f'<p class="warn">{escape(board.trouble)}</p>'
    if board.tick_age is None:
        return '<p class="warn">No monitor has judged yet: what stands here is the calendar alone.</p>'
    if board.tick_age > STALE_AFTER:
        minutes = round(board.tick_age / 60)
        return f'<p class="warn">No monitor has judged for {minutes} min: this is how things stood then.</p>'
    return ""


def _row(row: Row) -> str:
    state, pipeline = row.state, row.pipeline
    late = f" {state.minutes_late} min" if state.minutes_late is not None else ""
    word = f'<span class="state {escape(state.state)}">{escape(state.state.replace("_", " "))}{late}</span>'
    reason = f"<br><small>{escape(state.reason.replace('_', ' '))}</small>" if state.reason else ""
    due = state.due_at.astimezone(row.zone).strftime("%H:%M %Z") if state.due_at else ""
    paged = f"<br><small>paged {escape(', '.join(row.paged))}</small>" if row.paged else ""
    acknowledged = f"<br><small>acknowledged by {escape(row.acknowledged_by)}</small>" if row.acknowledged_by else ""
    links = [
        f'<a href="{escape(url)}">{label}</a>' for label, url in (("Runbook", row.runbook), ("Dag", row.dag)) if url
    ]
    return (
        f"<tr><td>{word}{reason}</td><td>{escape(pipeline.name)}<br><small>{escape(pipeline.id)}</small></td>"
        f'<td data-label="Due">{due}</td><td data-label="Owners">{escape(", ".join(row.owners))}</td>'
        f'<td data-label="On call">{escape(", ".join(row.on_call))}{paged}{acknowledged}</td>'
        f"<td>{' · '.join(links)}</td></tr>"
    )
