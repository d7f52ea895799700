"""Another way, where one is barred: next responder, then the other channel; and many pages in one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from daybreak.delivery.words import cut, one_line
from daybreak.store.outbox import RECHECK, Channel, Delivery, Queued

STORM_LASTS = timedelta(hours=2)
_NEXT = "next:"
_FIRST = 5  # urgency: before any page, since it stands for many


def next_responder(row: Queued, why: str, now: datetime) -> Delivery | None:
    """The same page to whoever comes next; the last try is to nobody by name, so that there is an alert at all."""
    d = row.delivery
    if d.channel != "opsgenie" or d.operation not in ("create", "step") or "next" not in d.payload:
        return None
    rest = list(d.payload["next"])
    body = dict(d.payload["body"])
    if not body.get("responders"):
        return None
    responders = rest.pop(0) if rest else []
    body["responders"] = responders
    body["description"] = _prefixed(f"Meant for somebody else, whom Opsgenie refused ({one_line(why)}).", body)
    if not responders:
        del body["responders"]
    payload = {**d.payload, "body": body, "next": rest}
    return _derived(row, now, channel="opsgenie", operation=d.operation, payload=payload, more=f"{_NEXT}{len(rest)}")


def other_channel(row: Queued, why: str, now: datetime) -> Delivery | None:
    """A page by Slack, a Slack notice by an alert of low priority; None where there is no other channel."""
    d = row.delivery
    if d.fallback_of is not None and _NEXT not in d.key:
        return None
    if d.channel == "opsgenie":
        places = d.payload.get("slack") or []
        if d.operation not in ("create", "step") or not places:
            return None
        message = _with_warning(
            places[0]["message"], f"Opsgenie did not take this ({one_line(why)}): told here instead."
        )
        payload: dict[str, Any] = {"channel": places[0]["channel"], "message": message, "else": []}
        return _derived(row, now, channel="slack", operation="reply", payload=payload, more="slack")
    body = d.payload.get("alert")
    if not body:
        return None
    payload = {"alias": body["alias"], "body": {**body, "description": _prefixed("Slack did not take this.", body)}}
    return _derived(row, now, channel="opsgenie", operation="create", payload=payload, more="opsgenie")


def summarised(row: Queued, full: tuple[str, ...], cap: int, now: datetime) -> tuple[Mapping[str, Any], list[Delivery]]:
    """One page too many for ``full``: (its payload without a call, the rows of the page that sums them up).

    The alert itself is made, so that it is there to be seen, acknowledged and closed; only the call is left out.
    """
    d = row.delivery
    body = dict(d.payload["body"])
    responders = body.pop("responders", [])
    body["tags"] = [*body.get("tags", []), "summarised"][-20:]
    hour = now.replace(minute=0, second=0, microsecond=0).isoformat()
    rows = []
    line = f"{body['priority']} {body['message']} ({d.dedup_key})"
    for person in full:
        alias = f"daybreak:v1:storm:{person}:{hour}"
        what = {
            "message": cut(f"STORM: more than {cap} pages within an hour; look at the board", 130),
            "alias": alias,
            "description": "Further alerts of this hour are made without a call and carry the tag `summarised`. "
            "They are listed in the notes of this alert.",
            "tags": ["daybreak", "storm"],
            "priority": body.get("priority", "P1"),
            "source": body.get("source", "Daybreak monitor"),
            "responders": responders,
        }
        base = _storm(alias, person, d, now)
        called = {"body": what, "next": [], "slack": d.payload.get("slack") or []}
        note = {"alias": alias, "note": line}
        over = {"alias": alias, "note": "the storm is over"}
        rows += [
            replace(base, payload={"alias": alias, **called}),
            replace(base, key=f"{alias}|{d.key}", operation="note", kind="notice", payload=note, urgency=_FIRST + 10),
            replace(base, key=f"{alias}|over", operation=RECHECK, kind="resolve", payload=over, urgency=70,
                    not_before=now + STORM_LASTS),
        ]  # fmt: skip
    return {**d.payload, "body": body}, rows


def _storm(alias: str, person: str, d: Delivery, now: datetime) -> Delivery:
    """The page that stands for many, still without its text."""
    return Delivery(
        key=f"{alias}|create", dedup_key=alias, channel="opsgenie", operation="create", kind="page", event=d.event,
        payload={}, created_at=now, to=(person,), urgency=_FIRST,
    )  # fmt: skip


def _derived(
    row: Queued, now: datetime, *, channel: Channel, operation: str, payload: Mapping[str, Any], more: str
) -> Delivery:
    d = row.delivery
    return Delivery(
        key=f"{d.key}|{more}",
        dedup_key=d.dedup_key,
        channel=channel,
        operation=operation,
        kind=d.kind,
        event=d.event,
        payload=payload,
        created_at=now,
        step=d.step,
        subject=d.subject,
        to=d.to,
        urgency=d.urgency,
        fallback_of=row.id,
    )


def _prefixed(remark: str, body: Mapping[str, Any]) -> str:
    return cut(f"{remark}\n\n{body.get('description', '')}", 15_000)


def _with_warning(message: Mapping[str, Any], remark: str) -> dict[str, Any]:
    from daybreak.delivery.markup import escape
    from daybreak.delivery.message import section

    text = escape(cut(remark, 500))
    blocks = [section(f"🚨 {text}"), *message.get("blocks", [])][:50]
    return {**message, "text": cut(f"🚨 {text}\n{message.get('text', '')}", 3_900), "blocks": blocks}
