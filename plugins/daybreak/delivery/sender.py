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
from daybreak.delivery.limits import Clock, Gate
from daybreak.errors import LeaseLost
from daybreak.sql.database import reading
from daybreak.store import outbox
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
        nexts = [_next(outbox.next_due_at(conn, channel=each), channels.gates[each], clock()) for each in wanted]
    report.next_at = min((each for each in nexts if each is not None), default=None)
    return report


def _first(error: BaseException) -> BaseException:
    """What a (nested) group of exceptions began with."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def _next(due_at: datetime | None, gate: Gate, now: datetime) -> datetime | None:
    """When a channel's next row may go: not while its gate is closed, and never in the past."""
    if due_at is None:
        return None
    return max(due_at, now, gate.closed_until or now)
