"""One test page and one test message through the real configuration, followed to their end: what works, what not."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from daybreak.config.channels import OpsgenieSettings, SlackSettings
from daybreak.delivery.opsgenie import OpsgenieClient, Receipt
from daybreak.delivery.responders import Responder
from daybreak.delivery.slack import SlackClient, SlackRefusal
from daybreak.delivery.wire import HttpRefused
from daybreak.errors import DeliveryDelayed, DeliveryError


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """One step. ``ok`` None: it cannot be told here."""

    channel: str
    step: str
    ok: bool | None
    detail: str = ""


async def probe_opsgenie(
    settings: OpsgenieSettings, body: Mapping[str, Any], *, heartbeat: str | None = None, patience: float = 15.0
) -> AsyncIterator[Verdict]:
    """Create the alert of ``body``, see that it is there with its responders, close it again."""
    name = "Opsgenie" if settings.dialect == "opsgenie" else "JSM"
    async with OpsgenieClient(settings) as client:
        try:
            receipt = await client.create(body)
        except DeliveryError as error:
            yield _refusal(name, error)
            return
        yield Verdict(channel=name, step="network", ok=True, detail=settings.base_url)
        yield Verdict(channel=name, step="key and permission", ok=True, detail="the test page was taken")
        alias = str(body["alias"])
        try:
            async for verdict in _follow(client, name, receipt, alias, body.get("responders", ()), patience):
                yield verdict
            if heartbeat:
                yield await _heartbeat(client, name, heartbeat)
        except DeliveryError as error:
            yield Verdict(channel=name, step="delivered", ok=False, detail=str(error))
        finally:
            yield await _closed(client, name, alias, patience)


async def _follow(
    client: OpsgenieClient, name: str, receipt: Receipt, alias: str, responders: Sequence[Responder], patience: float
) -> AsyncIterator[Verdict]:
    if not client.full:
        yield Verdict(channel=name, step="delivered", ok=None, detail="JSM tells no outcome: look for it in JSM")
        return
    outcome = await client.wait_for(receipt, seconds=patience)
    if outcome is None:
        yield Verdict(channel=name, step="delivered", ok=False, detail=f"no outcome within {patience:g} s")
        return
    yield Verdict(channel=name, step="delivered", ok=outcome.success, detail=outcome.status)
    state = await client.get(alias)
    there = {_named(each) for each in state.responders} if state else set()
    for each in responders:
        who = _named(each)
        exists = await client.exists(str(each["type"]), who)
        if not exists:
            detail = f"{each['type']} {who} does not exist in Opsgenie: correct the registry, or add it there"
            yield Verdict(channel=name, step="responder", ok=False, detail=detail)
            continue
        hidden = not there or any(found == who for found in there)
        detail = f"{each['type']} {who}" if hidden else f"{each['type']} {who} exists, but the alert does not list it"
        yield Verdict(channel=name, step="responder", ok=hidden, detail=detail)


async def _heartbeat(client: OpsgenieClient, name: str, heartbeat: str) -> Verdict:
    from urllib.parse import quote

    if not client.full:
        return Verdict(channel=name, step="heartbeat", ok=None, detail="looked after by the monitor")
    try:
        await client.request(f"{client.settings.base_url}/v2/heartbeats/{quote(heartbeat, safe='')}", "GET")
    except HttpRefused as error:
        if error.status != 404:
            raise
        return Verdict(
            channel=name, step="heartbeat", ok=None, detail=f"{heartbeat}: not there yet; the monitor makes it"
        )
    return Verdict(channel=name, step="heartbeat", ok=True, detail=heartbeat)


async def _closed(client: OpsgenieClient, name: str, alias: str, patience: float) -> Verdict:
    try:
        receipt = await client.close(alias, note="Daybreak's test is over.")
        outcome = await client.wait_for(receipt, seconds=patience)
    except DeliveryError as error:
        return Verdict(channel=name, step="closed again", ok=False, detail=f"close {alias} by hand: {error}")
    done = outcome.success if outcome else None if not client.full else False
    return Verdict(channel=name, step="closed again", ok=done, detail=outcome.status if outcome else alias)


async def probe_slack(
    settings: SlackSettings, channel: str, message: Mapping[str, Any], after: Mapping[str, Any]
) -> AsyncIterator[Verdict]:
    """Who the token is, whether the channel is there and the bot in it, one message, and its rewriting."""
    async with SlackClient(settings) as client:
        try:
            who = await client.call("auth.test", {})
        except DeliveryError as error:
            yield _refusal("Slack", error)
            return
        yield Verdict(channel="Slack", step="network", ok=True, detail=settings.base_url)
        yield Verdict(channel="Slack", step="token", ok=True, detail=f"{who.get('user')} in {who.get('team')}")
        try:
            found = await client.channel(channel)
            if found is None:
                yield Verdict(
                    channel="Slack", step="channel", ok=False, detail=f"{channel}: the bot sees no such channel"
                )
            elif found.get("is_archived"):
                yield Verdict(channel="Slack", step="channel", ok=False, detail=f"{channel} is archived")
            else:
                yield Verdict(channel="Slack", step="channel", ok=True, detail=channel)
                member = bool(found.get("is_member"))
                detail = "" if member else f"invite it: /invite @{who.get('user')} in {channel}"
                yield Verdict(channel="Slack", step="bot is a member", ok=member, detail=detail)
        except SlackRefusal as error:
            yield Verdict(channel="Slack", step="channel", ok=None, detail=f"cannot be looked up: {error.error}")
        try:
            posted = await client.post(channel, message)
            yield Verdict(channel="Slack", step="delivered", ok=True, detail=posted.ts)
            await client.update(posted, after)
            yield Verdict(channel="Slack", step="rewritten", ok=True)
        except DeliveryError as error:
            yield Verdict(channel="Slack", step="delivered", ok=False, detail=str(error))


def _refusal(name: str, error: DeliveryError) -> Verdict:
    """Which of network, key and permission an error of the first request speaks of."""
    if isinstance(error, DeliveryDelayed):
        return Verdict(channel=name, step="network", ok=False, detail=str(error))
    if isinstance(error, HttpRefused) and error.status in (401, 402):
        return Verdict(channel=name, step="key", ok=False, detail=f"{error}: renew the connection's password")
    if isinstance(error, HttpRefused) and error.status == 403:
        return Verdict(channel=name, step="permission", ok=False, detail=f"{error}: the key may not create alerts")
    if isinstance(error, SlackRefusal):
        return Verdict(channel=name, step="token", ok=False, detail=str(error))
    return Verdict(channel=name, step="test page", ok=False, detail=str(error))


def _named(responder: Mapping[str, Any]) -> str:
    return str(responder.get("username") or responder.get("name") or "")
