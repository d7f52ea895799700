"""The two lanes of sending, one a channel: what differs is the pace; the order is the same."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

from daybreak.delivery import carry_opsgenie, carry_slack
from daybreak.delivery.fallback import summarised
from daybreak.delivery.lane import HOUR, Lane, NotNow
from daybreak.delivery.limits import PageCount
from daybreak.delivery.opsgenie import OpsgenieClient
from daybreak.delivery.slack import SlackClient
from daybreak.errors import DeliveryDelayed
from daybreak.sql.database import reading, writing
from daybreak.store import outbox, threads
from daybreak.store.outbox import Channel, Queued


class OpsgenieLane(Lane):
    channel: Channel = "opsgenie"

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.parallel = self.limits.parallel
        self._client: OpsgenieClient
        self._pages = PageCount(self.limits.pages_an_hour)

    async def _with_client(self) -> None:
        assert self.channels.opsgenie is not None
        async with OpsgenieClient(self.channels.opsgenie) as client:
            self._client = client
            await self._drain()

    def _prepare(self) -> None:
        with reading(self.engine) as conn:
            self._pages.counts = dict(outbox.pages_since(conn, self.clock() - HOUR))

    async def _deliver(self, row: Queued) -> None:
        aliases: tuple[str, ...] = ()
        d = row.delivery
        if d.operation == "close":
            with reading(self.engine) as conn:
                aliases = outbox.opened_aliases(conn, d.dedup_key)
        if d.kind == "page" and d.operation in ("create", "step") and ":storm:" not in d.dedup_key:
            full = self._pages.take(d.to)
            if full:
                payload, rows = summarised(row, full, self.limits.pages_an_hour, self.clock())
                self._queue(rows)
                row = replace(row, delivery=replace(d, payload=payload))
        self._sent(row, await carry_opsgenie.carry(self._client, row, aliases))

    def _superseded(self, row: Queued) -> bool:
        """What has ended before it could be told wakes nobody; what was never tried yet is told all the same. And what
        looks after an end does not close what began anew since, as a scheduler that goes down twice in an hour."""
        if row.delivery.operation == outbox.RECHECK:
            with reading(self.engine) as conn:
                again = outbox.opened_again(conn, row)
            return again and self._supersede(row, "opened anew since")
        if not row.attempts or row.delivery.operation not in ("create", "step", "note", "refresh"):
            return False
        with reading(self.engine) as conn:
            ended = any(later.delivery.operation == "close" for later in outbox.following(conn, row))
        return ended and self._supersede(row, "ended before it could be told")


class SlackLane(Lane):
    channel: Channel = "slack"

    def __init__(self, *args: Any) -> None:
        *common, sleep = args
        super().__init__(*common)
        self.parallel = self.limits.batch
        self._sleep: Callable[[float], Awaitable[None]] = sleep
        self._client: SlackClient
        self._locks: dict[str, asyncio.Lock] = {}
        self._ends = 0.0

    async def _with_client(self) -> None:
        assert self.channels.slack is not None
        self._ends = asyncio.get_running_loop().time() + self.limits.slack_budget
        async with SlackClient(self.channels.slack, self.channels.channel_ids) as client:
            self._client = client
            await self._drain()

    async def _deliver(self, row: Queued) -> None:
        d = row.delivery
        meant = str(d.payload["channel"])
        lock = self._locks.setdefault(meant, asyncio.Lock())
        async with lock:  # one message a channel at a time, in the order of urgency
            with reading(self.engine) as conn:
                thread = threads.get_thread(conn, d.dedup_key, meant)
            try:
                carried = await carry_slack.carry(self._client, row, thread, self._slot)
            finally:
                self.channels.pace.same(meant, self.channels.channel_ids.get(meant))
            if carried.thread is not None:
                with writing(self.engine) as conn:
                    threads.put_thread(conn, carried.thread, self.clock())
            self._sent(row, carried.ts)

    async def _slot(self, channel: str) -> None:
        """Wait for the channel's next turn.

        :raises NotNow: it is beyond what this call may spend; the row stays as it is.
        """
        pace, loop = self.channels.pace, asyncio.get_running_loop()
        channel = self.channels.channel_ids.get(channel, channel)
        wait = pace.wait(channel, loop.time())
        if wait and loop.time() + wait > self._ends:
            raise NotNow
        pace.take(channel, loop.time())
        if wait:
            await self._sleep(wait)

    def _delayed(self, row: Queued, error: DeliveryDelayed) -> None:
        if error.retry_after is None:
            super()._delayed(row, error)
            return
        # Slack's limit is the channel's: the others go on.
        meant = str(row.delivery.payload["channel"])
        at = asyncio.get_running_loop().time()
        self.channels.pace.hold(self.channels.channel_ids.get(meant, meant), at, error.retry_after)
        self._retry(row, str(error), timedelta(seconds=error.retry_after))

    def _superseded(self, row: Queued) -> bool:
        """Of several ways in which a parent is to be rewritten only the last counts."""
        if row.delivery.operation != "rewrite":
            return False
        meant = row.delivery.payload["channel"]
        with reading(self.engine) as conn:
            later = outbox.following(conn, row)
        newer = any(
            each.delivery.operation in ("rewrite", "parent") and each.delivery.payload.get("channel") == meant
            for each in later
        )
        return newer and self._supersede(row, "rewritten again since")
