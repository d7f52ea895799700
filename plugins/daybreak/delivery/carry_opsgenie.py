"""One row of the outbox to Opsgenie or JSM: what each operation does there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from daybreak.delivery.facts import MONITOR_SOURCE
from daybreak.delivery.opsgenie import OpsgenieClient
from daybreak.errors import DeliveryDelayed
from daybreak.store.outbox import Queued

UNSEEN_ATTEMPTS = 5  # a created alert can be read after a moment; after so many looks there is none


async def carry(client: OpsgenieClient, row: Queued, aliases: tuple[str, ...]) -> str | None:
    """Do what ``row`` asks for; the result is Opsgenie's request id, if there is one.

    :param aliases: every alert that may have been opened for the row's dedup key: what "close" closes.
    :raises DeliveryRefused: for good.
    :raises DeliveryDelayed: for now.
    """
    payload = row.delivery.payload
    alias = str(payload["alias"])
    match row.delivery.operation:
        case "create":
            return (await client.create(payload["body"])).request_id
        case "step":
            return await _step(client, alias, payload)
        case "note":
            return (await client.add_note(alias, str(payload["note"]), source=MONITOR_SOURCE)).request_id
        case "close":
            last = None
            for each in aliases:
                last = await client.close(each, note=payload.get("note"), source=MONITOR_SOURCE)
            return last.request_id if last else None
        case "refresh":
            return await _refresh(client, payload, row.attempts)
        case "recheck":
            return await _recheck(client, alias, payload.get("note"))
        case other:
            raise DeliveryDelayed(f"this version does not know the operation {other!r}")


async def _step(client: OpsgenieClient, alias: str, payload: Mapping[str, Any]) -> str | None:
    """A further step: its responders join the open alert; one that a human closed is opened anew."""
    body = payload["body"]
    state = await client.get(alias)
    request_id = None
    if state is None or not state.open:
        request_id = (await client.create(body)).request_id
        if state is not None:
            return request_id
        # No alert to be seen: it may be so new that it is not applied yet, and then "create" only raises its count.
    for responder in body.get("responders", ()):
        request_id = (await client.add_responder(alias, responder)).request_id
    if payload.get("note"):
        await client.add_note(alias, str(payload["note"]), source=MONITOR_SOURCE)
    return request_id


async def _refresh(client: OpsgenieClient, payload: Mapping[str, Any], attempts: int) -> str | None:
    """Give an alert that somebody else opened (a callback), or whose cause has changed, what is known now."""
    alias, body = str(payload["alias"]), payload["body"]
    state = await client.get(alias)
    if state is None:
        if attempts < UNSEEN_ATTEMPTS:
            raise DeliveryDelayed("the alert cannot be seen yet", retry_after=1.0)
        return None
    if not state.open or (payload.get("only_foreign") and state.source == body["source"]):
        return None
    await client.update(alias, "message", str(body["message"]))
    await client.update(alias, "description", str(body["description"]))
    if body.get("tags"):
        await client.add_tags(alias, tuple(body["tags"]))
    return (await client.add_details(alias, body["details"])).request_id


async def _recheck(client: OpsgenieClient, alias: str, note: str | None) -> str | None:
    """Close what was opened again after its end. JSM without its operations API is told without a look."""
    if client.full or client.settings.jsm is not None:
        state = await client.get(alias)
        if state is None or not state.open:
            return None
    return (await client.close(alias, note=note, source=MONITOR_SOURCE)).request_id
