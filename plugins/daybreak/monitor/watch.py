"""A history under watch: the monitor's own ``judge`` and ``decide``, with what it keeps from tick to tick in memory."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

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


class Watch:
    """What the running monitor keeps from tick to tick: incidents and records, in memory here. Every tick looks at
    everything, as the running monitor does."""

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
