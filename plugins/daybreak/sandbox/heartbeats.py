"""Heartbeats that Opsgenie watches: active from the first ping, expired when the next one stays away too long.

An expiry raises an alert of its own, and the next ping closes it. A ping for a name that does not exist is answered
like any other, as the real service does; that is what makes it worth a look before trusting one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from daybreak.sandbox.alerts import AlertBook, stamp
from daybreak.sandbox.answers import Refused
from daybreak.sandbox.rules import Rule, priority, text, texts

MINUTES = {"minutes": 1, "hours": 60, "days": 1440}


def _interval(value: Any) -> str | None:
    whole = isinstance(value, int) and not isinstance(value, bool)
    return None if whole and value >= 1 else "should be a whole number from 1 on"


def _unit(value: Any) -> str | None:
    good = isinstance(value, str) and value.lower() in MINUTES
    return None if good else f"should be one of {', '.join(MINUTES)}"


RULES: dict[str, Rule] = {
    "name": text(200, required=True),
    "description": text(10_000),
    "interval": _interval,
    "intervalUnit": _unit,
    "enabled": lambda value: None if isinstance(value, bool) else "should be true or false",
    "ownerTeam": lambda value: None if isinstance(value, dict) else "should be an object with id or name",
    "alertMessage": text(130),
    "alertTags": texts(20, 50),
    "alertPriority": priority,
}


@dataclass(kw_only=True, slots=True)
class Heartbeat:
    """One heartbeat. ``team`` is JSM's owner; Opsgenie's have none."""

    name: str
    interval: int
    unit: str
    team: str = ""
    enabled: bool = True
    description: str = ""
    message: str = ""
    tags: list[str] = field(default_factory=list)
    priority: str = "P3"
    last_ping: datetime | None = None
    expired: bool = False
    pings: int = 0

    @property
    def alias(self) -> str:
        return f"heartbeat:{self.name}"

    def data(self) -> dict[str, Any]:
        """Opsgenie's form of it."""
        return {
            "name": self.name, "description": self.description, "interval": self.interval, "enabled": self.enabled,
            "intervalUnit": self.unit, "expired": self.expired, "lastPingTime": stamp(self.last_ping),
            "alertMessage": self.message, "alertTags": self.tags, "alertPriority": self.priority,
            **({"ownerTeam": {"id": self.team}} if self.team else {}),
        }  # fmt: skip

    def full(self) -> dict[str, Any]:
        return {**self.data(), "pings": self.pings}

    def jsm(self) -> dict[str, Any]:
        """Jira Service Management's form of it."""
        status = "Expired" if self.expired else "Responsive" if self.last_ping else "Inactive"
        kept = {key: value for key, value in self.data().items() if key not in ("expired", "lastPingTime", "ownerTeam")}
        return {**kept, "status": status, "ownerTeamId": self.team}


class Heartbeats:
    """All heartbeats, by name."""

    def __init__(self) -> None:
        self.known: dict[str, Heartbeat] = {}

    def create(self, body: dict[str, Any], team: str = "") -> Heartbeat:
        """:raises Refused: 409, there is one of that name."""
        if body["name"] in self.known:
            raise Refused(409, f"Heartbeat with name [{body['name']}] already exists.", rule="")
        beat = Heartbeat(name=body["name"], interval=body["interval"], unit=body["intervalUnit"].lower(), team=team)
        self.known[beat.name] = beat
        return self.change(beat.name, body)

    def get(self, name: str) -> Heartbeat:
        """:raises Refused: 404, there is none."""
        if name not in self.known:
            raise Refused(404, f"Heartbeat with name [{name}] does not exist.")
        return self.known[name]

    def change(self, name: str, body: dict[str, Any]) -> Heartbeat:
        beat = self.get(name)
        given = {key: value for key, value in body.items() if value is not None}
        beat.description = given.get("description", beat.description)
        beat.interval = given.get("interval", beat.interval)
        beat.unit = given.get("intervalUnit", beat.unit).lower()
        beat.enabled = given.get("enabled", beat.enabled)
        beat.message = given.get("alertMessage", beat.message)
        beat.tags = list(given.get("alertTags", beat.tags))
        beat.priority = given.get("alertPriority", beat.priority)
        owner = given.get("ownerTeam") or {}
        beat.team = owner.get("name") or owner.get("id") or beat.team
        return beat

    def ping(self, name: str, book: AlertBook, now: datetime) -> None:
        beat = self.known.get(name)
        if beat is None:
            return
        beat.last_ping, beat.expired = now, False
        beat.pings += 1
        alert = book.find(beat.alias, "alias")
        if alert is not None and alert.status == "open":
            book.close(alert, now, "heartbeat")

    def sweep(self, book: AlertBook, now: datetime, minute: float) -> bool:
        """Expire what is overdue; whether anything was. An interval's minute lasts ``minute`` seconds."""
        changed = False
        for beat in self.known.values():
            if not beat.enabled or beat.expired or beat.last_ping is None:
                continue
            allowed = timedelta(seconds=beat.interval * MINUTES[beat.unit] * minute)
            if now - beat.last_ping > allowed:
                beat.expired = changed = True
                body = {
                    "message": beat.message or f"Heartbeat [{beat.name}] is expired",
                    "alias": beat.alias,
                    "tags": beat.tags,
                    "priority": beat.priority,
                    "source": "heartbeat",
                }
                book.create(body, now, via="heartbeat")
        return changed
