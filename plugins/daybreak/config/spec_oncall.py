"""The shape of ``people``, ``teams`` and ``on_call``."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from daybreak.config.scalars import DayField, DurationField, MomentField, Text, ZoneField
from daybreak.config.spec_base import UTC_ZONE, Spec


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
    skills: list[Text] = Field(default=[])
    """Areas that this person knows."""
    holidays: HolidaysSpec | None = None
    """This person's own public holidays: others cover them where somebody can."""


class TeamSpec(Spec):
    name: Text
    opsgenie_team: Text | None = None
    """Name of the team in Opsgenie: what tickets and pages go to."""
    opsgenie_escalation: Text | None = None
    """Name of an escalation policy in Opsgenie: pages go to it, not to the team: Opsgenie decides whom they reach."""
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
    overrides: list[OverrideSpec] = Field(default=[])
    """One person for a while, whatever the rotation says."""
    swaps: list[SwapSpec] = Field(default=[])
    """Two people exchange whole shifts."""
    time_off: list[TimeOffSpec] = Field(default=[])
    holidays: HolidaysSpec | None = None
    """The team's calendar: `skip_holidays` and fairness. It puts nobody off."""
    notice: DurationField | None = None
    """How long before it starts time off is to be requested."""
    cover: list[Text] = Field(default=["secondary", "pipeline_secondary", "backup"])
    """Who steps in for somebody who is off: the first of these who is available."""
    backup: Text | None = None
    manager: Text | None = None
    compensation: CompensationSpec | None = None
    handoff_meeting: DurationField | None = None
    """Length of the meeting at each handoff, shown in calendars."""
