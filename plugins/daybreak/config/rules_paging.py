"""Rules of paging: whoever a page can go to can be reached in Opsgenie."""

from __future__ import annotations

from collections.abc import Iterator

from daybreak.config.draft import Draft
from daybreak.config.problems import Finding, Path, quoted

SECONDARY = "secondary"


def people_can_be_paged(draft: Draft) -> Iterator[Finding]:
    for person, why in _paged(draft).items():
        if person in draft.people and not draft.people[person].opsgenie and not draft.damaged(("people", person)):
            yield Finding(("people", person, "opsgenie"), f"is required: {quoted(person)} can be paged ({why})")


def teams_can_be_paged(draft: Draft) -> Iterator[Finding]:
    for policy, steps in draft.escalations.items():
        for step in steps:
            for target in step.page:
                team = draft.teams.get(target)
                reachable = team and (team.opsgenie_team or team.opsgenie_escalation)
                if team and not reachable and not draft.damaged(("teams", target)):
                    message = f"is required: escalation {quoted(policy)} pages this team"
                    yield Finding(("teams", target, "opsgenie_team"), message)


def tickets_can_be_opened(draft: Draft) -> Iterator[Finding]:
    """A team's ticket is an alert of its Opsgenie team or, without one, a message in its channel."""
    name = draft.tickets.out_of_memory
    team = draft.teams.get(name) if name else None
    if team and not (team.opsgenie_team or team.slack_channel) and not draft.damaged(("teams", name or "")):
        message = f"is required, or slack_channel: tickets.out_of_memory names {quoted(name)}"
        yield Finding(("teams", name or "", "opsgenie_team"), message)


def schedules_are_named(draft: Draft) -> Iterator[Finding]:
    if draft.paging.respond_with == "schedule" and "primary" not in draft.paging.schedules:
        path: Path = ("paging", "schedules", "primary") if draft.paging.schedules else ("paging", "schedules")
        if not draft.damaged(path):
            yield Finding(path, "is required with `respond_with: schedule`: {primary: <its schedule in Opsgenie>}")


def _paged(draft: Draft) -> dict[str, str]:
    """The people whom a page can reach, and why."""
    found: dict[str, str] = {}

    def add(person: str | None, why: str) -> None:
        if person is not None:
            found.setdefault(person, why)

    on_call = draft.on_call
    targets: dict[str, set[str]] = {
        name: {t for step in steps for t in step.page} for name, steps in draft.escalations.items()
    }
    everywhere = set().union(*targets.values()) if targets else set()
    if on_call:
        if draft.paging.respond_with == "people":
            for name, layer in on_call.layers.items():
                for person in layer.members:
                    add(person, f"on_call.layers.{name}")
            for entry in on_call.overrides:
                add(entry.person, "on_call.overrides")
        if "backup" in on_call.cover or "backup" in everywhere:
            add(on_call.backup, "on_call.backup")
        add(on_call.manager, "on_call.manager")
    if draft.defaults and (on_call is None or on_call.manager is None):
        add(draft.defaults.owner, "defaults.owner, while nobody is on call")
    for policy, names in targets.items():
        for target in names:
            add(target, f"escalations.{policy}")
    cover = on_call.cover if on_call else []
    layers = on_call.layers if on_call else {}
    for name, pipeline in draft.pipelines.items():
        chosen = pipeline.escalation or (draft.defaults.escalation if draft.defaults else None)
        own = targets.get(chosen, set()) if chosen else set()
        if "owner" in own:
            add(pipeline.owners.primary, f"pipelines.{name}.owners")
        steps_in = "pipeline_secondary" in cover or (SECONDARY in own and SECONDARY not in layers)
        if "secondary_owner" in own or steps_in:
            add(pipeline.owners.secondary, f"pipelines.{name}.owners")
    return {person: why for person, why in found.items() if person in draft.people}
