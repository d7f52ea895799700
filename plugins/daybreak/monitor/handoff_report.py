"""What somebody who comes on call needs to know, gathered from the store; and the same as lines of text."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, select

from daybreak.domain.cover import Holder
from daybreak.domain.incident import Incident
from daybreak.domain.occurrence import calendar_of
from daybreak.domain.oncall import on_call_at
from daybreak.domain.registry import Person, Registry, Team, TimeOff
from daybreak.domain.targets import PRIMARY
from daybreak.store.incidents import load_incidents
from daybreak.store.occurrences import load_records
from daybreak.store.outbox import pending_count
from daybreak.store.schema import delivery

AHEAD = timedelta(days=14)
_LONGEST_SHIFT = timedelta(days=14)  # pages are listed for no longer than this


@dataclass(frozen=True, slots=True, kw_only=True)
class PipelineState:
    """``state`` and ``reason`` are the words of design; ``pending`` where nothing was recorded yet."""

    pipeline: str
    state: str
    reason: str | None = None
    due_at: datetime | None = None
    minutes_late: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HandoffReport:
    """``paged``: (when, incident's subject or key, whom) of the shift that ends, or of the one under way."""

    at: datetime
    zone: ZoneInfo
    holder: Holder | None
    open: tuple[Incident, ...]
    upstreams: tuple[Incident, ...]
    tickets: tuple[Incident, ...]  # other teams have them, about runs of ours
    today: tuple[PipelineState, ...]
    paged: tuple[tuple[datetime, str, tuple[str, ...]], ...]
    failed_deliveries: int
    absences: tuple[TimeOff, ...]


def gather_report(registry: Registry, connection: Connection, now: datetime) -> HandoffReport:
    """As things stand at ``now``. At a handoff the pages are those of the shift that has just ended."""
    holder = on_call_at(registry, PRIMARY, now)
    since = now - timedelta(days=7)
    if holder is not None:
        since = max(holder.start, now - _LONGEST_SHIFT)
        if now - since < timedelta(hours=1):
            before = on_call_at(registry, PRIMARY, since - timedelta(seconds=1))
            since = max(before.start, now - _LONGEST_SHIFT) if before is not None else now - timedelta(days=7)
    incidents = [each for each in load_incidents(connection, now).values() if each.open]
    absences = [each for each in registry.on_call.time_off if now < each.end and each.start < now + AHEAD]
    return HandoffReport(
        at=now,
        zone=registry.on_call.zone,
        holder=holder,
        open=tuple(each for each in incidents if each.kind not in ("upstream", "ticket")),
        upstreams=tuple(each for each in incidents if each.kind == "upstream"),
        tickets=tuple(each for each in incidents if each.kind == "ticket"),
        today=states_today(registry, connection, now),
        paged=_paged(connection, since),
        failed_deliveries=pending_count(connection).get("failed", 0),
        absences=tuple(sorted(absences, key=lambda each: each.start)),
    )


def states_today(registry: Registry, connection: Connection, now: datetime) -> tuple[PipelineState, ...]:
    """Every pipeline with a deadline: the state of the occurrence whose cycle is open at ``now``."""
    records, calendar = load_records(connection, now), calendar_of(registry)
    found = []
    for pipeline in registry.pipelines.values():
        current = calendar.current(pipeline, now)
        if current is None:
            continue
        record = records.get(current.dedup_key)
        found.append(
            PipelineState(
                pipeline=pipeline.id,
                state=record.state.value if record else "pending",
                reason=record.reason.value if record and record.reason else None,
                due_at=current.due_at,
                minutes_late=record.minutes_late if record else None,
            )
        )
    return tuple(found)


def lines(registry: Registry, report: HandoffReport) -> list[str]:
    """The report in words, without anybody's mention."""

    def clock(at: datetime) -> str:
        return at.astimezone(report.zone).strftime("%a %d %b %H:%M %Z")

    def names(ids: tuple[str, ...]) -> str:
        known: dict[str, Person | Team] = {**registry.people, **registry.teams}
        return ", ".join(known[one].name if one in known else one for one in ids)

    text = []
    if report.holder is None:
        text.append("Nobody is on call.")
    else:
        text.append(f"On call: {names((report.holder.person,))}, until {clock(report.holder.end)}.")
    text.append(f"Open incidents: {len(report.open) or 'none'}")
    for each in report.open:
        reason = f" ({each.reason.value.replace('_', ' ')})" if each.reason else ""
        who = f"; paged {names(each.paged)}" if each.paged else ""
        taken = f"; acknowledged by {each.acknowledged_by}" if each.acknowledged_by else "; nobody acknowledged"
        what = each.subject or ", ".join(each.group) or each.dedup_key
        text.append(f"- {what}: {each.state.value}{reason} since {clock(each.opened_at)}{who}{taken if who else ''}")
    if report.upstreams:
        late = ", ".join(f"{each.subject} (expected {clock(each.due_at)})" for each in report.upstreams)
        text.append(f"Late upstreams: {late}")
    for each in report.tickets:
        text.append(f"Ticket to {names(each.told)}: {each.subject} ran out of memory at {clock(each.due_at)}")
    counts: dict[str, int] = {}
    for state in report.today:
        counts[state.state] = counts.get(state.state, 0) + 1
    summed = ", ".join(f"{number} {state.replace('_', ' ')}" for state, number in sorted(counts.items()))
    text.append(f"Today: {summed or 'nothing is due'}")
    for state in report.today:
        if state.state not in ("met", "pending"):
            why = f" ({state.reason.replace('_', ' ')})" if state.reason else ""
            text.append(f"- {state.pipeline}: {state.state.replace('_', ' ')}{why}")
    text.append(f"Pages of the last shift: {len(report.paged) or 'none'}")
    text += [f"- {clock(at)} {what} -> {names(to)}" for at, what, to in report.paged[-20:]]
    if report.failed_deliveries:
        text.append(f"Deliveries that failed for good: {report.failed_deliveries} (`daybreak status` lists them)")
    for off in report.absences:
        text.append(f"Away: {names((off.person,))}, {clock(off.start)} to {clock(off.end)}")
    return text


def _paged(connection: Connection, since: datetime) -> tuple[tuple[datetime, str, tuple[str, ...]], ...]:
    chosen = select(delivery).where(
        delivery.c.kind == "page",
        delivery.c.channel == "opsgenie",
        delivery.c.operation.in_(("create", "step")),
        delivery.c.state == "sent",
        delivery.c.sent_at >= since,
    )
    rows = connection.execute(chosen.order_by(delivery.c.sent_at))
    return tuple((row.sent_at, row.subject or row.dedup_key, row.to or ()) for row in rows)
