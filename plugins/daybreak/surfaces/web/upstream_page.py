"""The page of one upstream's delay as HTML: no script, the look of the other pages, a card a telling on a phone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from html import escape
from zoneinfo import ZoneInfo

from daybreak.delivery.words import day_and_clock, length
from daybreak.domain.registry import Person, Pipeline, Registry, Team
from daybreak.monitor.upstream_report import Telling, UpstreamReport, Way
from daybreak.surfaces.web.page import document, way_back

_STYLE = """
.state{display:inline-block;padding:.1rem .6rem;border-radius:1rem;font-size:.9rem;color:#fff}
.missed{background:#b3261e}.late{background:#8a5300}.met{background:#1d6b35}.pending{background:#5b6575}
p.warn{background:var(--mark);padding:.6rem 1rem;border-radius:8px}small{color:var(--soft)}
ul.told{list-style:none;padding:0}ul.told li{padding:.7rem 0;border-bottom:1px solid var(--line);overflow-wrap:anywhere}
ul.told time{display:block;color:var(--soft);font-size:.9rem}
@media (min-width:40rem){ul.told li{display:grid;grid-template-columns:11.5rem 1fr;gap:1rem}}
"""
_KINDS = {"page": "Page", "notice": "Notice", "ticket": "Ticket", "thread": "Thread", "resolve": "Closed"}
_WAYS = {
    "sent": "{place}, {at}",
    "pending": "{place}: not sent yet",
    "failed": "{place}: could not be sent",
    "shadow": "{place}: not sent (shadow mode)",
    "superseded": "{place}: no longer needed",
}


def upstream_page(
    report: UpstreamReport,
    registry: Registry,
    *,
    waiting: Sequence[Pipeline],
    now: datetime,
    trouble: str | None,
    airflow_home: str,
) -> str:
    """The whole page; every time is in the upstream's own zone."""
    upstream, zone = report.upstream, report.upstream.expected.zone
    warning = f'<p class="warn">{escape(trouble)}</p>' if trouble else ""
    facts = [("Business date", report.business_date.isoformat())]
    if report.occurrence is not None:
        facts.append(("Expected by", day_and_clock(report.occurrence.due_at, zone)))
    team = registry.teams.get(upstream.team)
    if team is not None:
        facts.append(("Delivered by", f"{team.name}, {team.slack_channel}" if team.slack_channel else team.name))
    if waiting:
        facts.append(("Waited for by", ", ".join(one.name for one in waiting)))
    rows = "".join(f"<div><dt>{label}</dt><dd>{escape(text)}</dd></div>" for label, text in facts)
    tellings = "".join(_telling(each, registry, zone) for each in report.told)
    nobody = "" if trouble else "<p>Nobody has been told of a delay on this day.</p>"
    told = f'<ul class="told">{tellings}</ul>' if tellings else nobody
    coming = "".join(
        f"<li><time>{day_and_clock(at, zone)}</time><div>{_KINDS[step.do]} to {_names(registry, step.to)}</div></li>"
        for at, step in report.coming
    )
    later = f'<h2 id="coming">If it stays away</h2><ul class="told">{coming}</ul>' if coming else ""
    body = (
        f"<h1>{escape(upstream.name)}</h1><p>{'' if trouble else _state(report, now)}</p>{warning}"
        f'<dl class="facts">{rows}</dl><h2 id="told">Who was told</h2>'
        f"{told}{later}"
    )
    return document(f"{upstream.name}: who was told", _top(airflow_home), body, style=_STYLE)


def missing_page(*, name: str, date: str | None, airflow_home: str) -> str:
    """``date``: what was asked for and is no date; None where there is no such upstream."""
    if date is None:
        said = f"There is no upstream <code>{escape(name)}</code> in the registry."
    else:
        said = f"<code>{escape(date)}</code> is no date: write it as 2026-02-28."
    return document("Not found", _top(airflow_home), f"<h1>Not found</h1><p>{said}</p>")


def _state(report: UpstreamReport, now: datetime) -> str:
    """One line: is it there, since when is it late."""
    due, record = report.occurrence, report.record
    zone = report.upstream.expected.zone
    if due is None:
        return _pill("pending", "not expected on this day")
    if record is not None and record.waived:
        return _pill("pending", f"declared as not needed: {record.waived}")
    if record is not None and record.ready_at is not None:
        at = day_and_clock(record.ready_at, zone)
        late = record.ready_at - due.due_at
        return (
            _pill("late", f"arrived {at}, {length(late)} late")
            if late.total_seconds() > 0
            else _pill("met", f"arrived {at}, in time")
        )
    if now < due.due_at:
        return _pill("pending", "not late")
    if record is None or record.state != "missed":
        return _pill("pending", "no monitor has looked since it was expected")
    return _pill("missed", f"late since {day_and_clock(due.due_at, zone)}, {length(now - due.due_at)}")


def _pill(kind: str, text: str) -> str:
    return f'<span class="state {kind}">{escape(text)}</span>'


def _telling(each: Telling, registry: Registry, zone: ZoneInfo) -> str:
    arrived = each.event == "upstream_arrived"
    what = "Told of its arrival" if arrived else _KINDS.get(each.kind, each.kind)
    about = [registry.pipelines[one].name if one in registry.pipelines else one for one in each.pipelines]
    of = f" for {escape(', '.join(about))}" if about else ""
    to = "" if arrived else " to"
    ways = " · ".join(_way(one, zone) for one in each.ways)
    return (
        f"<li><time>{day_and_clock(each.at, zone)}</time>"
        f"<div>{what}{of}{to}{':' if arrived else ''} {_names(registry, each.to)}<br><small>{ways}</small></div></li>"
    )


def _way(way: Way, zone: ZoneInfo) -> str:
    words = _WAYS.get(way.state, "{place}: " + way.state)
    return escape(words.format(place=way.place, at=way.at.astimezone(zone).strftime("%H:%M:%S")))


def _names(registry: Registry, ids: Iterable[str]) -> str:
    known: dict[str, Person | Team] = {**registry.people, **registry.teams}
    return f"<strong>{escape(', '.join(known[one].name if one in known else one for one in ids) or 'nobody')}</strong>"


def _top(airflow_home: str) -> str:
    return way_back(airflow_home, runbooks="../runbooks/")
