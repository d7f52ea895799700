"""The channels as the monitor uses them: settings looked up when they are needed, each channel at its own pace."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from daybreak.airflow_io.connections import paging_settings, slack_settings
from daybreak.delivery.channels import Channels
from daybreak.delivery.opsgenie import OpsgenieClient
from daybreak.delivery.sender import send_due
from daybreak.domain.registry import Paging, Registry
from daybreak.errors import DeliveryError, LeaseLost, SettingsError, StoreError
from daybreak.monitor.lease import steady
from daybreak.sql.database import one_line, writing
from daybreak.store import outbox
from daybreak.store.outbox import Channel, Delivery

log = logging.getLogger(__name__)

AGAIN = 30.0  # seconds after which an unusable connection is looked up again
_LONGEST = 5.0
_LOCKED = 0.25
_SET_BACK = 1.0  # seconds by which a clock may wander by itself between two looks
_AFTER_YOU = 2.0  # seconds that whoever holds the lease has to page before one who acts without it does
_HURRY = 8.0  # seconds for the pages that do not wait for the store


class Sending:
    """One monitor's way to Opsgenie and Slack. Used in one event loop."""

    def __init__(self, store: Engine) -> None:
        self._store = store
        self._channels: Channels | None = None
        self._of: tuple[Paging, str] | None = None
        self._looked = 0.0
        self._ahead: dict[Channel, float] = {}  # seconds by which the wall clock is ahead of the steady one

    async def send(
        self, registry: Registry, clock: Callable[[], datetime], check: Callable[[], None], only: Channel
    ) -> float:
        """Send what may be sent on one channel. → seconds until it is worth calling again.

        Raises LeaseLost.
        """
        channels = await self.channels(registry)
        try:
            await asyncio.to_thread(self._mind_the_clock, channels, clock(), only)
            report = await send_due(self._store, channels, clock, lease_check=check, only=only)
        except LeaseLost:
            raise
        except (SQLAlchemyError, StoreError) as error:
            log.warning("the outbox cannot be used now: %s", one_line(error))
            return _LOCKED
        if report.sent or report.failed or report.retried:
            log.info("sent: channel=%s sent=%d retried=%d failed=%d", only, report.sent, report.retried, report.failed)
        for line in report.errors:
            log.warning("delivery: channel=%s %s", only, line)
        if report.next_at is None:
            return _LONGEST
        return min(max((report.next_at - clock()).total_seconds(), _LOCKED), _LONGEST)

    async def at_once(self, registry: Registry, rows: Iterable[Delivery], *, after_you: bool) -> list[Delivery]:
        """Send pages that could not be recorded, the most urgent first. → those that were taken.

        :param after_you: another monitor may hold the lease and send the same: let it, and look whether it did
        """
        taken: list[Delivery] = []
        if after_you:
            await asyncio.sleep(_AFTER_YOU)
        try:
            async with self.opsgenie(registry) as client, asyncio.timeout(_HURRY):
                for row in rows:
                    try:
                        if not (after_you and await self._there(client, row)):
                            await self._page(client, row)
                    except DeliveryError as error:
                        log.error("not sent: dedup_key=%s %s", row.dedup_key, error)
                    else:
                        log.warning("sent before it was recorded: dedup_key=%s", row.dedup_key)
                        taken.append(row)
        except (SettingsError, TimeoutError) as error:
            log.error("pages that could not be recorded were not sent either: %s", error or "no answer")
        return taken

    def _mind_the_clock(self, channels: Channels, now: datetime, channel: Channel) -> None:
        """Retries wait until a date: with a clock that is set back, a page would wait for as much longer."""
        ahead = now.timestamp() - steady()
        known = self._ahead.get(channel)
        if known is None or ahead < known - _SET_BACK:
            # What another process left may have been dated by a clock that was set back since: it shows in the date.
            seconds = 1.25 * channels.limits.longest_wait if known is None else 0.0
            with writing(self._store) as connection:
                freed = outbox.clock_set_back(connection, channel, now, timedelta(seconds=seconds))
            if known is not None or freed:
                log.warning("the clock was set back: channel=%s rows that need not wait for it: %d", channel, freed)
        self._ahead[channel] = ahead

    @asynccontextmanager
    async def opsgenie(self, registry: Registry) -> AsyncIterator[OpsgenieClient]:
        """An open client. Raises SettingsError without a usable connection."""
        channels = await self.channels(registry)
        if channels.opsgenie is None:
            raise SettingsError(channels.problem("opsgenie"))
        async with OpsgenieClient(channels.opsgenie) as client:
            yield client

    async def channels(self, registry: Registry) -> Channels:
        """The channels of ``registry``; what is wrong with a connection is in them, and looked at again later."""
        wanted = (registry.paging, registry.slack_connection)
        known = self._channels
        if known is not None and self._of == wanted and (not known.problems or steady() - self._looked < AGAIN):
            return known
        made = await asyncio.to_thread(_look_up, registry)
        self._looked = steady()
        for channel, problem in made.problems.items():
            log.error("channel %s cannot be used: %s", channel, problem)
        if known is not None and self._of == wanted and made.problems == known.problems:
            return known  # as before: what it learned of the other channel stays
        self._channels, self._of = made, wanted
        return made

    @staticmethod
    async def _there(client: OpsgenieClient, row: Delivery) -> bool:
        """Whether the alert of a first page is open already. A service that cannot tell is paged."""
        if row.operation != "create" or not (client.full or client.settings.jsm is not None):
            return False
        try:
            state = await client.get(str(row.payload["body"]["alias"]))
        except DeliveryError:
            return False
        return state is not None and state.open

    @staticmethod
    async def _page(client: OpsgenieClient, row: Delivery) -> None:
        body = row.payload["body"]
        await client.create(body)
        if row.operation == "step" and client.full:
            for responder in body.get("responders", ()):
                await client.add_responder(str(row.payload["alias"]), responder)


def _look_up(registry: Registry) -> Channels:
    problems: dict[Channel, str] = {}
    opsgenie = slack = None
    try:
        opsgenie = paging_settings(registry.paging)
    except SettingsError as error:
        problems["opsgenie"] = str(error)
    try:
        slack = slack_settings(registry.slack_connection)
    except SettingsError as error:
        problems["slack"] = str(error)
    return Channels(opsgenie, slack, problems=problems)
