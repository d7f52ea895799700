"""The shape of ``ownership.yaml``, version 1: what may stand where, key by key (docs/registry.md explains each).

Only the shape: that names refer to something, and that entries agree with each other, is
:mod:`daybreak.config.references` and :mod:`daybreak.config.rules`. A key that is left empty counts as left out.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from daybreak.config.scalars import (
    ClockField,
    DayField,
    DurationField,
    MomentField,
    Opens,
    OpensField,
    Text,
    ZoneField,
    clock,
    duration,
)
from daybreak.domain.registry import Dialect, Mode, Priority

UTC_ZONE = ZoneInfo("UTC")
Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
DAYS: tuple[Day, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class Spec(BaseModel):
    """Base of all: unknown keys and values of another type are errors."""

    # Each key's docstring is its description for editors (daybreak.config.schema): pydantic's own way to collect them
    # reads the source at every import.
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, defer_build=True)

    @model_validator(mode="before")
    @classmethod
    def _empty_is_absent(cls, data: Any) -> Any:
        if isinstance(data, dict) and None in data.values():
            return {key: value for key, value in data.items() if value is not None or key not in cls.model_fields}
        return data


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _days(value: Any) -> Any:
    if value == "daily":
        return list(DAYS)
    if value == "weekdays":
        return list(DAYS[:5])
    if isinstance(value, list):
        return value
    raise ValueError("must be daily, weekdays or a list of mon .. sun")


OneOrMore = Annotated[list[Text], BeforeValidator(_listed, json_schema_input_type=str | list[str])]
DaysField = Annotated[
    list[Day],
    Field(min_length=1),
    BeforeValidator(_days, json_schema_input_type=Literal["daily", "weekdays"] | list[Day]),
]


class HolidaysSpec(Spec):
    country: Text
    """Two letters, as ISO 3166 has them: US, DE. Write "NO" in quotes."""
    subdivision: Text | None = None
    """State or region where its holidays differ: CA, BY."""


class PersonSpec(Spec):
    name: Text
    opsgenie: Text | None = None
    """User name in Opsgenie (an e-mail address). Needed by everybody who can be paged."""
    slack: Text | None = None
    """Member id in Slack, U0AAAAAAA."""
    skills: list[Text] = []
    """Areas that this person knows."""
    holidays: HolidaysSpec | None = None
    """This person's own public holidays: others cover them where somebody can."""


class TeamSpec(Spec):
    name: Text
    opsgenie_team: Text | None = None
    """Name of the team in Opsgenie: what tickets and pages go to."""
    slack_usergroup: Text | None = None
    """Id of the user group in Slack, S0AAAAAAA."""
    slack_channel: Text | None = None


class LayerSpec(Spec):
    start: MomentField
    """The first handoff, in the on-call time zone; all others have its time of day."""
    every: DurationField
    """The length of a shift."""
    members: Annotated[list[Text], Field(min_length=1)]
    """Who takes turns, in this order."""


class OverrideSpec(Spec):
    layer: Text
    person: Text
    start: MomentField
    end: MomentField
    """The first instant at which it no longer holds."""


class SwapSideSpec(Spec):
    person: Text
    at: MomentField
    """Any instant inside the shift that this person gives away."""


class SwapSpec(Spec):
    layer: Text
    a: SwapSideSpec
    b: SwapSideSpec


class TimeOffSpec(Spec):
    person: Text
    start: MomentField
    end: MomentField
    """The first instant back: `end` itself is no longer off."""
    requested: DayField | None = None
    """When it was asked for; later than `notice` before the start is a warning."""
    in_lieu: bool = False
    """Settles a day owed for a holiday on call or a shift covered."""


class CompensationSpec(Spec):
    after_turns: Annotated[int, Field(ge=1, le=1000)]
    """Who covered a whole shift in turn i is relieved in turn i + after_turns."""


class OnCallSpec(Spec):
    timezone: ZoneField = UTC_ZONE
    layers: dict[Text, LayerSpec]
    """Rotations by name; `primary` is required, `secondary` usual."""
    overrides: list[OverrideSpec] = []
    """One person for a while, whatever the rotation says."""
    swaps: list[SwapSpec] = []
    """Two people exchange whole shifts."""
    time_off: list[TimeOffSpec] = []
    holidays: HolidaysSpec | None = None
    """The team's calendar: `skip_holidays` and fairness. It puts nobody off."""
    notice: DurationField | None = None
    """How long before it starts time off is to be requested."""
    cover: list[Text] = ["secondary", "pipeline_secondary", "backup"]
    """Who steps in for somebody who is off: the first of these who is available."""
    backup: Text | None = None
    manager: Text | None = None
    compensation: CompensationSpec | None = None
    handoff_meeting: DurationField | None = None
    """Length of the meeting at each handoff, shown in calendars."""


class DefaultsSpec(Spec):
    owner: Text
    """The person told of dags that no pipeline claims."""
    escalation: Text | None = None
    priority: Priority = "P3"
    slack_channel: Text | None = None


class StepSpec(Spec):
    after: DurationField
    """Counted from the instant at which the incident became one that pages."""
    page: OneOrMore = []
    """on_call, a layer, owner, secondary_owner, backup, manager, a person or a team; one or a list."""
    tell: OneOrMore = []
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
    days: DaysField = list(DAYS)
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
    on_delay: list[DelayStepSpec] = []


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
    upstreams: list[Text] = []
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
    schedules: dict[Text, Text] = {}
    """Layer to the name of its schedule in Opsgenie."""
    heartbeat: Text | None = None
    jsm: JsmSpec | None = None


class SlackSpec(Spec):
    connection: Text = "slack_api_default"


class FileSpec(Spec):
    """A whole ownership.yaml."""

    version: Literal[1]
    timezone: ZoneField = UTC_ZONE
    """Default time zone of deadlines."""
    airflow: LinkSpec = LinkSpec()
    """Where links to Airflow lead. Default: Airflow's own [api] base_url."""
    runbooks: LinkSpec = LinkSpec()
    """Where runbooks are read. Default: Daybreak's own runbook page."""
    paging: PagingSpec = PagingSpec()
    slack: SlackSpec = SlackSpec()
    people: Annotated[dict[Text, PersonSpec], Field(min_length=1)]
    teams: dict[Text, TeamSpec] = {}
    on_call: OnCallSpec
    defaults: DefaultsSpec
    silences: list[SilenceSpec] = []
    """Nobody is told; still judged and recorded."""
    escalations: dict[Text, Annotated[list[StepSpec], Field(min_length=1)]] = {}
    upstreams: dict[Text, UpstreamSpec] = {}
    pipelines: dict[Text, PipelineSpec]


FileSpec.model_rebuild()  # all models at once, now rather than during the first load
