"""Who exists: people, teams, schedules and escalations of Opsgenie; people and groups of Slack.

They come from registry files (read loosely: only names are wanted, a registry that has mistakes elsewhere will do)
or from ``POST /sandbox/directory``. Unless the sandbox is strict, everybody who is not listed exists as well.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from daybreak.errors import SettingsError


@dataclass(kw_only=True, slots=True)
class Directory:
    """Names by kind. ``schedules`` holds who is on call; Slack's maps go from id to the name to show."""

    users: dict[str, str] = field(default_factory=dict)
    teams: set[str] = field(default_factory=set)
    schedules: dict[str, list[str]] = field(default_factory=dict)
    escalations: set[str] = field(default_factory=set)
    slack_users: dict[str, str] = field(default_factory=dict)
    slack_emails: dict[str, str] = field(default_factory=dict)
    slack_groups: dict[str, str] = field(default_factory=dict)
    channels: set[str] = field(default_factory=set)

    def knows(self, kind: str, name: str) -> bool:
        if kind == "user":
            return name.lower() in (known.lower() for known in self.users)
        known = {"team": self.teams, "schedule": self.schedules, "escalation": self.escalations}[kind]
        return name in known

    def add(self, given: dict[str, Any]) -> None:
        """:raises SettingsError: an unknown key or a value of the wrong kind."""
        for key, value in given.items():
            target = getattr(self, key, None) if key in self.__slots__ else None
            if isinstance(target, set) and isinstance(value, list):
                target.update(str(item) for item in value)
            elif isinstance(target, dict) and isinstance(value, dict):
                target.update(value)
            else:
                raise SettingsError(f"directory: {key!r} is not one of {', '.join(self.__slots__)}, or of another kind")

    def plain(self) -> dict[str, Any]:
        shown = {name: getattr(self, name) for name in self.__slots__}
        return {name: sorted(value) if isinstance(value, set) else dict(value) for name, value in shown.items()}


def read_registry(path: Path) -> dict[str, Any]:
    """What an ``ownership.yaml`` says about who exists, in the form of :meth:`Directory.add`.

    :raises SettingsError: no such file, or not a mapping in YAML.
    """
    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read ({error.strerror}); name an existing registry") from error
    except yaml.YAMLError as error:
        line = getattr(getattr(error, "problem_mark", None), "line", None)
        where = f"{path}:{line + 1}" if line is not None else str(path)
        raise SettingsError(f"{where}: not YAML; run `daybreak check --file {path}`") from error
    if not isinstance(raw, dict):
        raise SettingsError(f"{path}: a registry is a mapping; run `daybreak check --file {path}`")
    people, teams = _rows(raw, "people"), _rows(raw, "teams")
    paging = raw.get("paging") if isinstance(raw.get("paging"), dict) else {}
    schedules = paging.get("schedules") if isinstance(paging, dict) else None
    channels = [row.get("slack_channel") for row in (*teams, *_rows(raw, "pipelines"), raw.get("defaults") or {})]
    return {
        "users": {row["opsgenie"]: row.get("name", "") for row in people if row.get("opsgenie")},
        "teams": [row["opsgenie_team"] for row in teams if row.get("opsgenie_team")],
        "schedules": {str(name): [] for name in (schedules or {}).values()},
        "escalations": [row["opsgenie_escalation"] for row in teams if row.get("opsgenie_escalation")],
        "slack_users": {row["slack"]: row.get("name", "") for row in people if row.get("slack")},
        "slack_emails": {row["opsgenie"]: row["slack"] for row in people if row.get("slack") and row.get("opsgenie")},
        "slack_groups": {row["slack_usergroup"]: row.get("name", "") for row in teams if row.get("slack_usergroup")},
        "channels": [str(name) for name in channels if name],
    }


def _rows(raw: dict[Any, Any], section: str) -> list[dict[str, Any]]:
    found = raw.get(section)
    return [row for row in found.values() if isinstance(row, dict)] if isinstance(found, dict) else []
