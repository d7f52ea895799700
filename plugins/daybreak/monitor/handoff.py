"""At each handoff a report for whoever comes on call, in Slack, with that person tagged; and a record of the shift."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Engine

from daybreak.delivery.markup import escape
from daybreak.delivery.message import cut_escaped, mention, section
from daybreak.domain.oncall import on_call_at
from daybreak.domain.registry import Registry
from daybreak.domain.targets import PRIMARY
from daybreak.errors import LeaseLost, StoreError
from daybreak.monitor.engine import Tick
from daybreak.monitor.handoff_report import HandoffReport, gather_report, lines
from daybreak.monitor.lease import Lease
from daybreak.sql.database import writing
from daybreak.store.memory import load_shift, mark_reported, save_shifts
from daybreak.store.outbox import Delivery, enqueue

log = logging.getLogger(__name__)

NEWS = timedelta(hours=1)
"""So long after a handoff its report is still worth sending, after an outage of the monitor."""
_TEXT = 2800


class Handoffs:
    """Reports each shift of the primary layer once, however many monitors there are."""

    def __init__(self, store: Engine, lease: Lease, *, shadow: bool = False) -> None:
        self._store = store
        self._lease = lease
        self._shadow = shadow
        self._done: datetime | None = None

    def report(self, tick: Tick, now: datetime) -> bool:
        """Queue the report of the shift that began lately, if nobody has. → whether it was queued."""
        registry = tick.registry
        holder = on_call_at(registry, PRIMARY, now)
        if holder is None or holder.start == self._done:
            return False
        try:
            with writing(self._store) as connection:
                self._lease.renew_within(connection)
                known = load_shift(connection, PRIMARY, holder.start)
                if known is not None and known.reported_at is not None:
                    self._done = holder.start
                    return False
                save_shifts(connection, self._shifts(registry, now))
                mark_reported(connection, PRIMARY, holder.start, now)
                queued = 0
                if now - holder.start <= NEWS:
                    report = gather_report(registry, connection, now)
                    row = self._delivery(registry, report, holder.start, now)
                    queued = enqueue(connection, [row] if row is not None else [], now)
        except LeaseLost:
            raise
        except StoreError as error:
            log.warning("the handoff could not be reported yet: %s", error)
            return False
        self._done = holder.start
        return queued > 0

    @staticmethod
    def _shifts(registry: Registry, now: datetime) -> list[dict[str, Any]]:
        holders = (on_call_at(registry, layer, now) for layer in registry.on_call.layers)
        return [
            {"layer": h.layer, "start_at": h.start, "end_at": h.end, "person": h.person, "reason": h.reason}
            for h in holders
            if h is not None
        ]

    def _delivery(self, registry: Registry, report: HandoffReport, began: datetime, now: datetime) -> Delivery | None:
        channel = registry.defaults.slack_channel
        if channel is None or report.holder is None:
            return None
        incoming = registry.people.get(report.holder.person)
        said = lines(registry, report)
        tag = mention(incoming) if incoming is not None else escape(report.holder.person)
        body = cut_escaped("\n".join(escape(line) for line in said), _TEXT)
        text = f"Handoff: {tag} is on call now"
        message = {"text": f"{text}\n{said[0]}", "blocks": [section(f"*{text}*"), section(body)]}
        key = f"daybreak:v1:handoff:{PRIMARY}:{began.isoformat()}"
        return Delivery(
            key=f"{key}|slack",
            dedup_key=key,
            channel="slack",
            operation="parent",
            kind="notice",
            event="handoff",
            payload={"channel": channel, "message": message, "reply": None, "else": []},
            created_at=now,
            to=(report.holder.person,),
            shadow=self._shadow or registry.paging.mode == "shadow",
        )
