"""One pipeline's incident: it opens, becomes one that pages, and ends. Who is paged is :mod:`.decide_escalation`'s."""

from __future__ import annotations

from daybreak.domain.incident import Event, Incident, Judgement, Reason, State
from daybreak.domain.registry import Pipeline
from daybreak.monitor.desk import Desk, merged
from daybreak.monitor.judge_failures import is_undated
from daybreak.monitor.lasting import GIVE_UP, is_given_up

GIVEN_UP = "given up after 14 days: it stays missing"


def observe(desk: Desk, judgement: Judgement) -> bool:
    """Open, change or end the incident of ``judgement``. True if it has just become missed, and so one that pages."""
    occurrence = judgement.occurrence
    pipeline = desk.registry.pipelines[occurrence.subject]
    incident = desk.incident(occurrence.dedup_key)
    past = desk.recorded.get(occurrence.dedup_key)
    if past is not None and past.waived:
        if incident is not None and incident.open:
            end(desk, incident, judgement, text=f"waived: {past.waived}")
        return False
    if desk.is_history(pipeline.id, occurrence.due_at):
        return False
    if is_given_up(judgement, desk.now):
        if incident is not None and incident.open:
            end(desk, incident, judgement, text=GIVEN_UP)
        return False
    match judgement.state:
        case State.MET | State.LATE:
            _ready(desk, pipeline, incident, judgement)
        case State.AT_RISK:
            _at_risk(desk, pipeline, incident, judgement)
        case State.FAILED:
            _failed(desk, pipeline, incident, judgement)
        case State.MISSED:
            return _missed(desk, pipeline, incident, judgement)
        case State.PENDING:
            pass
    return False


def close_removed(desk: Desk) -> None:
    """End the incidents of pipelines and upstreams that the registry no longer has, and those that nothing speaks of
    any more: nobody waits for them now."""
    registry = desk.registry
    for incident in desk.open_incidents():
        known = registry.upstreams if incident.kind == "upstream" else registry.pipelines
        if incident.kind not in ("pipeline", "upstream"):
            continue
        if incident.subject not in known:
            end(desk, incident, None, text="no longer in the registry")
        elif incident.dedup_key not in desk.judgements and desk.now >= incident.opened_at + GIVE_UP:
            end(desk, incident, None, text=GIVEN_UP)  # so old that it is not even judged


def end(desk: Desk, incident: Incident, judgement: Judgement | None, text: str | None = None) -> Incident:
    """End ``incident``. Everybody who was paged or told hears of it, if anybody was paged at all."""
    ended = desk.change(
        incident,
        resolved_at=desk.now,
        state=judgement.state if judgement else incident.state,
        ready_at=judgement.ready_at if judgement else None,
        minutes_late=judgement.minutes_late if judgement else None,
        run_id=(judgement.run_id if judgement else None) or incident.run_id,
    )
    if ended.paged:
        desk.tell(ended, "resolve", Event.RESOLVED, still_known(desk, merged(ended.paged, ended.told)), text=text)
    return ended


def opened(desk: Desk, pipeline: Pipeline, judgement: Judgement) -> Incident:
    """A new incident for ``judgement``; nobody was told of it yet."""
    occurrence = judgement.occurrence
    return Incident(
        dedup_key=occurrence.dedup_key,
        kind="pipeline",
        subject=pipeline.id,
        business_date=occurrence.business_date,
        due_at=occurrence.due_at,
        state=judgement.state,
        reason=judgement.reason,
        opened_at=desk.opens(judgement.since or desk.now),
        priority=pipeline.priority,
        escalation=pipeline.escalation or desk.registry.defaults.escalation,
        run_id=judgement.run_id,
        dag_id=judgement.dag_id,
        upstream=judgement.late_upstreams[0] if judgement.reason is Reason.UPSTREAM_LATE else None,
        silenced=desk.is_silent(pipeline, occurrence.due_at),
    )


def inform(desk: Desk, pipeline: Pipeline, incident: Incident, event: Event, text: str | None = None) -> Incident:
    """A notice to the pipeline's primary owner, unless it is silenced."""
    if incident.silenced:
        return incident
    owner = (pipeline.primary_owner,)
    desk.tell(incident, "notice", event, owner, text=text)
    return desk.change(incident, told=merged(incident.told, owner))


def _at_risk(desk: Desk, pipeline: Pipeline, incident: Incident | None, judgement: Judgement) -> None:
    if incident is None:
        incident = desk.put(opened(desk, pipeline, judgement))
    elif not incident.open:
        return
    else:
        incident = _follow(desk, pipeline, incident, judgement)
    if not incident.pages and not incident.told:
        inform(desk, pipeline, incident, Event.AT_RISK)


def _failed(desk: Desk, pipeline: Pipeline, incident: Incident | None, judgement: Judgement) -> None:
    known_failure = incident is not None and incident.open and incident.state is State.FAILED
    incident = _open_or_follow(desk, pipeline, incident, judgement)
    if pipeline.on_failure == "page":
        if not incident.pages:
            desk.change(incident, paging_since=desk.opens(judgement.since or desk.now))
    elif not known_failure or not incident.told:
        inform(desk, pipeline, incident, Event.FAILED)


def _missed(desk: Desk, pipeline: Pipeline, incident: Incident | None, judgement: Judgement) -> bool:
    failed_before = incident is not None and incident.open and incident.state is State.FAILED
    incident = _open_or_follow(desk, pipeline, incident, judgement)
    if incident.pages:
        if failed_before:
            desk.note(incident, "now missed: not ready when it was due")
        return False
    desk.change(incident, paging_since=desk.opens(judgement.occurrence.due_at))
    return True


def _ready(desk: Desk, pipeline: Pipeline, incident: Incident | None, judgement: Judgement) -> None:
    past = desk.recorded.get(judgement.occurrence.dedup_key)
    news = past is None or past.state is not judgement.state
    if news:
        _remind(desk, pipeline, judgement)
    if incident is not None and not incident.open:
        return
    if judgement.state is State.LATE and news and (incident is None or not incident.pages):
        # Nobody saw it missed, so nobody was paged, and nobody needs to be now.
        incident = incident or opened(desk, pipeline, judgement)
        minutes = judgement.minutes_late
        incident = inform(
            desk, pipeline, incident, Event.MISSED, f"was ready {minutes} min late, before anybody was paged"
        )
    if judgement.reason is Reason.STALE_INPUT and news:
        stale = incident or opened(desk, pipeline, judgement)
        if not stale.silenced:
            desk.tell(stale, "notice", Event.STALE_INPUT, (pipeline.primary_owner,))
    if incident is not None:
        end(desk, incident, judgement)


def _remind(desk: Desk, pipeline: Pipeline, judgement: Judgement) -> None:
    """A later day is ready: say in the threads of the days before that theirs is still missing. It ends nothing, since
    that day's data is a thing of its own; who does not need it waives it."""
    ready = judgement.occurrence
    for incident in desk.missing(pipeline.id):
        if incident.due_at < ready.due_at and not incident.silenced and not is_undated(ready):
            day = incident.business_date
            waive = f"daybreak waive --pipeline {pipeline.id} --date {day}"
            desk.note(incident, f"{ready.business_date} is ready, {day} is still missing: run it again, or `{waive}`")


def _open_or_follow(desk: Desk, pipeline: Pipeline, incident: Incident | None, judgement: Judgement) -> Incident:
    if incident is None or (not incident.open and _begins_anew(incident, judgement)):
        return desk.put(opened(desk, pipeline, judgement))
    if not incident.open:
        incident = desk.change(incident, resolved_at=None, steps_done=(), paging_since=None, member_of=None)
    return _follow(desk, pipeline, incident, judgement)


def _begins_anew(incident: Incident, judgement: Judgement) -> bool:
    """Whether a failure after the success that ended ``incident`` is a new one of the same date."""
    return is_undated(judgement.occurrence) or incident.state in (State.MET, State.LATE)


def _follow(desk: Desk, pipeline: Pipeline, incident: Incident, judgement: Judgement) -> Incident:
    """``incident`` with the state and reason of now. What was failed or missed does not become merely at risk."""
    state = incident.state if judgement.state is State.AT_RISK else judgement.state
    reason_changed = judgement.reason is not incident.reason and incident.pages
    followed = desk.change(
        incident,
        state=state,
        reason=judgement.reason,
        due_at=judgement.occurrence.due_at,
        run_id=judgement.run_id,
        dag_id=judgement.dag_id,
        upstream=judgement.late_upstreams[0] if judgement.reason is Reason.UPSTREAM_LATE else incident.upstream,
        silenced=desk.is_silent(pipeline, judgement.occurrence.due_at),
    )
    if reason_changed and judgement.reason is not None and not followed.silenced:
        desk.note(followed, f"the cause is now: {judgement.reason.value.replace('_', ' ')}")
    return followed


def still_known(desk: Desk, ids: tuple[str, ...]) -> tuple[str, ...]:
    """``ids`` without people and teams that the registry no longer has."""
    registry = desk.registry
    return tuple(one for one in ids if one in registry.people or one in registry.teams)
