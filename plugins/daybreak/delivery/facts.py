"""Everything that a page or message may say about one incident, gathered once; rendering only chooses from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from daybreak.config.links import Links
from daybreak.config.runbooks import Runbook, Section, Shelf, anchor_of
from daybreak.delivery.people import answers_of, experts_of, on_call_people, owners_of, parties
from daybreak.domain.incident import Event, Incident, Judgement, Notification, Reason, State
from daybreak.domain.registry import Person, Pipeline, Priority, Registry, Team
from daybreak.domain.runs import Evidence

MONITOR_SOURCE = "Daybreak monitor"
_ENDS = (Event.RESOLVED, Event.UPSTREAM_ARRIVED, Event.TICKET_CLOSED)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanContext:
    """What rendering needs besides registry and decisions. ``shadow``: decide and record, send nothing."""

    now: datetime
    links: Links = field(default_factory=Links)
    runbooks: Shelf = field(default_factory=Shelf)
    shadow: bool = False
    source: str = MONITOR_SOURCE


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """One incident at one instant, with names for ids. Instants are aware; ``zone`` is what they are shown in."""

    dedup_key: str
    event: Event
    name: str  # of the pipeline, upstream or group
    zone: ZoneInfo
    now: datetime
    business_date: date | None = None
    due_at: datetime | None = None
    state: State | None = None
    reason: Reason | None = None
    since: datetime | None = None
    ready_at: datetime | None = None
    minutes_late: int | None = None
    resolved: bool = False
    acknowledged_by: str | None = None
    priority: Priority = "P3"
    pipeline: Pipeline | None = None
    upstream: str | None = None  # id, of an upstream's own incident
    ticket: bool = False  # another team's ticket about a run of ``pipeline``
    asked: tuple[str, ...] = ()  # names of the teams that have such a ticket about this
    group: tuple[Pipeline, ...] = ()
    dag_id: str | None = None
    run_id: str | None = None
    failures: tuple[Evidence, ...] = ()
    late_upstreams: tuple[str, ...] = ()  # names
    late_teams: tuple[str, ...] = ()  # names of the teams that owe them
    detail: str | None = None
    usual: timedelta | None = None
    earliest_ready: datetime | None = None
    owners: tuple[Person, ...] = ()
    answers: tuple[Person, ...] = ()  # who answers questions about the numbers
    channel: str | None = None  # the Slack channel where the incident is told
    on_call: tuple[Person, ...] = ()
    reached: tuple[Person | Team, ...] = ()  # whom this very notification is for
    told: tuple[Person | Team, ...] = ()  # everybody who was paged or told before
    experts: tuple[Person, ...] = ()  # others who know the area
    waiting: tuple[str, ...] = ()  # names of what waits for this
    runbook: Runbook | None = None
    runbook_name: str | None = None
    section: Section | None = None
    links: Mapping[str, str] = field(default_factory=dict)  # Runbook, Dag run, Logs, Board → URL
    text: str | None = None
    step: int | None = None

    @property
    def for_others(self) -> bool:
        """Whether it is another team's work: told where they are, and without how we repair our side."""
        return self.upstream is not None or self.ticket

    @property
    def first_steps(self) -> tuple[str, ...]:
        """The runbook's, in Markdown. Where Airflow itself is down a pipeline's steps lead nowhere: what its runbook
        says of that is the section."""
        if (
            self.runbook is None
            or self.ticket
            or (self.section and self.pipeline is None and ":system:" in self.dedup_key)
        ):
            return ()
        return self.runbook.first_steps()

    @property
    def failure(self) -> Evidence | None:
        return self.failures[0] if self.failures else None


def gather(
    registry: Registry,
    context: PlanContext,
    notification: Notification,
    incident: Incident | None,
    judgement: Judgement | None,
) -> Facts:
    """The facts of ``notification``. People and teams that the registry no longer has are left out."""
    n, i, j = notification, incident, judgement
    pipeline = registry.pipelines.get(n.subject or "")
    upstream = registry.upstreams.get(n.subject or "") if _is_upstream(n, i) else None
    if upstream is not None:
        pipeline = None
    ticket = i is not None and i.kind == "ticket"
    group = tuple(registry.pipelines[each] for each in n.group if each in registry.pipelines)
    lead = pipeline or min(group, key=lambda each: each.priority, default=None)
    late = _late_upstreams(registry, i, j)
    reason = (j.reason if j and j.reason else None) or (i.reason if i else None)
    failures = j.failures if j else ()
    dag_id = (j.dag_id if j else None) or (i.dag_id if i else None) or _only_dag(pipeline)
    run_id = (j.run_id if j else None) or (i.run_id if i else None)
    runbook = context.runbooks.get(lead.runbook) if lead and lead.runbook else None
    section = section_for(runbook, reason, failures)
    paged = (*(i.paged if i else ()), *(i.told if i else ()))
    waiting = [p for p in registry.pipelines.values() if upstream.id in p.upstreams] if upstream is not None else []
    # Who speaks for an upstream's delay on our side: the owners of what waits for it.
    owners = owners_of(registry, waiting[0], tuple(waiting)) if waiting else owners_of(registry, lead, group)
    reached = parties(registry, n.to)
    on_call = on_call_people(registry, lead, context.now)
    zone = _zone(registry, lead, n)
    return Facts(
        dedup_key=n.dedup_key,
        event=n.event,
        name=_name(registry, n, i, pipeline, group),
        zone=zone,
        now=context.now,
        business_date=n.business_date,
        due_at=i.due_at if i else j.occurrence.due_at if j else None,
        state=i.state if i and not (j and not i.open) else j.state if j else None,
        reason=reason,
        since=(j.since if j and not ticket else None) or (i.opened_at if i else None),
        ready_at=(i.ready_at if i else None) or (j.ready_at if j and not ticket else None),
        minutes_late=(i.minutes_late if i else None) or (j.minutes_late if j and not ticket else None),
        resolved=n.event in _ENDS or bool(i and not i.open),
        acknowledged_by=i.acknowledged_by if i else None,
        priority=n.priority or (i.priority if i else None) or (lead.priority if lead else registry.defaults.priority),
        pipeline=pipeline,
        upstream=upstream.id if upstream else None,
        ticket=ticket,
        asked=() if ticket or context.source != MONITOR_SOURCE else _asked(registry, reason),
        group=group,
        dag_id=dag_id,
        run_id=run_id,
        failures=failures,
        late_upstreams=tuple(registry.upstreams[each].name for each in late),
        late_teams=tuple(dict.fromkeys(registry.teams[registry.upstreams[each].team].name for each in late)),
        detail=j.detail if j else None,
        usual=j.usual if j else None,
        earliest_ready=j.earliest_ready if j else None,
        owners=owners,
        answers=answers_of(registry, n.dedup_key, pipeline, group),
        channel=_channel(registry, n, lead, pipeline),
        on_call=on_call,
        reached=reached,
        told=tuple(each for each in parties(registry, paged) if each not in reached),
        experts=experts_of(registry, lead, {p.id for p in (*owners, *on_call)} | {each.id for each in reached}),
        waiting=()
        if ticket
        else tuple(p.name for p in waiting) or ((lead.downstream,) if lead and lead.downstream else ()),
        runbook=runbook,
        runbook_name=lead.runbook if lead else None,
        section=None if ticket else section,
        links=links_for(context.links, lead, section, dag_id, run_id, failures),
        text=n.text,
        step=n.step,
    )


def links_for(
    links: Links,
    pipeline: Pipeline | None,
    section: Section | None,
    dag_id: str | None,
    run_id: str | None,
    failures: tuple[Evidence, ...],
) -> dict[str, str]:
    """Label → URL, in the order of the buttons; only what is known."""
    failure = failures[0] if failures else None
    logs = None
    if failure is not None:
        logs = failure.log_url or links.task_log(
            failure.dag_id, failure.run_id, failure.task_id, map_index=failure.map_index, try_number=failure.try_number
        )
    found = {
        "Runbook": links.runbook(pipeline.runbook if pipeline else None, section.slug if section else None),
        "Dag run": links.dag_run(dag_id, run_id),
        "Logs": logs,
        "Board": links.board(),
    }
    return {label: url for label, url in found.items() if url and url.startswith(("http://", "https://"))}


def section_for(runbook: Runbook | None, reason: Reason | None, failures: tuple[Evidence, ...]) -> Section | None:
    """The runbook's section for this failure: by its category, else by the reason."""
    if runbook is None:
        return None
    wanted: list[str] = []
    for failure in failures[:1]:
        wanted += [failure.anchor or ""]
        if failure.category:
            wanted += [anchor_of(failure.category.rpartition(".")[2]), anchor_of(failure.category.partition(".")[0])]
    if reason is not None:
        wanted.append(anchor_of(reason.value))
    return next((found for anchor in wanted if anchor and (found := runbook.section(anchor))), None)


def _is_upstream(n: Notification, i: Incident | None) -> bool:
    if i is not None:
        return i.kind == "upstream"
    return n.event in (Event.UPSTREAM_LATE, Event.UPSTREAM_ARRIVED)


def _asked(registry: Registry, reason: Reason | None) -> tuple[str, ...]:
    """Names of the teams to which the monitor gives a ticket for this reason."""
    team = registry.teams.get(registry.tickets.out_of_memory or "") if reason is Reason.OUT_OF_MEMORY else None
    return (team.name,) if team is not None else ()


def _late_upstreams(registry: Registry, i: Incident | None, j: Judgement | None) -> tuple[str, ...]:
    ids = [*(j.late_upstreams if j else ()), *([i.upstream] if i and i.upstream else [])]
    return tuple(each for each in dict.fromkeys(ids) if each in registry.upstreams)


def _channel(registry: Registry, n: Notification, lead: Pipeline | None, pipeline: Pipeline | None) -> str | None:
    """Where the incident's own message stands; of a system incident the group only names what is at stake."""
    if lead is None or (pipeline is None and ":system:" in n.dedup_key):
        return registry.defaults.slack_channel
    return registry.channel_of(lead)


def _only_dag(pipeline: Pipeline | None) -> str | None:
    """The dag to link where none is at fault: the pipeline's, if it has but one and no glob."""
    if pipeline is None or len(pipeline.dags) != 1 or set(pipeline.dags[0]) & set("*?["):
        return None
    return pipeline.dags[0]


def _zone(registry: Registry, lead: Pipeline | None, n: Notification) -> ZoneInfo:
    upstream = registry.upstreams.get(n.subject or "")
    if upstream is not None and n.subject not in registry.pipelines:
        return upstream.expected.zone
    return lead.deadline.zone if lead and lead.deadline else registry.zone


def _name(
    registry: Registry, n: Notification, i: Incident | None, pipeline: Pipeline | None, group: tuple[Pipeline, ...]
) -> str:
    upstream = registry.upstreams.get(n.subject or "")
    if upstream is not None and _is_upstream(n, i):
        return upstream.name
    if pipeline is not None:
        return pipeline.name
    if n.event is Event.UNCLAIMED_FAILED and i is not None and i.dag_id:
        return i.dag_id
    if n.event is Event.SCHEDULER_DOWN or (i is not None and i.reason is Reason.SCHEDULER_DOWN):
        return "Airflow's scheduler"
    if group:
        return f"{len(group)} pipelines" if len(group) > 1 else group[0].name
    return n.subject or "Daybreak"
