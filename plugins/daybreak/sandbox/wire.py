"""ASGI's messages: reading a request's body, sending an answer."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import suppress
from typing import Any

from daybreak.sandbox.answers import Answer, Raw

BODY_LIMIT = 4 * 1024 * 1024
HANG_LIMIT = 3600.0

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


async def read(receive: Receive) -> bytes | None:
    """The whole body; None if it is larger than anything that a pager sends."""
    parts, size, more = [], 0, True
    while more:
        message = await receive()
        if message["type"] != "http.request":
            break
        size += len(message.get("body", b""))
        if size <= BODY_LIMIT:
            parts.append(message.get("body", b""))
        more = message.get("more_body", False)
    return b"".join(parts) if size <= BODY_LIMIT else None


async def until_gone(receive: Receive, closing: asyncio.Event) -> None:
    """Wait until the client gives up, or the server ends."""
    waits = {asyncio.ensure_future(_disconnected(receive)), asyncio.ensure_future(closing.wait())}
    _, left = await asyncio.wait(waits, timeout=HANG_LIMIT, return_when=asyncio.FIRST_COMPLETED)
    for wait in left:
        wait.cancel()


async def gone(receive: Receive) -> None:
    """Wait for the news that a connection just reset has ended; returning earlier looks like a forgotten answer."""
    with suppress(TimeoutError):
        await asyncio.wait_for(_disconnected(receive), 1)


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def pause(seconds: float, closing: asyncio.Event) -> None:
    """Sleep, but not on into the server's end."""
    with suppress(TimeoutError):
        await asyncio.wait_for(closing.wait(), seconds)


async def send_answer(send: Send, answer: Answer | Raw) -> None:
    if isinstance(answer, Raw):
        body, headers = answer.body, answer.headers
    elif answer.body is None:
        body, headers = b"", dict(answer.headers)
    else:
        body = json.dumps(answer.body).encode()
        headers = {
            "x-content-type-options": "nosniff",
            "content-type": "application/json; charset=utf-8",
            **answer.headers,
        }
    if answer.status not in (204, 304):
        headers = {**headers, "content-length": str(len(body))}
    raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": answer.status, "headers": raw})
    await send({"type": "http.response.body", "body": body})
