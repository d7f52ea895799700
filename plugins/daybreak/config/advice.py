"""What a valid file should be warned of: nobody on call, late requests, load that lies on one person."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from daybreak.config import spec as s
from daybreak.config.problems import Finding, quoted, warning
from daybreak.config.references import REFERENCES, ROLES, places
from daybreak.config.scalars import resolve
from daybreak.domain.clock import local_date
from daybreak.domain.cover import PIPELINE_SECONDARY
from daybreak.domain.fairness import load_shares
from daybreak.domain.registry import Registry
from daybreak.domain.schedule import stretches

WEEKS_AHEAD = 8
TOO_MUCH = 1.5
"""Times the mean of the on-call."""
LONGEST_TURN = timedelta(days=3660)  # beyond, a whole turn says nothing about anybody's year
_SHOWN = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A valid file as plain values, by its shape and as the domain has it, and the instant at which it is looked at."""

    data: Mapping[str, Any]
    file: s.FileSpec
    registry: Registry
    now: datetime


def warnings(case: Case) -> list[Finding]:
    """Everything in ``case`` that is worth a warning."""
    return [found for advice in ADVICE for found in advice(case)]


def somebody_is_on_call(case: Case) -> Iterator[Finding]:
    zone = case.registry.on_call.zone
    remedy = "name a backup, or add an override"
    if PIPELINE_SECONDARY in case.registry.on_call.cover:
        remedy += " (secondary owners cover their own pipelines alone)"
    for layer in case.registry.on_call.layers:
        gaps = stretches(case.registry, layer, case.now, case.now + timedelta(weeks=WEEKS_AHEAD)).gaps
        if gaps:
            spans = [
                f"{g.start.astimezone(zone):%Y-%m-%d %H:%M} to {g.end.astimezone(zone):%Y-%m-%d %H:%M}" for g in gaps
            ]
            more = f" and {len(spans) - _SHOWN} more times" if len(spans) > _SHOWN else ""
            message = f"nobody is on call from {', '.join(spans[:_SHOWN])}{more} ({zone}): {remedy}"
            yield warning(("on_call", "layers", layer), message)


def time_off_is_requested_early(case: Case) -> Iterator[Finding]:
    notice, zone = case.registry.on_call.notice, case.registry.on_call.zone
    for i, entry in enumerate(case.file.on_call.time_off):
        if notice is None or entry.requested is None:
            continue
        latest = local_date(notice.before(resolve(entry.start, zone), zone), zone)
        if entry.requested > latest:
            message = f"requested {entry.requested}, less than {notice} before it starts (by {latest}): agree on cover"
            yield warning(("on_call", "time_off", i, "requested"), message)


def everybody_has_a_part(case: Case) -> Iterator[Finding]:
    named: set[str] = set()
    for pattern, kind in REFERENCES:
        if kind in ("person", "party", "target") and "time_off" not in pattern:
            named.update(value for _, value in places(case.data, pattern) if isinstance(value, str))
    for person in case.file.people:
        if person not in named:
            yield warning(("people", person), "is in no layer and owns no pipeline: give this person a part, or remove")


def ownership_is_spread(case: Case) -> Iterator[Finding]:
    audiences: dict[str, Counter[str]] = {}
    for pipeline in case.registry.pipelines.values():
        if pipeline.audience:
            audiences.setdefault(pipeline.audience, Counter())[pipeline.primary_owner] += 1
    for audience, owners in audiences.items():
        total = owners.total()
        for person, count in owners.items():
            if total > 1 and count * 2 > total:
                message = f"is primary owner of {count} of the {total} pipelines for {audience}: spread them"
                yield warning(("people", person), message)


def everybody_is_secondary_in_a_turn(case: Case) -> Iterator[Finding]:
    layers = case.registry.on_call.layers
    if "secondary" in layers:
        seconds, remedy = set(layers["secondary"].members), "add to on_call.layers.secondary.members"
    else:
        seconds = {p.secondary_owner for p in case.registry.pipelines.values() if p.secondary_owner}
        remedy = "make this person the secondary owner of a pipeline"
    if not seconds:
        return
    for person in dict.fromkeys(layers["primary"].members):
        if person not in seconds:
            yield warning(("people", person), f"is never secondary in a turn: {remedy}")


def load_is_even(case: Case) -> Iterator[Finding]:
    layers = case.registry.on_call.layers.values()
    if max(layer.every.nominal * len(layer.members) for layer in layers) > LONGEST_TURN:
        return
    for person, share in load_shares(case.registry, case.now).items():
        if person in case.registry.people and share > TOO_MUCH:
            message = f"carries {share:.1f} times the mean of the on-call to come: `daybreak fairness` shows the shares"
            yield warning(("people", person), message)


def policies_begin_at_once(case: Case) -> Iterator[Finding]:
    for name, steps in case.registry.escalations.items():
        if not any(step.page and not step.after.count for step in steps):
            yield warning(("escalations", name), "has no step at 0m that pages: at first nobody is paged")


def skipped_holidays_are_known(case: Case) -> Iterator[Finding]:
    if case.registry.on_call.holidays is not None:
        return
    for name, pipeline in case.registry.pipelines.items():
        if pipeline.deadline and pipeline.deadline.skip_holidays:
            path = ("pipelines", name, "deadline", "skip_holidays")
            yield warning(path, "skips nothing: on_call.holidays names no calendar")
    for name, upstream in case.registry.upstreams.items():
        if upstream.expected.skip_holidays:
            yield warning(("upstreams", name, "skip_holidays"), "skips nothing: on_call.holidays names no calendar")


def teams_can_be_told(case: Case) -> Iterator[Finding]:
    for name, team in case.registry.teams.items():
        if not (team.opsgenie_team or team.opsgenie_escalation or team.slack_channel or team.slack_usergroup):
            message = f"{quoted(name)} cannot be reached: set opsgenie_team, slack_channel or slack_usergroup"
            yield warning(("teams", name), message)


def layer_names_are_their_own(case: Case) -> Iterator[Finding]:
    for layer in case.registry.on_call.layers:
        if layer in ROLES and layer != "secondary":
            message = f"{quoted(layer)} already means something in a step: another name would be clearer"
            yield warning(("on_call", "layers", layer), message)


def the_on_call_zone_is_meant(case: Case) -> Iterator[Finding]:
    if (
        "timezone" not in case.file.on_call.model_fields_set
        and case.registry.zone.key != case.registry.on_call.zone.key
    ):
        message = (
            f"is left out, so shifts are in {case.registry.on_call.zone} and not in {case.registry.zone}: write which"
        )
        yield warning(("on_call", "timezone"), message)


ADVICE: tuple[Callable[[Case], Iterator[Finding]], ...] = (
    somebody_is_on_call,
    time_off_is_requested_early,
    everybody_has_a_part,
    ownership_is_spread,
    everybody_is_secondary_in_a_turn,
    load_is_even,
    policies_begin_at_once,
    skipped_holidays_are_known,
    teams_can_be_told,
    layer_names_are_their_own,
    the_on_call_zone_is_meant,
)
