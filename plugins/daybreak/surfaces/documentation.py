"""The dag page's documentation: what the author wrote, then who owns the dag, by when it is due, and its runbook.

Plain Markdown, since the dag page strips raw HTML. Everything here comes from the registry and the runbook's file,
so the text changes only with them.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from daybreak.config.shelf import runbook_text

if TYPE_CHECKING:  # at parse the domain is not needed: see daybreak.surfaces.cards
    from daybreak.domain.registry import Deadline, Person, Pipeline, Registry, Step, Team, Upstream
    from daybreak.surfaces.site import Site

HEADING = "## Ownership and runbook"
RUNBOOK_LIMIT = 40_000  # characters; a dag's documentation is part of the serialized dag
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_HEADING_LINE = re.compile(r"^(#{1,6})(?=\s)", re.MULTILINE)
_FENCED = re.compile(r"(^(?:```|~~~).*?^(?:```|~~~)[^\n]*$)", re.MULTILINE | re.DOTALL)


def documented(author: str | None, section: str) -> str:
    """``author``'s text with our ``section`` after it; unchanged if the section is there already."""
    if author and section in author:
        return author
    return f"{author.rstrip()}\n\n---\n\n{section}" if author and author.strip() else section


def section_of(head: str, folder: Path | None, runbook: str | None) -> str:
    """Our section: ``head`` (see :func:`head_of`), and below it the runbook's text as it is in ``folder`` now."""
    text = _lowered(folder, runbook)
    return f"{head}\n{text}\n" if text else head


def head_of(site: Site, pipeline: Pipeline) -> str:
    """Purpose, owners, due, upstreams, readers, escalation and contacts, in Markdown."""
    url = site.runbook_url(pipeline)
    rows = [*facts_of(site.registry, pipeline)]
    if url is not None:
        rows.append(("Runbook", f"[{pipeline.runbook}]({url})"))
    table = "\n".join(f"| **{key}** | {_cell(value)} |" for key, value in rows)
    return f"{HEADING}\n\n| {_cell(pipeline.name)} | |\n|---|---|\n{table}\n"


def facts_of(registry: Registry, pipeline: Pipeline) -> tuple[tuple[str, str], ...]:
    """(label, Markdown) for all that the registry knows of ``pipeline``; what it does not know is left out."""
    owners = [pipeline.primary_owner, *([pipeline.secondary_owner] if pipeline.secondary_owner else [])]
    upstreams = [registry.upstreams[key] for key in pipeline.upstreams]
    asked = registry.teams.get(pipeline.upstream_owner or "")
    rows = (
        ("Purpose", pipeline.purpose),
        ("Owners", ", ".join(_person(registry.people[key]) for key in owners)),
        ("Due", due_text(pipeline.deadline) if pipeline.deadline else "no deadline"),
        ("Priority", pipeline.priority),
        ("Waits for", "; ".join(_upstream(registry, upstream) for upstream in upstreams)),
        ("Upstream's owner", _team(asked) if asked else None),
        ("Read by", pipeline.downstream),
        ("Escalation", "; ".join(_step(registry, step) for step in registry.steps_of(pipeline))),
        ("Slack", registry.channel_of(pipeline)),
    )
    return tuple((label, value) for label, value in rows if value)


def due_text(deadline: Deadline) -> str:
    """``09:00 UTC, daily``, with the task and the exceptions where there are any."""
    days = sorted(deadline.days)
    when = "daily" if len(days) == 7 else "weekdays" if days == [0, 1, 2, 3, 4] else ", ".join(_DAYS[d] for d in days)
    text = f"{deadline.due.strftime('%H:%M')} {deadline.zone.key}, {when}"
    if deadline.skip_holidays:
        text += " but holidays"
    return f"{text}, task `{deadline.task}`" if deadline.task else text


def _upstream(registry: Registry, upstream: Upstream) -> str:
    return f"{upstream.name} by {due_text(upstream.expected)} ({_team(registry.teams[upstream.team])})"


def _step(registry: Registry, step: Step) -> str:
    def called(target: str) -> str:
        known: Person | Team | None = registry.people.get(target) or registry.teams.get(target)
        return known.name if known else target.replace("_", " ")

    when = "at once" if step.after.count == 0 else f"after {step.after}"
    told = [f"page {called(target)}" for target in step.page] + [f"tell {called(target)}" for target in step.tell]
    condition = " (unless acknowledged)" if step.unless_acknowledged else ""
    return f"{when}: {', '.join(told)}{condition}"


def _person(person: Person) -> str:
    contact = f", {person.opsgenie}" if person.opsgenie else ""
    return f"{person.name} ({person.id}{contact})"


def _team(team: Team) -> str:
    return f"{team.name}, {team.slack_channel}" if team.slack_channel else team.name


def _cell(text: str) -> str:
    return text.replace("|", r"\|").replace("\n", " ")


def _lowered(folder: Path | None, runbook: str | None) -> str | None:
    """The runbook's text, its headings two levels lower, since it stands below our own."""
    text = runbook_text(folder, runbook)
    if text is None:
        return None
    if len(text) > RUNBOOK_LIMIT:
        text = text[:RUNBOOK_LIMIT].rsplit("\n", 1)[0] + "\n\n*(shortened: the runbook's own page has all of it)*"
    parts = _FENCED.split(text)  # a `#` inside a code fence is a comment, not a heading
    return "".join(
        part if index % 2 else _HEADING_LINE.sub(lambda match: "#" * min(6, len(match[1]) + 2), part)
        for index, part in enumerate(parts)
    ).strip()
