"""What JSM keeps in its operations API: heartbeats of a team, who is on call, reading alerts. Basic authentication."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from daybreak.config.channels import JsmOpsSettings
from daybreak.errors import DeliveryRefused

if TYPE_CHECKING:
    from daybreak.delivery.opsgenie import AlertState, OpsgenieClient
    from daybreak.delivery.wire import Answer


async def find_alert(client: OpsgenieClient, alias: str) -> AlertState | None:
    """The open alert of that alias, else the newest. JSM finds by search: an alias is no identifier there."""
    from daybreak.delivery.opsgenie import alert_state

    quoted = alias.replace("\\", "").replace('"', "")
    answer = await _ask(client, "GET", "/alerts", params={"query": f'alias:"{quoted}"'})
    found = [alert_state(row) for row in answer.body.get("values") or () if row.get("alias") == alias]
    return next((each for each in found if each.open), found[0] if found else None)


async def on_call_users(client: OpsgenieClient, schedule: str) -> tuple[str, ...]:
    answer = await _ask(client, "GET", "/schedules", params={"query": schedule})
    ids = [row["id"] for row in answer.body.get("values") or () if row.get("name") == schedule]
    if not ids:
        raise DeliveryRefused(f"HTTP 404: schedule {schedule!r} does not exist")
    answer = await _ask(client, "GET", f"/schedules/{quote(ids[0], safe='')}/on-calls", params={"flat": "true"})
    return tuple(str(each) for each in answer.body.get("onCallUsers") or ())


async def ensure_heartbeat(client: OpsgenieClient, name: str, *, minutes: int) -> bool:
    base = _heartbeats(client)
    answer = await _ask(client, "GET", base, params={"name": name})
    if any(row.get("name") == name for row in answer.body.get("values") or ()):
        return False
    body = {
        "name": name, "interval": minutes, "intervalUnit": "minutes", "enabled": True, "alertPriority": "P1",
        "alertMessage": "Daybreak's monitor is silent: deadlines are not watched",
    }  # fmt: skip
    await _ask(client, "POST", base, body=body)
    return True


async def ping_heartbeat(client: OpsgenieClient, name: str) -> None:
    await _ask(client, "POST", f"{_heartbeats(client)}/ping", params={"name": name}, body={})


def _heartbeats(client: OpsgenieClient) -> str:
    team = _settings(client).team
    if not team:
        raise DeliveryRefused("JSM keeps heartbeats by team: set paging.jsm.team in the registry")
    return f"/teams/{quote(team, safe='')}/heartbeats"


async def _ask(
    client: OpsgenieClient,
    method: str,
    path: str,
    *,
    body: Mapping[str, Any] | None = None,
    params: Mapping[str, str] | None = None,
) -> Answer:
    settings = _settings(client)
    login = base64.b64encode(f"{settings.user}:{settings.token}".encode()).decode()
    headers = {"Authorization": f"Basic {login}"}
    return await client.request(f"{settings.base_url}{path}", method, body, params, headers=headers)


def _settings(client: OpsgenieClient) -> JsmOpsSettings:
    found: Any = client.settings.jsm
    if not isinstance(found, JsmOpsSettings):
        raise DeliveryRefused("JSM's operations API is not configured: set paging.jsm in the registry")
    return found
