"""One row of the outbox to Slack: the parent of a thread, what is said below it, and where that thread is.

A message that may have been posted although its answer was lost is looked for in the history before it is posted
again: each carries the key of its row in its metadata.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from daybreak.delivery.slack import Posted, SlackClient, SlackRefusal
from daybreak.store.outbox import Queued
from daybreak.store.threads import Thread

NO_CHANNEL = frozenset(
    {"is_archived", "channel_not_found", "not_in_channel", "restricted_action", "channel_is_archived"}
)
NO_MESSAGE = frozenset({"message_not_found", "thread_not_found", "cant_update_message", "edit_window_closed"})
_LOOK_BACK = timedelta(minutes=5)  # clocks differ

Slot = Callable[[str], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Carried:
    """What came of it: the message's name, and the thread to remember (None: as it was)."""

    ts: str | None = None
    thread: Thread | None = None


async def carry(client: SlackClient, row: Queued, thread: Thread | None, slot: Slot) -> Carried:
    """Do what ``row`` asks for.

    :param thread: the thread of the row's dedup key in the row's channel, as recorded.
    :param slot: waits until the channel may get another message.
    :raises DeliveryRefused: for good.
    :raises DeliveryDelayed: for now.
    """
    job = _Job(client=client, row=row, slot=slot)
    payload = row.delivery.payload
    if row.delivery.operation == "reply":
        return await job.reply(thread, payload["message"], broadcast=True)
    if thread is None and payload.get("only_if_there"):
        return Carried()
    if thread is None:
        opened = await job.open()
        if payload.get("reply_if_new") and payload.get("reply"):
            await job.reply(opened, payload["reply"])
        return Carried(ts=opened.ts, thread=opened)
    return await job.go_on(thread)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Job:
    client: SlackClient
    row: Queued
    slot: Slot

    @property
    def payload(self) -> Mapping[str, Any]:
        return self.row.delivery.payload

    async def open(self) -> Thread:
        """Post the parent, in the first of its channels that takes it."""
        channels = [str(self.payload["channel"]), *map(str, self.payload.get("else") or ())]
        for number, channel in enumerate(channels):
            try:
                posted = await self._post(channel, self.payload["message"], "parent")
            except SlackRefusal as error:
                if error.error not in NO_CHANNEL or number == len(channels) - 1:
                    raise
                continue
            return self._thread(posted)
        raise AssertionError("there is always a channel")

    async def go_on(self, thread: Thread) -> Carried:
        """Rewrite the parent and say below it what is new. A parent that somebody deleted is posted anew."""
        at = Posted(channel_id=thread.channel_id, ts=thread.ts)
        try:
            await self.slot(thread.channel_id)
            await self.client.update(at, self.payload["message"])
        except SlackRefusal as error:
            if error.error not in NO_MESSAGE | NO_CHANNEL:
                raise
            if self.row.delivery.operation == "rewrite":
                return Carried()
            if error.error in ("cant_update_message", "edit_window_closed"):
                return await self.reply(thread, self.payload["reply"]) if self.payload.get("reply") else Carried()
            opened = await self.open()
            return Carried(ts=opened.ts, thread=opened)
        if self.payload.get("reply"):
            return await self.reply(thread, self.payload["reply"])
        return Carried(ts=thread.ts)

    async def reply(self, thread: Thread | None, message: Mapping[str, Any], *, broadcast: bool = False) -> Carried:
        """Say ``message`` in the thread, or in the channel where there is no thread."""
        if thread is None:
            posted = await self._post(str(self.payload["channel"]), message, "reply")
            return Carried(ts=posted.ts, thread=self._thread(posted))
        body = {**message, "reply_broadcast": True} if broadcast else message
        posted = await self._post(thread.channel_id, body, "reply", thread_ts=thread.ts)
        return Carried(ts=posted.ts)

    async def _post(
        self, channel: str, message: Mapping[str, Any], what: str, *, thread_ts: str | None = None
    ) -> Posted:
        key = f"{self.row.delivery.key}|{what}"
        if self.row.attempts:
            oldest = (self.row.delivery.created_at - _LOOK_BACK).timestamp()
            if found := await self.client.find(channel, key, oldest=oldest, thread_ts=thread_ts):
                return found
        await self.slot(channel)
        return await self.client.post(channel, message, key=key, thread_ts=thread_ts)

    def _thread(self, posted: Posted) -> Thread:
        """Recorded under the channel that was meant, also where another one took it: replies follow it there."""
        return Thread(
            dedup_key=self.row.delivery.dedup_key,
            channel=str(self.payload["channel"]),
            channel_id=posted.channel_id,
            ts=posted.ts,
        )
