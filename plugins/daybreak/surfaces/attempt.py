"""A callback's page: its content from the registry and what the callback knows, and the one attempt to send it.

No store, no outbox, no second try: the monitor has all of these, and uses the same dedup key.
"""

from __future__ import annotations

import asyncio
import dataclasses
import threading
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from daybreak.config.channels import OpsgenieSettings, Timeouts
from daybreak.delivery import page
from daybreak.delivery.facts import PlanContext, gather
from daybreak.delivery.responders import for_step
from daybreak.domain.incident import Event, Judgement, Notification, Occurrence, Reason, State
from daybreak.domain.registry import Pipeline
from daybreak.domain.runs import Evidence, Run
from daybreak.domain.targets import resolve_all
from daybreak.errors import DeliveryDelayed
from daybreak.surfaces.cycles import Cycle
from daybreak.surfaces.site import Site

TOTAL_TIMEOUT = 3.0  # seconds for the one attempt, from the look-up of the host's name to the answer


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """What a callback has to tell."""

    pipeline: Pipeline
    run: Run
    cycle: Cycle
    state: State
    reason: Reason
    since: datetime
    failures: tuple[Evidence, ...] = ()
    late_upstreams: tuple[str, ...] = ()


def alert_for(site: Site, alarm: Alarm, *, source: str, now: datetime) -> dict[str, Any]:
    """The body of ``POST /v2/alerts``: the same page that the monitor would make, with the same dedup key."""
    registry, pipeline, cycle = site.registry, alarm.pipeline, alarm.cycle
    occurrence = Occurrence(
        subject=pipeline.id,
        business_date=cycle.business_date,
        due_at=cycle.due_at or alarm.since,
        opens_at=cycle.opens_at,
        closes_at=cycle.closes_at,
    )
    judgement = Judgement(
        occurrence=occurrence,
        at=now,
        state=alarm.state,
        reason=alarm.reason,
        since=alarm.since,
        run_id=alarm.run.run_id,
        dag_id=alarm.run.dag_id,
        failures=alarm.failures,
        late_upstreams=alarm.late_upstreams,
    )
    number, step = next((n, s) for n, s in enumerate(registry.steps_of(pipeline)) if s.after.count == 0 and s.page)
    to = resolve_all(registry, step.page, pipeline, now)
    notification = Notification(
        at=now,
        kind="page",
        event=Event.MISSED if alarm.state is State.MISSED else Event.FAILED,
        subject=pipeline.id,
        business_date=cycle.business_date,
        step=number,
        to=to,
        priority=pipeline.priority,
        dedup_key=occurrence.dedup_key,
    )
    context = PlanContext(now=now, links=site.links, runbooks=site.shelf, source=source)
    facts = gather(registry, context, notification, None, judgement)
    return page.alert(facts, for_step(registry, pipeline, number, to, now), source=source)


def send_once(settings: OpsgenieSettings, body: Mapping[str, Any], *, timeout: float = TOTAL_TIMEOUT) -> None:
    """One attempt, over after ``timeout`` seconds whatever hangs, a name server included.

    Raises DeliveryRefused or DeliveryDelayed. In a thread of its own: a look-up of a name cannot be cancelled, and
    the process that calls a callback must not wait for it.
    """
    outcome: list[BaseException | None] = []
    limits = Timeouts(connect=timeout, read=timeout, total=timeout)
    hasty = dataclasses.replace(settings, wire=dataclasses.replace(settings.wire, timeouts=limits))

    def attempt() -> None:
        try:
            asyncio.run(_create(hasty, body))
            outcome.append(None)
        except BaseException as error:  # noqa: BLE001 - handed to the caller's thread
            outcome.append(error)

    worker = threading.Thread(target=attempt, name="daybreak-page", daemon=True)
    worker.start()
    worker.join(timeout)
    if not outcome:
        raise DeliveryDelayed(f"no answer from Opsgenie within {timeout:g} s")
    if outcome[0] is not None:
        raise outcome[0]


async def _create(settings: OpsgenieSettings, body: Mapping[str, Any]) -> None:
    from daybreak.delivery.opsgenie import OpsgenieClient

    async with OpsgenieClient(settings) as client:
        await client.create(body)
