"""The shape of ``ownership.yaml``, version 1: what may stand where, key by key (docs/registry.md explains each).

Only the shape: that names refer to something, and that entries agree with each other, is
:mod:`daybreak.config.references` and :mod:`daybreak.config.rules`. A key that is left empty counts as left out.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field
from pydantic_core import PydanticCustomError

from daybreak.config.scalars import (
    ClockField,
    DurationField,
    MomentField,
    Opens,
    OpensField,
    Text,
    ZoneField,
    clock,
    duration,
)
from daybreak.config.spec_base import DAYS, UTC_ZONE, DaysField, OneOrMore, Spec
from daybreak.config.spec_oncall import (
    HolidaysSpec,
    LayerSpec,
    OnCallSpec,
    OverrideSpec,
    PersonSpec,
    SwapSideSpec,
    SwapSpec,
    TeamSpec,
    TimeOffSpec,
)
from daybreak.domain.registry import Dialect, Mode, Priority

__all__ = [
    "DAYS",
    "UTC_ZONE",
    "ClockSpec",
    "DeadlineSpec",
    "DefaultsSpec",
    "DelayStepSpec",
    "FileSpec",
    "HolidaysSpec",
    "JsmSpec",
    "LayerSpec",
    "LinkSpec",
    "OnCallSpec",
    "OverrideSpec",
    "OwnersSpec",
    "PagingSpec",
    "PersonSpec",
    "PipelineSpec",
    "ReadyWhenSpec",
    "SilenceSpec",
    "SlackSpec",
    "Spec",
    "StepSpec",
    "SwapSideSpec",
    "SwapSpec",
    "TeamSpec",
    "TicketsSpec",
    "TimeOffSpec",
    "UpstreamSpec",
]


class DefaultsSpec(Spec):
    owner: Text
    """The person told of dags that no pipeline claims."""
    escalation: Text | None = None
    priority: Priority = "P3"
    slack_channel: Text | None = None


class StepSpec(Spec):
    after: DurationField
    """Counted from the instant at which the incident became one that pages."""
    page: OneOrMore = Field(default=[])
    """on_call, a layer, owner, secondary_owner, backup, manager, a person or a team; one or a list."""
    tell: OneOrMore = Field(default=[])
    """The same values: a notice in Slack."""
    unless: Literal["acknowledged"] | None = None


class DelayStepSpec(Spec):
    after: DurationField
    """Counted from `expected_by`."""
    do: Literal["ticket", "thread"]
    to: Annotated[OneOrMore, Field(min_length=1)]
    """A team or a person; one or a list."""


class ClockSpec(Spec):
    """What a deadline and an upstream's expected time have in common."""

    timezone: ZoneField | None = None
    """Default: the file's `timezone`."""
    days: DaysField = Field(default=list(DAYS))
    """daily, weekdays, or a list of mon .. sun."""
    skip_holidays: bool = False
    """Leave out the holidays of on_call.holidays as well."""
    opens: OpensField = Opens(clock("00:00"))
    """From when on a run counts for the day: a local time of that day, or "-1d 20:00" for the day before."""
    at_risk: DurationField = duration("30m")
    """How long before the deadline a run that has not started is worth a notice."""
    task: Text | None = None
    """Ready when this task has succeeded, not only when the whole run has."""


class DeadlineSpec(ClockSpec):
    due: ClockField
    """Local time by which the data is ready; exactly then is in time."""


class ReadyWhenSpec(Spec):
    """One of dag, sensor, asset, sql, object."""

    dag: Text | None = None
    """Ready when this dag has succeeded in the day's cycle."""
    task: Text | None = None
    """With `dag`: when this task of it has."""
    sensor: Text | None = None
    """Ready when this task, in the dags that wait, has."""
    asset: Text | None = None
    """Ready when this asset (URI) was updated."""
    sql: Text | None = None
    """Ready when this query answers true."""
    object: Text | None = None
    """Ready when this object exists; {business_date} stands for the day."""
    conn: Text | None = None
    """Airflow connection, with `sql` and `object`."""


class UpstreamSpec(ClockSpec):
    name: Text | None = None
    team: Text
    expected_by: ClockField
    ready_when: ReadyWhenSpec | None = None
    """How it is seen to be there. Needed where a pipeline names this upstream."""
    on_delay: list[DelayStepSpec] = Field(default=[])


class OwnersSpec(Spec):
    primary: Text
    secondary: Text | None = None


class PipelineSpec(Spec):
    name: Text | None = None
    dags: Annotated[list[Text], Field(min_length=1)]
    """Dag ids, exact or globs."""
    area: Text | None = None
    audience: Text | None = None
    owners: OwnersSpec
    purpose: Text | None = None
    upstream_owner: Text | None = None
    downstream: Text | None = None
    upstreams: list[Text] = Field(default=[])
    runbook: Text | None = None
    """A file in runbooks/ beside this one."""
    escalation: Text | None = None
    priority: Priority | None = None
    """P1 to P5. Default: defaults.priority."""
    slack_channel: Text | None = None
    on_failure: Literal["page", "notice"] = "page"
    """`notice`: a failure before the deadline informs, the deadline pages."""
    deadline: DeadlineSpec | None = None
    """Without one the pipeline is owned, not judged."""
    native_deadline: bool = False
    """Also give its dags a deadline alert of Airflow's own."""


class TicketsSpec(Spec):
    """Which team is asked for work where a run failed for a cause that is theirs."""

    out_of_memory: Text | None = None
    """A team: gets a ticket when a task ran out of memory, killed ones included."""


class SilenceSpec(Spec):
    pipeline: Text
    start: MomentField
    end: MomentField
    why: Text | None = None


class LinkSpec(Spec):
    base_url: Annotated[str, Field(pattern=r"^https?://[^\s/]+\S*$")] | None = None


class JsmSpec(Spec):
    connection: Text
    cloud_id: Text
    team: Text | None = None


class PagingSpec(Spec):
    mode: Mode = "live"
    """`shadow` decides and records, and sends nothing."""
    dialect: Dialect = "opsgenie"
    connection: Text = "opsgenie_default"
    respond_with: Literal["people", "schedule"] = "people"
    """Who decides who is on call: this file, or Opsgenie's own schedules."""
    schedules: dict[Text, Text] = Field(default={})
    """Layer to the name of its schedule in Opsgenie."""
    heartbeat: Text | None = None
    jsm: JsmSpec | None = None


class SlackSpec(Spec):
    connection: Text = "slack_api_default"


def _whole(value: Any) -> Any:
    """To Python ``true`` and ``1.0`` equal 1; to a reader of the file they do not."""
    if type(value) is not int:
        raise PydanticCustomError("version", "must be 1")
    return value


class FileSpec(Spec):
    """A whole ownership.yaml."""

    version: Annotated[Literal[1], BeforeValidator(_whole)]
    timezone: ZoneField = UTC_ZONE
    """Default time zone of deadlines."""
    airflow: LinkSpec = LinkSpec()
    """Where links to Airflow lead. Default: Airflow's own [api] base_url."""
    runbooks: LinkSpec = LinkSpec()
    """Where runbooks are read. Default: Daybreak's own runbook page."""
    paging: PagingSpec = PagingSpec()
    slack: SlackSpec = SlackSpec()
    people: Annotated[dict[Text, PersonSpec], Field(min_length=1)]
    teams: dict[Text, TeamSpec] = Field(default={})
    on_call: OnCallSpec
    defaults: DefaultsSpec
    silences: list[SilenceSpec] = Field(default=[])
    """Nobody is told; still judged and recorded."""
    tickets: TicketsSpec = TicketsSpec()
    """Teams that are asked for work where a run failed for a cause that is theirs."""
    escalations: dict[Text, Annotated[list[StepSpec], Field(min_length=1)]] = Field(default={})
    upstreams: dict[Text, UpstreamSpec] = Field(default={})
    pipelines: dict[Text, PipelineSpec]


FileSpec.model_rebuild()  # all models at once, now rather than during the first load
