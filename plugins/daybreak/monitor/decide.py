"""``decide``: what to do about what is so. Pure: the running monitor and ``replay`` share it.

Level-triggered: it compares what is (judgements) with what was remembered (incidents, recorded) and never asks when
the last tick was, so lost ticks and restarts lose nothing that outlasts the gap.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from daybreak.domain.incident import Decisions, Incident, Judgement, Recorded, State
from daybreak.domain.registry import Registry
from daybreak.domain.runs import Snapshot
from daybreak.monitor.decide_escalation import add_newcomers, escalate
from daybreak.monitor.decide_group import group_new, keep_groups
from daybreak.monitor.decide_memory import hear_of_retries, keep_tickets, of_tickets
from daybreak.monitor.decide_pipeline import close_removed, observe
from daybreak.monitor.decide_system import watch_dags, watch_scheduler
from daybreak.monitor.decide_upstream import observe_upstream
from daybreak.monitor.desk import Desk


def decide(
    registry: Registry,
    incidents: Mapping[str, Incident],
    judgements: Iterable[Judgement],
    now: datetime,
    *,
    snapshot: Snapshot | None = None,
    recorded: Mapping[str, Recorded] | None = None,
    first_seen: Mapping[str, datetime] | None = None,
    begins: datetime | None = None,
) -> Decisions:
    """Incidents as they are from now on, everything to tell, and the records that changed.

    :param incidents: dedup key → incident: all that are open, and those that ended for occurrences still judged
    :param judgements: what :func:`daybreak.monitor.judge.judge` answered for ``now``
    :param snapshot: the reading it answered from; without one nothing is said of dags and the scheduler themselves
    :param recorded: dedup key → what the store remembered before this tick
    :param first_seen: pipeline → since when the registry has it; what was due before is recorded, and nobody is told
    :param begins: where a replayed history begins: what was wrong by then opens then, and its steps count from there
    """
    by_key = {judgement.occurrence.dedup_key: judgement for judgement in judgements}
    desk = Desk(
        registry,
        incidents,
        by_key,
        now,
        snapshot=snapshot,
        recorded=recorded or {},
        first_seen=first_seen,
        begins=begins,
    )
    close_removed(desk)
    retried = hear_of_retries(desk)
    missed = []
    for judgement in by_key.values():
        if judgement.occurrence.is_upstream:
            observe_upstream(desk, judgement)
        elif observe(desk, judgement):
            missed.append(judgement)
    group_new(desk, missed)
    keep_groups(desk)
    watch_dags(desk)
    watch_scheduler(desk)
    for incident in desk.open_incidents():
        escalate(desk, incident)
    for incident in desk.open_incidents():
        add_newcomers(desk, incident)
    keep_tickets(desk, retried)
    records = tuple(
        record
        for judgement in by_key.values()
        if (record := _record(judgement, desk.recorded.get(judgement.occurrence.dedup_key))) is not None
    )
    spoken_of = {one.dedup_key for one in desk.notifications} | {one.dedup_key for one in desk.changed()}
    return Decisions(
        incidents=desk.changed(),
        notifications=tuple(desk.notifications),
        records=records,
        judgements={key: judgement for key, judgement in by_key.items() if key in spoken_of or _wanted(desk, key)}
        | of_tickets(desk, spoken_of),
    )


def _wanted(desk: Desk, key: str) -> bool:
    """Whether a group's page speaks of this occurrence."""
    incident = desk.incident(key)
    return incident is not None and incident.member_of is not None


def _record(judgement: Judgement, past: Recorded | None) -> Recorded | None:
    """What the store is to remember from now on; None if it does already.

    A missed occurrence keeps the reason that it was missed for: what happened afterwards is the incident's story.
    """
    reason = judgement.reason
    waived = None
    if past is not None:
        waived = past.waived
        if past.state is judgement.state is State.MISSED:
            reason = past.reason
        same = (past.state, past.ready_at, past.run_id, past.occurrence)
        if same == (judgement.state, judgement.ready_at, judgement.run_id, judgement.occurrence):
            return None
    return Recorded(
        occurrence=judgement.occurrence,
        state=judgement.state,
        reason=reason,
        ready_at=judgement.ready_at,
        run_id=judgement.run_id,
        minutes_late=judgement.minutes_late,
        waived=waived,
    )
