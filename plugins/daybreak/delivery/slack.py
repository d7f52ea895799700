"""Slack's Web API as far as Daybreak speaks it: six methods, called through slack_sdk, and what their answers mean."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from daybreak.config.channels import SlackSettings
from daybreak.delivery.slack_wire import open_sdk, speak
from daybreak.delivery.wire import retry_after
from daybreak.errors import DeliveryDelayed, DeliveryRefused

if TYPE_CHECKING:
    from slack_sdk.web.async_client import AsyncWebClient

LATER = frozenset(
    {"ratelimited", "rate_limited", "internal_error", "fatal_error", "service_unavailable", "request_timeout"}
)
METADATA_EVENT = "daybreak_delivery"
HISTORY_PAGES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Posted:
    """Where a message is: the channel's id, and the timestamp that names it there."""

    channel_id: str
    ts: str


class SlackRefusal(DeliveryRefused):
    """Slack said ``ok: false``. ``error`` is its word for why."""

    def __init__(self, method: str, error: str, more: str = "") -> None:
        super().__init__(f"{method}: {error}{more}")
        self.error = error


class SlackClient:
    """An asynchronous client; to be used in one event loop, as ``async with SlackClient(settings) as client``.

    Every method raises SlackRefusal (a DeliveryRefused), DeliveryRefused or DeliveryDelayed, and nothing else.
    """

    def __init__(self, settings: SlackSettings, channel_ids: dict[str, str] | None = None) -> None:
        """:param channel_ids: name → id as found so far; kept up to date."""
        self.settings = settings
        self._client: AsyncWebClient | None = None
        self._stack = AsyncExitStack()
        self._channel_ids = {} if channel_ids is None else channel_ids

    async def __aenter__(self) -> Self:
        self._client = await self._stack.enter_async_context(open_sdk(self.settings))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    async def post(
        self, channel: str, message: Mapping[str, Any], *, key: str | None = None, thread_ts: str | None = None
    ) -> Posted:
        """Post ``message`` (``text``, ``blocks``, ``attachments``) in a channel or below ``thread_ts``.

        :param key: kept in the message's metadata, so that :meth:`find` finds it after a lost answer.
        """
        body = {"channel": channel, **message, "unfurl_links": False, "unfurl_media": False}
        if thread_ts:
            body["thread_ts"] = thread_ts
        if key:
            body["metadata"] = {"event_type": METADATA_EVENT, "event_payload": {"key": key}}
        answer = await self.call("chat.postMessage", body)
        posted = Posted(channel_id=str(answer.get("channel") or channel), ts=str(answer.get("ts") or ""))
        if not posted.ts:
            raise DeliveryDelayed("chat.postMessage: the answer names no message")
        self._channel_ids[channel] = posted.channel_id
        return posted

    async def update(self, posted: Posted, message: Mapping[str, Any]) -> None:
        await self.call("chat.update", {"channel": posted.channel_id, "ts": posted.ts, **message})

    async def find(self, channel: str, key: str, *, oldest: float, thread_ts: str | None = None) -> Posted | None:
        """The message of that ``key`` in the channel's (thread's) history since ``oldest`` (Unix time).

        None if it is not there, or if the token may not read the history.
        """
        try:
            channel_id = await self.channel_id(channel)
            if channel_id is None:
                return None
            query: dict[str, Any] = {
                "channel": channel_id, "oldest": f"{oldest:.6f}", "limit": 200, "include_all_metadata": True,
            }  # fmt: skip
            method = "conversations.replies" if thread_ts else "conversations.history"
            if thread_ts:
                query["ts"] = thread_ts
            for _ in range(HISTORY_PAGES):
                answer = await self.call(method, query, form=True)
                for message in answer.get("messages") or ():
                    metadata = message.get("metadata") or {}
                    if (metadata.get("event_payload") or {}).get("key") == key:
                        return Posted(channel_id=channel_id, ts=str(message["ts"]))
                query["cursor"] = (answer.get("response_metadata") or {}).get("next_cursor") or ""
                if not query["cursor"]:
                    break
        except SlackRefusal as error:
            if error.error in ("missing_scope", "not_in_channel", "channel_not_found", "thread_not_found"):
                return None
            raise
        return None

    async def channel_id(self, channel: str) -> str | None:
        """The id of a channel named ``#name``; None if the token sees no such channel."""
        if not channel.startswith("#"):
            return channel
        if channel not in self._channel_ids:
            found = await self.channel(channel)
            if found is None:
                return None
            self._channel_ids[channel] = str(found["id"])
        return self._channel_ids[channel]

    async def channel(self, channel: str) -> Mapping[str, Any] | None:
        """What Slack knows of a channel (``id``, ``name``, ``is_member``, ``is_archived``); None if unseen."""
        if not channel.startswith("#"):
            try:
                found: Mapping[str, Any] = (await self.call("conversations.info", {"channel": channel}, form=True)).get(
                    "channel", {}
                )
            except SlackRefusal as error:
                if error.error == "channel_not_found":
                    return None
                raise
            return found
        query: dict[str, Any] = {"limit": 1000, "types": "public_channel,private_channel"}
        while True:
            answer = await self.call("conversations.list", query, form=True)
            for row in answer.get("channels") or ():
                if row.get("name") == channel.removeprefix("#"):
                    return dict(row)
            query["cursor"] = (answer.get("response_metadata") or {}).get("next_cursor") or ""
            if not query["cursor"]:
                return None

    async def call(self, method: str, fields: Mapping[str, Any], *, form: bool = False) -> Mapping[str, Any]:
        """One method; the result is Slack's answer with ``ok: true``.

        :param form: send the fields in the query, which reading methods insist on.
        """
        if self._client is None:
            raise DeliveryDelayed("the client is not open: use it as `async with SlackClient(...)`")
        spoken = await speak(self._client, method, fields, form=form)
        answer = spoken.body
        if answer.get("ok") is True:
            return answer
        error = str(answer.get("error") or "unknown_error")
        more = answer.get("response_metadata") or {}
        said = "; ".join(str(each) for each in (more.get("messages") or ())[:3]) if isinstance(more, Mapping) else ""
        if error in LATER:
            raise DeliveryDelayed(f"{method}: {error}", retry_after=retry_after(spoken.headers))
        raise SlackRefusal(method, error, f" ({said[:300]})" if said else "")
