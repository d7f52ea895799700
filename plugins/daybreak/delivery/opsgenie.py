"""Opsgenie and its successor, Jira Service Management: one client, two dialects.

Both take the same four requests (create, acknowledge, close, add note). Everything else is Opsgenie's alone, or JSM's
operations API, which has its own address and login; :attr:`OpsgenieClient.full` tells which one is at hand. All
changes are asynchronous on the other side: a receipt says "taken", not "done".
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import quote

from daybreak.config.channels import OpsgenieSettings
from daybreak.delivery.wire import Answer, HttpRefused, exchange, judge, open_client
from daybreak.errors import DeliveryDelayed, DeliveryRefused

if TYPE_CHECKING:
    import httpx

USER = "Daybreak"


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """The request was taken; its outcome can be asked for by ``request_id`` (None where the answer named none)."""

    request_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertState:
    """What Opsgenie knows of one alert."""

    id: str
    alias: str
    open: bool
    acknowledged: bool
    acknowledged_by: str | None
    count: int
    source: str
    responders: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one request."""

    success: bool
    status: str


class OpsgenieClient:
    """An asynchronous client; to be used in one event loop, as ``async with OpsgenieClient(settings) as client``.

    Every method raises DeliveryRefused (for good) or DeliveryDelayed (for now, with ``retry_after`` where it was
    asked for), and nothing else.
    """

    def __init__(self, settings: OpsgenieSettings) -> None:
        self.settings = settings
        self._client: httpx.AsyncClient | None = None
        self._stack = AsyncExitStack()

    @property
    def full(self) -> bool:
        """Whether alerts can be read and responders added (Opsgenie), or not (JSM)."""
        return self.settings.dialect == "opsgenie"

    async def __aenter__(self) -> Self:
        headers = {"Authorization": f"GenieKey {self.settings.key}"}
        client = open_client(self.settings.base_url, self.settings.wire, headers)
        self._client = await self._stack.enter_async_context(client)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    # What both dialects have.

    async def create(self, payload: Mapping[str, Any]) -> Receipt:
        """Create the alert, or raise the count of the open one with the same alias."""
        return await self._change("POST", "/v2/alerts", payload)

    async def close(self, alias: str, *, note: str | None = None, source: str | None = None) -> Receipt:
        return await self._act(alias, "close", note=note, source=source)

    async def acknowledge(self, alias: str, *, note: str | None = None, user: str = USER) -> Receipt:
        return await self._act(alias, "acknowledge", note=note, user=user)

    async def add_note(self, alias: str, note: str, *, source: str | None = None) -> Receipt:
        return await self._act(alias, "notes", note=note, source=source)

    # Opsgenie's alone.

    async def add_responder(self, alias: str, responder: Mapping[str, Any], *, note: str | None = None) -> Receipt:
        return await self._act(alias, "responders", responder=dict(responder), note=note)

    async def escalate(self, alias: str, escalation: str, *, note: str | None = None) -> Receipt:
        """Hand the alert to one of Opsgenie's own escalations, by its name."""
        return await self._act(alias, "escalate", escalation={"name": escalation}, note=note)

    async def add_details(self, alias: str, details: Mapping[str, str]) -> Receipt:
        return await self._act(alias, "details", details=dict(details))

    async def add_tags(self, alias: str, tags: tuple[str, ...]) -> Receipt:
        return await self._act(alias, "tags", tags=list(tags))

    async def update(self, alias: str, field: str, value: str) -> Receipt:
        """:param field: ``message``, ``description`` or ``priority``."""
        self._needs_opsgenie(f"update {field}")
        return await self._change("PUT", f"/v2/alerts/{_path(alias)}/{field}", {field: value}, _BY_ALIAS)

    async def notes(self, alias: str) -> tuple[str, ...]:
        """The texts of the alert's notes."""
        self._needs_opsgenie("list notes")
        answer = await self._ask("GET", f"/v2/alerts/{_path(alias)}/notes", params=_BY_ALIAS, needs_json=True)
        return tuple(str(each.get("note", "")) for each in answer.body.get("data") or ())

    async def outcome(self, receipt: Receipt) -> Outcome | None:
        """What became of a request; None while nobody can tell."""
        if receipt.request_id is None or not self.full:
            return None
        try:
            answer = await self._ask("GET", f"/v2/alerts/requests/{_path(receipt.request_id)}", needs_json=True)
        except HttpRefused as error:
            if error.status == 404:  # "It might not be processed, yet."
                return None
            raise
        data = answer.body.get("data") or {}
        return Outcome(success=bool(data.get("isSuccess", data.get("success"))), status=str(data.get("status", "")))

    # What Opsgenie and JSM's operations API both have, each in its own way.

    async def get(self, alias: str) -> AlertState | None:
        """The alert of that alias (the open one, else the newest); None if there is none.

        With JSM this needs the operations API (``paging.jsm``).
        """
        if not self.full:
            from daybreak.delivery.jsm import find_alert

            return await find_alert(self, alias)
        try:
            answer = await self._ask("GET", f"/v2/alerts/{_path(alias)}", params=_BY_ALIAS, needs_json=True)
        except HttpRefused as error:
            if error.status == 404:
                return None
            raise
        return alert_state(answer.body.get("data") or {})

    async def who_is_on_call(self, schedule: str) -> tuple[str, ...]:
        """The user names (JSM: account ids) of those on call in the schedule of that name."""
        if not self.full:
            from daybreak.delivery.jsm import on_call_users

            return await on_call_users(self, schedule)
        params = {"scheduleIdentifierType": "name", "flat": "true"}
        answer = await self._ask("GET", f"/v2/schedules/{_path(schedule)}/on-calls", params=params, needs_json=True)
        return tuple(str(each) for each in (answer.body.get("data") or {}).get("onCallRecipients") or ())

    async def ensure_heartbeat(self, name: str, *, minutes: int, owner_team: str | None = None) -> bool:
        """Make sure that the heartbeat exists: a ping is answered alike for one that does not. Whether it was made."""
        if not self.full:
            from daybreak.delivery.jsm import ensure_heartbeat

            return await ensure_heartbeat(self, name, minutes=minutes)
        try:
            await self._ask("GET", f"/v2/heartbeats/{_path(name)}")
        except HttpRefused as error:
            if error.status != 404:
                raise
            body: dict[str, Any] = {
                "name": name, "interval": minutes, "intervalUnit": "minutes", "enabled": True,
                "description": "Daybreak's monitor. If it falls silent, nobody watches the deadlines.",
                "alertMessage": "Daybreak's monitor is silent: deadlines are not watched", "alertPriority": "P1",
                "alertTags": ["daybreak"],
            }  # fmt: skip
            if owner_team:
                body["ownerTeam"] = {"name": owner_team}
            await self._change("POST", "/v2/heartbeats", body)
            return True
        return False

    async def ping_heartbeat(self, name: str) -> None:
        if not self.full:
            from daybreak.delivery.jsm import ping_heartbeat

            await ping_heartbeat(self, name)
            return
        await self._ask("POST", f"/v2/heartbeats/{_path(name)}/ping", body={})

    async def exists(self, kind: str, name: str) -> bool:
        """Whether there is such a responder. :param kind: ``user``, ``team``, ``schedule`` or ``escalation``."""
        self._needs_opsgenie(f"look up a {kind}")
        params = None if kind == "user" else {"identifierType": "name"}
        try:
            await self._ask("GET", f"/v2/{kind}s/{_path(name)}", params=params, needs_json=True)
        except HttpRefused as error:
            if error.status == 404:
                return False
            raise
        return True

    async def wait_for(self, receipt: Receipt, *, seconds: float = 10.0, pause: float = 0.2) -> Outcome | None:
        """Follow a request until its outcome is known; None if it is not within ``seconds``."""
        try:
            async with asyncio.timeout(seconds):
                while True:
                    try:
                        if found := await self.outcome(receipt):
                            return found
                    except DeliveryDelayed as error:
                        await asyncio.sleep(error.retry_after or 0)
                    if not self.full:
                        return None
                    await asyncio.sleep(pause)
        except TimeoutError:
            return None

    async def _act(self, alias: str, action: str, **fields: Any) -> Receipt:
        if action not in ("close", "acknowledge", "notes"):
            self._needs_opsgenie(action)
        fields.setdefault("user", USER)
        body = {key: value for key, value in fields.items() if value is not None}
        return await self._change("POST", f"/v2/alerts/{_path(alias)}/{action}", body, _BY_ALIAS)

    async def _change(
        self, method: str, path: str, body: Mapping[str, Any], params: Mapping[str, str] | None = None
    ) -> Receipt:
        answer = await self._ask(method, path, body=body, params=params)
        number = answer.body.get("requestId")
        return Receipt(request_id=str(number) if number else None)

    async def _ask(
        self,
        method: str,
        path: str,
        *,
        body: Mapping[str, Any] | None = None,
        params: Mapping[str, str] | None = None,
        needs_json: bool = False,
    ) -> Answer:
        return await self.request(f"{self.settings.base_url}{path}", method, body, params, needs_json=needs_json)

    async def request(
        self,
        url: str,
        method: str,
        body: Mapping[str, Any] | None = None,
        params: Mapping[str, str] | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        needs_json: bool = False,
    ) -> Answer:
        """One request to any address of the service, with the outcome judged."""
        if self._client is None:
            raise DeliveryDelayed("the client is not open: use it as `async with OpsgenieClient(...)`")
        total = self.settings.wire.timeouts.total
        sent = exchange(self._client, method, url, total=total, body=body, params=params, headers=headers)
        return judge(await sent, needs_json=needs_json)

    def _needs_opsgenie(self, what: str) -> None:
        if not self.full:
            raise DeliveryRefused(f"Jira Service Management's integration API cannot {what}")


def alert_state(data: Mapping[str, Any]) -> AlertState:
    report = data.get("report") or {}
    return AlertState(
        id=str(data.get("id", "")),
        alias=str(data.get("alias", "")),
        open=data.get("status") == "open",
        acknowledged=bool(data.get("acknowledged")),
        acknowledged_by=report.get("acknowledgedBy") or data.get("owner") or None,
        count=int(data.get("count") or 1),
        source=str(data.get("source") or ""),
        responders=tuple(each for each in data.get("responders") or () if isinstance(each, Mapping)),
    )


_BY_ALIAS = {"identifierType": "alias"}


def _path(name: str) -> str:
    """A path segment: an alias may hold ``/``, which is ``%2F`` there."""
    return quote(name, safe="")
