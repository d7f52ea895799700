"""Slack's own client on the wire, with our time-outs, our way out, and nothing in any log."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from daybreak.config.channels import SlackSettings, Timeouts, Wire
from daybreak.delivery.slack import Posted, SlackClient, SlackRefusal
from daybreak.errors import DeliveryDelayed, DeliveryRefused, SettingsError

TOKEN = "xoxb-0-very-secret"
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
PATIENCE = Wire(timeouts=Timeouts(connect=0.5, read=0.5, total=0.8))


def asked(handler: Handler, do: Callable[[SlackClient], Awaitable[Any]], *, path: str = "/api", **wire: Any) -> Any:
    """What ``do`` comes to against a service that answers everything with ``handler``."""

    async def run() -> Any:
        app = web.Application()
        app.router.add_route("*", "/{any:.*}", handler)
        async with TestServer(app) as server:
            settings = SlackSettings(
                token=TOKEN, base_url=f"http://127.0.0.1:{server.port}{path}", wire=replace(PATIENCE, **wire)
            )
            async with SlackClient(settings) as client:
                return await do(client)

    return asyncio.run(run())


def says(**answer: Any) -> Handler:
    async def handler(request: web.Request) -> web.Response:
        return web.Response(**answer)

    return handler


def who(client: SlackClient) -> Awaitable[Any]:
    return client.call("auth.test", {})


def test_a_message_goes_out_as_slacks_client_sends_it() -> None:
    seen: dict[str, Any] = {}

    async def handler(request: web.Request) -> web.Response:
        seen.update(path=request.path, headers=dict(request.headers), body=json.loads(await request.read()))
        return web.json_response({"ok": True, "channel": "C1", "ts": "1.2"})

    posted = asked(handler, lambda c: c.post("#a", {"text": "é \ud800 <!channel>"}, key="k"), path="/below/api")
    assert posted == Posted(channel_id="C1", ts="1.2")
    assert seen["path"] == "/below/api/chat.postMessage"
    assert seen["headers"]["Authorization"] == f"Bearer {TOKEN}"
    assert "slackclient/" in seen["headers"]["User-Agent"]
    assert seen["body"]["text"] == "é ? <!channel>"
    assert seen["body"]["metadata"]["event_payload"] == {"key": "k"}


def test_readings_go_in_the_query() -> None:
    seen: dict[str, str] = {}

    async def handler(request: web.Request) -> web.Response:
        seen.update(request.query, verb=request.method)
        return web.json_response({"ok": True, "messages": []})

    asked(handler, lambda c: c.find("C1", "k", oldest=1.5))
    assert seen == {
        "channel": "C1", "oldest": "1.500000", "limit": "200", "include_all_metadata": "1", "verb": "GET",
    }  # fmt: skip


@pytest.mark.parametrize(
    "answer",
    [
        {"text": "<html>sign in</html>", "content_type": "text/html"},
        {"status": 403, "text": "<html>blocked</html>", "content_type": "text/html"},
        {"text": "<html>", "content_type": "text/plain"},
        {"text": "all is well", "content_type": "text/plain"},
        {"text": "{not json", "content_type": "application/json"},
        {"text": "[1, 2]", "content_type": "application/json"},
        {"text": '"ok"', "content_type": "application/json"},
        {"text": "null", "content_type": "application/json"},
        {"body": b"\xff\xfe{", "content_type": "application/json"},
        {"text": "[" * 100_000, "content_type": "application/json"},
        {"body": b"\x1f\x8b", "content_type": "application/gzip"},
        {"status": 204},
        {"status": 500, "text": "oops"},
        {"status": 503, "text": '{"ok": false, "error": "service_unavailable"}', "content_type": "application/json"},
        {"text": '{"ok": false, "error": "fatal_error"}', "content_type": "application/json"},
    ],
)
def test_what_is_no_answer_of_slacks_is_for_now(answer: dict[str, Any]) -> None:
    with pytest.raises(DeliveryDelayed) as caught:
        asked(says(**answer), who)
    assert TOKEN not in str(caught.value)
    assert caught.value.__context__ is None


def test_retry_after_is_kept_with_the_status_and_with_the_word() -> None:
    for status in (429, 200):
        said = {"text": '{"ok": false, "error": "ratelimited"}', "content_type": "application/json"}
        with pytest.raises(DeliveryDelayed) as caught:
            asked(says(status=status, headers={"Retry-After": "7"}, **said), who)
        assert caught.value.retry_after == 7


def test_a_refusal_carries_slacks_word_and_what_it_said_more() -> None:
    said = '{"ok": false, "error": "invalid_blocks", "response_metadata": {"messages": ["too long"]}}'
    with pytest.raises(SlackRefusal, match="too long") as caught:
        asked(says(text=said, content_type="application/json"), who)
    assert caught.value.error == "invalid_blocks"
    with pytest.raises(DeliveryRefused, match="HTTP 404"):
        asked(says(status=404, text='{"ok": false, "error": "unknown_method"}', content_type="application/json"), who)


def test_whoever_never_answers_is_given_up_in_time() -> None:
    async def handler(request: web.Request) -> web.Response:
        await asyncio.sleep(20)
        return web.Response()

    async def drips(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(100):
            await response.write(b" ")
            await asyncio.sleep(0.1)
        return response

    for silent in (handler, drips):
        begun = time.monotonic()
        with pytest.raises(DeliveryDelayed, match="in time"):
            asked(silent, who)
        assert time.monotonic() - begun < 5


def test_nobody_sends_a_message_elsewhere() -> None:
    asked_for: list[str] = []

    async def handler(request: web.Request) -> web.Response:
        asked_for.append(request.path)
        raise web.HTTPTemporaryRedirect("/elsewhere")

    with pytest.raises(DeliveryDelayed, match="HTTP 307"):
        asked(handler, lambda c: c.post("#a", {"text": "secret numbers"}))
    assert asked_for == ["/api/chat.postMessage"]


def test_a_proxy_of_the_environment_is_not_for_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://me:pw@127.0.0.1:9")
    monkeypatch.setenv("HTTP_PROXY", "http://me:pw@127.0.0.1:9")
    answer = asked(says(text='{"ok": true}', content_type="application/json"), who)
    assert answer["ok"] is True


def test_the_connections_proxy_is_used_and_its_password_in_no_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    for name in ("slack_sdk", "slack_sdk.web.async_base_client", "slack_sdk.web.async_client", "aiohttp"):
        caplog.set_level(logging.DEBUG, logger=name)
    settings = replace(PATIENCE, proxy="http://me:hidden-pw@127.0.0.1:9")

    async def run() -> None:
        async with SlackClient(SlackSettings(token=TOKEN, base_url="http://127.0.0.1:1/api", wire=settings)) as client:
            await client.post("#a", {"text": "numbers nobody may read"})

    with pytest.raises(DeliveryDelayed) as caught:
        asyncio.run(run())
    everything = f"{caplog.text} {caught.value!r}"
    for secret in (TOKEN, "hidden-pw", "numbers nobody"):
        assert secret not in everything


def test_a_proxy_or_bundle_that_cannot_be_is_a_setting_at_fault(tmp_path: Path) -> None:
    for wire in (replace(PATIENCE, proxy="socks5://h:1"), replace(PATIENCE, ca_bundle=str(tmp_path / "none.pem"))):
        with pytest.raises(SettingsError):
            asyncio.run(_opened(SlackSettings(token=TOKEN, wire=wire)))


async def _opened(settings: SlackSettings) -> None:
    async with SlackClient(settings):
        pass
