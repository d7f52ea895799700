"""The working set of one ``decide``: incidents as they change, and what is told because of it, in order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from daybreak.domain.incident import (
    Event,
    Incident,
    Judgement,
    Notification,
    NotificationKind,
    Recorded,
    State,
)
from daybreak.domain.registry import Pipeline, Registry
from daybreak.domain.runs import Snapshot


class Desk:
    """Made, filled and read within one call: nothing of it outlives a tick."""

    def __init__(
        self,
        registry: Registry,
        incidents: Mapping[str, Incident],
        judgements: Mapping[str, Judgement],
        now: datetime,
        *,
        snapshot: Snapshot | None,
        recorded: Mapping[str, Recorded],
        first_seen: Mapping[str, datetime] | None,
        begins: datetime | None = None,
    ) -> None:
        self.registry = registry
        self.judgements = judgements
        self.now = now
        self.snapshot = snapshot
        self.recorded = recorded
        self.first_seen = first_seen or {}
        self._begins = begins
        self.notifications: list[Notification] = []
        self._before = incidents
        self._changed: dict[str, Incident] = {}
        self._missing: dict[str, list[Incident]] | None = None

    def incident(self, key: str) -> Incident | None:
        return self._changed.get(key) or self._before.get(key)

    def open_incidents(self) -> list[Incident]:
        """All that are open now, in the order in which they became known."""
        return [one for one in (*map(self._latest, self._before), *self._new()) if one.open]

    def missing(self, pipeline: str) -> list[Incident]:
        """The incidents of ``pipeline`` that were open as missed when this tick began, the oldest first."""
        if self._missing is None:
            self._missing = {}
            for one in self._before.values():
                if one.open and one.kind == "pipeline" and one.state is State.MISSED:
                    self._missing.setdefault(one.subject or "", []).append(one)
        found = (self._latest(one.dedup_key) for one in self._missing.get(pipeline, ()))
        return sorted((one for one in found if one.open), key=lambda one: one.due_at)

    def put(self, incident: Incident) -> Incident:
        if self._before.get(incident.dedup_key) == incident:
            self._changed.pop(incident.dedup_key, None)
        else:
            self._changed[incident.dedup_key] = incident
        return incident

    def change(self, incident: Incident, **fields: Any) -> Incident:
        if self.incident(incident.dedup_key) is incident and all(
            getattr(incident, name) == value for name, value in fields.items()
        ):
            return incident  # the usual case, tick after tick: nothing is new
        return self.put(replace(incident, **fields))

    def changed(self) -> tuple[Incident, ...]:
        return tuple(self._changed.values())

    def tell(
        self,
        incident: Incident,
        kind: NotificationKind,
        event: Event,
        to: tuple[str, ...],
        *,
        step: int | None = None,
        text: str | None = None,
    ) -> None:
        """Add a notification about ``incident``. With nobody in ``to`` it is a note: it goes into the thread, to
        whoever reads there."""
        by_pipeline = incident.kind != "upstream"
        self.notifications.append(
            Notification(
                at=self.now,
                kind=kind,
                event=event,
                subject=incident.subject,
                business_date=incident.business_date,
                step=step,
                to=to,
                priority=incident.priority if by_pipeline else None,
                dedup_key=incident.dedup_key,
                group=incident.group,
                text=text,
            )
        )

    def note(self, incident: Incident, text: str) -> None:
        """Say in the thread what changed, where there is a thread."""
        if incident.paged or incident.told:
            self.tell(incident, "notice", Event.CAUSE_CHANGED, (), text=text)

    def opens(self, instant: datetime) -> datetime:
        """When an incident opens whose cause began at ``instant``: then, but not before a replayed history begins."""
        return instant if self._begins is None else max(instant, self._begins)

    def pipeline(self, incident: Incident) -> Pipeline | None:
        """The pipeline that speaks for ``incident``: its own, or of a group's the one with the highest priority."""
        pipelines = self.registry.pipelines
        if incident.kind == "group":
            members = [pipelines[one] for one in incident.group if one in pipelines]
            return min(members, key=lambda one: one.priority, default=None)
        return pipelines.get(incident.subject or "")

    def is_history(self, subject: str, due_at: datetime) -> bool:
        """Whether it was due before its pipeline was first in the registry."""
        since = self.first_seen.get(subject)
        return since is not None and due_at < since

    def is_silent(self, pipeline: Pipeline, due_at: datetime) -> bool:
        """Whether nobody is to be told: what is due within a silence never is, all else not while one lasts."""
        return any(
            silence.pipeline == pipeline.id
            and (silence.start <= due_at < silence.end or silence.start <= self.now < silence.end)
            for silence in self.registry.silences
        )

    def _latest(self, key: str) -> Incident:
        return self._changed.get(key) or self._before[key]

    def _new(self) -> list[Incident]:
        return [one for key, one in self._changed.items() if key not in self._before]


def merged(*ids: tuple[str, ...]) -> tuple[str, ...]:
    """``ids`` one after the other, without repeats."""
    return tuple(dict.fromkeys(one for group in ids for one in group))
