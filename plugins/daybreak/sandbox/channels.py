"""Slack's channels and messages. Pure: the time is an argument."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

BOT_USER, BOT_ID, TEAM_ID = "U0SANDBOX", "B0SANDBOX", "T0SANDBOX"


@dataclass(kw_only=True, slots=True)
class Message:
    """One message; ``thread_ts`` is the parent's ``ts`` for a reply, else None."""

    ts: str
    text: str
    blocks: list[dict[str, Any]] = field(default_factory=list)
    attachments: list[dict[str, Any]] = field(default_factory=list)
    metadata: dict[str, Any] | None = None
    thread_ts: str | None = None
    broadcast: bool = False
    edited: str | None = None
    edits: int = 0
    replies: list[Message] = field(default_factory=list)

    def plain(self, *, metadata: bool = False) -> dict[str, Any]:
        """Slack's form of it, as history and replies give it."""
        shown: dict[str, Any] = {
            "type": "message", "user": BOT_USER, "bot_id": BOT_ID, "team": TEAM_ID, "app_id": "A0SANDBOX",
            "ts": self.ts, "text": self.text,
        }  # fmt: skip
        if self.blocks:
            shown["blocks"] = self.blocks
        if self.attachments:
            shown["attachments"] = self.attachments
        if metadata and self.metadata is not None:
            shown["metadata"] = self.metadata
        if self.edited:
            shown["edited"] = {"user": BOT_USER, "ts": self.edited}
        if self.thread_ts:
            shown["thread_ts"] = self.thread_ts
        elif self.replies:
            shown |= {
                "thread_ts": self.ts, "reply_count": len(self.replies), "reply_users_count": 1,
                "latest_reply": self.replies[-1].ts,
            }  # fmt: skip
        return shown

    def full(self) -> dict[str, Any]:
        """What ``GET /sandbox/state`` tells: everything, with the replies inside."""
        return {
            "ts": self.ts, "text": self.text, "blocks": self.blocks, "attachments": self.attachments,
            "metadata": self.metadata, "thread_ts": self.thread_ts, "broadcast": self.broadcast,
            "edited": self.edited, "edits": self.edits, "replies": [reply.full() for reply in self.replies],
        }  # fmt: skip


@dataclass(kw_only=True, slots=True)
class Channel:
    """One channel. The bot may post where it is a member and the channel is not archived."""

    id: str
    name: str
    member: bool = True
    archived: bool = False
    messages: list[Message] = field(default_factory=list)

    def find(self, ts: str) -> Message | None:
        """A message of the channel or of one of its threads."""
        for message in self.messages:
            if message.ts == ts:
                return message
            for reply in message.replies:
                if reply.ts == ts:
                    return reply
        return None

    def remove(self, message: Message) -> None:
        for home in (self.messages, *(parent.replies for parent in self.messages)):
            if message in home:
                home.remove(message)
                return

    def plain(self) -> dict[str, Any]:
        return {
            "id": self.id, "name": self.name, "name_normalized": self.name, "is_channel": True, "is_private": False,
            "is_archived": self.archived, "is_member": self.member, "is_general": False, "num_members": 2,
        }  # fmt: skip

    def full(self) -> dict[str, Any]:
        return {
            "id": self.id, "name": self.name, "member": self.member, "archived": self.archived,
            "messages": [message.full() for message in self.messages],
        }  # fmt: skip


class Channels:
    """All channels by id. A name is known with and without ``#``."""

    def __init__(self, names: Iterable[str] = ()) -> None:
        self.known: dict[str, Channel] = {}
        self._last = 0
        for name in names:
            self.add(name)

    def add(self, name: str, **flags: bool) -> Channel:
        """The channel of that name, made if need be, with ``member`` and ``archived`` set as given."""
        channel = self.find(name) or self._make(name.removeprefix("#"))
        for flag, value in flags.items():
            setattr(channel, flag, value)
        return channel

    def find(self, name_or_id: str) -> Channel | None:
        if name_or_id in self.known:
            return self.known[name_or_id]
        name = name_or_id.removeprefix("#")
        return next((channel for channel in self.known.values() if channel.name == name), None)

    def _make(self, name: str) -> Channel:
        number = "C" + hashlib.sha256(name.encode()).hexdigest()[:10].upper()
        channel = Channel(id=number, name=name)
        self.known[number] = channel
        return channel

    def next_ts(self, now: datetime) -> str:
        """A message's name: the time in microseconds, never the same twice, always rising."""
        self._last = max(self._last + 1, int(now.timestamp() * 1_000_000))
        return f"{self._last // 1_000_000}.{self._last % 1_000_000:06d}"

    def plain(self) -> list[dict[str, Any]]:
        return [channel.full() for channel in self.known.values()]
