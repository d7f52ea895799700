"""What the registry says, as frozen values: people, teams, on-call, escalations, upstreams, pipelines.

:mod:`daybreak.config` makes these from ``ownership.yaml`` and has checked every cross-reference by then, so the
look-ups here cannot miss. Instants are aware and in UTC; a rotation's ``start`` stays local, since its handoffs are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from fnmatch import fnmatchcase
from typing import Literal
from zoneinfo import ZoneInfo

from daybreak.domain.duration import Duration

Priority = Literal["P1", "P2", "P3", "P4", "P5"]
Mode = Literal["live", "shadow"]
Dialect = Literal["opsgenie", "jsm"]
ReadyKind = Literal["dag", "sensor", "asset", "sql", "object"]
DelayAction = Literal["ticket", "thread"]

AT_RISK = Duration(30, "m")  # where a deadline names none
ALL_DAYS = frozenset(range(7))  # Monday is 0, as in date.weekday()


@dataclass(frozen=True, slots=True, kw_only=True)
class HolidayPlace:
    """A country and, where its holidays differ by region, a subdivision, as the ``holidays`` package names them."""

    country: str
    subdivision: str | None = None


HolidayDates = Callable[[HolidayPlace, int], frozenset[date]]
"""(place, year) → its public holidays. Handed in by config: the domain imports no calendar package."""


def no_holidays(place: HolidayPlace, year: int) -> frozenset[date]:
    """A year without holidays, for registries that name none."""
    return frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    id: str
    name: str
    opsgenie: str | None = None  # user name (an e-mail address); without it this person cannot be paged
    slack: str | None = None  # member id, U...
    skills: tuple[str, ...] = ()  # areas this person knows
    holidays: HolidayPlace | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Team:
    id: str
    name: str
    opsgenie_team: str | None = None
    opsgenie_escalation: str | None = None  # pages go here in place of the team, and Opsgenie decides whom they reach
    slack_usergroup: str | None = None  # S...
    slack_channel: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """One rotation: handoff *n* is ``start`` + *n* × ``every``, shift *n* is ``members[n mod len]``."""

    name: str
    start: datetime  # naive: local time of OnCall.zone
    every: Duration
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    layer: str
    person: str
    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SwapSide:
    person: str
    at: datetime  # an instant inside the shift that this person gives away


@dataclass(frozen=True, slots=True, kw_only=True)
class Swap:
    layer: str
    a: SwapSide
    b: SwapSide


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeOff:
    person: str
    start: datetime
    end: datetime
    requested: date | None = None
    in_lieu: bool = False  # settles a day owed for a holiday on call or a shift covered


@dataclass(frozen=True, slots=True, kw_only=True)
class OnCall:
    zone: ZoneInfo
    layers: Mapping[str, Layer]  # "primary" is always there
    overrides: tuple[Override, ...] = ()
    swaps: tuple[Swap, ...] = ()
    time_off: tuple[TimeOff, ...] = ()
    holidays: HolidayPlace | None = None  # the team's calendar: skip_holidays and fairness; puts nobody off
    holiday_dates: HolidayDates = field(default=no_holidays, compare=False, repr=False)
    notice: Duration | None = None
    cover: tuple[str, ...] = ("secondary", "pipeline_secondary", "backup")
    backup: str | None = None
    manager: str | None = None
    compensation_after_turns: int | None = None
    handoff_meeting: Duration | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One escalation step. ``page`` and ``tell`` hold targets: ``on_call``, a layer, ``owner``, ``secondary_owner``,
    ``backup``, ``manager``, a person's id or a team's id."""

    after: Duration
    page: tuple[str, ...] = ()
    tell: tuple[str, ...] = ()
    unless_acknowledged: bool = False


DEFAULT_STEPS = (Step(after=Duration(0, "m"), page=("on_call",)),)


@dataclass(frozen=True, slots=True, kw_only=True)
class DelayStep:
    after: Duration
    do: DelayAction
    to: tuple[str, ...]  # teams or people


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadline:
    """By when data is due. An upstream's ``expected_by`` is the ``due`` of the same clock."""

    due: time
    zone: ZoneInfo
    days: frozenset[int] = ALL_DAYS
    skip_holidays: bool = False
    opens: time = time(0, 0)
    opens_day_before: bool = False
    at_risk: Duration = AT_RISK
    task: str | None = None  # narrows "ready" from the whole run to one task


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadyWhen:
    kind: ReadyKind
    value: str  # dag id, task id, asset URI, SQL text or object path (may hold {business_date})
    task: str | None = None  # with kind "dag": one task of it
    conn: str | None = None  # with kinds "sql" and "object"


@dataclass(frozen=True, slots=True, kw_only=True)
class Upstream:
    id: str
    name: str
    team: str
    expected: Deadline
    ready_when: ReadyWhen | None = None
    on_delay: tuple[DelayStep, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Pipeline:
    id: str
    name: str
    dags: tuple[str, ...]  # exact ids or globs
    primary_owner: str
    secondary_owner: str | None = None
    area: str | None = None
    audience: str | None = None
    purpose: str | None = None
    upstream_owner: str | None = None  # a team
    downstream: str | None = None
    upstreams: tuple[str, ...] = ()
    runbook: str | None = None  # file name in the runbooks folder beside the registry
    escalation: str | None = None  # None: DEFAULT_STEPS
    priority: Priority = "P3"
    slack_channel: str | None = None
    on_failure: Literal["page", "notice"] = "page"
    deadline: Deadline | None = None  # without one: owned, not judged
    native_deadline: bool = False  # also give its dags an Airflow deadline alert

    def claims(self, dag_id: str) -> bool:
        """Whether ``dag_id`` is one of this pipeline's dags (globs are case-sensitive)."""
        return any(dag_id == pattern or fnmatchcase(dag_id, pattern) for pattern in self.dags)


@dataclass(frozen=True, slots=True, kw_only=True)
class Defaults:
    owner: str  # a person: the catch-all
    escalation: str | None = None
    priority: Priority = "P3"
    slack_channel: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tickets:
    """Teams that are asked for work where a run failed for a cause that is theirs. None: nobody is."""

    out_of_memory: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    pipeline: str
    start: datetime
    end: datetime
    why: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Jsm:
    connection: str
    cloud_id: str
    team: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Paging:
    mode: Mode = "live"
    dialect: Dialect = "opsgenie"
    connection: str = "opsgenie_default"
    respond_with: Literal["people", "schedule"] = "people"
    schedules: Mapping[str, str] = field(default_factory=dict)  # layer → Opsgenie schedule name
    heartbeat: str | None = None
    jsm: Jsm | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Registry:
    """The whole of one ``ownership.yaml``."""

    zone: ZoneInfo
    people: Mapping[str, Person]
    on_call: OnCall
    defaults: Defaults
    pipelines: Mapping[str, Pipeline]
    teams: Mapping[str, Team] = field(default_factory=dict)
    upstreams: Mapping[str, Upstream] = field(default_factory=dict)
    escalations: Mapping[str, tuple[Step, ...]] = field(default_factory=dict)
    silences: tuple[Silence, ...] = ()
    tickets: Tickets = field(default_factory=Tickets)
    paging: Paging = field(default_factory=Paging)
    slack_connection: str = "slack_api_default"
    airflow_base_url: str | None = None
    runbooks_base_url: str | None = None  # None: the plugin's own runbook page
    digest: str = ""  # of the file's bytes: tells whether the registry changed

    def pipeline_of(self, dag_id: str) -> Pipeline | None:
        """The pipeline that claims ``dag_id``; an exact id wins over a glob. None for a dag that nobody claims."""
        for pipeline in self.pipelines.values():
            if dag_id in pipeline.dags:
                return pipeline
        return next((p for p in self.pipelines.values() if p.claims(dag_id)), None)

    def steps_of(self, pipeline: Pipeline) -> tuple[Step, ...]:
        """The escalation steps of ``pipeline``, in order: its own policy, else the default's, else one page at once."""
        name = pipeline.escalation or self.defaults.escalation
        return self.escalations[name] if name else DEFAULT_STEPS

    def channel_of(self, pipeline: Pipeline) -> str | None:
        """The Slack channel of ``pipeline``: its own, else the default's."""
        return pipeline.slack_channel or self.defaults.slack_channel
