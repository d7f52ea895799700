"""Keeps alerts, heartbeats and messages in a file, so that a restarted sandbox goes on where it stopped."""

from __future__ import annotations

import asyncio
import dataclasses
import json
from datetime import datetime
from pathlib import Path
from typing import Any

from daybreak.errors import SettingsError
from daybreak.sandbox.alerts import Alert
from daybreak.sandbox.channels import Channel, Message
from daybreak.sandbox.heartbeats import Heartbeat
from daybreak.sandbox.world import World

VERSION = 1
SAVE_SECONDS = 1.0
ALERT_TIMES = ("created_at", "last_at", "updated_at", "acknowledged_at", "closed_at")


class Keeper:
    """Loads ``path`` into ``world`` and saves it back, at most once a second and only when something changed."""

    def __init__(self, world: World, path: Path) -> None:
        self.world = world
        self.path = path
        self._saved = -1

    def load(self) -> None:
        """Take over what the file holds; no file is an empty one.

        :raises SettingsError: the file cannot be read or is none of ours.
        """
        if not self.path.exists():
            return
        try:
            raw = json.loads(self.path.read_text(encoding="utf-8"))
            if raw["version"] != VERSION:
                raise ValueError(f"version {raw['version']}")
            self._restore(raw)
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise SettingsError(
                f"{self.path}: not a sandbox's data ({type(error).__name__}); name another file or remove it"
            ) from error
        self._saved = self.world.version

    def _restore(self, raw: dict[str, Any]) -> None:
        for row in raw["alerts"]:
            self.world.book.restore(Alert(**_with_times(row, ALERT_TIMES)))
        self.world.book.continue_after(max((int(alert.tiny) for alert in self.world.book.alerts), default=0))
        for row in raw["heartbeats"]:
            self.world.heartbeats.known[row["name"]] = Heartbeat(**_with_times(row, ("last_ping",)))
        for row in raw["channels"]:
            messages = [_message(each) for each in row["messages"]]
            self.world.channels.known[row["id"]] = Channel(**{**row, "messages": messages})

    async def keep(self) -> None:
        """Save whenever something changed, until cancelled."""
        while True:
            await asyncio.sleep(SAVE_SECONDS)
            self.save()

    def save(self) -> None:
        """:raises SettingsError: the file cannot be written."""
        if self._saved == self.world.version:
            return
        raw = {
            "version": VERSION,
            "alerts": [dataclasses.asdict(alert) for alert in self.world.book.alerts],
            "heartbeats": [dataclasses.asdict(beat) for beat in self.world.heartbeats.known.values()],
            "channels": [dataclasses.asdict(channel) for channel in self.world.channels.known.values()],
        }
        partial = self.path.with_name(f".{self.path.name}.part")
        try:
            partial.write_text(json.dumps(raw, default=lambda value: value.isoformat()), encoding="utf-8")
            partial.replace(self.path)
        except OSError as error:
            raise SettingsError(f"{self.path}: cannot be written ({error.strerror})") from error
        self._saved = self.world.version


def _with_times(row: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {**row, **{name: datetime.fromisoformat(row[name]) for name in names if row[name]}}


def _message(row: dict[str, Any]) -> Message:
    return Message(**{**row, "replies": [_message(reply) for reply in row["replies"]]})
