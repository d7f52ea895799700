"""Many pipelines, one late upstream, one due instant: one page that lists them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from daybreak.domain.incident import Incident, Judgement, Reason, State, dedup_key
from daybreak.monitor.decide_pipeline import end
from daybreak.monitor.desk import Desk, merged


def group_new(desk: Desk, missed: Iterable[Judgement]) -> None:
    """Put what has just become missed at one due instant for one late upstream under one incident."""
    by_due: dict[datetime, list[Judgement]] = {}
    for judgement in missed:
        incident = desk.incident(judgement.occurrence.dedup_key)
        if judgement.reason is Reason.UPSTREAM_LATE and incident is not None and not incident.silenced:
            by_due.setdefault(judgement.occurrence.due_at, []).append(judgement)
    for alike in by_due.values():
        while alike:
            upstream, members = _most_in_common(alike)
            if len(members) < 2 and not _joins(desk, upstream, members[0]):
                alike = [one for one in alike if one is not members[0]]
                continue
            _group(desk, upstream, members)
            grouped = {one.occurrence.subject for one in members}
            alike = [one for one in alike if one.occurrence.subject not in grouped]


def keep_groups(desk: Desk) -> None:
    """End each group with the last of its members."""
    incidents = desk.open_incidents()
    waiting = {one.member_of for one in incidents if one.member_of is not None}
    for group in incidents:
        if group.kind == "group" and group.dedup_key not in waiting:
            end(desk, group, None, text=_how_late(desk, group))


def _most_in_common(missed: list[Judgement]) -> tuple[str, list[Judgement]]:
    """The late upstream that most of ``missed`` wait for, and those that do; the first named, of several."""
    waiting: dict[str, list[Judgement]] = {}
    for judgement in missed:
        for upstream in judgement.late_upstreams:
            waiting.setdefault(upstream, []).append(judgement)
    return max(waiting.items(), key=lambda item: len(item[1]))


def _joins(desk: Desk, upstream: str, judgement: Judgement) -> bool:
    """Whether a group for ``upstream`` and this due instant is open already."""
    occurrence = judgement.occurrence
    group = desk.incident(dedup_key(upstream, occurrence.business_date, group=True))
    return group is not None and group.open and group.due_at == occurrence.due_at


def _group(desk: Desk, upstream: str, members: list[Judgement]) -> None:
    occurrence = members[0].occurrence
    key = dedup_key(upstream, occurrence.business_date, group=True)
    ids = tuple(one.occurrence.subject for one in members)
    group = desk.incident(key)
    if group is None or not group.open:
        desk.put(_opened(desk, key, ids, upstream, members[0]))
    else:
        _join(desk, group, ids, occurrence.due_at)
    for member in members:
        incident = desk.incident(member.occurrence.dedup_key)
        if incident is not None:
            desk.change(incident, member_of=key, upstream=upstream)


def _opened(desk: Desk, key: str, ids: tuple[str, ...], upstream: str, judgement: Judgement) -> Incident:
    occurrence = judgement.occurrence
    lead = min((desk.registry.pipelines[one] for one in ids), key=lambda one: one.priority)
    return Incident(
        dedup_key=key,
        kind="group",
        subject=None,
        business_date=occurrence.business_date,
        due_at=occurrence.due_at,
        state=State.MISSED,
        reason=Reason.UPSTREAM_LATE,
        opened_at=desk.opens(occurrence.due_at),
        group=ids,
        upstream=upstream,
        priority=lead.priority,
        escalation=lead.escalation or desk.registry.defaults.escalation,
        paging_since=desk.opens(occurrence.due_at),
    )


def _join(desk: Desk, group: Incident, ids: tuple[str, ...], due_at: datetime) -> None:
    """Add to an open group. Those due later than its first are news, so its escalation begins again with them."""
    members = merged(group.group, ids)
    priority = min(desk.registry.pipelines[one].priority for one in members if one in desk.registry.pipelines)
    joined = desk.change(group, group=members, priority=priority)
    if due_at > group.due_at:
        desk.change(joined, due_at=due_at, paging_since=due_at, steps_done=())
    else:
        desk.note(joined, f"also waits: {', '.join(ids)}")


def _how_late(desk: Desk, group: Incident) -> str | None:
    late = [
        f"{one.subject} {one.minutes_late} min"
        for one in desk.changed()
        if one.member_of == group.dedup_key and one.minutes_late is not None
    ]
    return f"ready, late: {', '.join(late)}" if late else None
