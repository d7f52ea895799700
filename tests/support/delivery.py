"""Delivery against a sandbox: an outbox in SQLite, a clock that is turned by hand, and one incident's whole life."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event, select

from daybreak.config import parse_registry
from daybreak.config.channels import (
    JsmOpsSettings,
    OpsgenieSettings,
    SlackSettings,
    Timeouts,
    Wire,
    opsgenie_from,
    slack_from,
)
from daybreak.config.links import Links
from daybreak.config.runbooks import Shelf
from daybreak.delivery.channels import Channels
from daybreak.delivery.facts import PlanContext
from daybreak.delivery.limits import Limits
from daybreak.delivery.plan import plan
from daybreak.delivery.sender import SendReport, send_due
from daybreak.domain.incident import Decisions, Event, Incident, Judgement, Notification, Occurrence, Reason, State
from daybreak.domain.registry import Registry
from daybreak.sql.database import open_engine, reading, writing
from daybreak.store import outbox, schema
from daybreak.store.outbox import Delivery
from tests.support.sandbox import Sandbox

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
HASTY = Wire(timeouts=Timeouts(connect=0.5, read=0.5, total=0.8))

REGISTRY = """
version: 1
paging: {dialect: DIALECT}
people:
  a: {name: Ann, opsgenie: a@example.com, slack: U0A, skills: [growth]}
  b: {name: Ben, opsgenie: b@example.com, slack: U0B}
  c: {name: Cat, opsgenie: c@example.com, slack: U0C, skills: [growth]}
  boss: {name: Boss, opsgenie: boss@example.com}
teams:
  leads: {name: Leads, slack_usergroup: S0LEADS, slack_channel: "#leads"}
  source: {name: Source team, opsgenie_team: Source, slack_channel: "#source"}
on_call:
  manager: boss
  layers:
    primary: {start: 2026-01-05T09:00, every: 1w, members: [a, b]}
    secondary: {start: 2026-01-05T09:00, every: 1w, members: [b, a]}
defaults: {owner: a, escalation: standard, slack_channel: "#alerts"}
tickets: {out_of_memory: source}
escalations:
  standard:
    - {after: 0m, page: on_call}
    - {after: 15m, page: secondary, tell: leads}
upstreams:
  feed:
    name: The feed
    team: source
    expected_by: "05:00"
    ready_when: {dag: feed_load}
    on_delay: [{after: 0m, do: ticket, to: source}, {after: 2h, do: thread, to: leads}]
pipelines:
  growth:
    name: Growth (investors)
    dags: [growth]
    area: growth
    audience: investors
    owners: {primary: a, secondary: b}
    upstreams: [feed]
    priority: P1
    slack_channel: "#growth"
    deadline: {due: "09:00"}
  profit:
    name: Profit
    dags: [profit]
    owners: {primary: b}
    upstreams: [feed]
    deadline: {due: "09:00"}
"""


def registry_of(dialect: str = "opsgenie", text: str = REGISTRY) -> Registry:
    return parse_registry(text.replace("DIALECT", dialect).encode(), source="test")


def context_at(now: datetime, runbooks: Path | None = None, **more: Any) -> PlanContext:
    links = Links(airflow="https://airflow.example.com")
    return PlanContext(now=now, links=links, runbooks=Shelf(folder=runbooks), **more)


@dataclass
class Clock:
    now: datetime = START

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **time: float) -> datetime:
        self.now += timedelta(**time)
        return self.now


async def no_sleep(seconds: float) -> None:
    await asyncio.sleep(0)


@dataclass
class Post:
    """An outbox with its channels. ``send`` turns the clock as far as retries ask for."""

    engine: Engine
    channels: Channels
    clock: Clock = field(default_factory=Clock)

    def queue(self, rows: Iterable[Delivery]) -> int:
        with writing(self.engine) as conn:
            return outbox.enqueue(conn, rows, self.clock())

    def once(self, **more: Any) -> SendReport:
        return asyncio.run(send_due(self.engine, self.channels, self.clock, sleep=no_sleep, **more))

    def send(self, *, rounds: int = 60, until: datetime | None = None) -> SendReport:
        """Until nothing is pending but what waits for ``recheck``; at most so many rounds, or up to ``until``."""
        total = SendReport()
        for _ in range(rounds):
            report = self.once()
            for name in ("sent", "retried", "failed", "superseded", "fallbacks"):
                setattr(total, name, getattr(total, name) + getattr(report, name))
            if not self.rows("pending") or report.next_at is None or (until and self.clock.now >= until):
                break
            self.clock.now = max(self.clock.now + timedelta(milliseconds=10), report.next_at)
        return total

    def rows(self, state: str | None = None) -> list[Any]:
        table = schema.delivery
        chosen = select(table).where(table.c.operation != outbox.RECHECK).order_by(table.c.id)
        with reading(self.engine) as conn:
            return list(conn.execute(chosen if state is None else chosen.where(table.c.state == state)))


def channels_for(box: Sandbox, dialect: str = "opsgenie", **limits: Any) -> Channels:
    return Channels(pager(box, dialect), chat(box), limits=Limits(**{"slack_interval": 0.0, **limits}), seed=1)


def pager(box: Sandbox, dialect: str = "opsgenie") -> OpsgenieSettings:
    jsm = None
    if dialect == "jsm":
        base = f"{box.url}/jsm/ops/api/cloud/v1"
        jsm = JsmOpsSettings(base_url=base, user=box.options.jsm_user, token=box.options.jsm_token, team="team-1")
    return opsgenie_from("test", password=box.key, host=box.url, dialect=dialect, jsm=jsm)  # type: ignore[arg-type]


def chat(box: Sandbox) -> SlackSettings:
    return slack_from("test", password=box.token, extra={"base_url": box.slack_url})


def hasty(channels: Channels) -> Channels:
    """The same channels with little patience, for services that hang."""
    assert channels.opsgenie is not None and channels.slack is not None
    channels.opsgenie = replace(channels.opsgenie, wire=HASTY)
    channels.slack = replace(channels.slack, wire=HASTY)
    return channels


@contextmanager
def post_office(box: Sandbox, folder: Path, dialect: str = "opsgenie", **limits: Any) -> Any:
    engine = open_engine(f"sqlite:///{folder / 'outbox.db'}")
    event.listen(engine, "connect", lambda connection, _: connection.execute("PRAGMA synchronous = OFF"))
    schema.metadata.create_all(engine)
    try:
        yield Post(engine=engine, channels=channels_for(box, dialect, **limits))
    finally:
        engine.dispose()


@dataclass
class Life:
    """One missed occurrence of ``growth``, told step by step."""

    registry: Registry
    due: datetime = START

    @property
    def key(self) -> str:
        return f"daybreak:v1:growth:{self.due.date().isoformat()}"

    def incident(self, **changes: Any) -> Incident:
        made = Incident(
            dedup_key=self.key, kind="pipeline", subject="growth", business_date=self.due.date(), due_at=self.due,
            state=State.MISSED, reason=Reason.UPSTREAM_LATE, opened_at=self.due, priority="P1", upstream="feed",
            paging_since=self.due, paged=("b",), dag_id="growth", run_id="scheduled__2026-03-02T03:00:00+00:00",
        )  # fmt: skip
        return replace(made, **changes)

    def judgement(self, at: datetime, **changes: Any) -> Judgement:
        day = timedelta(hours=9)
        occurrence = Occurrence(
            subject="growth", business_date=self.due.date(), due_at=self.due, opens_at=self.due - day,
            closes_at=self.due + timedelta(hours=15),
        )  # fmt: skip
        made = Judgement(
            occurrence=occurrence, at=at, state=State.MISSED, reason=Reason.UPSTREAM_LATE, since=self.due,
            late_upstreams=("feed",), dag_id="growth", run_id="scheduled__2026-03-02T03:00:00+00:00",
        )  # fmt: skip
        return replace(made, **changes)

    def told(self, at: datetime, kind: str, event: Event, to: tuple[str, ...], step: int | None = None) -> Notification:
        return Notification(
            at=at, kind=kind, event=event, subject="growth", business_date=self.due.date(), step=step, to=to,  # type: ignore[arg-type]
            priority="P1", dedup_key=self.key,
        )  # fmt: skip

    def page(self, at: datetime) -> tuple[Delivery, ...]:
        incident = self.incident()
        return self._plan(at, incident, [self.told(at, "page", Event.MISSED, ("b",), 0)], {})

    def step(self, at: datetime) -> tuple[Delivery, ...]:
        before = self.incident()
        after = self.incident(paged=("b", "a"), told=("leads",), steps_done=(0, 1))
        said = [
            self.told(at, "page", Event.STILL_LATE, ("a",), 1),
            self.told(at, "notice", Event.STILL_LATE, ("leads",), 1),
        ]
        return self._plan(at, after, said, {before.dedup_key: before})

    def ready(self, at: datetime) -> tuple[Delivery, ...]:
        before = self.incident(paged=("b", "a"), told=("leads",), steps_done=(0, 1))
        late = int((at - self.due).total_seconds() // 60)
        after = replace(before, resolved_at=at, state=State.LATE, ready_at=at, minutes_late=late)
        said = [self.told(at, "resolve", Event.RESOLVED, ("b", "a", "leads"))]
        changes = {"state": State.LATE, "ready_at": at, "late_upstreams": (), "reason": None}
        return self._plan(at, after, said, {before.dedup_key: before}, **changes)

    def _plan(
        self, at: datetime, incident: Incident, said: list[Notification], before: dict[str, Incident], **changes: Any
    ) -> tuple[Delivery, ...]:
        decisions = Decisions(
            incidents=(incident,), notifications=tuple(said),
            judgements={incident.dedup_key: self.judgement(at, **changes)},
        )  # fmt: skip
        return plan(self.registry, decisions, before, context_at(at))
