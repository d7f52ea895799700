"""What came in, and which rules were broken. Nothing here holds a key or a token."""

from __future__ import annotations

from collections import deque
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

KEPT_REQUESTS = 5000
KEPT_VIOLATIONS = 1000
BODY_KEPT = 2000


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """One request as it arrived. ``received_at`` is taken before the body is read; ``ms`` is until the answer."""

    number: int
    received_at: datetime
    service: str
    method: str
    path: str
    status: int | None
    ms: float
    auth: str
    fault: str | None
    body: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Violation:
    """A rule of the real service that a client broke."""

    at: datetime
    service: str
    method: str
    path: str
    rule: str
    detail: str


class Records:
    """Ring buffers of the last requests and violations. ``requests`` counts all there ever were."""

    def __init__(self) -> None:
        self.count = 0
        self._requests: deque[Request] = deque(maxlen=KEPT_REQUESTS)
        self._violations: deque[Violation] = deque(maxlen=KEPT_VIOLATIONS)

    def next_number(self) -> int:
        self.count += 1
        return self.count

    def add(self, request: Request) -> None:
        self._requests.append(request)

    def violated(self, violation: Violation) -> None:
        self._violations.append(violation)

    def requests(self, since: int = 0) -> list[dict[str, Any]]:
        """The kept requests with a number above ``since``, oldest first."""
        return [_plain(row) for row in self._requests if row.number > since]

    def violations(self) -> list[dict[str, Any]]:
        return [_plain(row) for row in self._violations]

    def clear(self) -> None:
        self.count = 0
        self._requests.clear()
        self._violations.clear()


def _plain(row: Request | Violation) -> dict[str, Any]:
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in asdict(row).items()}
