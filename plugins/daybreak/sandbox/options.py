"""How one sandbox is set up. Everything has a default; nothing is read from the environment."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from daybreak.errors import SettingsError

DEFAULT_KEY = "sandbox-opsgenie-key"
DEFAULT_TOKEN = "xoxb-sandbox-token"  # noqa: S105 - opens nothing but this stand-in
DEFAULT_JSM_USER = "sandbox@example.com"
DEFAULT_JSM_TOKEN = "sandbox-jsm-token"  # noqa: S105


def utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, kw_only=True, slots=True)
class Options:
    """:param apply_delay: seconds between "202" and the change being visible, as Opsgenie's queue has it.
    :param rate_limits: whether Opsgenie's token buckets apply.
    :param slack_interval: seconds between two messages in one channel; 0 switches Slack's limits off.
    :param minute: seconds that a minute of a heartbeat's interval lasts (tests shorten it).
    :param strict: only people, teams, schedules and channels that were registered exist.
    :param data: file that keeps the state over a restart, or None.
    """

    key: str = field(default=DEFAULT_KEY, repr=False)
    read_only_key: str = field(default="", repr=False)
    token: str = field(default=DEFAULT_TOKEN, repr=False)
    jsm_user: str = DEFAULT_JSM_USER
    jsm_token: str = field(default=DEFAULT_JSM_TOKEN, repr=False)
    apply_delay: float = 0.15
    rate_limits: bool = True
    slack_interval: float = 1.0
    minute: float = 60.0
    strict: bool = False
    data: Path | None = None
    clock: Callable[[], datetime] = utc_now

    def changed(self, settings: dict[str, Any]) -> Options:
        """A copy with what a running sandbox lets be changed.

        :raises SettingsError: an unknown setting or a value of the wrong kind.
        """
        for name, value in settings.items():
            kind = CHANGEABLE.get(name)
            if kind is None:
                raise SettingsError(f"unknown setting {name!r}: one of {', '.join(sorted(CHANGEABLE))}")
            if kind is bool and not isinstance(value, bool):
                raise SettingsError(f"setting {name!r} is true or false, not {value!r}")
            if kind is float and (isinstance(value, bool) or not isinstance(value, int | float) or value < 0):
                raise SettingsError(f"setting {name!r} is a number of seconds from 0 on, not {value!r}")
        return replace(self, **settings)


CHANGEABLE: dict[str, type] = {
    "apply_delay": float,
    "rate_limits": bool,
    "slack_interval": float,
    "minute": float,
    "strict": bool,
}
