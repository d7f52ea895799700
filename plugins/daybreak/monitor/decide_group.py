"""Many pipelines, one late upstream, one due instant: one page that lists them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from daybreak.domain.incident import Incident, Judgement, Reason, State, dedup_key
from daybreak.monitor.decide_pipeline import end
from daybreak.monitor.desk import Desk, merged


def group_new(desk: Desk, missed: Iterable[Judgement]) -> None:
    """Put what has just become missed at one due instant for one late upstream under one incident."""
    together: dict[tuple[datetime, str], list[Judgement]] = {}
    for judgement in missed:
        incident = desk.incident(judgement.occurrence.dedup_key)
        if judgement.reason is Reason.UPSTREAM_LATE and incident is not None and not incident.silenced:
            together.setdefault((judgement.occurrence.due_at, judgement.late_upstreams[0]), []).append(judgement)
    for (due_at, upstream), members in together.items():
        business_date = members[0].occurrence.business_date
        key = dedup_key(upstream, business_date, group=True)
        group = desk.incident(key)
        joins = group is not None and group.open and group.due_at == due_at
        if len(members) < 2 and not joins:
            continue
        ids = tuple(one.occurrence.subject for one in members)
        if group is None or not group.open:
            desk.put(_opened(desk, key, ids, upstream, members[0]))
        else:
            _join(desk, group, ids, due_at)
        for member in members:
            incident = desk.incident(member.occurrence.dedup_key)
            if incident is not None:
                desk.change(incident, member_of=key)


def keep_groups(desk: Desk) -> None:
    """End each group with the last of its members."""
    incidents = desk.open_incidents()
    waiting = {one.member_of for one in incidents if one.member_of is not None}
    for group in incidents:
        if group.kind == "group" and group.dedup_key not in waiting:
            end(desk, group, None, text=_how_late(desk, group))


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
        opened_at=occurrence.due_at,
        group=ids,
        upstream=upstream,
        priority=lead.priority,
        escalation=lead.escalation or desk.registry.defaults.escalation,
        paging_since=occurrence.due_at,
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
