"""What an endpoint can say: an answer, or a refusal that names the rule which the client broke."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """One HTTP answer with a JSON body (``body`` None: an empty one)."""

    status: int = 200
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Raw:
    """A body that is not JSON."""

    status: int
    body: bytes
    headers: Mapping[str, str]


class Refused(Exception):
    """The service says no.

    :param rule: short name of the rule, as listed in ``violations`` of ``GET /sandbox/state``; empty where nobody did
        anything wrong (a look-up that finds nothing, a limit that says "later").
    :param errors: field → what is wrong with it, for services that tell.
    """

    def __init__(
        self,
        status: int,
        message: str,
        *,
        rule: str = "",
        errors: Mapping[str, str] | None = None,
        code: int | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.rule = rule
        self.errors = dict(errors or {})
        self.code = code
        self.headers = dict(headers or {})


class SlackRefused(Exception):
    """Slack's way of saying no: HTTP 200 with ``ok: false`` and the error's name (429 for ``ratelimited``)."""

    def __init__(
        self,
        error: str,
        *,
        rule: str | None = None,
        messages: list[str] | None = None,
        retry_after: int | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(error)
        self.error = error
        self.rule = error if rule is None else rule
        self.messages = list(messages or [])
        self.retry_after = retry_after
        self.extra = dict(extra or {})
