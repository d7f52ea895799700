"""Facts in words: the state, the cause, what is left to do."""

from __future__ import annotations

from datetime import timedelta

from daybreak.delivery.facts import Facts
from daybreak.delivery.words import clock, cut, length, listed, one_line
from daybreak.domain.incident import Event, Reason, State

_WORTH_SAYING = timedelta(minutes=1)
_STATES = {
    State.PENDING: "pending",
    State.AT_RISK: "at risk",
    State.FAILED: "failed",
    State.MET: "ready in time",
    State.MISSED: "missed",
    State.LATE: "ready, late",
}
_EVENTS = {
    Event.UPSTREAM_LATE: "late",
    Event.UPSTREAM_ARRIVED: "arrived",
    Event.STILL_LATE: "still late",
    Event.STALE_INPUT: "ready, on stale input",
    Event.OUT_OF_MEMORY: "out of memory",
    Event.UNCLAIMED_FAILED: "failed, owned by nobody",
    Event.IMPORT_ERROR: "does not parse",
    Event.SCHEDULER_DOWN: "down",
    Event.REGISTRY_INVALID: "invalid registry",
    Event.DELIVERY_FAILED: "delivery failed",
    Event.TEST: "test",
}


def state_word(facts: Facts) -> str:
    """One or two words, in lower case."""
    if facts.resolved:
        if facts.minutes_late:
            return f"ready, {length_late(facts)} late"
        if ended_without_data(facts):
            return "closed, not ready"
        if facts.upstream:
            return "arrived"
        return "ready in time" if facts.state is State.MET and is_about_data(facts) else "resolved"
    if facts.ticket:
        return _EVENTS[Event.OUT_OF_MEMORY]
    if facts.event in _EVENTS and facts.event not in (Event.STILL_LATE, Event.STALE_INPUT):
        return _EVENTS[facts.event]
    if facts.upstream:
        return "late"
    if facts.event is Event.STALE_INPUT:
        return _EVENTS[facts.event]
    return _STATES.get(facts.state, "late") if facts.state else "late"


def is_about_data(facts: Facts) -> bool:
    """Whether it is data that is waited for; of Airflow itself, and of a ticket, it is not."""
    about = facts.pipeline is not None or facts.upstream is not None or bool(facts.group)
    return about and not facts.ticket and ":system:" not in facts.dedup_key


def ended_without_data(facts: Facts) -> bool:
    """Whether it ended, and not because the data came: waived, given up, no longer in the registry."""
    missing = facts.state in (State.FAILED, State.MISSED) and facts.ready_at is None
    # A group has no state of its own: its members' messages say how each of them ended.
    return facts.resolved and missing and is_about_data(facts) and not facts.group


def headline(facts: Facts, limit: int) -> str:
    """``Aggregate growth (investors) MISSED 09:00 UTC: waits for Sales Force``, at most ``limit`` characters.

    Where it is too long the cause gives way first, then the name; state and time always stay.
    """
    word = state_word(facts) if facts.resolved else state_word(facts).upper()
    if facts.event is Event.STILL_LATE and not facts.resolved:
        word = "STILL LATE"
    due = clock(facts.due_at, facts.zone) if facts.due_at and has_due(facts) else ""
    if due and (facts.state is not State.MISSED or facts.event is Event.STILL_LATE or facts.resolved):
        due = f"({'expected' if facts.upstream else 'due'} {due})"
    middle = " ".join(filter(None, [word, due]))
    name = one_line(facts.name)
    cause = short_cause(facts)
    room = limit - len(middle) - 1
    if cause and not facts.resolved:
        tail = f": {cause}"
        name_room = max(room - len(tail), min(len(name), room * 2 // 3))
        name = cut(name, name_room)
        return f"{name} {middle}{cut(tail, max(limit - len(name) - 1 - len(middle), 0))}"
    return f"{cut(name, room)} {middle}"


def short_cause(facts: Facts) -> str:
    """A few words; empty where nothing is known."""
    if facts.event is Event.UPSTREAM_LATE:
        return (
            f"{listed(facts.waiting, 2)} wait{'s' if len(facts.waiting) == 1 else ''} for it" if facts.waiting else ""
        )
    if facts.event in (Event.UNCLAIMED_FAILED, Event.REGISTRY_INVALID, Event.DELIVERY_FAILED, Event.TEST):
        return one_line(facts.text or "")
    if facts.event is Event.IMPORT_ERROR and facts.text:
        return one_line(facts.text)  # its incident is Airflow's, not an occurrence's: the error stands nowhere else
    if facts.event is Event.SCHEDULER_DOWN:
        count = len(facts.group)
        return f"{count} pipeline{'s' if count > 1 else ''} at stake" if count else ""
    failure = facts.failure
    match facts.reason:
        case Reason.UPSTREAM_LATE:
            return f"wait{'s' if len(facts.group) < 2 else ''} for {listed(facts.late_upstreams, 3) or 'an upstream'}"
        case Reason.RUN_FAILED:
            if failure is None:
                return "run failed"
            said = f": {one_line(failure.exception)}" if failure.exception else ""
            return f"{failure.task_id} failed{said}"
        case Reason.OUT_OF_MEMORY:
            task = failure.task_id if failure else "a task"
            if failure and failure.exception:
                return f"{task} ran out of memory"
            return f"{task} was killed" if facts.ticket else f"{task} was killed, out of memory most likely"
        case Reason.DAG_PAUSED:
            return "dag is paused"
        case Reason.DAG_MISSING:
            return "dag is missing"
        case Reason.IMPORT_ERROR:
            return f"import error: {one_line(facts.detail)}" if facts.detail else "dag file does not parse"
        case Reason.STUCK:
            return "run is stuck"
        case Reason.RUNNING:
            return "still running"
        case Reason.QUEUED:
            return "queued, not started"
        case Reason.SCHEDULER_DOWN:
            return "no scheduler beats"
        case Reason.NO_RUN:
            return "no run"
        case Reason.STALE_INPUT:
            return "its run began before an upstream was ready"
        case None:
            return one_line(facts.text or "")


def cause(facts: Facts) -> str:
    """One or two sentences for the body."""
    dag = facts.dag_id or "the dag"
    failure = facts.failure
    match facts.reason:
        case Reason.UPSTREAM_LATE:
            owed = f", owed by {listed(facts.late_teams)}" if facts.late_teams else ""
            several = len(facts.group) > 1
            verb = "waited" if facts.resolved else "wait" if several else "waits"
            return f"{'They' if several else 'It'} {verb} for {listed(facts.late_upstreams) or 'an upstream'}{owed}."
        case Reason.RUN_FAILED if failure is not None:
            tries = f" (try {failure.try_number})" if failure.try_number else ""
            more = f" {len(facts.failures) - 1} more tasks failed." if len(facts.failures) > 1 else ""
            said = f": {one_line(failure.exception)}" if failure.exception else "."
            return cut(f"Task {failure.task_id} of {dag} failed{tries}{said}", 2000) + more
        case Reason.RUN_FAILED:
            return f"The newest run of {dag} failed."
        case Reason.OUT_OF_MEMORY:
            task = f"Task {failure.task_id}" if failure else "A task"
            if failure and failure.exception:
                return cut(f"{task} of {dag} ran out of memory: {one_line(failure.exception)}", 2000)
            return f"{task} of {dag} was killed without leaving an error: out of memory, most likely."
        case Reason.DAG_PAUSED:
            return f"{dag} is paused, so no run was made."
        case Reason.DAG_MISSING:
            return f"Airflow does not know {dag}: removed, renamed, or not deployed."
        case Reason.IMPORT_ERROR:
            return f"The file of {dag} does not parse{f': {one_line(facts.detail)}' if facts.detail else '.'}"
        case Reason.STUCK:
            usual = f" (it usually takes {length(facts.usual)})" if facts.usual else ""
            return f"The run of {dag} takes more than twice as long as usual{usual}."
        case Reason.RUNNING:
            usual = f" (it usually takes {length(facts.usual)})" if facts.usual else ""
            return f"The run of {dag} is still running{usual}."
        case Reason.QUEUED:
            return f"The run of {dag} is queued and has not started."
        case Reason.SCHEDULER_DOWN:
            return "No scheduler of Airflow sends a heartbeat: nothing starts."
        case Reason.NO_RUN:
            detail = f" ({one_line(facts.detail)})" if facts.detail else ""
            return f"There is no run of {dag} for this day{detail}."
        case Reason.STALE_INPUT:
            return "It was ready in time, but its run began before an upstream was ready: yesterday's data, maybe."
        case None:
            return cut(one_line(facts.text), 2000) if facts.text else ""


def what_is_left(facts: Facts) -> str:
    """What is left to do, and when it can be ready at the earliest; empty where no pipeline waits for anything."""
    if facts.resolved or facts.ticket or ":system:" in facts.dedup_key or not (facts.pipeline or facts.group):
        return ""
    usual = f" (a whole run usually takes {length(facts.usual)})" if facts.usual else ""
    match facts.reason:
        case None | Reason.STALE_INPUT:
            return ""
        case Reason.UPSTREAM_LATE:
            left = f"the rest of the run, once {listed(facts.late_upstreams, 3) or 'the upstream'} is there{usual}"
        case Reason.RUN_FAILED | Reason.OUT_OF_MEMORY:
            left = f"the failed task and what follows it{usual}"
        case Reason.RUNNING | Reason.STUCK:
            left = "the rest of the run"  # the cause says how long it usually takes
        case _:
            left = f"a whole run{f', usually {length(facts.usual)}' if facts.usual else ''}"
    # An instant that has come is no forecast: the run works for longer than usual already.
    ahead = facts.earliest_ready is not None and facts.earliest_ready > facts.now + _WORTH_SAYING
    if facts.earliest_ready is None or not ahead:
        return f"Left to do: {left}."
    return f"Left to do: {left}. Can be ready at {clock(facts.earliest_ready, facts.zone)} at the earliest."


def how_late(facts: Facts) -> str:
    """``37 min late`` as of now; empty before due and once ready."""
    if facts.minutes_late:
        return f"{length_late(facts)} late"
    if facts.due_at is None or facts.resolved or not has_due(facts):
        return ""
    if facts.now < facts.due_at + _WORTH_SAYING:
        return ""
    return f"{length(facts.now - facts.due_at)} late"


def length_late(facts: Facts) -> str:
    """``37 min``: of what is ready by now."""
    return length(timedelta(minutes=facts.minutes_late or 0))


def has_due(facts: Facts) -> bool:
    """Whether ``due_at`` is a deadline: a system incident carries the instant at which it was seen, a ticket that of
    the failure."""
    return facts.upstream is not None or (
        ":system:" not in facts.dedup_key
        and not facts.ticket
        and (facts.pipeline is None or facts.pipeline.deadline is not None)
        and facts.event not in (Event.TEST, Event.REGISTRY_INVALID, Event.DELIVERY_FAILED)
    )
