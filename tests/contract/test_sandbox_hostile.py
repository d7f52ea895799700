"""Whatever comes in, the stand-in answers in its service's own words, and goes on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.sandbox import Sandbox, running_sandbox

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
FIELDS = [
    "message",
    "alias",
    "responders",
    "visibleTo",
    "tags",
    "actions",
    "details",
    "priority",
    "note",
    "user",
    "odd",
]
ACTIONS = ["acknowledge", "close", "notes", "responders", "details", "tags", "assign", "escalate", "snooze"]
BLOCK = st.fixed_dictionaries(
    {"type": st.sampled_from(["section", "header", "context", "actions", "image", "divider", "rich_text", "odd"])},
    optional={"text": JSON, "fields": JSON, "elements": JSON, "accessory": JSON, "block_id": JSON, "image_url": JSON},
)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with running_sandbox() as running:
        yield running


def ask(sandbox: Sandbox, path: str, body: Any, method: str = "POST") -> Any:
    headers = {"Authorization": f"GenieKey {sandbox.key}", "Content-Type": "application/json"}
    return sandbox.http.request(method, path, content=json.dumps(body), headers=headers)


@settings(max_examples=40, deadline=None)
@given(body=st.dictionaries(st.sampled_from(FIELDS), JSON))
def test_any_body_for_an_alert_is_taken_or_refused(sandbox: Sandbox, body: dict[str, Any]) -> None:
    answer = ask(sandbox, "/v2/alerts", body)
    assert answer.status_code in (202, 422)
    assert ("errors" in answer.json()) == (answer.status_code == 422)
    sandbox.state()


@settings(max_examples=25, deadline=None)
@given(
    action=st.sampled_from(ACTIONS), body=st.dictionaries(st.sampled_from(["note", "user", *ACTIONS, "owner"]), JSON)
)
def test_any_body_for_an_action_is_taken_or_refused(sandbox: Sandbox, action: str, body: dict[str, Any]) -> None:
    ask(sandbox, "/v2/alerts", {"message": "x", "alias": "k"})
    assert ask(sandbox, f"/v2/alerts/k/{action}?identifierType=alias", body).status_code in (202, 422)
    sandbox.state()


@settings(max_examples=25, deadline=None)
@given(body=st.dictionaries(st.sampled_from(["name", "interval", "intervalUnit", "enabled", "ownerTeam"]), JSON))
def test_any_heartbeat_is_made_or_refused(sandbox: Sandbox, body: dict[str, Any]) -> None:
    assert ask(sandbox, "/v2/heartbeats", body).status_code in (201, 409, 422)
    assert ask(sandbox, "/v2/heartbeats/x", body, "PATCH").status_code in (404, 422)
    sandbox.state()


@settings(max_examples=40, deadline=None)
@given(
    blocks=st.lists(BLOCK, max_size=3) | JSON,
    extra=st.dictionaries(st.sampled_from(["text", "thread_ts", "metadata", "attachments", "channel"]), JSON),
)
def test_any_message_gets_an_answer_of_slacks(sandbox: Sandbox, blocks: Any, extra: dict[str, Any]) -> None:
    headers = {"Authorization": f"Bearer {sandbox.token}"}
    body = {"channel": "#c", "text": "x", "blocks": blocks, **extra}
    for method in ("chat.postMessage", "chat.update"):
        answer = sandbox.http.post(f"/api/{method}", json=body, headers=headers)
        assert answer.status_code == 200
        assert answer.json()["ok"] is True or answer.json()["error"]
    sandbox.state()


def test_what_is_nested_without_end_is_refused(sandbox: Sandbox) -> None:
    deep = '{"a":' * 5000 + "1" + "}" * 5000
    headers = {"Authorization": f"GenieKey {sandbox.key}", "Content-Type": "application/json"}
    assert sandbox.http.post("/v2/alerts", content=deep, headers=headers).status_code == 400
    headers = {"Authorization": f"Bearer {sandbox.token}", "Content-Type": "application/json"}
    assert sandbox.http.post("/api/chat.postMessage", content=deep, headers=headers).json()["error"] == "invalid_json"
    form = {"channel": "#c", "text": "x", "metadata": "[" * 90 + "]" * 90}
    headers = {"Authorization": f"Bearer {sandbox.token}"}
    answer = sandbox.http.post("/api/chat.postMessage", data=form, headers=headers).json()
    assert answer["error"] == "invalid_metadata_format"


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_what_is_no_number_in_json_is_refused(sandbox: Sandbox, number: str) -> None:
    headers = {"Authorization": f"GenieKey {sandbox.key}", "Content-Type": "application/json"}
    body = f'{{"message": "x", "details": {{"a": {number}}}}}'
    assert sandbox.http.post("/v2/alerts", content=body, headers=headers).status_code == 400


def test_a_flood_of_bytes_is_refused(sandbox: Sandbox) -> None:
    headers = {"Authorization": f"GenieKey {sandbox.key}", "Content-Type": "application/json"}
    answer = sandbox.http.post("/v2/alerts", content=b" " * (5 * 1024 * 1024), headers=headers)
    assert answer.status_code == 413
