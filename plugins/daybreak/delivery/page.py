"""A page as Opsgenie takes it: every limit kept by cutting where it shows, and never the runbook's link."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from daybreak.delivery.facts import Facts
from daybreak.delivery.markup import plain_line, plain_text
from daybreak.delivery.phrases import cause, has_due, headline, how_late, state_word, what_is_left
from daybreak.delivery.responders import Responder
from daybreak.delivery.words import clean, clock, cut, cut_lines, day_and_clock, listed, one_line
from daybreak.domain.incident import Event
from daybreak.domain.registry import Person, Team

MESSAGE, ALIAS, ENTITY, DESCRIPTION, NOTE = 130, 512, 512, 15_000, 25_000
TAGS, TAG, DETAILS, SOURCE, DETAIL = 20, 50, 8_000, 100, 1_000
STEPS_SHOWN = 8


def alert(
    facts: Facts,
    responders: Sequence[Responder],
    *,
    source: str,
    alias: str | None = None,
    extra_tags: Sequence[str] = (),
) -> dict[str, Any]:
    """The body of ``POST /v2/alerts``.

    :param alias: the dedup key, where no other is given.
    """
    body: dict[str, Any] = {
        "message": headline(facts, MESSAGE),
        "alias": alias or facts.dedup_key,
        "description": description(facts),
        "tags": tags(facts, extra_tags),
        "details": details(facts),
        "priority": facts.priority,
        "source": cut(source, SOURCE),
    }
    entity = facts.pipeline.id if facts.pipeline else facts.upstream
    if entity:
        body["entity"] = cut(entity, ENTITY)
    if responders:
        body["responders"] = [dict(each) for each in responders]
    return body


def description(facts: Facts, limit: int = DESCRIPTION) -> str:
    """The body of a page in plain lines, at most ``limit`` characters.

    The links stand right below what happened, so that whatever is cut at the end, they are not.
    """
    links = "\n".join(f"{label}: {url}" for label, url in facts.links.items())
    head = "\n".join(_what(facts))
    todo = "\n".join(_to_do(facts))
    room = limit - len(links) - 4
    head = cut_lines(head, min(room, 6_000))
    rest = cut_lines(todo, max(room - len(head), 0), remark="(shortened: the runbook's page has all of it)")
    return "\n\n".join(filter(None, [head, links, rest]))[:limit]


def details(facts: Facts) -> dict[str, str]:
    """Key → text, as far as known (design §4), the links first and in all at most 8000 characters."""
    failure = facts.failure
    found = {
        "pipeline": facts.pipeline.id if facts.pipeline else facts.upstream,
        "business_date": facts.business_date.isoformat() if facts.business_date else None,
        "due": facts.due_at.isoformat() if facts.due_at and has_due(facts) else None,
        "reason": facts.reason.value if facts.reason else None,
        "runbook": facts.links.get("Runbook"),
        "log": facts.links.get("Logs"),
        "dag_id": facts.dag_id,
        "run_id": facts.run_id,
        "task": failure.task_id if failure else None,
        "dag_run": facts.links.get("Dag run"),
        "board": facts.links.get("Board"),
        "state": facts.state.value if facts.state else None,
        "exception": failure.exception if failure else None,
        "group": ", ".join(each.id for each in facts.group) or None,
    }
    kept: dict[str, str] = {}
    room = DETAILS
    for key, value in found.items():
        if value:
            # A cut address leads nowhere: these are kept whole, and there is room for them.
            text = value if value.startswith(("http://", "https://")) else cut(one_line(value), DETAIL)
            if len(key) + len(text) <= room:
                kept[key] = text
                room -= len(key) + len(text)
    return kept


def tags(facts: Facts, extra: Sequence[str] = ()) -> list[str]:
    lead = facts.pipeline or next(iter(facts.group), None)
    found = [
        "daybreak",
        *extra,
        *([facts.reason.value] if facts.reason else []),
        *(f"owner:{each.id}" for each in facts.owners),
        *([f"area:{lead.area}"] if lead and lead.area else []),
        *([f"audience:{lead.audience}"] if lead and lead.audience else []),
    ]
    return [cut(one_line(each), TAG) for each in dict.fromkeys(found)][:TAGS]


def note(facts: Facts) -> str:
    """A note on the alert for what happened after the page."""
    parts = [f"{headline(facts, 300)}." if not facts.resolved else f"{one_line(facts.name)}: {state_word(facts)}."]
    if facts.resolved and facts.ready_at:
        parts.append(f"Ready at {clock(facts.ready_at, facts.zone)}.")
    if facts.text and facts.event is not Event.CAUSE_CHANGED:  # the headline has it
        parts.append(one_line(facts.text))
    if facts.event in (Event.STILL_LATE, Event.HANDOFF) and facts.reached:
        parts.append(f"Paged now: {listed([who(each) for each in facts.reached])}.")
    return cut(" ".join(parts), NOTE)


def who(party: Person | Team) -> str:
    return one_line(party.name)


def _what(facts: Facts) -> Iterator[str]:
    """What, since when, how late, why, what is left; who owns it, who was told, who waits."""
    if facts.due_at and has_due(facts):
        word = "expected" if facts.upstream else "due"
        late = how_late(facts)
        due = day_and_clock(facts.due_at, facts.zone)
        yield f"{one_line(facts.name)}: {state_word(facts)}. {word.capitalize()} {due}{f', {late}' if late else ''}."
    else:
        yield f"{one_line(facts.name)}: {state_word(facts)}."
    if why := cause(facts):
        yield f"Why: {clean(why)}"
    if facts.text and facts.reason is not None:
        yield one_line(facts.text)
    if facts.since:
        yield f"Since: {day_and_clock(facts.since, facts.zone)}"
    if facts.ticket and not facts.resolved:
        host = one_line(facts.failure.host) if facts.failure and facts.failure.host else "the workers"
        yield f"Asked for: see whether memory ran short on {host}, and say here what you found."
        yield "Meanwhile the task is cleared and run again, which usually works; this ticket hears what came of it."
    if facts.asked and not facts.resolved:
        yield f"A ticket of its own: {listed(facts.asked)}, for the memory"
    if facts.upstream and not facts.resolved:
        yield f"Asked for: deliver {one_line(facts.name)}, and say here when it will be there."
    if left := what_is_left(facts):
        yield left
    if facts.group:
        yield f"Pipelines: {listed([one_line(each.name) for each in facts.group], 30)}"
    if facts.waiting:
        yield f"Waits on it: {listed([one_line(each) for each in facts.waiting], 20)}"
    if facts.owners:
        label = "Whom to answer: the owners of what waits" if facts.upstream else "Owners"
        yield f"{label}: {listed([who(each) for each in facts.owners])}"
    if facts.answers:
        yield f"Questions about the numbers: {listed([who(each) for each in facts.answers])}"
    if facts.on_call:
        yield f"On call: {listed([who(each) for each in facts.on_call])}"
    if facts.told:
        yield f"Told as well: {listed([who(each) for each in facts.told])}"
    if facts.channel and not facts.upstream:
        yield f"Also in Slack: {one_line(facts.channel)}, where the owners are mentioned"
    if facts.experts:
        yield f"Also know this area: {listed([who(each) for each in facts.experts])}"


def _to_do(facts: Facts) -> Iterator[str]:
    steps = facts.first_steps
    if steps:
        yield "What to do first:"
        for number, step in enumerate(steps[:STEPS_SHOWN], 1):
            yield f"{number}. {plain_line(step)}"
        if len(steps) > STEPS_SHOWN:
            yield f"({len(steps) - STEPS_SHOWN} more steps in the runbook)"
    if facts.section:
        yield ""
        yield f"{plain_line(facts.section.title)}:"
        yield plain_text(facts.section.text)
    failure = facts.failure
    if failure and failure.log_tail:
        yield ""
        yield "End of the task's log:"
        yield clean(failure.log_tail)[-3_000:]
