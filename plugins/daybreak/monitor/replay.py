"""Judging a history as if it were happening: the monitor's own ``judge`` and ``decide``, tick after tick."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from daybreak.domain.incident import Judgement, Notification
from daybreak.domain.registry import Registry
from daybreak.monitor.history import History
from daybreak.monitor.touched import TouchedWatch
from daybreak.monitor.watch import Replay, Watch

__all__ = ["Replay", "Watch", "as_json", "replay"]


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
    can have changed are passed over, and at the others only what can have changed is looked at, unless ``every_tick``;
    the answer is the same.
    """
    watch = Watch(registry, history, begins=start) if every_tick else TouchedWatch(registry, history, start, end)
    now = start
    while True:
        watch.tick(now)
        if now >= end:
            break
        now = min(now + tick, end) if every_tick else _first_tick(start, now, tick, watch.matters_next(now), end)
    return watch.result(start, end)


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
