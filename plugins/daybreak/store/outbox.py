"""The outbox: what is to be sent, written in one transaction with the incident that asked for it.

Order is kept within one dedup key and channel; between dedup keys anything may overtake. A row's ``key`` is unique,
so queueing the same decision again (a restart between two ticks) changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

Channel = Literal["opsgenie", "slack"]
DeliveryState = Literal["pending", "sent", "failed", "shadow", "superseded"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One request to one channel, complete: sending it needs neither the registry nor the incident."""

    key: str  # "<dedup key>|<channel>|<event>|<step>|..." : unique per decision
    dedup_key: str
    channel: Channel
    operation: str  # opsgenie: create, close, note, responder, ...; slack: parent, reply, rewrite
    kind: str  # page | notice | ticket | thread | resolve
    event: str
    payload: Mapping[str, Any]  # JSON: the request's content
    created_at: datetime
    step: int | None = None
    subject: str | None = None
    to: tuple[str, ...] = ()
    urgency: int = 50  # lower is sent first: pages by priority, then resolves, tickets, threads, notices
    fallback_of: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Queued:
    """A delivery as it stands in the outbox."""

    id: int
    delivery: Delivery
    state: DeliveryState
    attempts: int
    next_attempt_at: datetime
    sent_at: datetime | None = None
    error: str | None = None
    remote_id: str | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)
