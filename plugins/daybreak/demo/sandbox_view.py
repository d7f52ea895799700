"""The sandbox's own records, read: what really arrived. Reading ``/sandbox/state`` is all that the demo does to it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx

from daybreak.errors import DaybreakError


class SandboxSilent(DaybreakError):
    """The sandbox does not answer."""


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert as the stand-in Opsgenie keeps it."""

    raw: dict[str, Any]

    @property
    def alias(self) -> str:
        return str(self.raw["alias"])

    @property
    def message(self) -> str:
        return str(self.raw["message"])

    @property
    def created_at(self) -> datetime:
        return datetime.fromisoformat(self.raw["createdAt"])

    @property
    def closed(self) -> bool:
        return bool(self.raw["status"] == "closed")

    @property
    def count(self) -> int:
        return int(self.raw["count"])

    @property
    def priority(self) -> str:
        return str(self.raw["priority"])

    @property
    def tags(self) -> list[str]:
        return list(self.raw["tags"])

    @property
    def kind(self) -> str:
        """``ticket`` (work for another team) or ``page``."""
        return "ticket" if "ticket" in self.tags else "page"

    @property
    def details(self) -> dict[str, str]:
        return dict(self.raw["details"])

    @property
    def sources(self) -> list[str]:
        return list(self.raw["sources"])

    @property
    def responders(self) -> list[str]:
        """User names and team names, as they were given."""
        return [str(each.get("username") or each.get("name") or each["id"]) for each in self.raw["responders"]]

    @property
    def notes(self) -> list[str]:
        return [str(note["note"]) for note in self.raw["notes"]]

    @property
    def text(self) -> str:
        """Everything that a woken person can read on it."""
        return "\n".join([self.message, self.raw["description"], json.dumps(self.details), *self.notes])


@dataclass(frozen=True, slots=True)
class Message:
    """One Slack message with its thread."""

    channel: str
    raw: dict[str, Any]

    @property
    def ts(self) -> str:
        return str(self.raw["ts"])

    @property
    def at(self) -> datetime:
        return datetime.fromtimestamp(float(self.ts), UTC)

    @property
    def edited(self) -> bool:
        return bool(self.raw["edited"])

    @property
    def text(self) -> str:
        """Its text and that of all its blocks."""
        return "\n".join([str(self.raw.get("text") or ""), *_strings(self.raw.get("blocks") or [])])

    @property
    def headline(self) -> str:
        """The first line of its plain text."""
        return str(self.raw.get("text") or "").strip().split("\n")[0]

    @property
    def buttons(self) -> list[str]:
        """The labels of its buttons that lead somewhere."""
        return [
            str(element["text"]["text"])
            for block in self.raw.get("blocks") or []
            if block.get("type") == "actions"
            for element in block.get("elements", [])
            if element.get("url")
        ]

    @property
    def metadata(self) -> dict[str, Any]:
        return dict((self.raw.get("metadata") or {}).get("event_payload") or {})

    @property
    def replies(self) -> list[Message]:
        return [Message(self.channel, reply) for reply in self.raw["replies"]]


@dataclass(frozen=True, slots=True)
class View:
    """One reading of the sandbox's state."""

    raw: dict[str, Any]

    @property
    def alerts(self) -> list[Alert]:
        return [Alert(each) for each in self.raw["alerts"]]

    @property
    def messages(self) -> list[Message]:
        """Parent messages of all channels, oldest first."""
        found = [
            Message(channel["name"], each) for channel in self.raw["slack"]["channels"] for each in channel["messages"]
        ]
        return sorted(found, key=lambda message: message.ts)

    @property
    def violations(self) -> list[dict[str, Any]]:
        return list(self.raw["violations"])

    def alert(self, alias: str) -> Alert | None:
        """The newest alert of that alias."""
        return next((alert for alert in reversed(self.alerts) if alert.alias == alias), None)

    def about(self, subject: str) -> list[Alert]:
        """All alerts whose alias names ``subject``, oldest first."""
        return [alert for alert in self.alerts if f":{subject}:" in alert.alias]

    def thread_of(self, dedup_key: str, *names: str) -> Message | None:
        """The parent message of an incident: by its metadata, else the first that names one of ``names``."""
        for message in self.messages:
            if dedup_key in json.dumps(message.metadata):
                return message
        return next((m for m in self.messages if any(name in m.text for name in names)), None)


class Sandbox:
    """Reads one sandbox. Raises SandboxSilent where it does not answer."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._client = httpx.Client(base_url=url, timeout=10, trust_env=False)

    def close(self) -> None:
        self._client.close()

    def look(self) -> View:
        try:
            answer = self._client.get("/sandbox/state")
            answer.raise_for_status()
        except httpx.HTTPError as error:
            raise SandboxSilent(f"{self.url}: the sandbox does not answer ({type(error).__name__})") from error
        return View(answer.json())


def _strings(node: Any) -> Iterator[str]:
    """All texts and URLs in a tree of blocks."""
    if isinstance(node, dict):
        for key, value in node.items():
            if isinstance(value, str) and key in ("text", "url", "alt_text"):
                yield value
            else:
                yield from _strings(value)
    elif isinstance(node, list):
        for each in node:
            yield from _strings(each)
