"""Opsgenie's alerts: their life, their log, and deduplication while one is open. Pure: the time is an argument."""

from __future__ import annotations

import itertools
import uuid
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from daybreak.sandbox.rules import DETAILS_LIMIT, cut_details

ALERT_TAGS_KEPT = 20
NOTES_KEPT = 1000
LOG_KEPT = 2000


def stamp(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def known_id(kind: str, name: str) -> str:
    """The id that this stand-in gives to a person, team, schedule ... of that name: always the same."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"daybreak-sandbox:{kind}:{name}"))


def responder(given: dict[str, Any]) -> dict[str, Any]:
    """A responder with an id and the name that it was given by."""
    kind = str(given["type"])
    name = given.get("username") or given.get("name")
    shown = {"type": kind, "id": given.get("id") or known_id(kind, str(name))}
    if name:
        shown["username" if kind == "user" else "name"] = name
    return shown


@dataclass(kw_only=True, slots=True)
class Alert:
    """One alert. It is open or closed; acknowledged is something that an open one can be besides."""

    id: str
    tiny: str
    alias: str
    message: str
    created_at: datetime
    last_at: datetime
    updated_at: datetime
    via: str = "opsgenie"
    status: str = "open"
    acknowledged: bool = False
    snoozed_until: str | None = None
    priority: str = "P3"
    description: str = ""
    entity: str = ""
    source: str = ""
    owner: str = ""
    count: int = 1
    sources: list[str] = field(default_factory=list)
    responders: list[dict[str, Any]] = field(default_factory=list)
    visible_to: list[dict[str, Any]] = field(default_factory=list)
    actions: list[str] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    details: dict[str, str] = field(default_factory=dict)
    notes: list[dict[str, Any]] = field(default_factory=list)
    log: list[dict[str, Any]] = field(default_factory=list)
    acknowledged_at: datetime | None = None
    acknowledged_by: str = ""
    closed_at: datetime | None = None
    closed_by: str = ""

    def record(self, now: datetime, kind: str, who: str, text: str) -> None:
        self.updated_at = now
        if len(self.log) < LOG_KEPT:
            self.log.append({"at": stamp(now), "type": kind, "owner": who, "log": text})

    def add_note(self, now: datetime, who: str, note: str) -> None:
        if len(self.notes) < NOTES_KEPT:
            self.notes.append({"note": note, "owner": who, "createdAt": stamp(now)})
        self.record(now, "note", who, f"Note added: {note}")

    def add_responder(self, given: dict[str, Any]) -> bool:
        """Whether it was not there before."""
        added = responder(given)
        if any(known["type"] == added["type"] and known["id"] == added["id"] for known in self.responders):
            return False
        self.responders.append(added)
        return True

    def add_details(self, given: dict[str, str]) -> None:
        self.details = cut_details({**self.details, **given}, DETAILS_LIMIT)

    def add_tags(self, given: list[str]) -> None:
        self.tags = list(dict.fromkeys([*self.tags, *given]))[:ALERT_TAGS_KEPT]

    def acknowledge(self, now: datetime, who: str) -> None:
        self.acknowledged, self.acknowledged_at, self.acknowledged_by = True, now, who
        self.record(now, "acknowledge", who, f"Alert acknowledged by {who or 'API'}")

    def close(self, now: datetime, who: str) -> None:
        self.status, self.closed_at, self.closed_by = "closed", now, who
        self.record(now, "close", who, f"Alert closed by {who or 'API'}")

    def data(self) -> dict[str, Any]:
        """The ``data`` of ``GET /v2/alerts/{id}``."""
        report: dict[str, Any] = {}
        if self.acknowledged_at:
            taken = int((self.acknowledged_at - self.created_at).total_seconds() * 1000)
            report |= {"ackTime": taken, "acknowledgedBy": self.acknowledged_by}
        if self.closed_at:
            taken = int((self.closed_at - self.created_at).total_seconds() * 1000)
            report |= {"closeTime": taken, "closedBy": self.closed_by}
        return {
            "id": self.id, "tinyId": self.tiny, "alias": self.alias, "message": self.message, "status": self.status,
            "acknowledged": self.acknowledged, "isSeen": self.acknowledged, "tags": self.tags,
            "snoozed": self.snoozed_until is not None, "snoozedUntil": self.snoozed_until, "count": self.count,
            "lastOccurredAt": stamp(self.last_at), "createdAt": stamp(self.created_at),
            "updatedAt": stamp(self.updated_at), "source": self.source, "owner": self.owner,
            "priority": self.priority, "responders": self.responders,
            "teams": [{"id": each["id"]} for each in self.responders if each["type"] == "team"],
            "visibleTo": self.visible_to, "actions": self.actions, "entity": self.entity,
            "description": self.description, "details": self.details, "report": report,
            "integration": {"id": known_id("integration", self.via), "name": self.via, "type": "API"},
        }  # fmt: skip

    def full(self) -> dict[str, Any]:
        """:meth:`data` and what only the sandbox tells: notes, log, all sources, when it was acknowledged, closed."""
        return {
            **self.data(),
            "via": self.via,
            "sources": self.sources,
            "notes": self.notes,
            "log": self.log,
            "acknowledgedAt": stamp(self.acknowledged_at),
            "acknowledgedBy": self.acknowledged_by,
            "closedAt": stamp(self.closed_at),
            "closedBy": self.closed_by,
        }


class AlertBook:
    """All alerts, oldest first."""

    def __init__(self) -> None:
        self.alerts: list[Alert] = []
        self._tiny = itertools.count(1)
        self._by_id: dict[str, Alert] = {}
        self._open: dict[str, Alert] = {}

    def create(self, body: dict[str, Any], now: datetime, *, via: str) -> tuple[Alert, bool]:
        """A new alert, or the open one of the same alias with its count raised. The flag says which (True: new)."""
        given = {key: value for key, value in body.items() if value is not None}
        who, source = str(given.get("user", "")), str(given.get("source", "")) or "127.0.0.1"
        alias = str(given.get("alias", ""))
        known = self._open.get(alias) if alias else None
        if known is not None:
            known.count += 1
            known.last_at = now
            _remember(known.sources, source)
            known.record(now, "count", who, f"Alert count increased to {known.count} (source {source})")
            if given.get("note"):
                known.add_note(now, who, given["note"])
            return known, False
        number = str(uuid.uuid4())
        alert = Alert(
            id=f"{number}-{int(now.timestamp() * 1000)}", tiny=str(next(self._tiny)), alias=alias or number,
            message=given["message"], created_at=now, last_at=now, updated_at=now, via=via,
            priority=given.get("priority", "P3"), description=given.get("description", ""),
            entity=given.get("entity", ""), source=source, sources=[source],
            visible_to=[responder(each) for each in given.get("visibleTo", [])],
            actions=list(given.get("actions", [])),
        )  # fmt: skip
        for each in given.get("responders", []):
            alert.add_responder(each)
        alert.add_tags(given.get("tags", []))
        alert.add_details(given.get("details", {}))
        alert.record(now, "create", who, f"Alert created via {via} (source {source})")
        if given.get("note"):
            alert.add_note(now, who, given["note"])
        self.restore(alert)
        return alert, True

    def restore(self, alert: Alert) -> None:
        """Put an alert in that was made elsewhere (or just now)."""
        self.alerts.append(alert)
        self._by_id[alert.id] = alert
        if alert.status == "open":
            self._open[alert.alias] = alert

    def continue_after(self, tiny: int) -> None:
        """Number the next alert ``tiny + 1``."""
        self._tiny = itertools.count(tiny + 1)

    def find(self, identifier: str, kind: str) -> Alert | None:
        """By id, tiny id or alias; of several with one alias the open one, else the newest."""
        if kind == "id":
            return self._by_id.get(identifier)
        if kind == "alias" and identifier in self._open:
            return self._open[identifier]
        name = "tiny" if kind == "tiny" else "alias"
        return next((alert for alert in reversed(self.alerts) if getattr(alert, name) == identifier), None)

    def close(self, alert: Alert, now: datetime, who: str) -> None:
        alert.close(now, who)
        self._open.pop(alert.alias, None)

    def delete(self, alert: Alert) -> None:
        self.alerts.remove(alert)
        self._by_id.pop(alert.id, None)
        if self._open.get(alert.alias) is alert:
            del self._open[alert.alias]


def _remember(names: list[str], name: str) -> None:
    if name not in names:
        names.append(name)
