"""What a monitor works with from tick to tick: read from the store when it takes the lease, then kept beside it.

The holder of the lease is the only writer, so memory and store agree; what people did (ack, snooze, waive) reaches it
as actions. While the store is down this is all there is, and what is decided meanwhile is owed to it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from daybreak.domain.incident import Decisions, Incident, Recorded
from daybreak.domain.registry import Registry
from daybreak.store.actions import Action, mark_applied
from daybreak.store.incidents import load_incidents, save_incidents
from daybreak.store.memory import Usual, load_ready, load_usual, save_seen, seen_pipelines
from daybreak.store.occurrences import load_records, save_records, still_needed

ENDED = timedelta(days=3)
"""Incidents stay known for so long after they ended: occurrences still judged may be theirs."""
_PRUNE_EVERY = timedelta(minutes=30)


@dataclass(slots=True, kw_only=True)
class WorkingSet:
    """Changed only by the tick of the one engine that owns it."""

    incidents: dict[str, Incident] = field(default_factory=dict)
    recorded: dict[str, Recorded] = field(default_factory=dict)
    first_seen: dict[str, datetime] = field(default_factory=dict)
    usual: dict[str, Usual] = field(default_factory=dict)
    ready: dict[tuple[str, str], datetime] = field(default_factory=dict)
    probed: frozenset[str] = frozenset()  # upstreams that were asked about by probes of our own
    owed: Owed = field(default_factory=lambda: Owed())
    pruned_at: datetime | None = None

    @classmethod
    def load(cls, connection: Connection, now: datetime) -> WorkingSet:
        """Everything, as the store has it."""
        return cls(
            incidents=load_incidents(connection, now - ENDED),
            recorded=load_records(connection, now),
            first_seen=seen_pipelines(connection),
            usual=load_usual(connection),
            ready=load_ready(connection, (now - ENDED).date()),
        )

    def durations(self) -> dict[str, timedelta]:
        return {dag: each.duration for dag, each in self.usual.items() if each.duration is not None}

    def meet(self, registry: Registry, now: datetime) -> dict[str, datetime]:
        """Pipelines that the registry has and nobody knew: known from ``now`` on."""
        fresh = dict.fromkeys((name for name in registry.pipelines if name not in self.first_seen), now)
        self.first_seen.update(fresh)
        return fresh

    def apply(self, actions: list[Action]) -> tuple[Incident, ...]:
        """Take up what people did. → the incidents that changed by it; waived records change here as well.

        A day can be waived before its cycle opens: that waits until there is a record of it.
        """
        changed: dict[str, Incident] = {}
        for done in actions:
            key = done.dedup_key
            incident, record = self.incidents.get(key), self.recorded.get(key)
            if done.kind == "waive":
                if record is None:
                    continue
                self.recorded[key] = self.owed.records[key] = replace(record, waived=f"{done.who}: {done.why}")
            elif incident is not None and incident.open:
                fields: dict[str, Any] = {"snoozed_until": done.until}
                if done.kind == "ack":
                    fields = {"acknowledged_at": done.at, "acknowledged_by": done.who}
                self.incidents[key] = changed[key] = self.owed.incidents[key] = replace(incident, **fields)
            self.owed.applied.append(done.id)
        return tuple(changed.values())

    def adopt(self, alone: Owed) -> None:
        """Take over what was decided while nobody could reach the store, unless another monitor recorded it since: what
        was opened then must have its end told as well."""
        for key, incident in alone.incidents.items():
            known = self.incidents.get(key)
            if known is None or (known.resolved_at is not None and known.resolved_at <= incident.opened_at):
                self.incidents[key] = self.owed.incidents[key] = incident
        for name, at in alone.seen.items():
            if name not in self.first_seen:
                self.first_seen[name] = self.owed.seen[name] = at

    def take_in(self, decisions: Decisions, now: datetime) -> None:
        """What a tick decided is so from now on, whether or not the store can be told yet."""
        for incident in decisions.incidents:
            self.incidents[incident.dedup_key] = incident
            self.owed.incidents[incident.dedup_key] = incident
        for record in decisions.records:
            self.recorded[record.occurrence.dedup_key] = record
            self.owed.records[record.occurrence.dedup_key] = record
        if self.pruned_at is None or now - self.pruned_at > _PRUNE_EVERY:
            self._prune(now)

    def _prune(self, now: datetime) -> None:
        self.pruned_at = now
        latest: dict[tuple[str, bool], datetime] = {}
        for record in self.recorded.values():
            one = record.occurrence
            key = (one.subject, one.is_upstream)
            latest[key] = max(latest.get(key, one.due_at), one.due_at)
        self.recorded = {
            key: record
            for key, record in self.recorded.items()
            if still_needed(record, now)
            or latest[record.occurrence.subject, record.occurrence.is_upstream] == record.occurrence.due_at
        }
        self.incidents = {
            key: each
            for key, each in self.incidents.items()
            if each.resolved_at is None or each.resolved_at > now - ENDED
        }


@dataclass(slots=True)
class Owed:
    """Decided, and not in the store yet. Emptied by the first transaction that succeeds."""

    incidents: dict[str, Incident] = field(default_factory=dict)
    records: dict[str, Recorded] = field(default_factory=dict)
    seen: dict[str, datetime] = field(default_factory=dict)
    applied: list[int] = field(default_factory=list)

    def any(self) -> bool:
        return bool(self.incidents or self.records or self.seen or self.applied)

    def pay(self, connection: Connection, decisions: Decisions, now: datetime) -> None:
        """Write all of it, within the caller's transaction."""
        save_incidents(connection, self.incidents.values())
        save_records(connection, self.records.values(), decisions.judgements, now)
        save_seen(connection, self.seen)
        mark_applied(connection, self.applied, now)

    def clear(self) -> None:
        self.incidents, self.records, self.seen, self.applied = {}, {}, {}, []
