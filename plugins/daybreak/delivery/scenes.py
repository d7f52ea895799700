"""Every kind of page and message, as the registry at hand would have it: for ``daybreak preview`` and for the tests.

Each scene is a decision as the monitor would make it, rendered by the same code that renders the real ones.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from daybreak.delivery.facts import PlanContext
from daybreak.delivery.plan import plan
from daybreak.domain.clock import wall_time
from daybreak.domain.incident import (
    Decisions,
    Event,
    Incident,
    IncidentKind,
    Judgement,
    Notification,
    NotificationKind,
    Occurrence,
    Reason,
    State,
    dedup_key,
    ticket_key,
)
from daybreak.domain.registry import Pipeline, Registry, Upstream
from daybreak.domain.runs import Evidence
from daybreak.domain.targets import in_a_gap, resolve, resolve_all
from daybreak.store.outbox import Delivery

# Where these are the cause there is no run that a page could link.
_WITHOUT_A_RUN = frozenset(
    {Reason.NO_RUN, Reason.DAG_MISSING, Reason.DAG_PAUSED, Reason.IMPORT_ERROR, Reason.SCHEDULER_DOWN}
)
_MISSED_FOR = tuple(reason for reason in Reason if reason is not Reason.STALE_INPUT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """One thing to tell, and the rows that tell it."""

    title: str
    rows: tuple[Delivery, ...]


def scenes(registry: Registry, context: PlanContext, pipeline: Pipeline | None = None) -> Iterator[Scene]:
    """All scenes; those of a pipeline for ``pipeline``, else for the one that shows the most."""
    lead = pipeline or max(
        registry.pipelines.values(),
        key=lambda p: (p.deadline is not None, len(p.upstreams), p.runbook is not None, p.priority == "P1"),
    )
    stage = Stage(registry=registry, context=context, pipeline=lead)
    yield from stage.life()
    yield from stage.memory()
    for upstream in [registry.upstreams[each] for each in lead.upstreams][:1]:
        yield from stage.upstream(upstream)
        together = [p for p in registry.pipelines.values() if upstream.id in p.upstreams]
        yield stage.group(upstream, together if len(together) > 1 else [lead])
    yield from stage.system()


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One pipeline on one day, ``context.now`` being a moment after it was due."""

    registry: Registry
    context: PlanContext
    pipeline: Pipeline
    exception: str = "ValueError: tax_model knows 'digital_levy', the transformation does not"

    @property
    def day(self) -> date:
        return self.context.now.astimezone(self._zone()).date()

    @property
    def due(self) -> datetime:
        deadline = self.pipeline.deadline
        return wall_time(self.day, deadline.due if deadline else time(9), self._zone())

    def life(self) -> Iterator[Scene]:
        """At risk, failed, missed for each reason, every further step, handoff, and how it ends."""
        owner = (self.pipeline.primary_owner,)
        on_call = resolve(self.registry, "on_call", self.pipeline, self.due)
        early, late = self.due - timedelta(minutes=20), self.due + timedelta(hours=2, minutes=37)
        yield self._scene("At risk", early, "notice", Event.AT_RISK, owner, State.AT_RISK, Reason.NO_RUN)
        yield self._scene("Failed before due", early, "page", Event.FAILED, on_call, State.FAILED, Reason.RUN_FAILED, 0)
        for reason in _MISSED_FOR:
            title = f"Missed: {reason.value}"
            yield self._scene(title, self.due, "page", Event.MISSED, on_call, State.MISSED, reason, 0)
        reason = Reason.UPSTREAM_LATE if self.pipeline.upstreams else Reason.STUCK
        for number, step in enumerate(self.registry.steps_of(self.pipeline)):
            if number == 0:
                continue
            at = step.after.after(self.due, self._zone())
            for kind, targets in (("page", step.page), ("notice", step.tell)):
                to = resolve_all(self.registry, targets, self.pipeline, at)
                if to:
                    said: NotificationKind = "page" if kind == "page" else "notice"
                    title = f"Step {number}, {step.after} after: {said}"
                    yield self._scene(title, at, said, Event.STILL_LATE, to, State.MISSED, reason, number)
        newcomer = (in_a_gap(self.registry),)
        yield self._scene("Handoff with it open", late, "page", Event.HANDOFF, newcomer, State.MISSED, reason)
        yield self._scene(
            "The cause is another", late, "notice", Event.CAUSE_CHANGED, (), State.MISSED, Reason.RUN_FAILED,
            text="the cause is now: run failed",
        )  # fmt: skip
        yield self._scene("Ready, late", late, "resolve", Event.RESOLVED, (*on_call, *owner), State.LATE, reason)
        yield self._scene("Stale input", early, "notice", Event.STALE_INPUT, owner, State.MET, Reason.STALE_INPUT)

    def memory(self) -> Iterator[Scene]:
        """The ticket of a run that ran out of memory, and what came of running it again."""
        team = self.registry.tickets.out_of_memory
        if team is None:
            return
        again, ends = self.due + timedelta(minutes=20), self.due + timedelta(minutes=45)
        ticket = self._incident(
            ticket_key(self.pipeline.id, self.day), "ticket", self.pipeline.id, State.FAILED, Reason.OUT_OF_MEMORY
        )
        ticket = replace(ticket, paged=(), told=(team,), paging_since=None)
        said = f"failed again: waiting for {self.registry.teams[team].name}"
        told: tuple[tuple[str, datetime, NotificationKind, Event, str | None], ...] = (
            ("Out of memory: ticket", self.due, "ticket", Event.OUT_OF_MEMORY, None),
            ("Out of memory again: ticket", again, "notice", Event.RETRIED, said),
            ("Ticket closed", ends, "notice", Event.TICKET_CLOSED, "succeeded on retry: likely contention"),
        )
        for title, at, kind, event, text in told:
            one = replace(ticket, resolved_at=at) if event is Event.TICKET_CLOSED else ticket
            judgement = self._judgement(State.FAILED, Reason.OUT_OF_MEMORY, at)
            yield self._render(title, at, kind, event, (team,), one, judgement, None, text=text)
        yield self._scene(
            "Out of memory again: thread", again, "notice", Event.RETRIED, (), State.FAILED, Reason.OUT_OF_MEMORY,
            text=said,
        )  # fmt: skip

    def upstream(self, upstream: Upstream) -> Iterator[Scene]:
        """Each step of an upstream's delay, and its arrival."""
        expected = wall_time(self.day, upstream.expected.due, upstream.expected.zone)
        told: tuple[str, ...] = ()
        for number, step in enumerate(upstream.on_delay):
            at = step.after.after(expected, upstream.expected.zone)
            told = tuple(dict.fromkeys((*told, *step.to)))
            title = f"{upstream.name} late, {step.after} after: {step.do}"
            yield self._upstream_scene(upstream, title, at, expected, step.do, Event.UPSTREAM_LATE, step.to, number)
        if told:
            at = expected + timedelta(hours=3)
            title = f"{upstream.name} has arrived"
            yield self._upstream_scene(upstream, title, at, expected, "notice", Event.UPSTREAM_ARRIVED, told, None)

    def group(self, upstream: Upstream, members: Sequence[Pipeline]) -> Scene:
        """One page for all that wait for the same upstream."""
        on_call = resolve(self.registry, "on_call", self.pipeline, self.due)
        key = dedup_key(upstream.id, self.day, group=True)
        ids = tuple(each.id for each in members)
        return self._render(
            "Several wait for one upstream", self.due, "page", Event.MISSED, on_call,
            self._incident(key, "group", None, State.MISSED, Reason.UPSTREAM_LATE, group=ids, upstream=upstream.id),
            None, 0,
        )  # fmt: skip

    def system(self) -> Iterator[Scene]:
        """What concerns Airflow or Daybreak itself."""
        owner = (self.registry.defaults.owner,)
        ids = tuple(self.registry.pipelines)[:12]
        rows: tuple[tuple[str, str, NotificationKind, Event, Reason | None, str | None, str], ...] = (
            ("Scheduler down", "scheduler", "page", Event.SCHEDULER_DOWN, Reason.SCHEDULER_DOWN, None, ""),
            ("Import error", "import_error", "notice", Event.IMPORT_ERROR, Reason.IMPORT_ERROR, self.pipeline.id,
             f"{self.pipeline.dags[0]} no longer parses: NameError: name 'pendulm' is not defined"),
            ("Unclaimed dag failed", "unclaimed", "notice", Event.UNCLAIMED_FAILED, Reason.RUN_FAILED, None,
             "scratch_dag failed; no pipeline of the registry claims it"),
            ("Registry invalid", "registry", "notice", Event.REGISTRY_INVALID, None, None,
             "include/ownership.yaml:131: pipelines.x.deadline.timezone: no such zone. The last good one is in force."),
            ("Delivery failed", "delivery", "notice", Event.DELIVERY_FAILED, None, None,
             "A page could not be delivered: HTTP 401: Could not authenticate"),
        )  # fmt: skip
        for title, what, kind, event, reason, subject, text in rows:
            key = f"daybreak:v1:system:{what}:{self.day.isoformat()}"
            incident = None
            if reason is not None:
                group = ids if event is Event.SCHEDULER_DOWN else ()
                incident = self._incident(key, "system", subject, State.FAILED, reason, group=group)
                dags = {Event.UNCLAIMED_FAILED: "scratch_dag", Event.IMPORT_ERROR: self.pipeline.dags[0]}
                incident = replace(incident, dag_id=dags.get(event))
            step = 0 if kind == "page" else None
            yield self._render(title, self.due, kind, event, owner, incident, None, step, text=text or None, key=key)

    def _zone(self) -> ZoneInfo:
        return self.pipeline.deadline.zone if self.pipeline.deadline else self.registry.zone

    def _scene(
        self, title: str, at: datetime, kind: NotificationKind, event: Event, to: tuple[str, ...], state: State,
        reason: Reason, step: int | None = None, *, text: str | None = None,
    ) -> Scene:  # fmt: skip
        key = dedup_key(self.pipeline.id, self.day)
        incident = self._incident(key, "pipeline", self.pipeline.id, state, reason)
        if event is Event.RESOLVED:
            incident = replace(incident, resolved_at=at, ready_at=at, minutes_late=157)
        return self._render(title, at, kind, event, to, incident, self._judgement(state, reason, at), step, text=text)

    def _upstream_scene(
        self, upstream: Upstream, title: str, at: datetime, expected: datetime, kind: NotificationKind, event: Event,
        to: tuple[str, ...], step: int | None,
    ) -> Scene:  # fmt: skip
        key = dedup_key(upstream.id, self.day, upstream=True)
        incident = self._incident(key, "upstream", upstream.id, State.MISSED, Reason.NO_RUN, upstream=upstream.id)
        done = tuple(range(len(upstream.on_delay))) if step is None else tuple(range(step + 1))
        ready = upstream.ready_when
        dag = ready.value if ready is not None and ready.kind == "dag" else None
        incident = replace(
            incident, due_at=expected, opened_at=expected, steps_done=done, dag_id=dag, run_id=None, paged=()
        )
        if event is Event.UPSTREAM_ARRIVED:
            incident = replace(incident, state=State.LATE, resolved_at=at, ready_at=at, minutes_late=180)
        return self._render(title, at, kind, event, to, incident, None, step)

    def _render(
        self, title: str, at: datetime, kind: NotificationKind, event: Event, to: tuple[str, ...],
        incident: Incident | None, judgement: Judgement | None, step: int | None, *, text: str | None = None,
        key: str | None = None,
    ) -> Scene:  # fmt: skip
        notification = Notification(
            at=at, kind=kind, event=event, subject=incident.subject if incident else None, business_date=self.day,
            step=step, to=to, priority=incident.priority if incident and incident.kind != "upstream" else None,
            dedup_key=incident.dedup_key if incident else key or "", group=incident.group if incident else (),
            text=text,
        )  # fmt: skip
        decisions = Decisions(
            incidents=(incident,) if incident else (),
            notifications=(notification,),
            judgements={incident.dedup_key: judgement} if incident and judgement else {},
        )
        rows = plan(self.registry, decisions, {}, replace(self.context, now=at))
        return Scene(title=title, rows=rows)

    def _incident(
        self, key: str, kind: IncidentKind, subject: str | None, state: State, reason: Reason, *,
        group: tuple[str, ...] = (), upstream: str | None = None,
    ) -> Incident:  # fmt: skip
        late = self.pipeline.upstreams[:1] if reason is Reason.UPSTREAM_LATE else ()
        return Incident(
            dedup_key=key, kind=kind, subject=subject, business_date=self.day, due_at=self.due, state=state,
            reason=reason, opened_at=self.due, group=group, upstream=upstream or next(iter(late), None),
            priority=self.pipeline.priority, paging_since=self.due, dag_id=self.pipeline.dags[0],
            paged=resolve(self.registry, "on_call", self.pipeline, self.due), run_id=self._run_of(reason),
        )  # fmt: skip

    def _judgement(self, state: State, reason: Reason, at: datetime) -> Judgement:
        occurrence = Occurrence(
            subject=self.pipeline.id, business_date=self.day, due_at=self.due,
            opens_at=self.due - timedelta(hours=9), closes_at=self.due + timedelta(hours=15),
        )  # fmt: skip
        failed = reason in (Reason.RUN_FAILED, Reason.OUT_OF_MEMORY)
        killed = reason is Reason.OUT_OF_MEMORY
        evidence = Evidence(
            dag_id=self.pipeline.dags[0], run_id=self._run_id, task_id="guard", try_number=2, killed=killed,
            exception=None if killed else self.exception,
        )  # fmt: skip
        detail = "NameError: name 'pendulm' is not defined" if reason is Reason.IMPORT_ERROR else None
        return Judgement(
            occurrence=occurrence, at=at, state=state, reason=reason, since=min(at, self.due),
            dag_id=self.pipeline.dags[0], run_id=self._run_of(reason),
            failures=(evidence,) if failed else (), detail=detail,
            late_upstreams=self.pipeline.upstreams[:1] if reason is Reason.UPSTREAM_LATE else (),
            usual=timedelta(minutes=25),
            earliest_ready=at + timedelta(minutes=12 if reason is Reason.RUNNING else 25),
        )  # fmt: skip

    def _run_of(self, reason: Reason) -> str | None:
        return None if reason in _WITHOUT_A_RUN else self._run_id

    @property
    def _run_id(self) -> str:
        return f"scheduled__{self.day.isoformat()}T03:00:00+00:00"
