"""The monitor at work: it holds the lease, ticks when something matters, sends, and keeps the heartbeat.

Four things go on beside each other, so that none waits for another: a channel that hangs does not stop judging, and a
slow tick does not lose the lease. Database work happens in threads; the event loop is this monitor's own.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

from daybreak.errors import DaybreakError, LeaseLost, RegistryError, SettingsError, StoreError
from daybreak.monitor.acknowledged import Acknowledgements
from daybreak.monitor.engine import Engine, Tick
from daybreak.monitor.handoff import Handoffs
from daybreak.monitor.heartbeat import Heartbeat
from daybreak.monitor.lease import steady
from daybreak.monitor.probes import Probes
from daybreak.monitor.sending import Sending
from daybreak.store.lease import TTL
from daybreak.store.outbox import Channel

log = logging.getLogger(__name__)

LONGEST_SLEEP = 10.0  # seconds between two ticks of a quiet monitor
SHORTEST_SLEEP = 0.05
_SHARE = 20.0  # a tick takes at most this fraction's inverse of the time: small deployments look more often
_RENEW = 3.0  # seconds between two renewals of the lease
_WAITING = 1.0  # seconds between two looks at another's lease
_TROUBLE = 2.0  # seconds to the next try after something unexpected


def utc_now() -> datetime:
    """The wall clock."""
    return datetime.now(UTC)


class Monitor:
    """One monitor. :param clock: the wall clock, by which deadlines are judged; waiting goes by a steady one."""

    def __init__(
        self,
        engine: Engine,
        sending: Sending,
        *,
        heartbeat: Heartbeat,
        acknowledgements: Acknowledgements,
        handoffs: Handoffs,
        probes: Probes,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._engine = engine
        self._lease = engine.lease
        self._sending = sending
        self._heartbeat = heartbeat
        self._acknowledgements = acknowledgements
        self._handoffs = handoffs
        self._probes = probes
        self._clock = clock
        self._acting = asyncio.Event()
        self._stop = asyncio.Event()
        self._pages = asyncio.Event()
        self._messages = asyncio.Event()
        self._last: Tick | None = None
        self._last_judged: float | None = None  # steady
        self._store_seen = steady()

    async def run(self, stop: asyncio.Event) -> None:
        """Work until ``stop`` is set; then end the tick at hand and give the lease up."""
        self._stop = stop
        duties: tuple[Callable[[], Awaitable[None]], ...] = (
            self._hold_lease,
            self._judge,
            self._send_pages,
            self._send_messages,
            self._beat,
            self._probe,
        )
        tasks = [asyncio.create_task(_kept_up(duty, stop), name=f"daybreak{duty.__name__}") for duty in duties]
        try:
            await stop.wait()
        finally:
            self._acting.set()  # whoever waits for its turn may see that there is none
            self._queued()
            await asyncio.wait(tasks, timeout=4.0)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await asyncio.to_thread(self._lease.release)

    async def _hold_lease(self) -> None:
        while not self._stop.is_set():
            try:
                ours = await asyncio.to_thread(self._lease.take)
            except LeaseLost:
                self._stand_back("another monitor took the lease")
                ours = False
            except StoreError as error:
                # While nobody can reach the store nobody can take the lease either: whoever held it goes on.
                alone = steady() - self._store_seen > TTL.total_seconds()
                if alone and not self._acting.is_set():
                    log.error("no store for %s: acting without it, pages alone: %s", TTL, error)
                    unwatched = timedelta(seconds=steady() - self._store_seen) + TTL
                    self._engine.alone(since=self._clock() - unwatched)
                    self._acting.set()
                ours = self._acting.is_set()
            else:
                self._store_seen = steady()
                if ours and not self._acting.is_set():
                    log.info("this monitor acts now: holder=%s token=%s", self._lease.holder, self._lease.token)
                    self._acting.set()
                elif not ours and self._acting.is_set():
                    self._stand_back("another monitor holds the lease")
            await self._sleep(_RENEW if ours else _WAITING)

    async def _judge(self) -> None:
        while not self._stop.is_set():
            await self._acting.wait()
            if self._stop.is_set():
                return
            pause = _TROUBLE
            try:
                await self._acknowledgements.look_before(self._last, self._clock())
                now = self._clock()
                tick = await asyncio.to_thread(self._engine.tick, now)
                await self._after(tick)
                pause = self._pause(tick)
            except LeaseLost:
                self._stand_back("another monitor acts")
                continue
            except RegistryError as error:
                log.error("nothing can be watched: %s", error)
                pause = LONGEST_SLEEP
            except StoreError as error:
                log.warning("%s", error)
            await self._sleep(pause)

    async def _after(self, tick: Tick) -> None:
        self._last = tick
        if tick.judged:
            self._last_judged = steady()
        if tick.queued:
            log.info("tick: queued=%d seconds=%.3f", tick.queued, tick.seconds)
            self._queued()
        if tick.unrecorded:
            for sent in await self._sending.at_once(tick.registry, tick.unrecorded, after_you=not self._lease.held):
                self._engine.was_sent(sent)
        elif self._lease.held and await asyncio.to_thread(self._handoffs.report, tick, self._clock()):
            self._queued()

    def _queued(self) -> None:
        self._pages.set()
        self._messages.set()

    def _pause(self, tick: Tick) -> float:
        """Seconds to the next tick: to the next instant that matters, and never long."""
        until = (tick.wake_at - self._clock()).total_seconds() if tick.wake_at.year < 9999 else LONGEST_SLEEP
        longest = min(max(_SHARE * tick.seconds, 2.0), LONGEST_SLEEP)
        if tick.unrecorded:
            longest = _TROUBLE
        return min(max(until, SHORTEST_SLEEP), longest)

    async def _send_pages(self) -> None:
        await self._send("opsgenie", self._pages)

    async def _send_messages(self) -> None:
        await self._send("slack", self._messages)

    async def _send(self, channel: Channel, queued: asyncio.Event) -> None:
        while not self._stop.is_set():
            await self._acting.wait()
            if self._stop.is_set():
                return
            queued.clear()
            wait = _WAITING
            if self._last is not None and self._lease.held:
                try:
                    wait = await self._sending.send(self._last.registry, self._clock, self._lease.check, channel)
                except LeaseLost as error:
                    # Whether another acts is for _hold_lease to find out. Where it is the store that takes no renewal,
                    # what was sent meanwhile must not be forgotten.
                    log.warning("nothing is sent now: %s", error)
                    wait = _WAITING
                except (StoreError, SettingsError) as error:
                    log.warning("nothing can be sent now: %s", error)
                    wait = _TROUBLE
            await self._either(queued, wait)

    async def _beat(self) -> None:
        while not self._stop.is_set():
            await self._acting.wait()
            if self._stop.is_set():
                return
            if self._last is not None and self._last_judged is not None:
                age = steady() - self._last_judged
                try:
                    await self._heartbeat.beat(self._last.registry, tick_age=age)
                except DaybreakError as error:
                    log.warning("heartbeat: %s", error)
                await self._acknowledgements.look(self._last, self._clock())
            await self._sleep(self._heartbeat.pause())

    async def _probe(self) -> None:
        while not self._stop.is_set():
            await self._acting.wait()
            if self._stop.is_set():
                return
            pause = _TROUBLE
            if self._last is not None:
                await asyncio.to_thread(self._probes.look, self._engine, self._last, self._clock())
                pause = Probes.pause(self._last, self._clock()) if self._last is not None else _TROUBLE
            await self._sleep(pause)

    def _stand_back(self, why: str) -> None:
        if self._acting.is_set() and not self._stop.is_set():
            log.warning("this monitor stands back: %s", why)
            self._acting.clear()
        self._lease.lost()
        self._engine.forget()
        self._last = self._last_judged = None

    async def _sleep(self, seconds: float) -> None:
        await self._either(self._stop, seconds)

    async def _either(self, event: asyncio.Event, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(event.wait(), max(seconds, 0.0))


async def _kept_up(duty: Callable[[], Awaitable[None]], stop: asyncio.Event) -> None:
    """A duty that fails in a way that nobody foresaw is taken up again: the others never notice."""
    while not stop.is_set():
        try:
            await duty()
        except asyncio.CancelledError:
            raise
        except Exception:
            log.exception("the monitor's%s failed; it goes on", duty.__name__.replace("_", " "))
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), timedelta(seconds=_TROUBLE).total_seconds())
