"""Requests that Opsgenie takes now and applies later. What came of one is asked for by its request id.

A failure is as quiet as with the real service: the client got its 202, and only the request's status says more.
"""

from __future__ import annotations

import uuid
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from daybreak.sandbox.alerts import Alert, AlertBook, stamp

STATUSES_KEPT = 20_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What the status of a request says."""

    action: str
    success: bool
    status: str
    at: datetime
    alert_id: str = ""
    alias: str = ""

    def data(self) -> dict[str, Any]:
        return {
            "success": self.success, "isSuccess": self.success, "action": self.action, "status": self.status,
            "processedAt": stamp(self.at), "integrationId": "", "alertId": self.alert_id, "alias": self.alias,
        }  # fmt: skip


Work = Callable[[datetime], Outcome]


class Statuses:
    """Request id → outcome, once there is one."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, Outcome | None] = OrderedDict()

    def open(self) -> str:
        """A new request id, with no outcome yet."""
        number = str(uuid.uuid4())
        self._known[number] = None
        while len(self._known) > STATUSES_KEPT:
            self._known.popitem(last=False)
        return number

    def settle(self, number: str, outcome: Outcome) -> None:
        if number in self._known:
            self._known[number] = outcome

    def get(self, number: str) -> Outcome | None:
        return self._known.get(number)

    def clear(self) -> None:
        self._known.clear()


def create(book: AlertBook, body: dict[str, Any], via: str) -> Work:
    def work(now: datetime) -> Outcome:
        alert, new = book.create(body, now, via=via)
        return _done("Create", "Created alert" if new else "Increased alert count", now, alert)

    return work


def act(book: AlertBook, action: str, identifier: str, kind: str, body: dict[str, Any]) -> Work:
    """``action`` on an alert that is looked up when the work is done, not when it was asked for."""

    def work(now: datetime) -> Outcome:
        alert = book.find(identifier, kind)
        if alert is None:
            return Outcome(action=_title(action), success=False, status="Alert does not exist", at=now)
        refusal = _refusal(alert, action)
        if refusal:
            return Outcome(
                action=_title(action), success=False, status=refusal, at=now, alert_id=alert.id, alias=alert.alias
            )
        _apply(book, alert, action, body, now)
        return _done(_title(action), f"{_title(action)} applied", now, alert)

    return work


def _refusal(alert: Alert, action: str) -> str:
    if alert.status == "closed" and action in ("close", "acknowledge", "unacknowledge", "snooze", "escalate", "assign"):
        return "Alert is already closed"
    if alert.acknowledged and action == "acknowledge":
        return "Alert is already acknowledged"
    if not alert.acknowledged and action == "unacknowledge":
        return "Alert is not acknowledged"
    return ""


def _apply(book: AlertBook, alert: Alert, action: str, body: dict[str, Any], now: datetime) -> None:
    who = str(body.get("user") or "")
    if action == "close":
        book.close(alert, now, who)
    elif action == "acknowledge":
        alert.acknowledge(now, who)
    elif action == "delete":
        book.delete(alert)
    elif action == "unacknowledge":
        alert.acknowledged, alert.acknowledged_at, alert.acknowledged_by = False, None, ""
        alert.record(now, "unacknowledge", who, "Alert unacknowledged")
    elif action == "responders":
        new = alert.add_responder(body["responder"])
        alert.record(now, "responder", who, f"Responder {'added' if new else 'already there'}: {_name(body)}")
    elif action == "details":
        alert.add_details(body["details"])
        alert.record(now, "details", who, f"Details added: {', '.join(body['details'])}")
    elif action == "tags":
        alert.add_tags(body["tags"])
        alert.record(now, "tags", who, f"Tags added: {', '.join(body['tags'])}")
    elif action == "assign":
        alert.owner = str(body["owner"].get("username") or body["owner"].get("id"))
        alert.record(now, "assign", who, f"Assigned to {alert.owner}")
    elif action == "escalate":
        name = body["escalation"].get("name") or body["escalation"].get("id")
        alert.record(now, "escalate", who, f"Escalated to {name}")
    elif action == "snooze":
        alert.snoozed_until = str(body["endTime"])
        alert.record(now, "snooze", who, f"Snoozed until {alert.snoozed_until}")
    elif action in ("message", "description", "priority"):
        setattr(alert, action, body[action])
        alert.record(now, action, who, f"{action.title()} changed to: {body[action]}")
    # A note may come with any action; for `notes` it is the action.
    if body.get("note"):
        alert.add_note(now, who, str(body["note"]))


def _name(body: dict[str, Any]) -> str:
    given = body["responder"]
    return f"{given['type']} {given.get('username') or given.get('name') or given.get('id')}"


def _title(action: str) -> str:
    return {"notes": "AddNote", "responders": "AddResponder"}.get(action, action.title())


def _done(action: str, status: str, now: datetime, alert: Alert) -> Outcome:
    return Outcome(action=action, success=True, status=status, at=now, alert_id=alert.id, alias=alert.alias)
