"""Out of memory: a ticket to the team whose machines they are, and in the threads what came of running it again.

The ticket (``tickets.out_of_memory`` of the registry) is an alert of its own beside the pipeline's incident: once for
each, and ended with it. Its incident remembers the newest end that was spoken of (``due_at``), so that every outcome
is told once, whatever ticks are lost.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from datetime import datetime

from daybreak.domain.incident import Event, Incident, Judgement, Reason, State, dedup_key, ticket_key
from daybreak.domain.runs import Run
from daybreak.monitor.decide_pipeline import still_known
from daybreak.monitor.desk import Desk
from daybreak.monitor.judge_failures import is_undated

CONTENTION = "succeeded on retry: likely contention"
_KILLED = (State.FAILED, State.MISSED)


def hear_of_retries(desk: Desk) -> Mapping[str, str]:
    """Say in the incidents' threads what came of retries, while those are open. → ticket's key → what was said."""
    said = {}
    for ticket in _open_tickets(desk):
        incident, judgement = desk.incident(_parent(ticket)), desk.judgements.get(_parent(ticket))
        if incident is None or not incident.open or judgement is None:
            continue
        if (success := _success(desk, ticket, judgement)) is not None:
            text = CONTENTION
            desk.change(ticket, state=State.MET, due_at=success.end_date)
        elif _ran_out(judgement) and (end := _end(desk, judgement)) is not None and end > ticket.due_at:
            again = "failed again" if judgement.dag_id == ticket.dag_id else f"{judgement.dag_id} ran out of memory too"
            text = f"{again}: waiting for {_team(desk, ticket)}"
            desk.change(ticket, state=State.FAILED, due_at=end, dag_id=judgement.dag_id, run_id=judgement.run_id)
        else:
            continue
        said[ticket.dedup_key] = text
        _say(desk, incident, text)
    return said


def keep_tickets(desk: Desk, said: Mapping[str, str]) -> None:
    """Open the tickets that are due and end those whose incident has ended. ``said``: see :func:`hear_of_retries`."""
    for ticket in _open_tickets(desk):
        incident = desk.incident(_parent(ticket))
        to = still_known(desk, ticket.told)
        if incident is None or not incident.open:
            ended = desk.change(ticket, resolved_at=desk.now)
            desk.tell(ended, "notice", Event.TICKET_CLOSED, to, text=_why_over(ticket, incident))
        elif ticket.dedup_key in said and not incident.silenced:
            desk.tell(ticket, "notice", Event.RETRIED, to, text=said[ticket.dedup_key])
    team = desk.registry.tickets.out_of_memory
    if team is None:
        return
    for key, judgement in desk.judgements.items():
        if not _ran_out(judgement):
            continue
        incident = desk.incident(key)
        if incident is None or not incident.open or incident.silenced:
            continue
        known = desk.incident(ticket_key(judgement.occurrence.subject, judgement.occurrence.business_date))
        if known is None or not known.open:
            desk.tell(desk.put(_opened(desk, incident, judgement, team)), "ticket", Event.OUT_OF_MEMORY, (team,))


def of_tickets(desk: Desk, keys: Set[str]) -> dict[str, Judgement]:
    """Ticket's key → the judgement of what it was opened for, of those of ``keys`` that are tickets."""
    tickets = [one for key in keys if (one := desk.incident(key)) is not None and one.kind == "ticket"]
    return {one.dedup_key: found for one in tickets if (found := desk.judgements.get(_parent(one))) is not None}


def _open_tickets(desk: Desk) -> list[Incident]:
    return [one for one in desk.open_incidents() if one.kind == "ticket"]


def _parent(ticket: Incident) -> str:
    return dedup_key(ticket.subject or "", ticket.business_date)


def _ran_out(judgement: Judgement) -> bool:
    return judgement.reason is Reason.OUT_OF_MEMORY and judgement.state in _KILLED


def _opened(desk: Desk, incident: Incident, judgement: Judgement, team: str) -> Incident:
    end = _end(desk, judgement) or judgement.since or desk.now
    return Incident(
        dedup_key=ticket_key(judgement.occurrence.subject, incident.business_date),
        kind="ticket",
        subject=incident.subject,
        business_date=incident.business_date,
        due_at=end,
        state=State.FAILED,
        reason=Reason.OUT_OF_MEMORY,
        opened_at=desk.opens(end),
        priority=incident.priority,
        told=(team,),
        dag_id=judgement.dag_id,
        run_id=judgement.run_id,
    )


def _end(desk: Desk, judgement: Judgement) -> datetime | None:
    """When the run that ran out of memory ended; None while Airflow cannot be read."""
    runs = desk.snapshot.runs.get(judgement.dag_id or "", ()) if desk.snapshot else ()
    ends = (run.end_date for run in runs if run.run_id == judgement.run_id)
    return next((end for end in ends if end is not None), None)


def _success(desk: Desk, ticket: Incident, judgement: Judgement) -> Run | None:
    """A run of the same cycle that succeeded after the one that ran out of memory. One that was marked success by
    hand keeps its end, and so proves nothing."""
    occurrence = judgement.occurrence
    runs = desk.snapshot.runs.get(ticket.dag_id or "", ()) if desk.snapshot else ()
    return next(
        (
            run
            for run in runs
            if run.state == "success"
            and run.counts
            and run.end_date is not None
            and run.end_date > ticket.due_at
            and run.effective_date >= occurrence.opens_at
            and (run.effective_date < occurrence.closes_at or is_undated(occurrence))
        ),
        None,
    )


def _say(desk: Desk, incident: Incident, text: str) -> None:
    """Into the thread that speaks for ``incident``: its own, or its group's."""
    if incident.silenced:
        return
    group = desk.incident(incident.member_of) if incident.member_of else None
    speaks = incident if group is None else group
    if speaks.paged or speaks.told:
        desk.tell(speaks, "notice", Event.RETRIED, (), text=text if group is None else f"{incident.subject} {text}")


def _team(desk: Desk, ticket: Incident) -> str:
    teams = desk.registry.teams
    return ", ".join(teams[one].name for one in ticket.told if one in teams) or "whoever has the ticket"


def _why_over(ticket: Incident, incident: Incident | None) -> str:
    if ticket.state is State.MET:
        return CONTENTION
    if incident is not None and incident.state in (State.MET, State.LATE):
        return "the data is ready"
    return "nobody waits for it any more"
