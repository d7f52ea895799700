"""The sandbox as an ASGI application: reads a request, lets it meet its fault, hands it to its service, records it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import datetime
from urllib.parse import parse_qsl, urlencode

from daybreak.sandbox import routing, wire
from daybreak.sandbox.answers import Answer, Raw, Refused, SlackRefused
from daybreak.sandbox.control import Control
from daybreak.sandbox.faults import Fault
from daybreak.sandbox.jsm import JsmOps
from daybreak.sandbox.opsgenie import Opsgenie
from daybreak.sandbox.page import Page
from daybreak.sandbox.records import BODY_KEPT, Request
from daybreak.sandbox.routing import Call
from daybreak.sandbox.slack import Slack
from daybreak.sandbox.trouble import faulty_answer, refusal, slack_error
from daybreak.sandbox.wire import Message, Receive, Send
from daybreak.sandbox.world import World

SWEEP_SECONDS = 0.5
OUTAGE_PAGE = b"<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>"

Reset = Callable[[tuple[str, int]], None]


class SandboxApp:
    """``reset`` ends a client's connection without an answer; ``closing``, once set, lets go of requests that wait."""

    def __init__(self, world: World, reset: Reset) -> None:
        self.world = world
        self._reset = reset
        self.closing = asyncio.Event()
        self._services: dict[str, Callable[[Call], Answer]] = {
            "opsgenie": Opsgenie(world).handle,
            "slack": Slack(world).handle,
            "control": Control(world).handle,
        }
        self._jsm_events = Opsgenie(world, via="jsm").handle
        self._jsm_ops = JsmOps(world).handle
        self._page = Page()

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        elif scope["type"] == "http":
            await self._http(scope, receive, send)

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        sweeper = asyncio.create_task(self._sweep())
        await send({"type": "lifespan.startup.complete"})
        await receive()
        sweeper.cancel()
        await send({"type": "lifespan.shutdown.complete"})

    async def _sweep(self) -> None:
        """Let heartbeats expire."""
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            world = self.world
            if world.heartbeats.sweep(world.book, world.now(), world.options.minute):
                world.changed()

    async def _http(self, scope: Message, receive: Receive, send: Send) -> None:
        received_at, started = self.world.now(), time.perf_counter()
        body = await wire.read(receive)
        raw_path: bytes = scope.get("raw_path") or scope["path"].encode()
        segments = routing.split_path(raw_path)
        path = raw_path.split(b"?")[0].decode("latin-1")
        call = Call(
            method=scope["method"],
            path=path,
            segments=segments or (),
            query=routing.query(scope["query_string"]),
            headers={name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]},
            body=body or b"",
            args={},
        )
        service = _service(call)
        if service == "page":
            await wire.send_answer(send, self._page.serve(call))
            return
        if service == "control":
            await wire.send_answer(send, self._answer(service, call, None))
            return
        number = self.world.records.next_number()
        fault = self.world.faults.take(service, path, call.body)
        no = None
        if segments is None:
            no = Refused(404, "Requested resource could not be found", rule="double_slash")
        elif body is None:
            no = Refused(413, "Request body is too large", rule="too_large")
        try:
            answer = await self._meet(fault, service, call, no, receive)
        finally:
            self.world.changed()
        self._record(number, received_at, started, service, call, fault, answer)
        if answer is None:
            self._reset(scope["client"])
            await wire.gone(receive)
        else:
            await wire.send_answer(send, answer)

    async def _meet(
        self, fault: Fault | None, service: str, call: Call, given: Refused | None, receive: Receive
    ) -> Answer | Raw | None:
        """The answer that the request gets; None: the connection is reset."""
        mode = fault.mode if fault else ""
        if fault is None or mode == "slow":
            if fault is not None:
                await wire.pause(fault.delay, self.closing)
            return self._answer(service, call, given)
        if mode == "hang":
            await wire.until_gone(receive, self.closing)
            return None
        if mode == "refuse":
            return None
        if mode in ("reset", "empty"):
            answer = self._answer(service, call, given)
            return None if mode == "reset" else Raw(status=answer.status, body=b"", headers={})
        if mode == "html":
            return Raw(status=fault.status or 502, body=OUTAGE_PAGE, headers={"content-type": "text/html"})
        return faulty_answer(fault, service)

    def _answer(self, service: str, call: Call, given: Refused | None) -> Answer:
        try:
            if given is not None:
                raise given
            if service == "jsm":
                ops = call.segments[:3] == ("jsm", "ops", "api")
                return (self._jsm_ops if ops else self._jsm_events)(call)
            return self._services[service](call)
        except SlackRefused as no:
            if no.rule:
                self._violated(service, call, no.rule, "; ".join(no.messages) or no.error)
            return slack_error(no)
        except Refused as no:
            if no.rule and service != "control":
                detail = "; ".join(f"{name}: {text}" for name, text in no.errors.items()) or no.message
                self._violated(service, call, no.rule, detail)
            return refusal(no, service)

    def _violated(self, service: str, call: Call, rule: str, detail: str) -> None:
        self.world.violated(service, call.method, call.path, rule, detail[:1000])

    def _record(
        self, number: int, received_at: datetime, started: float, service: str, call: Call, fault: Fault | None,
        answer: Answer | Raw | None,
    ) -> None:  # fmt: skip
        ms = round((time.perf_counter() - started) * 1000, 2)
        self.world.records.add(
            Request(
                number=number,
                received_at=received_at,
                service=service,
                method=call.method,
                path=call.path,
                status=answer.status if answer else None,
                ms=ms,
                fault=fault.mode if fault else None,
                auth="given" if "authorization" in call.headers else "none",
                body=_redacted(call),
            )
        )


def _service(call: Call) -> str:
    first = call.segments[0] if call.segments else ""
    if call.path == "/" or call.segments[:2] == ("sandbox", "static") or call.path == "/favicon.ico":
        return "page"
    return {"api": "slack", "jsm": "jsm", "sandbox": "control"}.get(first, "opsgenie")


def _redacted(call: Call) -> str:
    """The beginning of the body, without the token that Slack's forms may hold."""
    text = call.body.decode("utf-8", "replace")
    if "token" in text and call.headers.get("content-type", "").startswith("application/x-www-form"):
        text = urlencode([(name, "***" if name == "token" else value) for name, value in parse_qsl(text)])
    elif '"token"' in text:
        text = "(a body with a token in it)"
    return text[:BODY_KEPT]
