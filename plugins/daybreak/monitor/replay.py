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
    watch = Watch(registry, history, begins=start)
    now = start
    while True:
        watch.tick(now)
        if now >= end:
            break
        now = min(now + tick, end) if every_tick else _first_tick(start, now, tick, watch.matters_next(now), end)
    return watch.result(start, end)


class Watch:
    """What the running monitor keeps from tick to tick: incidents and records, in memory here."""

    def __init__(self, registry: Registry, history: History, *, begins: datetime | None = None) -> None:
        """:param begins: what was wrong by then opens then; None: as after an outage, at its own instant"""
        self.registry = registry
        self.begins = begins
        self.history = history
        self.incidents: dict[str, Incident] = {}
        self.recorded: dict[str, Recorded] = {}
        self.notifications: list[Notification] = []
        self._judgements: tuple[Judgement, ...] = ()
        self._latest: dict[str, Judgement] = {}

    def tick(self, now: datetime) -> None:
        """Judge and decide at ``now``, which never goes back."""
        snapshot = self.history.at(now)
        self._judgements = judge(self.registry, snapshot, self.recorded, now)
        decisions = decide(
            self.registry,
            self.incidents,
            self._judgements,
            now,
            snapshot=snapshot,
            recorded=self.recorded,
            begins=self.begins,
        )
        self._latest.update({one.occurrence.dedup_key: one for one in self._judgements})
        self.incidents.update({one.dedup_key: one for one in decisions.incidents})
        self.recorded.update({one.occurrence.dedup_key: one for one in decisions.records})
        self.notifications += decisions.notifications

    def matters_next(self, now: datetime) -> datetime:
        """The first instant after ``now``, the last tick, at which anything can be different."""
        by_itself = next_instant(self.registry, self.incidents, self._judgements, now)
        return min(by_itself, self.history.next_event())

    def result(self, start: datetime, end: datetime) -> Replay:
        """What came of it: occurrences due in [start, end) and those whose cycle is open at ``end``."""
        pipelines = self.registry.pipelines
        order = {name: n for n, name in enumerate(pipelines)}
        current = {calendar_of(self.registry).current(pipeline, end) for pipeline in pipelines.values()}
        wanted = [
            one
            for one in self._latest.values()
            if not one.occurrence.is_upstream
            and one.occurrence.opens_at < one.occurrence.closes_at
            and (start <= one.occurrence.due_at < end or one.occurrence in current)
        ]
        wanted.sort(key=lambda one: (one.occurrence.due_at, order[one.occurrence.subject]))
        return Replay(occurrences=tuple(wanted), notifications=tuple(self.notifications))


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
