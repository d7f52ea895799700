"""Judging a history as if it were happening: the monitor's own ``judge`` and ``decide``, tick after tick."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from daybreak.domain.incident import Incident, Judgement, Notification, Recorded
from daybreak.domain.occurrence import calendar_of
from daybreak.domain.registry import Registry
from daybreak.monitor.decide import decide
from daybreak.monitor.history import History
from daybreak.monitor.judge import judge
from daybreak.monitor.wake import next_instant


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """What came of a history: the occurrences as they stood at the end, and who would have been told what."""

    occurrences: tuple[Judgement, ...]
    notifications: tuple[Notification, ...]


def replay(
    registry: Registry,
    history: History,
    start: datetime,
    end: datetime,
    tick: timedelta = timedelta(minutes=1),
    *,
    every_tick: bool = False,
) -> Replay:
    """Tick at ``start``, ``start`` + ``tick``, ... and ``end`` itself.

    Listed are the occurrences due in [start, end) and those whose cycle is open at ``end``. Ticks at which nothing
    can have changed are passed over, unless ``every_tick``; the answer is the same.
    """
    incidents: dict[str, Incident] = {}
    recorded: dict[str, Recorded] = {}
    latest: dict[str, Judgement] = {}
    told: list[Notification] = []
    now = start
    while True:
        snapshot = history.at(now)
        judgements = judge(registry, snapshot, recorded, now)
        decisions = decide(registry, incidents, judgements, now, snapshot=snapshot, recorded=recorded)
        latest.update({one.occurrence.dedup_key: one for one in judgements if not one.occurrence.is_upstream})
        incidents.update({one.dedup_key: one for one in decisions.incidents})
        recorded.update({one.occurrence.dedup_key: one for one in decisions.records})
        told += decisions.notifications
        if now >= end:
            break
        if every_tick:
            now = min(now + tick, end)
            continue
        matters = min(next_instant(registry, incidents, judgements, now), history.next_event())
        now = _first_tick(start, now, tick, matters, end)
    return Replay(occurrences=_listed(registry, latest, start, end), notifications=tuple(told))


def as_json(result: Replay) -> dict[str, Any]:
    """The answer of ``daybreak replay --json``. Notes in a thread, which are addressed to nobody, are left out."""
    return {
        "occurrences": [_occurrence(one) for one in result.occurrences],
        "notifications": [_notification(one) for one in result.notifications if one.to],
    }


def _first_tick(start: datetime, now: datetime, tick: timedelta, instant: datetime, end: datetime) -> datetime:
    """The first tick after ``now`` that is not before ``instant``."""
    if instant >= end:
        return end
    following = now + tick
    if instant > following:
        following = start + -((start - instant) // tick) * tick
    return min(following, end)


def _listed(registry: Registry, latest: dict[str, Judgement], start: datetime, end: datetime) -> tuple[Judgement, ...]:
    order = {name: n for n, name in enumerate(registry.pipelines)}
    calendar = calendar_of(registry)
    current = {calendar.current(pipeline, end) for pipeline in registry.pipelines.values()}
    wanted = [
        one
        for one in latest.values()
        if one.occurrence.opens_at < one.occurrence.closes_at
        and (start <= one.occurrence.due_at < end or one.occurrence in current)
    ]
    return tuple(sorted(wanted, key=lambda one: (one.occurrence.due_at, order[one.occurrence.subject])))


def _occurrence(one: Judgement) -> dict[str, Any]:
    return {
        "pipeline": one.occurrence.subject,
        "business_date": one.occurrence.business_date.isoformat(),
        "due_at": one.occurrence.due_at.isoformat(),
        "state": one.state.value,
        "reason": one.reason.value if one.reason else None,
        "ready_at": one.ready_at.isoformat() if one.ready_at else None,
        "minutes_late": one.minutes_late,
        "run_id": one.run_id,
    }


def _notification(one: Notification) -> dict[str, Any]:
    told: dict[str, Any] = {
        "at": one.at.isoformat(),
        "kind": one.kind,
        "pipeline": one.subject,
        "business_date": one.business_date.isoformat() if one.business_date else None,
        "step": one.step,
        "to": list(one.to),
        "priority": one.priority,
        "dedup_key": one.dedup_key,
    }
    return told | {"group": list(one.group)} if one.group else told
