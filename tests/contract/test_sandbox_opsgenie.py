"""The stand-in keeps Opsgenie's contract: what it takes, what it refuses, and when things become visible."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from tests.support.sandbox import Sandbox, running_sandbox


@pytest.fixture(scope="module")
def shared() -> Iterator[Sandbox]:
    with running_sandbox(read_only_key="reader") as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(shared: Sandbox) -> Sandbox:
    shared.reset()
    return shared


def call(sandbox: Sandbox, method: str, path: str, body: Any = None, **more: Any) -> httpx.Response:
    headers = {"Authorization": f"GenieKey {sandbox.key}", **more.pop("headers", {})}
    return sandbox.http.request(method, path, json=body, headers=headers, **more)


def create(sandbox: Sandbox, **fields: Any) -> httpx.Response:
    return call(sandbox, "POST", "/v2/alerts", {"message": "growth is late", **fields})


def settled(sandbox: Sandbox, answer: httpx.Response) -> dict[str, Any]:
    """The status of the request that ``answer`` accepted."""
    assert answer.status_code == 202, answer.text
    number = answer.json()["requestId"]
    end = time.monotonic() + 15
    while time.monotonic() < end:
        status = call(sandbox, "GET", f"/v2/alerts/requests/{number}")
        if status.status_code == 200:
            return dict(status.json()["data"])
        time.sleep(0.005)
    raise AssertionError("the request was never processed")


def test_a_page_becomes_an_alert_with_everything_that_was_sent(sandbox: Sandbox) -> None:
    sent = {
        "alias": "daybreak:v1:aggregate_growth:2026-02-03",
        "description": "Sales Force is late",
        "responders": [{"type": "user", "username": "a@example.com"}, {"type": "team", "name": "DevOps"}],
        "tags": ["growth"],
        "details": {"pipeline": "aggregate_growth"},
        "priority": "P1",
        "source": "daybreak",
        "note": "first page",
    }
    answer = create(sandbox, **sent)
    assert answer.json()["result"] == "Request will be processed"
    assert settled(sandbox, answer)["isSuccess"] is True

    alert = sandbox.alert(sent["alias"])
    assert {key: alert[key] for key in ("description", "tags", "details", "priority", "source")} == {
        key: sent[key] for key in ("description", "tags", "details", "priority", "source")
    }
    assert [responder.get("username") or responder["name"] for responder in alert["responders"]] == [
        "a@example.com",
        "DevOps",
    ]
    assert [note["note"] for note in alert["notes"]] == ["first page"]
    assert sandbox.violations() == []


def test_nothing_is_visible_before_it_is_applied(sandbox: Sandbox) -> None:
    sandbox.settings(apply_delay=0.2)
    try:
        answer = create(sandbox, alias="later")
        number = answer.json()["requestId"]
        assert call(sandbox, "GET", f"/v2/alerts/requests/{number}").status_code == 404
        assert sandbox.alerts() == []
        assert sandbox.until(lambda state: state["alerts"])[0]["alias"] == "later"
        assert call(sandbox, "GET", f"/v2/alerts/requests/{number}").json()["data"]["status"] == "Created alert"
    finally:
        sandbox.settings(apply_delay=0.005)


def test_an_alias_is_one_alert_while_open_and_a_new_one_after(sandbox: Sandbox) -> None:
    for _ in range(3):
        settled(sandbox, create(sandbox, alias="same"))
    assert sandbox.alert("same")["count"] == 3
    settled(sandbox, create(sandbox, alias="SAME"))
    settled(sandbox, call(sandbox, "POST", "/v2/alerts/same/close?identifierType=alias", {}))
    settled(sandbox, create(sandbox, alias="same"))
    assert [(alert["alias"], alert["status"], alert["count"]) for alert in sandbox.alerts()] == [
        ("same", "closed", 3),
        ("SAME", "open", 1),
        ("same", "open", 1),
    ]


def test_an_action_on_nothing_is_taken_and_fails_quietly(sandbox: Sandbox) -> None:
    answer = call(sandbox, "POST", "/v2/alerts/nobody/close?identifierType=alias", {})
    status = settled(sandbox, answer)
    assert (status["isSuccess"], status["status"]) == (False, "Alert does not exist")
    # The default of identifierType is id: an alias alone finds nothing.
    settled(sandbox, create(sandbox, alias="known"))
    assert settled(sandbox, call(sandbox, "POST", "/v2/alerts/known/close", {}))["isSuccess"] is False


def test_the_life_of_an_alert(sandbox: Sandbox) -> None:
    settled(sandbox, create(sandbox, alias="a/b c", priority="P3"))
    base, kind = "/v2/alerts/a%2Fb%20c", "?identifierType=alias"
    user = {"type": "user", "username": "b@example.com"}
    for action, body in (
        ("acknowledge", {"user": "a@example.com", "note": "on it"}),
        ("responders", {"responder": user}),
        ("responders", {"responder": user}),
        ("notes", {"note": "rerun started"}),
        ("details", {"details": {"task": "load"}}),
        ("tags", {"tags": ["rerun"]}),
        ("assign", {"owner": {"username": "b@example.com"}}),
        ("escalate", {"escalation": {"name": "Data"}}),
    ):
        assert settled(sandbox, call(sandbox, "POST", f"{base}/{action}{kind}", body))["isSuccess"], action
    for field, value in (("priority", "P1"), ("message", "still late"), ("description", "longer")):
        assert settled(sandbox, call(sandbox, "PUT", f"{base}/{field}{kind}", {field: value}))["isSuccess"]
    assert settled(sandbox, call(sandbox, "POST", f"{base}/close{kind}", {"note": "ready"}))["isSuccess"]

    data = call(sandbox, "GET", f"{base}{kind}").json()["data"]
    assert data["report"]["acknowledgedBy"] == "a@example.com"
    assert (data["status"], data["acknowledged"], data["owner"]) == ("closed", True, "b@example.com")
    assert (data["priority"], data["message"], data["description"]) == ("P1", "still late", "longer")
    alert = sandbox.alert("a/b c")
    assert [note["note"] for note in alert["notes"]] == ["on it", "rerun started", "ready"]
    assert len(alert["responders"]) == 1
    assert [row["type"] for row in alert["log"]][:3] == ["create", "acknowledge", "note"]
    assert sandbox.violations() == []


@pytest.mark.parametrize(
    ("body", "field", "rule"),
    [
        ({"message": ""}, "message", "invalid_field"),
        ({"message": "  "}, "message", "invalid_field"),
        ({"message": None}, "message", "missing_field"),
        ({"message": "x" * 131}, "message", "invalid_field"),
        ({"alias": "x" * 513}, "alias", "invalid_field"),
        ({"entity": "x" * 513}, "entity", "invalid_field"),
        ({"description": "x" * 15001}, "description", "invalid_field"),
        ({"note": "x" * 25001}, "note", "invalid_field"),
        ({"source": "x" * 101}, "source", "invalid_field"),
        ({"user": "x" * 101}, "user", "invalid_field"),
        ({"tags": ["x"] * 21}, "tags", "invalid_field"),
        ({"tags": ["x" * 51]}, "tags", "invalid_field"),
        ({"tags": "growth"}, "tags", "invalid_field"),
        ({"actions": ["x"] * 11}, "actions", "invalid_field"),
        ({"actions": ["x" * 51]}, "actions", "invalid_field"),
        ({"details": {"minutes_late": 37}}, "details", "invalid_field"),
        ({"priority": "P9"}, "priority", "invalid_field"),
        ({"responders": [{"type": "person", "name": "x"}]}, "responders", "invalid_field"),
        ({"responders": [{"type": "user", "name": "x"}]}, "responders", "invalid_field"),
        ({"responders": [{"type": "team"}]}, "responders", "invalid_field"),
        ({"responders": [{"type": "team", "name": str(n)} for n in range(51)]}, "responders", "invalid_field"),
        ({"visibleTo": [{"type": "schedule", "name": "x"}]}, "visibleTo", "invalid_field"),
        ({"visible_to": []}, "visible_to", "unknown_field"),
    ],
)
def test_what_breaks_a_rule_is_refused_by_name_and_put_down(
    sandbox: Sandbox, body: dict[str, Any], field: str, rule: str
) -> None:
    answer = create(sandbox, **body)
    assert answer.status_code == 422
    assert list(answer.json()["errors"]) == [field]
    (violation,) = sandbox.violations()
    assert (violation["rule"], violation["service"]) == (rule, "opsgenie")
    assert field in violation["detail"]
    assert sandbox.alerts() == []


def test_what_just_fits_is_taken(sandbox: Sandbox) -> None:
    answer = create(
        sandbox,
        message="x" * 130,
        alias="y" * 512,
        description="z" * 15000,
        tags=["t" * 49 + chr(97 + n) for n in range(20)],
        responders=[{"type": "team", "name": str(n)} for n in range(50)],
        note="n" * 25000,
    )
    assert settled(sandbox, answer)["isSuccess"]
    assert len(sandbox.alert("y" * 512)["responders"]) == 50
    assert sandbox.violations() == []


def test_details_are_cut_without_a_word(sandbox: Sandbox) -> None:
    settled(sandbox, create(sandbox, alias="d", details={"a": "x" * 7000, "b": "y" * 7000, "runbook": "lost"}))
    details = sandbox.alert("d")["details"]
    assert sum(len(key) + len(value) for key, value in details.items()) == 8000
    assert "runbook" not in details


@pytest.mark.parametrize(
    ("request_", "status", "rule"),
    [
        ({"method": "POST", "url": "/v2/alerts", "headers": {}, "json": {"message": "x"}}, 401, "missing_key"),
        ({"method": "POST", "url": "/v2/alerts", "headers": {"Authorization": "GenieKey no"}}, 401, "wrong_key"),
        ({"method": "POST", "url": "/v2/alerts", "headers": {"Authorization": "Bearer x"}}, 401, "missing_key"),
        (
            {"method": "POST", "url": "/v2/alerts", "headers": {"Authorization": "GenieKey reader"}},
            403,
            "read_only_key",
        ),
        ({"method": "POST", "url": "/v2/alerts", "content": "{"}, 400, "bad_json"),
        ({"method": "POST", "url": "/v2/alerts", "content": "[]"}, 400, "bad_json"),
        ({"method": "POST", "url": "/v2/alerts", "data": {"message": "x"}}, 415, "content_type"),
        ({"method": "PUT", "url": "/v2/alerts", "json": {}}, 405, "method_not_allowed"),
        ({"method": "GET", "url": "/v2/nothing"}, 404, "unknown_path"),
        ({"method": "POST", "url": "//v2/alerts", "json": {"message": "x"}}, 404, "double_slash"),
        ({"method": "POST", "url": "/v2//alerts", "json": {"message": "x"}}, 404, "double_slash"),
        ({"method": "GET", "url": "/v2/alerts/x?identifierType=name"}, 422, "identifier_type"),
    ],
)
def test_requests_that_are_none(sandbox: Sandbox, request_: dict[str, Any], status: int, rule: str) -> None:
    request = {"headers": {"Authorization": f"GenieKey {sandbox.key}"}, **request_}
    if "content" in request:
        request["headers"] = {**request["headers"], "Content-Type": "application/json"}
    # httpx would tidy "//v2" up, so the address is put together by hand.
    answer = sandbox.http.request(**{**request, "url": sandbox.url + request["url"]})
    assert answer.status_code == status
    assert "message" in answer.json()
    assert [violation["rule"] for violation in sandbox.violations()] == [rule]


def test_a_read_only_key_reads(sandbox: Sandbox) -> None:
    settled(sandbox, create(sandbox, alias="r"))
    answer = sandbox.http.get("/v2/alerts/r?identifierType=alias", headers={"Authorization": "GenieKey reader"})
    assert answer.json()["data"]["alias"] == "r"


def test_searching(sandbox: Sandbox) -> None:
    settled(sandbox, create(sandbox, alias="one", tags=["ticket"]))
    settled(sandbox, create(sandbox, alias="two"))
    settled(sandbox, call(sandbox, "POST", "/v2/alerts/two/close?identifierType=alias", {}))
    found = call(sandbox, "GET", "/v2/alerts", params={"query": 'status:open AND tag:"ticket"'}).json()["data"]
    assert [alert["alias"] for alert in found] == ["one"]
    assert call(sandbox, "GET", "/v2/alerts/count", params={"query": "status:closed"}).json()["data"] == {"count": 1}
    for wrong in ("status=open", "status:open alias:one", "status:open AND", "colour:red", 'alias:"one'):
        assert call(sandbox, "GET", "/v2/alerts", params={"query": wrong}).status_code == 422
    settled(sandbox, create(sandbox, alias="salt AND pepper: both"))
    by_alias = {"query": 'alias:"salt AND pepper: both" and status: open'}
    assert len(call(sandbox, "GET", "/v2/alerts", params=by_alias).json()["data"]) == 1


def test_a_flood_is_slowed_and_the_bucket_fills_again() -> None:
    now = [datetime(2026, 2, 3, 9, tzinfo=UTC)]
    with running_sandbox(rate_limits=True, clock=lambda: now[0]) as sandbox:
        answers = [create(sandbox, alias=str(n)) for n in range(201)]
        assert [answer.status_code for answer in answers] == [202] * 200 + [429]
        assert answers[-1].headers["X-RateLimit-State"] == "THROTTLED"
        assert answers[-1].headers["X-RateLimit-Period-In-Sec"] == "60"
        assert call(sandbox, "GET", "/v2/alerts").status_code == 200  # another domain
        now[0] += timedelta(seconds=1)
        assert [create(sandbox).status_code for _ in range(11)] == [202] * 10 + [429]
        assert sandbox.violations() == []


def test_a_heartbeat_that_stays_away_raises_an_alert_and_its_return_closes_it() -> None:
    now = [datetime(2026, 2, 3, 9, tzinfo=UTC)]
    with running_sandbox(clock=lambda: now[0]) as sandbox:
        body = {"name": "daybreak", "interval": 2, "intervalUnit": "minutes", "enabled": True, "alertPriority": "P1"}
        assert call(sandbox, "GET", "/v2/heartbeats/daybreak/ping").json()["result"].startswith("PONG")  # to nobody
        assert call(sandbox, "GET", "/v2/heartbeats/daybreak").status_code == 404
        assert call(sandbox, "POST", "/v2/heartbeats", body).status_code == 201
        assert call(sandbox, "POST", "/v2/heartbeats", body).status_code == 409
        now[0] += timedelta(minutes=10)
        time.sleep(0.6)
        assert sandbox.alerts() == []  # not active before its first ping
        assert call(sandbox, "POST", "/v2/heartbeats/daybreak/ping", {}).status_code == 202
        now[0] += timedelta(minutes=3)
        alert = sandbox.until(lambda state: state["alerts"])[0]
        assert (alert["priority"], alert["status"]) == ("P1", "open")
        assert call(sandbox, "GET", "/v2/heartbeats/daybreak").json()["data"]["expired"] is True
        call(sandbox, "POST", "/v2/heartbeats/daybreak/ping", {})
        assert sandbox.alerts()[0]["status"] == "closed"


def test_who_is_on_call_and_who_exists(sandbox: Sandbox) -> None:
    sandbox.people(schedules={"Data primary": ["a@example.com"]}, users={"a@example.com": "Engineer A"})
    path = "/v2/schedules/Data%20primary/on-calls"
    by_name = {"scheduleIdentifierType": "name", "flat": "true"}
    data = call(sandbox, "GET", path, params=by_name).json()["data"]
    assert data["onCallRecipients"] == ["a@example.com"]
    assert call(sandbox, "GET", path).status_code == 404  # the default is the id
    number = data["_parent"]["id"]
    assert call(sandbox, "GET", f"/v2/schedules/{number}/on-calls").json()["data"]["onCallParticipants"]
    assert call(sandbox, "GET", "/v2/users/a@example.com").json()["data"]["fullName"] == "Engineer A"


def test_a_strict_sandbox_knows_who_does_not_exist() -> None:
    with running_sandbox(strict=True) as sandbox:
        sandbox.people(users={"a@example.com": "Engineer A"}, teams=["DevOps"])
        assert call(sandbox, "GET", "/v2/users/x@example.com").status_code == 404
        assert call(sandbox, "GET", "/v2/teams/DevOps?identifierType=name").status_code == 200
        known = {"type": "user", "username": "A@example.com"}
        settled(sandbox, create(sandbox, alias="s", responders=[known, {"type": "team", "name": "Nobody"}]))
        assert [responder["type"] for responder in sandbox.alert("s")["responders"]] == ["user"]
        assert [row["rule"] for row in sandbox.violations()] == ["unknown_responder"]
