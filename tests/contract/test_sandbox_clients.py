"""Clients that the world already has are served: Airflow's own Opsgenie hook (opsgenie_sdk) among them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.sandbox import Sandbox, running_sandbox


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with running_sandbox() as running:
        yield running


@pytest.fixture
def hook(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Any:
    sandbox.reset()
    connection = {"conn_type": "opsgenie", "host": sandbox.url, "password": sandbox.key}
    monkeypatch.setenv("AIRFLOW_CONN_OPSGENIE_DEFAULT", json.dumps(connection))
    from airflow.providers.opsgenie.hooks.opsgenie import OpsgenieAlertHook

    return OpsgenieAlertHook()


def test_airflows_opsgenie_hook_creates_and_closes(sandbox: Sandbox, hook: Any) -> None:
    payload = {
        "message": "growth is late",
        "alias": "daybreak:v1:aggregate_growth:2026-02-03",
        "description": "Sales Force is late",
        "responders": [{"type": "user", "username": "a@example.com"}],
        "visible_to": [{"type": "team", "name": "DevOps"}],
        "tags": ["growth"],
        "details": {"run_id": "scheduled__1"},
        "priority": "P1",
        "source": "airflow",
        "note": "see the runbook",
    }
    answer = hook.create_alert(payload)
    assert answer.result == "Request will be processed"
    sandbox.until(lambda state: state["alerts"])
    hook.get_conn().acknowledge_alert(identifier=payload["alias"], identifier_type="alias")
    hook.close_alert(payload["alias"], identifier_type="alias", payload={"note": "ready", "user": "airflow"})

    (alert,) = sandbox.until(lambda state: [each for each in state["alerts"] if each["status"] == "closed"])
    assert (alert["alias"], alert["priority"], alert["acknowledged"]) == (payload["alias"], "P1", True)
    assert alert["details"] == payload["details"]
    assert [note["note"] for note in alert["notes"]] == ["see the runbook", "ready"]
    assert sandbox.violations() == []


def test_airflows_opsgenie_hook_hears_why_it_was_refused(sandbox: Sandbox, hook: Any) -> None:
    from opsgenie_sdk.exceptions import OpenApiException

    with pytest.raises(OpenApiException) as caught:
        hook.create_alert({"message": "x", "details": {"minutes_late": 37}})
    assert "values should be strings" in str(caught.value)


def test_the_sdks_other_calls(sandbox: Sandbox, hook: Any) -> None:
    from opsgenie_sdk import HeartbeatApi

    alerts = hook.get_conn()
    hook.create_alert({"message": "x", "alias": "k"})
    sandbox.until(lambda state: state["alerts"])
    assert alerts.get_alert(identifier="k", identifier_type="alias").data.alias == "k"
    assert [each.alias for each in alerts.list_alerts(query="status:open").data] == ["k"]
    heartbeats = HeartbeatApi(alerts.api_client)
    heartbeats.create_heartbeat({"name": "daybreak", "interval": 5, "intervalUnit": "minutes", "enabled": True})
    assert heartbeats.ping("daybreak").result.startswith("PONG")
    assert heartbeats.get_heartbeat("daybreak").data.expired is False
    assert sandbox.violations() == []


def test_airflows_slack_hook(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    sandbox.reset()
    connection = {"conn_type": "slack", "password": sandbox.token, "extra": {"base_url": sandbox.slack_url}}
    monkeypatch.setenv("AIRFLOW_CONN_SLACK_API_DEFAULT", json.dumps(connection))
    from airflow.providers.slack.hooks.slack import SlackHook

    hook = SlackHook(slack_conn_id="slack_api_default")
    parent = hook.call("chat.postMessage", json={"channel": "#growth", "text": "late"})
    hook.call("chat.postMessage", json={"channel": "#growth", "text": "more", "thread_ts": parent["ts"]})
    assert hook.test_connection()[0] is True
    assert hook.get_channel_id("growth") == parent["channel"]
    assert [reply["text"] for reply in sandbox.channel("#growth")[0]["replies"]] == ["more"]
