"""Switchable trouble: what a service does instead of its work, for how many requests, on which paths."""

from __future__ import annotations

import fnmatch
import itertools
import re
from dataclasses import dataclass
from typing import Any

from daybreak.errors import SettingsError

SERVICES = ("opsgenie", "jsm", "slack")
MODES = {
    "hang": "never answer; the request is not applied",
    "slow": "answer after `delay` seconds (5), then as usual",
    "reset": "apply the request, then reset the connection without an answer",
    "refuse": "reset the connection at once; the request is not applied",
    "html": "answer with an HTML page (status 502, or `status`); the request is not applied",
    "empty": "apply the request, then answer without a body",
    "429": "too many requests, with Retry-After if `retry_after` is given",
    "expired_key": "the key (token) is no longer valid",
    "unknown_responder": "Opsgenie, JSM: responders are refused as unknown (422)",
    "archived_channel": "Slack: every channel is archived",
}
SLACK_ERRORS = frozenset(
    {
        "account_inactive", "channel_not_found", "fatal_error", "internal_error", "invalid_auth", "is_archived",
        "message_not_found", "missing_scope", "not_in_channel", "restricted_action", "service_unavailable",
        "token_expired", "token_revoked",
    }
)  # fmt: skip


@dataclass(kw_only=True, slots=True)
class Fault:
    """One trouble. ``remaining`` counts down; None lasts until it is cleared."""

    id: int
    service: str
    mode: str
    remaining: int | None = None
    retry_after: float | None = None
    delay: float = 5.0
    status: int | None = None
    match: str = ""
    hits: int = 0

    def applies(self, service: str, path: str, body: bytes) -> bool:
        if self.service != service or self.remaining == 0:
            return False
        # These two can only go wrong where there is something to go wrong with.
        if self.mode == "unknown_responder" and b'"responder' not in body:
            return False
        if self.mode == "archived_channel" and "/chat." not in path:
            return False
        return not self.match or self.match in path or fnmatch.fnmatchcase(path, self.match)

    def plain(self) -> dict[str, Any]:
        return {
            "id": self.id, "service": self.service, "mode": self.mode, "remaining": self.remaining,
            "retry_after": self.retry_after, "delay": self.delay, "status": self.status, "match": self.match,
            "hits": self.hits,
        }  # fmt: skip


class Faults:
    """The faults that are switched on, oldest first; the first that applies to a request is the one it gets."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._numbers = itertools.count(1)

    def add(self, spec: dict[str, Any]) -> Fault:
        """Switch one on.

        :raises SettingsError: the specification is not one; the text says what is allowed.
        """
        fault = parse(spec, next(self._numbers))
        self._faults.append(fault)
        return fault

    def active(self, service: str, mode: str) -> bool:
        return any(f.service == service and f.mode == mode and f.remaining != 0 for f in self._faults)

    def take(self, service: str, path: str, body: bytes = b"") -> Fault | None:
        """The fault that this request meets, counted down; None if it meets none."""
        for fault in self._faults:
            if fault.applies(service, path, body):
                fault.hits += 1
                if fault.remaining is not None:
                    fault.remaining -= 1
                return fault
        return None

    def clear(self, service: str | None = None) -> None:
        self._faults = [fault for fault in self._faults if service is not None and fault.service != service]

    def plain(self) -> list[dict[str, Any]]:
        return [fault.plain() for fault in self._faults if fault.remaining != 0]


def parse(spec: dict[str, Any], number: int = 0) -> Fault:
    """A :class:`Fault` from ``{"service", "mode", "count", "retry_after", "delay", "status", "match"}``."""
    unknown = set(spec) - {"service", "mode", "count", "retry_after", "delay", "status", "match"}
    if unknown:
        raise SettingsError(f"unknown key of a fault: {', '.join(sorted(unknown))}")
    service, mode = str(spec.get("service", "")), str(spec.get("mode", ""))
    if service not in SERVICES:
        raise SettingsError(f"fault: service is one of {', '.join(SERVICES)}, not {service!r}")
    if not _known_mode(service, mode):
        named = ", ".join(MODES)
        raise SettingsError(
            f"fault: mode is one of {named}, a status from 400 to 599, or an error of Slack's, not {mode!r}"
        )
    count, status = spec.get("count"), spec.get("status")
    if count is not None and (isinstance(count, bool) or not isinstance(count, int) or count < 1):
        raise SettingsError(f"fault: count is a whole number from 1 on, or null, not {count!r}")
    if status is not None and (not isinstance(status, int) or not 200 <= status <= 599):
        raise SettingsError(f"fault: status is a number from 200 to 599, not {status!r}")
    for name in ("retry_after", "delay"):
        value = spec.get(name)
        if value is not None and (isinstance(value, bool) or not isinstance(value, int | float) or value < 0):
            raise SettingsError(f"fault: {name} is a number of seconds from 0 on, not {value!r}")
    delay = spec.get("delay")
    return Fault(
        id=number,
        service=service,
        mode=mode,
        remaining=count,
        retry_after=spec.get("retry_after"),
        delay=5.0 if delay is None else float(delay),
        status=status,
        match=str(spec.get("match") or ""),
    )


def parse_flag(text: str) -> dict[str, Any]:
    """``service=mode[:count][@path]``, as ``--fault`` takes it, as a specification for :func:`parse`.

    :raises SettingsError: the text has another form.
    """
    found = re.fullmatch(r"(?P<service>[a-z]+)=(?P<mode>[a-z0-9_]+)(:(?P<count>\d+))?(@(?P<match>.+))?", text)
    if not found:
        raise SettingsError(f"fault {text!r}: write service=mode, service=mode:count or service=mode:count@path")
    count = int(found["count"]) if found["count"] else None
    spec = {"service": found["service"], "mode": found["mode"], "count": count, "match": found["match"] or ""}
    parse(spec)
    return spec


def _known_mode(service: str, mode: str) -> bool:
    if mode == "unknown_responder":
        return service != "slack"
    if mode == "archived_channel" or mode in SLACK_ERRORS:
        return service == "slack"
    return mode in MODES or (mode.isdecimal() and 400 <= int(mode) <= 599)
