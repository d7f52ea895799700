"""The two channels as one process holds them: their settings, and what it learned of how they are."""

from __future__ import annotations

import random

from daybreak.config.channels import OpsgenieSettings, SlackSettings
from daybreak.delivery.limits import Gate, Limits, Pace
from daybreak.delivery.slack_wire import warm
from daybreak.store.outbox import Channel


class Channels:
    """Keep one for as long as the settings stay the same: it remembers which channel is in trouble, and Slack's pace.

    :param opsgenie: None where there is no usable connection; ``problems`` then says why, for the rows' errors.
    """

    def __init__(
        self,
        opsgenie: OpsgenieSettings | None = None,
        slack: SlackSettings | None = None,
        *,
        problems: dict[Channel, str] | None = None,
        limits: Limits | None = None,
        seed: int | None = None,
    ) -> None:
        if slack is not None:
            warm()
        self.opsgenie = opsgenie
        self.slack = slack
        self.problems = problems or {}
        self.limits = limits or Limits()
        self.rng = random.Random(seed)  # noqa: S311 - spreads retries, guards nothing
        self.gates: dict[Channel, Gate] = {"opsgenie": Gate(), "slack": Gate()}
        self.pace = Pace(self.limits.slack_interval)
        self.channel_ids: dict[str, str] = {}  # Slack channel as the registry names it → its id

    def has(self, channel: Channel) -> bool:
        return (self.opsgenie if channel == "opsgenie" else self.slack) is not None

    def problem(self, channel: Channel) -> str:
        return self.problems.get(channel) or f"no usable connection for {channel}"
