"""Trouble on demand: each fault does what its name says, to the service it names, as often as it was told to."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.support.sandbox import Sandbox, running_sandbox


@pytest.fixture(scope="module")
def shared() -> Iterator[Sandbox]:
    with running_sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(shared: Sandbox) -> Sandbox:
    shared.reset()
    return shared


def page(sandbox: Sandbox, service: str, timeout: float = 5.0, **fields: Any) -> httpx.Response:
    """One message to ``service``, over a connection of its own."""
    base = {"opsgenie": sandbox.opsgenie_url, "jsm": sandbox.jsm_url}.get(service)
    with httpx.Client(timeout=timeout, trust_env=False) as http:
        if base is None:
            headers = {"Authorization": f"Bearer {sandbox.token}"}
            return http.post(
                sandbox.slack_url + "chat.postMessage", json={"channel": "#c", "text": "x"}, headers=headers
            )
        headers = {"Authorization": f"GenieKey {sandbox.key}"}
        return http.post(base + "/v2/alerts", json={"message": "x", "alias": "k", **fields}, headers=headers)


def taken(sandbox: Sandbox, service: str) -> int:
    """How often the message was applied."""
    time.sleep(0.03)
    if service == "slack":
        return len(sandbox.channel("#c"))
    return sum(alert["count"] for alert in sandbox.alerts())


SERVICES = ("opsgenie", "jsm", "slack")


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("mode", ["500", "503", "429", "html"])
def test_an_answer_that_is_no_success_applies_nothing(sandbox: Sandbox, service: str, mode: str) -> None:
    sandbox.fault(service, mode, count=2)
    statuses = [page(sandbox, service).status_code for _ in range(2)]
    assert statuses == [502 if mode == "html" else int(mode)] * 2
    assert taken(sandbox, service) == 0
    assert page(sandbox, service).status_code in (200, 202)
    assert taken(sandbox, service) == 1
    assert sandbox.violations() == []
    assert sandbox.state()["faults"] == []


@pytest.mark.parametrize("service", SERVICES)
def test_retry_after_is_said_only_when_asked_for(sandbox: Sandbox, service: str) -> None:
    sandbox.fault(service, "429", count=1)
    assert "Retry-After" not in page(sandbox, service).headers
    sandbox.fault(service, "429", count=1, retry_after=7)
    assert page(sandbox, service).headers["Retry-After"] == "7"


@pytest.mark.parametrize("service", SERVICES)
def test_reset_applies_and_does_not_answer(sandbox: Sandbox, service: str) -> None:
    sandbox.fault(service, "reset", count=1)
    with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
        page(sandbox, service)
    assert taken(sandbox, service) == 1
    assert sandbox.requests()[-1]["fault"] == "reset"


@pytest.mark.parametrize("service", SERVICES)
def test_refuse_applies_nothing(sandbox: Sandbox, service: str) -> None:
    sandbox.fault(service, "refuse", count=1)
    with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
        page(sandbox, service)
    assert taken(sandbox, service) == 0


@pytest.mark.parametrize("service", SERVICES)
def test_empty_applies_and_says_nothing(sandbox: Sandbox, service: str) -> None:
    sandbox.fault(service, "empty", count=1)
    answer = page(sandbox, service)
    assert (answer.status_code, answer.content) == (200 if service == "slack" else 202, b"")
    assert taken(sandbox, service) == 1


@pytest.mark.parametrize("service", SERVICES)
def test_hang_never_answers_and_applies_nothing(sandbox: Sandbox, service: str) -> None:
    sandbox.fault(service, "hang", count=1)
    with pytest.raises(httpx.ReadTimeout):
        page(sandbox, service, timeout=0.2)
    assert taken(sandbox, service) == 0
    assert page(sandbox, service).status_code in (200, 202)


def test_slow_answers_late(sandbox: Sandbox) -> None:
    sandbox.fault("opsgenie", "slow", delay=0.3, count=1)
    started = time.monotonic()
    assert page(sandbox, "opsgenie").status_code == 202
    assert time.monotonic() - started >= 0.3


def test_keys_expire_responders_vanish_and_channels_are_archived(sandbox: Sandbox) -> None:
    sandbox.fault("opsgenie", "expired_key", count=1)
    assert page(sandbox, "opsgenie").status_code == 401
    sandbox.fault("slack", "expired_key", count=1)
    assert page(sandbox, "slack").json() == {"ok": False, "error": "token_expired"}
    sandbox.fault("jsm", "unknown_responder", count=1)
    assert page(sandbox, "jsm").status_code == 202  # names nobody, so nobody is unknown
    answer = page(sandbox, "jsm", responders=[{"type": "user", "username": "a@example.com"}])
    assert (answer.status_code, list(answer.json()["errors"])) == (422, ["responders"])
    sandbox.fault("slack", "archived_channel", count=1)
    assert page(sandbox, "slack").json()["error"] == "is_archived"
    sandbox.fault("slack", "missing_scope", count=1)
    assert page(sandbox, "slack").json()["error"] == "missing_scope"
    assert sandbox.violations() == []


def test_a_fault_may_be_for_some_paths_only(sandbox: Sandbox) -> None:
    sandbox.fault("opsgenie", "500", match="*/close")
    assert page(sandbox, "opsgenie").status_code == 202
    headers = {"Authorization": f"GenieKey {sandbox.key}"}
    assert sandbox.http.post("/v2/alerts/k/close?identifierType=alias", json={}, headers=headers).status_code == 500
    sandbox.heal()
    assert sandbox.http.post("/v2/alerts/k/close?identifierType=alias", json={}, headers=headers).status_code == 202


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ({"service": "pagerduty", "mode": "503"}, "service is one of"),
        ({"service": "opsgenie", "mode": "explode"}, "mode is one of"),
        ({"service": "opsgenie", "mode": "is_archived"}, "mode is one of"),
        ({"service": "slack", "mode": "unknown_responder"}, "mode is one of"),
        ({"service": "slack", "mode": "hang", "count": 0}, "count"),
        ({"service": "slack", "mode": "slow", "delay": "long"}, "delay"),
        ({"service": "slack", "mode": "hang", "often": 1}, "often"),
    ],
)
def test_a_fault_that_is_none_is_refused(sandbox: Sandbox, spec: dict[str, Any], says: str) -> None:
    answer = sandbox.http.post("/sandbox/faults", json=spec)
    assert answer.status_code == 422
    assert says in answer.json()["message"]


def test_requests_are_told_with_their_time_and_without_secrets(sandbox: Sandbox) -> None:
    page(sandbox, "opsgenie")
    data = {"channel": "#c", "text": "x", "token": sandbox.token}
    sandbox.http.post("/api/chat.postMessage", data=data)
    first, second = sandbox.requests()
    assert (first["number"], first["service"], first["method"], first["path"], first["status"]) == (
        1, "opsgenie", "POST", "/v2/alerts", 202,
    )  # fmt: skip
    assert '"alias":"k"' in first["body"].replace(" ", "")
    assert second["received_at"] >= first["received_at"]
    assert sandbox.requests(since=1) == [second]
    everything = repr(sandbox.requests()) + repr(sandbox.state())
    assert sandbox.key not in everything
    assert sandbox.token not in everything


def test_changes_need_json_so_that_other_pages_cannot_make_them(sandbox: Sandbox) -> None:
    assert sandbox.http.post("/sandbox/faults", data={"service": "slack", "mode": "hang"}).status_code == 415


def test_an_unchanged_state_is_not_sent_again(sandbox: Sandbox) -> None:
    first = sandbox.http.get("/sandbox/state")
    again = sandbox.http.get("/sandbox/state", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    page(sandbox, "slack")
    changed = sandbox.http.get("/sandbox/state", headers={"If-None-Match": first.headers["ETag"]})
    assert changed.status_code == 200


def test_a_person_acknowledges_and_closes(sandbox: Sandbox) -> None:
    page(sandbox, "opsgenie")
    sandbox.until(lambda state: state["alerts"])
    sandbox.by_hand("k", "acknowledge", "b@example.com")
    assert sandbox.alert("k")["acknowledgedBy"] == "b@example.com"
    sandbox.by_hand("k", "close")
    number = sandbox.alert("k")["id"]
    again = sandbox.http.post(f"/sandbox/alerts/{number}/close", json={})
    assert (again.status_code, again.json()["message"]) == (409, "Alert is already closed")
