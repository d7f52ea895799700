"""The stand-in's Jira Service Management: four requests with the key, everything else with a login."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.support.sandbox import Sandbox, running_sandbox

OPS = "/jsm/ops/api/cloud-1/v1"


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with running_sandbox() as running:
        yield running


@pytest.fixture(autouse=True)
def clean(sandbox: Sandbox) -> None:
    sandbox.reset()


def event(sandbox: Sandbox, method: str, path: str, body: Any = None) -> httpx.Response:
    headers = {"Authorization": f"GenieKey {sandbox.key}"}
    return sandbox.http.request(method, sandbox.jsm_url + path, json=body, headers=headers)


def ops(sandbox: Sandbox, method: str, path: str, body: Any = None, **more: Any) -> httpx.Response:
    login = (sandbox.options.jsm_user, sandbox.options.jsm_token)
    return sandbox.http.request(method, OPS + path, json=body, auth=login, **more)


def test_the_four_requests_are_served(sandbox: Sandbox) -> None:
    assert event(sandbox, "POST", "/v2/alerts", {"message": "late", "alias": "k"}).status_code == 202
    for action, body in (("acknowledge", {"user": "a@example.com"}), ("notes", {"note": "n"}), ("close", {})):
        assert event(sandbox, "POST", f"/v2/alerts/k/{action}?identifierType=alias", body).status_code == 202
    alert = sandbox.until(lambda state: [each for each in state["alerts"] if each["status"] == "closed"])[0]
    assert (alert["via"], alert["acknowledgedBy"], alert["notes"][0]["note"]) == ("jsm", "a@example.com", "n")
    assert sandbox.violations() == []


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/v2/alerts/k/responders"),
        ("POST", "/v2/alerts/k/escalate"),
        ("POST", "/v2/alerts/k/snooze"),
        ("PUT", "/v2/alerts/k/priority"),
        ("GET", "/v2/alerts/k"),
        ("GET", "/v2/heartbeats/daybreak/ping"),
        ("GET", "/v2/schedules/x/on-calls"),
    ],
)
def test_nothing_else_is(sandbox: Sandbox, method: str, path: str) -> None:
    assert event(sandbox, method, path, {} if method != "GET" else None).status_code == 404
    assert [row["service"] for row in sandbox.violations()] == ["jsm"]


def test_the_rest_needs_a_login_and_not_the_key(sandbox: Sandbox) -> None:
    path = f"{OPS}/teams/t/heartbeats"
    assert sandbox.http.get(path).status_code == 401
    assert sandbox.http.get(path, headers={"Authorization": f"GenieKey {sandbox.key}"}).status_code == 401
    assert sandbox.http.get(path, auth=(sandbox.options.jsm_user, "wrong")).status_code == 401
    assert ops(sandbox, "GET", "/teams/t/heartbeats").json()["values"] == []


def test_heartbeats_belong_to_a_team(sandbox: Sandbox) -> None:
    body = {"name": "daybreak", "interval": 5, "intervalUnit": "minutes"}
    assert ops(sandbox, "POST", "/teams/t/heartbeats", body).json()["status"] == "Inactive"
    assert ops(sandbox, "POST", "/teams/t/heartbeats/ping?name=daybreak").status_code == 202
    assert ops(sandbox, "GET", "/teams/t/heartbeats").json()["values"][0]["status"] == "Responsive"
    assert ops(sandbox, "GET", "/teams/other/heartbeats").json()["values"] == []
    assert ops(sandbox, "PATCH", "/teams/t/heartbeats?name=daybreak", {"interval": 9}).json()["interval"] == 9
    assert ops(sandbox, "DELETE", "/teams/t/heartbeats?name=daybreak").status_code == 204


def test_who_is_on_call_is_told_by_id(sandbox: Sandbox) -> None:
    sandbox.people(schedules={"Data primary": ["a@example.com"]})
    (schedule,) = ops(sandbox, "GET", "/schedules", params={"query": "data"}).json()["values"]
    answer = ops(sandbox, "GET", f"/schedules/{schedule['id']}/on-calls", params={"flat": "true"}).json()
    assert len(answer["onCallUsers"]) == 1
    assert "@" not in answer["onCallUsers"][0]


def test_an_alert_is_searched_by_alias_and_read_by_id(sandbox: Sandbox) -> None:
    event(sandbox, "POST", "/v2/alerts", {"message": "late", "alias": "k"})
    sandbox.until(lambda state: state["alerts"])
    (found,) = ops(sandbox, "GET", "/alerts", params={"query": 'status:open AND alias:"k"'}).json()["values"]
    assert ops(sandbox, "GET", f"/alerts/{found['id']}").json()["alias"] == "k"
    assert ops(sandbox, "GET", "/alerts/k").status_code == 404
