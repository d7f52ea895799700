"""``judge`` and ``decide`` tick by tick, with what is remembered open to change in between."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from daybreak.domain.incident import Decisions, Event, Incident, Judgement, Notification, Recorded
from daybreak.domain.registry import Registry
from daybreak.domain.runs import DagFacts, Evidence, Run, Snapshot
from daybreak.monitor.decide import decide
from daybreak.monitor.judge import judge
from tests.support.mornings import at, clock, line


@dataclass
class Monitor:
    """Ticks by hand, with what is remembered open to change in between."""

    registry: Registry
    runs: tuple[Run, ...] = ()
    evidence: Mapping[tuple[str, str], tuple[Evidence, ...]] = field(default_factory=dict)
    unclaimed: tuple[Run, ...] = ()
    blind: bool = False  # Airflow cannot be read: the judgements are those of the tick before
    facts: dict[str, DagFacts] | None = None
    alive: bool = True
    first_seen: Mapping[str, datetime] | None = None
    incidents: dict[str, Incident] = field(default_factory=dict)
    recorded: dict[str, Recorded] = field(default_factory=dict)
    judged: tuple[Judgement, ...] = ()
    last: Decisions = field(default_factory=Decisions)

    def tick(self, when: str) -> list[str]:
        now = at(when)
        by_dag: dict[str, tuple[Run, ...]] = {}
        for run in sorted(self.runs, key=lambda one: one.effective_date, reverse=True):
            by_dag[run.dag_id] = (*by_dag.get(run.dag_id, ()), run)
        snapshot = Snapshot(
            runs=by_dag,
            evidence=self.evidence,
            dags=self.facts or {},
            dags_known=self.facts is not None,
            scheduler_alive=self.alive,
            unclaimed=self.unclaimed,
        )
        if self.blind:
            judgements, snapshot = self.judged, Snapshot(scheduler_alive=self.alive)
        else:
            judgements = self.judged = judge(self.registry, snapshot, self.recorded, now)
        self.last = decide(
            self.registry,
            self.incidents,
            judgements,
            now,
            snapshot=snapshot,
            recorded=self.recorded,
            first_seen=self.first_seen,
        )
        self.incidents.update({one.dedup_key: one for one in self.last.incidents})
        self.recorded.update({one.occurrence.dedup_key: one for one in self.last.records})
        return [line(one).removeprefix(f"{clock(one.at)} ") for one in self.last.notifications if one.to]

    def change(self, key: str, **fields: Any) -> None:
        self.incidents[key] = replace(self.incidents[key], **fields)

    def events(self) -> list[Event]:
        return [one.event for one in self.last.notifications]

    def told(self, event: Event) -> Notification:
        return next(one for one in self.last.notifications if one.event is event)
