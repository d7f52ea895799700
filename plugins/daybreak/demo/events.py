"""What changed since the last look, as timeline lines, and what people heard: from the sandbox and from Airflow."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple

from daybreak.demo.sandbox_view import Alert, Message, View
from daybreak.demo.timeline import Timeline

WIDTH = 150


class Heard(NamedTuple):
    """One thing that somebody was told, as it read when it was told."""

    at: datetime
    how: str
    alert: Alert | None
    message: Message | None
    what: str


@dataclass(slots=True, kw_only=True)
class Reporter:
    """Remembers what was told, and tells what is new."""

    timeline: Timeline
    heard: list[Heard] = field(default_factory=list)
    _new: list[tuple[datetime, str, str]] = field(default_factory=list)
    _alerts: dict[str, dict[str, Any]] = field(default_factory=dict)
    _messages: dict[str, str] = field(default_factory=dict)
    _runs: dict[tuple[str, str], str] = field(default_factory=dict)

    def tell(self, view: View, runs: list[dict[str, Any]]) -> None:
        """Print what is new since the last call, in the order in which it happened."""
        self._sandbox(view)
        self._airflow(runs)
        for at, kind, text in sorted(self._new, key=lambda event: event[0]):
            self.timeline.say(kind, text, at)
        self._new.clear()

    def _sandbox(self, view: View) -> None:
        """New alerts, their counts, notes and closing; new messages, replies and rewritten parents."""
        for alert in view.alerts:
            self._alert(alert)
        for message in view.messages:
            self._message(message, "message")
            for reply in message.replies:
                self._message(reply, "thread")

    def _say(self, kind: str, text: str, at: datetime | None = None) -> None:
        short = text if len(text) <= WIDTH else text[: WIDTH - 1] + "…"
        self._new.append((at or datetime.now(UTC), kind, short.replace("\n", " ")))

    def _airflow(self, runs: list[dict[str, Any]]) -> None:
        """Runs that began or ended."""
        for run in runs:
            key, state = (run["dag_id"], run["dag_run_id"]), str(run["state"])
            if self._runs.get(key) == state or state == "queued":
                continue
            self._runs[key] = state
            at = run["end_date"] if state in ("success", "failed") else run["start_date"]
            self._say("airflow", f"{run['dag_id']}: {state}", datetime.fromisoformat(at) if at else None)

    def _alert(self, alert: Alert) -> None:
        known = self._alerts.get(alert.raw["id"])
        say = self._say
        if known is None:
            whom = ", ".join(alert.responders)
            say("page", f"{alert.kind} {alert.priority} to {whom}: {alert.message}", alert.created_at)
            self.heard.append(Heard(alert.created_at, alert.kind, alert, None, alert.message))
            known = {"count": 1, "notes": 0, "closed": False}
        if alert.count > known["count"]:
            say("page", f"  same alert again (now {alert.count}×, from {alert.sources[-1]}): {alert.alias}")
        for note in alert.notes[known["notes"] :]:
            say("page", f"  note: {note}")
            self.heard.append(Heard(datetime.now(UTC), "note", alert, None, note))
        if alert.closed and not known["closed"]:
            say("good", f"alert closed: {alert.message}")
            self.heard.append(Heard(datetime.now(UTC), "closed", alert, None, alert.message))
        self._alerts[alert.raw["id"]] = {"count": alert.count, "notes": len(alert.notes), "closed": alert.closed}

    def _message(self, message: Message, how: str) -> None:
        key = f"{message.channel}:{message.ts}"
        before, now = self._messages.get(key), message.headline
        channel = f"#{message.channel.lstrip('#')}"
        if before is None:
            self._say("slack", f"{channel}{'  in thread' if how == 'thread' else ''}: {now}", message.at)
            self.heard.append(Heard(message.at, how, None, message, now))
        elif before != now:
            self._say("slack", f"{channel} rewritten: {now}")
            self.heard.append(Heard(datetime.now(UTC), "rewritten", None, message, now))
        self._messages[key] = now


def local(at: datetime, timeline: Timeline) -> str:
    """``at`` as the timeline shows it."""
    return f"{at.astimezone(timeline.zone):%H:%M:%S}"
