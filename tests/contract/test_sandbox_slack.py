"""The stand-in keeps Slack's contract, as slack_sdk's two clients meet it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from tests.support.sandbox import Sandbox, running_sandbox


@pytest.fixture(scope="module")
def shared() -> Iterator[Sandbox]:
    with running_sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(shared: Sandbox) -> Sandbox:
    shared.reset()
    return shared


@pytest.fixture
def client(sandbox: Sandbox) -> WebClient:
    return WebClient(sandbox.token, base_url=sandbox.slack_url, timeout=30)


def refused(call: Any, **arguments: Any) -> SlackApiError:
    with pytest.raises(SlackApiError) as caught:
        call(**arguments)
    return caught.value


def section(text: str = "late", kind: str = "mrkdwn") -> dict[str, Any]:
    return {"type": "section", "text": {"type": kind, "text": text}}


def test_a_message_its_thread_and_its_change(sandbox: Sandbox, client: WebClient) -> None:
    assert client.auth_test()["user_id"] == "U0SANDBOX"
    parent = client.chat_postMessage(channel="#growth", text="late", blocks=[section(), {"type": "divider"}])
    reply = client.chat_postMessage(channel=parent["channel"], text="37 min", thread_ts=parent["ts"])
    client.chat_update(channel=parent["channel"], ts=parent["ts"], text="ready", blocks=[section("ready")])

    (message,) = sandbox.channel("#growth")
    assert (message["text"], message["edits"], message["blocks"]) == ("ready", 1, [section("ready")])
    assert [each["text"] for each in message["replies"]] == ["37 min"]
    history = client.conversations_history(channel=parent["channel"])["messages"]
    assert [each["ts"] for each in history] == [parent["ts"]]
    assert history[0]["reply_count"] == 1
    replies = client.conversations_replies(channel=parent["channel"], ts=parent["ts"])["messages"]
    assert [each["ts"] for each in replies] == [parent["ts"], reply["ts"]]
    assert client.chat_getPermalink(channel=parent["channel"], message_ts=reply["ts"])["permalink"]
    client.chat_delete(channel=parent["channel"], ts=reply["ts"])
    assert sandbox.channel("growth")[0]["replies"] == []
    assert sandbox.violations() == []


def test_metadata_is_kept_and_only_told_when_asked_for(client: WebClient) -> None:
    metadata = {"event_type": "daybreak_incident", "event_payload": {"key": "daybreak:v1:g:2026-02-03"}}
    posted = client.chat_postMessage(channel="#growth", text="late", metadata=metadata)
    channel = posted["channel"]
    assert "metadata" not in client.conversations_history(channel=channel)["messages"][0]
    told = client.conversations_history(channel=channel, include_all_metadata=True)["messages"][0]
    assert told["metadata"] == metadata
    error = refused(client.chat_postMessage, channel="#growth", text="x", metadata={"event_type": "x"})
    assert error.response["error"] == "invalid_metadata_schema"


def test_history_comes_in_pages_and_between_times(client: WebClient) -> None:
    sent = [client.chat_postMessage(channel="#growth", text=str(number)) for number in range(5)]
    channel = sent[0]["channel"]
    pages = client.conversations_history(channel=channel, limit=2)
    assert [[each["text"] for each in page["messages"]] for page in pages] == [["4", "3"], ["2", "1"], ["0"]]
    between = {"oldest": sent[1]["ts"], "latest": sent[3]["ts"]}
    assert [each["text"] for each in client.conversations_history(channel=channel, **between)["messages"]] == ["2"]
    inclusive = client.conversations_history(channel=channel, inclusive=True, **between)["messages"]
    assert [each["text"] for each in inclusive] == ["3", "2", "1"]


def test_every_message_has_a_name_of_its_own(client: WebClient) -> None:
    names = [client.chat_postMessage(channel="#growth", text="x")["ts"] for _ in range(30)]
    assert names == sorted(set(names))


def test_the_token_is_needed(sandbox: Sandbox) -> None:
    for token, error in (("xoxb-other", "invalid_auth"), ("", "not_authed")):
        client = WebClient(token, base_url=sandbox.slack_url)
        assert refused(client.chat_postMessage, channel="#growth", text="x").response["error"] == error
    assert sandbox.channel("#growth") == []


def test_channels_that_do_not_take_messages(sandbox: Sandbox, client: WebClient) -> None:
    sandbox.make_channel("old", archived=True)
    sandbox.make_channel("private", member=False)
    for channel, error in (("#old", "is_archived"), ("#private", "not_in_channel"), ("C0NOWHERE", "channel_not_found")):
        answer = refused(client.chat_postMessage, channel=channel, text="x").response
        assert (answer["error"], answer.status_code) == (error, 200)
    assert [row["rule"] for row in sandbox.violations()] == ["is_archived", "not_in_channel", "channel_not_found"]
    listed = {each["name"]: each["is_member"] for each in client.conversations_list()["channels"]}
    assert listed == {"old": True, "private": False}
    private = next(each for each in client.conversations_list()["channels"] if each["name"] == "private")
    client.conversations_join(channel=private["id"])
    client.chat_postMessage(channel="#private", text="x")


def test_a_strict_sandbox_knows_which_channels_and_people_there_are() -> None:
    with running_sandbox(strict=True) as sandbox:
        sandbox.people(channels=["#growth"], slack_users={"U0AAAAAAA": "Engineer A"}, slack_groups={"S0DALEADS": "DA"})
        client = WebClient(sandbox.token, base_url=sandbox.slack_url)
        assert refused(client.chat_postMessage, channel="#typo", text="x").response["error"] == "channel_not_found"
        client.chat_postMessage(channel="#growth", text="x")
        assert client.users_info(user="U0AAAAAAA")["user"]["real_name"] == "Engineer A"
        assert refused(client.users_info, user="U0NOBODY").response["error"] == "user_not_found"
        assert client.usergroups_list()["usergroups"][0]["id"] == "S0DALEADS"


@pytest.mark.parametrize(
    ("block", "says"),
    [
        (section("x" * 3001), "must be less than 3001 characters [json-pointer:/blocks/0/text/text]"),
        (section(""), "must be more than 0 characters [json-pointer:/blocks/0/text/text]"),
        ({"type": "section"}, "text or fields"),
        ({"type": "section", "fields": [{"type": "mrkdwn", "text": "x" * 2001}]}, "fields/0/text"),
        ({"type": "section", "fields": [{"type": "mrkdwn", "text": "x"}] * 11}, "1 to 10"),
        ({"type": "header", "text": {"type": "plain_text", "text": "x" * 151}}, "less than 151"),
        ({"type": "header", "text": {"type": "mrkdwn", "text": "x"}}, "plain_text"),
        ({"type": "context", "elements": [{"type": "mrkdwn", "text": "x"}] * 11}, "1 to 10"),
        ({"type": "actions", "elements": []}, "1 to 25"),
        ({"type": "actions", "elements": [{"type": "button", "text": {"type": "plain_text", "text": "x" * 76}}]}, "76"),
        (
            {
                "type": "actions",
                "elements": [
                    {"type": "button", "text": {"type": "plain_text", "text": "x"}, "url": "https://e/" + "x" * 3000}
                ],
            },
            "3001",
        ),
        (
            {
                "type": "actions",
                "elements": [
                    {"type": "button", "text": {"type": "plain_text", "text": "x"}, "url": "javascript:alert(1)"}
                ],
            },
            "invalid url",
        ),
        ({"type": "table_of_mine"}, "unsupported type"),
    ],
)
def test_blocks_that_break_a_rule(sandbox: Sandbox, client: WebClient, block: dict[str, Any], says: str) -> None:
    answer = refused(client.chat_postMessage, channel="#growth", text="x", blocks=[block]).response
    assert (answer.status_code, answer["error"]) == (200, "invalid_blocks")
    assert any(says in message for message in answer["response_metadata"]["messages"])
    (violation,) = sandbox.violations()
    assert violation["rule"] == "invalid_blocks"


def test_other_limits(sandbox: Sandbox, client: WebClient) -> None:
    for arguments, error in (
        ({"blocks": [section()] * 51}, "invalid_blocks"),
        ({"blocks": "no json"}, "invalid_blocks_format"),
        ({"blocks": [section("x" * 2900)] * 5}, "msg_blocks_too_long"),
        ({"text": "x" * 40_001}, "msg_too_long"),
        ({"text": ""}, "no_text"),
        ({"text": "x", "thread_ts": "yesterday"}, "invalid_thread_ts"),
        ({"text": "x", "thread_ts": "1700000000.000001"}, "thread_not_found"),
    ):
        answer = refused(client.api_call, api_method="chat.postMessage", json={"channel": "#growth", **arguments})
        assert answer.response["error"] == error
    parent = client.chat_postMessage(channel="#growth", text="parent")
    reply = client.chat_postMessage(channel="#growth", text="reply", thread_ts=parent["ts"])
    error = refused(client.chat_postMessage, channel="#growth", text="x", thread_ts=reply["ts"]).response["error"]
    assert error == "cannot_reply_to_message"
    assert refused(client.chat_update, channel="#growth", ts="1.000001", text="x").response["error"] == (
        "message_not_found"
    )
    assert refused(client.api_call, api_method="chat.shout").response["error"] == "unknown_method"
    assert len(sandbox.violations()) == 10


def test_form_and_json_are_the_same(sandbox: Sandbox, client: WebClient) -> None:
    blocks = [section("late")]
    client.api_call("chat.postMessage", data={"channel": "#growth", "text": "x", "blocks": json.dumps(blocks)})
    client.api_call("chat.postMessage", json={"channel": "#growth", "text": "x", "blocks": blocks})
    first, second = sandbox.channel("#growth")
    assert first["blocks"] == second["blocks"] == blocks


def test_one_message_a_second_and_channel() -> None:
    now = [datetime(2026, 2, 3, 9, tzinfo=UTC)]
    with running_sandbox(slack_interval=1.0, clock=lambda: now[0]) as sandbox:
        client = WebClient(sandbox.token, base_url=sandbox.slack_url)
        posted = client.chat_postMessage(channel="#growth", text="1")
        answer = refused(client.chat_postMessage, channel="#growth", text="2", thread_ts=posted["ts"]).response
        assert (answer.status_code, answer["error"], answer.headers["Retry-After"]) == (429, "ratelimited", "1")
        client.chat_postMessage(channel="#other", text="1")
        now[0] += timedelta(seconds=1)
        client.chat_postMessage(channel="#growth", text="2", thread_ts=posted["ts"])
        change = {"channel": posted["channel"], "ts": posted["ts"]}
        for number in range(50):  # changes are counted apart: 50 a minute
            client.chat_update(text=str(number), **change)
        assert refused(client.chat_update, text="51", **change).response.headers["Retry-After"] == "2"
        assert sandbox.violations() == []


def test_a_change_keeps_what_it_does_not_name(sandbox: Sandbox, client: WebClient) -> None:
    posted = client.chat_postMessage(channel="#growth", text="late", blocks=[section()])
    change = {"channel": posted["channel"], "ts": posted["ts"]}
    client.chat_update(text="ready", **change)
    assert sandbox.channel("#growth")[0]["blocks"] == [section()]
    client.chat_update(text="ready", blocks=[], **change)
    assert sandbox.channel("#growth")[0]["blocks"] == []


def test_the_asynchronous_client(sandbox: Sandbox) -> None:
    async def talk() -> None:
        client = AsyncWebClient(sandbox.token, base_url=sandbox.slack_url)
        parent = await client.chat_postMessage(channel="#growth", text="late", blocks=[section()])
        await client.chat_postMessage(channel=parent["channel"], text="more", thread_ts=parent["ts"])
        found = await client.conversations_replies(channel=parent["channel"], ts=parent["ts"])
        assert [each["text"] for each in found["messages"]] == ["late", "more"]

    asyncio.run(talk())


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=300).filter(lambda t: t.strip()))
def test_text_arrives_as_it_was_sent(sandbox: Sandbox, client: WebClient, text: str) -> None:
    posted = client.chat_postMessage(channel="#hostile", text=text, blocks=[section(text)])
    last = sandbox.channel("#hostile")[-1]
    assert (last["ts"], last["text"], last["blocks"][0]["text"]["text"]) == (posted["ts"], text, text)
