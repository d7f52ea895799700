"""Sends what is due: in order for one incident, in parallel between incidents, the most urgent first.

Every outcome is recorded in a transaction of its own right after it, so a process that dies repeats at most what was
in flight, and repeating is harmless: Opsgenie goes by the alias, Slack by the message's recorded name.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from daybreak.delivery.channels import Channels
from daybreak.delivery.limits import Clock
from daybreak.errors import LeaseLost
from daybreak.store import outbox
from daybreak.store.database import reading
from daybreak.store.outbox import CHANNELS, Channel

if TYPE_CHECKING:
    from sqlalchemy import Engine

log = logging.getLogger(__name__)

HOUR = timedelta(hours=1)


@dataclass(slots=True)
class SendReport:
    """What one call did. ``next_at``: when to call again at the latest (None: when something new is queued)."""

    sent: int = 0
    retried: int = 0
    failed: int = 0
    superseded: int = 0
    fallbacks: int = 0
    next_at: datetime | None = None
    errors: list[str] = field(default_factory=list)


async def send_due(
    engine: Engine,
    channels: Channels,
    clock: Clock,
    *,
    lease_check: Callable[[], None] | None = None,
    only: Channel | None = None,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> SendReport:
    """Send whatever may be sent now.

    :param lease_check: raises LeaseLost when another monitor took over; asked before each request.
    :param only: one channel alone, for hosts that let each have a loop of its own.
    :raises LeaseLost: at once, with nothing more sent or recorded.
    """
    from daybreak.delivery.lane import Lane
    from daybreak.delivery.lanes import OpsgenieLane, SlackLane

    report = SendReport()
    wanted = CHANNELS if only is None else (only,)
    lanes: list[Lane] = []
    if "opsgenie" in wanted:
        lanes.append(OpsgenieLane(engine, channels, clock, report, lease_check))
    if "slack" in wanted:
        lanes.append(SlackLane(engine, channels, clock, report, lease_check, sleep))
    try:
        async with asyncio.TaskGroup() as group:
            for lane in lanes:
                group.create_task(lane.run())
    except BaseExceptionGroup as several:
        raise _first(several.subgroup(LeaseLost) or several) from None
    with reading(engine) as conn:
        report.next_at = _next(outbox.next_due_at(conn), channels, clock())
    return report


def _first(error: BaseException) -> BaseException:
    """What a (nested) group of exceptions began with."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def _next(due_at: datetime | None, channels: Channels, now: datetime) -> datetime | None:
    """When something may be sent next: not while every channel's gate is closed, and never in the past."""
    if due_at is None:
        return None
    opens = [gate.closed_until for gate in channels.gates.values()]
    if all(until is not None and until > now for until in opens):
        due_at = max(due_at, min(until for until in opens if until is not None))
    return max(due_at, now)
