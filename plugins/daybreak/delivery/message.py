"""Slack messages: the parent of an incident's thread, and what is said below it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from daybreak.delivery.facts import Facts
from daybreak.delivery.markup import escape, link, mrkdwn_line, mrkdwn_text
from daybreak.delivery.page import who
from daybreak.delivery.phrases import cause, ended_without_data, has_due, headline, how_late, state_word, what_is_left
from daybreak.delivery.words import clean, clock, cut, cut_lines, day_and_clock, listed, one_line
from daybreak.domain.incident import Event, State
from daybreak.domain.registry import Person, Team

HEADER, SECTION, FIELD, BUTTON, URL, TEXT = 150, 3_000, 2_000, 75, 3_000, 3_900
STEPS_SHOWN, STEP, EXTRACT = 5, 400, 1_200  # of the runbook; the latter two in characters of Markdown

_TITLES = {
    Event.HANDOFF: "Handoff",
    Event.REGISTRY_INVALID: "The registry in production is invalid",
    Event.DELIVERY_FAILED: "A page or message could not be delivered",
    Event.TEST: "Daybreak test",
}

_NEWS = (Event.CAUSE_CHANGED, Event.RETRIED)  # what was said is their text
_WITH_CAUSE = (Event.AT_RISK, Event.FAILED, Event.MISSED, Event.STILL_LATE, Event.CAUSE_CHANGED)

Message = dict[str, Any]
Block = dict[str, Any]

RED, ORANGE, GREEN, GREY = ("🔴", "#d92d20"), ("🟠", "#dc6803"), ("🟢", "#039855"), ("⚪", "#667085")


def parent(facts: Facts, tagged: Sequence[Person | Team] = (), *, guest: bool = False) -> Message:
    """The message that stands for the incident: rewritten whenever its state changes.

    :param tagged: whom this message is for; their mentions notify them.
    :param guest: for the channel of a team that is told: how to repair it is not for them.
    """
    sign, colour = signal(facts)
    blocks: list[Block] = [_header(f"{sign} {one_line(facts.name)}: {state_word(facts)}"), _fields(facts)]
    lines = [escape(clean(why))] if (why := cause(facts)) else []
    if facts.text and facts.reason is not None and (facts.event not in _NEWS or facts.ticket):
        lines.append(escape(one_line(facts.text)))
    if facts.asked and not facts.resolved:
        lines.append(escape(f"{listed(facts.asked)} has a ticket for it."))
    if left := what_is_left(facts):
        lines.append(escape(left))
    if tagged:
        lines.append(f"For: {mentions(tagged)}")
    if lines:
        blocks.append(section("\n".join(lines)))
    if buttons := _buttons(facts):
        blocks.append(buttons)
    message: Message = {"text": cut(_plain(facts), TEXT), "blocks": blocks}
    # The coloured bar stands beside what to do; a message without anything to do keeps the bar for its colour alone.
    below = [_stamp(facts)] if guest else _what_to_do(facts)
    message["attachments"] = [{"color": colour, "fallback": state_word(facts), "blocks": below}]
    return message


def reply(facts: Facts, tagged: Sequence[Person | Team] = ()) -> Message:
    """What is said in the thread."""
    lines = [escape(cut(_said(facts), 1_000))]
    if facts.event in _WITH_CAUSE and not facts.resolved:
        if why := cause(facts):
            lines.append(escape(cut(clean(why), 1_000)))
        if left := what_is_left(facts):
            lines.append(escape(left))
    if facts.text and facts.event not in _NEWS:
        lines.append(escape(cut(one_line(facts.text), 1_000)))
    if tagged:
        lines.append(mentions(tagged))
    text = "\n".join(dict.fromkeys(lines))
    return {"text": cut(text, TEXT), "blocks": [section(text)]}


def notice(facts: Facts, tagged: Sequence[Person | Team] = ()) -> Message:
    """A message that belongs to no incident: a handoff report, an invalid registry, a delivery given up."""
    title = _TITLES.get(facts.event) or f"{one_line(facts.name)}: {state_word(facts)}"
    body = escape(cut(clean(facts.text or title).strip(), TEXT - 200))
    blocks: list[Block] = [_header(title), section(body)]
    if tagged:
        blocks.append(section(mentions(tagged)))
    return {"text": f"{escape(title)}: {body}" if facts.text else escape(title), "blocks": blocks}


def signal(facts: Facts) -> tuple[str, str]:
    """(sign, colour) of the state."""
    if facts.resolved:
        return GREY if ended_without_data(facts) else GREEN
    if facts.event is Event.TEST:
        return GREY
    if facts.upstream or facts.state in (State.AT_RISK, State.PENDING) or facts.event is Event.STALE_INPUT:
        return ORANGE
    return GREEN if facts.state in (State.MET, State.LATE) else RED


def mention(party: Person | Team) -> str:
    if isinstance(party, Person):
        return f"<@{party.slack}>" if party.slack else escape(who(party))
    return f"<!subteam^{party.slack_usergroup}>" if party.slack_usergroup else escape(who(party))


def mentions(parties: Sequence[Person | Team]) -> str:
    """Mentions of all, so many as a line takes."""
    return " ".join(mention(each) for each in parties[:30])


def section(mrkdwn: str) -> Block:
    return {"type": "section", "text": {"type": "mrkdwn", "text": cut_escaped(mrkdwn, SECTION)}}


def cut_escaped(text: str, limit: int) -> str:
    """Cut so that no entity or link is cut in two."""
    if len(text) <= limit:
        return text
    head = text[: limit - 1]
    for opening, closing in (("&", ";"), ("<", ">")):
        start = head.rfind(opening)
        if start > head.rfind(closing):
            head = head[:start]
    return head.rstrip() + "…"


def _header(text: str) -> Block:
    # Plain text is not parsed, but clients differ: what could be taken for a mention is turned into a lookalike.
    safe = text.replace("<", "‹").replace(">", "›")
    return {"type": "header", "text": {"type": "plain_text", "text": cut(safe, HEADER), "emoji": True}}


def _fields(facts: Facts) -> Block:
    pairs: list[tuple[str, str]] = [("State", _state(facts))]
    if facts.due_at and has_due(facts):
        pairs.append(("Expected" if facts.upstream else "Due", escape(day_and_clock(facts.due_at, facts.zone))))
    if facts.late_upstreams and not facts.upstream:
        pairs.append(("Waits for", escape(listed([one_line(each) for each in facts.late_upstreams]))))
    if facts.owners:
        pairs.append(
            (
                "Owners" if not facts.upstream else "Owners of what waits",
                ", ".join(mention(each) for each in facts.owners[:20]),
            )
        )
    if facts.answers:
        pairs.append(("Questions about the numbers", escape(listed([who(each) for each in facts.answers]))))
    if facts.on_call and not facts.upstream:
        pairs.append(("On call", ", ".join(mention(each) for each in facts.on_call[:10])))
    if facts.group:
        pairs.append(("Pipelines", escape(listed([one_line(each.name) for each in facts.group], 20))))
    if facts.waiting:
        pairs.append(("Waits on it", escape(listed([one_line(each) for each in facts.waiting], 20))))
    if facts.experts and not facts.resolved:
        pairs.append(("Also know this area", escape(listed([who(each) for each in facts.experts]))))
    fields = [{"type": "mrkdwn", "text": cut_escaped(f"*{label}*\n{value}", FIELD)} for label, value in pairs]
    return {"type": "section", "fields": fields[:10]}


def _state(facts: Facts) -> str:
    word = state_word(facts)
    late = how_late(facts) if not facts.resolved else ""
    acknowledged = f", acknowledged by {one_line(facts.acknowledged_by)}" if facts.acknowledged_by else ""
    return escape(f"{word}{f', {late}' if late else ''}{acknowledged}")


def _what_to_do(facts: Facts) -> list[Block]:
    """The runbook's first steps, and its section on this very cause; after the end only when it was."""
    blocks: list[Block] = []
    if not facts.resolved:
        steps = enumerate(facts.first_steps[:STEPS_SHOWN], 1)
        if lines := [f"{number}. {mrkdwn_line(step, STEP)}" for number, step in steps]:
            blocks.append(section("*What to do first*\n" + "\n".join(lines)))
        if facts.section:
            title, url = one_line(facts.section.title), facts.links.get("Runbook")
            head = link(url, f"Runbook: {title}") if url else escape(f"Runbook: {title}")
            blocks.append(section(f"*{head}*\n{mrkdwn_text(cut_lines(facts.section.text, EXTRACT))}"))
    return blocks or [_stamp(facts)]


def _stamp(facts: Facts) -> Block:
    text = f"{clock(facts.now, facts.zone)} · `{escape(one_line(facts.dedup_key)).replace('`', '')}`"
    return {"type": "context", "elements": [{"type": "mrkdwn", "text": cut_escaped(text, FIELD)}]}


def _buttons(facts: Facts) -> Block | None:
    elements = []
    for label, url in facts.links.items():
        if len(url) > URL or any(c.isspace() for c in url):
            continue
        button: Block = {
            "type": "button",
            "text": {"type": "plain_text", "text": cut(label, BUTTON)},
            "url": url,
            "action_id": f"open_{label.lower().replace(' ', '_')}",
        }
        if label == "Runbook" and not facts.resolved:
            button["style"] = "primary"
        elements.append(button)
    return {"type": "actions", "elements": elements} if elements else None


def _plain(facts: Facts) -> str:
    """What notifications and screen readers get: it is parsed as mrkdwn as well."""
    owners = f" Owners: {listed([who(each) for each in facts.owners])}." if facts.owners and not facts.upstream else ""
    return escape(f"{headline(facts, 300)}.{owners}")


def _said(facts: Facts) -> str:
    name = one_line(facts.name)
    if facts.event is Event.RETRIED and facts.text:
        said = one_line(facts.text)
        return f"{said[:1].upper()}{said[1:]}."
    if facts.event is Event.UPSTREAM_ARRIVED:
        return f"{name} has arrived{f', {how_late(facts)}' if facts.minutes_late else ''}."
    if facts.resolved:
        ready = f" at {clock(facts.ready_at, facts.zone)}" if facts.ready_at else ""
        return f"{state_word(facts).capitalize()}{f': it was ready{ready}.' if ready else '.'}"
    match facts.event:
        case Event.CAUSE_CHANGED:
            said = one_line(facts.text or "the cause is another now")
            return f"{said[:1].upper()}{said[1:]}."
        case Event.HANDOFF:
            return facts.text or "Handoff with this still open: whoever is on call now joins."
        case Event.STILL_LATE:
            late = how_late(facts)
            return f"Still not ready{f', {late}' if late else ''}."
        case Event.AT_RISK | Event.FAILED | Event.MISSED:
            due = f", due {clock(facts.due_at, facts.zone)}" if facts.due_at and has_due(facts) else ""
            return f"{state_word(facts).capitalize()}{due}."
        case _:
            return f"{headline(facts, 300)}."
