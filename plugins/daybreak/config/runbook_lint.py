"""What a runbook must hold so that a woken person finds it: sections, first steps, a section for every reason."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from daybreak.config.runbooks import Runbook, anchor_of, sections
from daybreak.domain.incident import Reason

if TYPE_CHECKING:
    from daybreak.domain.registry import Pipeline, Registry

SECTIONS = (
    "purpose",
    "impact-and-readers",
    "owners-and-escalation",
    "schedule-and-deadline",
    "data-sources-and-storage",
    "first-five-minutes",
    "common-failures",
    "retry-backfill-skip",
    "metrics-validation",
    "whom-to-tell",
)
"""Anchors of the sections that every runbook has, in the order of the template."""

CATEGORIES = (
    "data-quality",
    "schema-drift",
    "nulls",
    "duplicates",
    "unknown-reference-value",
    "outlier",
    "timeout",
    "network",
    "storage",
    "credentials-expired",
    "skipped",
    "code-or-configuration",
)
"""Anchors that triage can lead to, apart from those that are reasons as well (include/triage.yaml)."""

REVIEW_EVERY = timedelta(days=180)
UNWRITTEN = "TO WRITE"
"""What the template leaves to people."""
_REVIEWED = re.compile(r"^Reviewed:\s*(\S+)", re.MULTILINE)
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_ELSEWHERE = re.compile(r"[a-z][a-z0-9+.-]*:|//|/", re.IGNORECASE)  # a scheme, or a place that only a server knows


def findings(runbook: Runbook, today: date, *, folder: Path | None = None) -> Iterator[str]:
    """What is amiss with ``runbook``, a line each; nothing if all is well.

    :param folder: where the runbook lies, to look for the files it links to; None: they are not looked for
    """
    present = runbook.slugs
    yield from _absent(SECTIONS, present, "")
    reasons = [anchor_of(reason) for reason in Reason if reason is not Reason.STALE_INPUT]
    yield from _absent((*reasons, *CATEGORIES), present, ", to which pages may lead")
    yield from _first_steps(runbook)
    for target in _LINK.findall(runbook.text):
        yield from _link(target, present, folder)
    yield from _review(runbook, today)
    if count := runbook.text.count(UNWRITTEN):
        yield f"still says {UNWRITTEN} in {count} place{'s'[: count > 1]}"


def owner_findings(runbook: Runbook, pipeline: Pipeline, registry: Registry) -> Iterator[str]:
    """Whether it names who owns ``pipeline`` now, by id or by name: a person who has left answers nobody."""
    section = runbook.section("owners-and-escalation")
    if section is None:
        return
    for role, person in (("primary", pipeline.primary_owner), ("secondary", pipeline.secondary_owner)):
        if person is None:
            continue
        name = registry.people[person].name
        if not any(re.search(rf"(?<!\w){re.escape(each)}(?!\w)", section.text) for each in (person, name)):
            yield f"does not name {name} ({person}), its {role} owner, in the section owners-and-escalation"


def _absent(wanted: Iterable[str], present: Iterable[str], why: str) -> Iterator[str]:
    lacking = [anchor for anchor in wanted if anchor not in present]
    if lacking:
        yield f"has no section{'s'[: len(lacking) > 1]} {', '.join(lacking)}{why}"


def _first_steps(runbook: Runbook) -> Iterator[str]:
    first = runbook.section("first-five-minutes")
    if first is None:
        return
    if not runbook.first_steps():
        yield "the section first-five-minutes has no list of steps, so the page cannot carry the first of them"
    order = [each.slug for each in sections(runbook.text)]
    before = [each for each in SECTIONS[SECTIONS.index(first.slug) + 1 :] if each in order]
    if early := [each for each in before if order.index(each) < order.index(first.slug)]:
        yield f"{early[0]} stands before first-five-minutes: what is done first comes first"


def _link(target: str, present: Iterable[str], folder: Path | None) -> Iterator[str]:
    path, _, anchor = target.partition("#")
    if not path:
        if anchor not in present:
            yield f"links to #{anchor}, which is no section of it"
    elif folder is not None and not _ELSEWHERE.match(path):
        try:
            there = (folder / path).exists()
        except (OSError, ValueError):
            there = False
        if not there:
            yield f"links to {path}, which is not there"


def _review(runbook: Runbook, today: date) -> Iterator[str]:
    found = _REVIEWED.search(runbook.text)
    if found is None:
        yield "does not say when it was reviewed: write a line 'Reviewed: 2026-11-20'"
        return
    try:
        reviewed = date.fromisoformat(found[1])
    except ValueError:
        yield f"Reviewed: {found[1]} is not a date: write it as 2026-11-20"
        return
    if reviewed > today:
        yield f"was reviewed on {reviewed}, which is in the future"
    elif today - reviewed > REVIEW_EVERY:
        yield f"was reviewed {(today - reviewed).days} days ago: read it again and renew the date"
