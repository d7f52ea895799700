"""The registry in production is invalid: its last good one goes on, and ``defaults.owner`` is told, once a mistake."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from hashlib import sha256

from daybreak.domain.clock import local_date
from daybreak.domain.incident import Decisions, Event, Incident, Notification, State
from daybreak.domain.registry import Registry

PREFIX = "daybreak:v1:system:registry:"


def watch_registry(
    registry: Registry, decisions: Decisions, incidents: Mapping[str, Incident], problem: str | None, now: datetime
) -> Decisions:
    """``decisions``, and what is to be said of the file in production. ``problem``: one line; None while it is good.

    An incident of kind ``system`` stands for each mistake until the file is good again, or wrong in another way.
    """
    key = f"{PREFIX}{sha256(problem.encode()).hexdigest()[:16]}" if problem else None
    over = [
        replace(each, resolved_at=now, state=State.MET)
        for each in incidents.values()
        if each.open and each.dedup_key.startswith(PREFIX) and each.dedup_key != key
    ]
    fresh: list[Incident] = []
    told: list[Notification] = []
    known = incidents.get(key) if key else None
    if key and problem and (known is None or not known.open):
        owner = registry.defaults.owner
        incident = Incident(
            dedup_key=key,
            kind="system",
            subject=None,
            business_date=local_date(now, registry.zone),
            due_at=now,
            state=State.FAILED,
            reason=None,
            opened_at=now,
            priority=registry.defaults.priority,
            told=(owner,),
        )
        fresh.append(incident)
        told.append(
            Notification(
                at=now,
                kind="notice",
                event=Event.REGISTRY_INVALID,
                subject=None,
                business_date=incident.business_date,
                step=None,
                to=(owner,),
                priority=incident.priority,
                dedup_key=key,
                text=f"the registry in production is invalid; the last good one stays in force: {problem}",
            )
        )
    if not over and not fresh:
        return decisions
    return replace(
        decisions,
        incidents=(*decisions.incidents, *over, *fresh),
        notifications=(*decisions.notifications, *told),
    )
