"""What a runbook must hold so that a woken person finds it: sections, first steps, a section for every reason."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, timedelta

from daybreak.config.runbooks import Runbook, anchor_of
from daybreak.domain.incident import Reason

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
_REVIEWED = re.compile(r"^Reviewed:\s*(\S+)", re.MULTILINE)
_INNER_LINK = re.compile(r"\]\(#([^)\s]+)\)")


def findings(runbook: Runbook, today: date) -> Iterator[str]:
    """What is amiss with ``runbook``, a line each; nothing if all is well."""
    present = runbook.slugs
    for anchor in SECTIONS:
        if anchor not in present:
            yield f"has no section {anchor}"
    reasons = [anchor_of(reason) for reason in Reason if reason is not Reason.STALE_INPUT]
    for anchor in (*reasons, *CATEGORIES):
        if anchor not in present:
            yield f"has no section {anchor}, to which pages may lead"
    first = runbook.section("first-five-minutes")
    if first is not None and not runbook.first_steps():
        yield "the section first-five-minutes has no list of steps, so the page cannot carry the first of them"
    for target in _INNER_LINK.findall(runbook.text):
        if target not in present:
            yield f"links to #{target}, which is no section of it"
    yield from _review(runbook, today)


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
