"""``UpstreamReadyTrigger``: the wait of an :class:`~daybreak.surfaces.sensors.UpstreamReadySensor`, in the triggerer.

Triggers of one process that wait for the same thing share one poll: a hundred waiting sensors ask as often as one.
All state is in the arguments, so a triggerer that starts again (or another one) goes on where it was.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

from airflow.triggers.base import BaseTrigger, TriggerEvent

log = logging.getLogger(__name__)

TELL_EVERY = 600.0  # seconds between two lines of the wait in the task's log
_FAILURES = 10  # polls in a row that may fail before the task is woken to say so

Answer = int | bool


class UpstreamReadyTrigger(BaseTrigger):
    """Fires ``{"status": "changed" | "ready" | "late" | "error"}``.

    :param kind: ``dag``, ``sql`` or ``object``; ``value``, ``of_task``, ``conn`` as in the registry's ``ready_when``
    :param successes: how many successes the dag had when the task looked last: any other number wakes the task
    :param give_up_at: ISO instant at which the sensor's ``on_late`` counts; None to wait on
    """

    def __init__(
        self,
        *,
        name: str,
        kind: str,
        value: str,
        of_task: str | None = None,
        conn: str | None = None,
        business_date: str,
        expected_at: str | None = None,
        successes: int | None = None,
        poll_interval: float = 30.0,
        give_up_at: str | None = None,
    ) -> None:
        super().__init__()
        self.name = name
        self.kind = kind
        self.value = value
        self.of_task = of_task
        self.conn = conn
        self.business_date = business_date
        self.expected_at = expected_at
        self.successes = successes
        self.poll_interval = poll_interval
        self.give_up_at = give_up_at

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Where this class is, and the arguments that make an equal one."""
        names = ("name", "kind", "value", "of_task", "conn", "business_date", "expected_at", "successes")
        kept = {name: getattr(self, name) for name in (*names, "poll_interval", "give_up_at")}
        return "daybreak.surfaces.triggers.UpstreamReadyTrigger", kept

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Yields once."""
        poll = SharedPoll.of((self.kind, self.value, self.of_task, self.conn), self._ask, self.poll_interval)
        give_up_at = datetime.fromisoformat(self.give_up_at) if self.give_up_at else None
        failures, said = 0, float("-inf")
        clock = asyncio.get_running_loop().time
        async with poll:
            while True:
                if give_up_at is not None and datetime.now(UTC) >= give_up_at:
                    yield TriggerEvent({"status": "late"})
                    return
                try:
                    answer = await poll.next_answer(until=give_up_at)
                    failures = 0
                except PollFailed as error:
                    failures += 1
                    self.log.warning("could not look for %s (%d in a row): %s", self.name, failures, error)
                    if failures >= _FAILURES:
                        yield TriggerEvent({"status": "error", "message": str(error)})
                        return
                    continue
                if answer is not None and (status := self._status(answer)):
                    yield TriggerEvent({"status": status})
                    return
                if clock() - said >= TELL_EVERY:
                    said = clock()
                    self._tell(datetime.now(UTC))

    def _status(self, answer: Answer) -> str | None:
        if self.kind == "dag":
            return "changed" if answer != self.successes else None
        return "ready" if answer else None

    def _tell(self, now: datetime) -> None:
        expected = datetime.fromisoformat(self.expected_at) if self.expected_at else None
        if expected is None or now < expected:
            self.log.info("%s of %s is not there yet", self.name, self.business_date)
        else:
            self.log.info("%s of %s is late since %s", self.name, self.business_date, expected.isoformat())

    async def _ask(self) -> Answer:
        if self.kind == "dag":
            return await _count(self.value, self.of_task)
        from daybreak.surfaces.wait import look_object, look_sql

        look: Callable[[str, str | None], bool] = look_sql if self.kind == "sql" else look_object
        return await asyncio.to_thread(look, self.value, self.conn)


class PollFailed(Exception):
    """A poll raised; the text is what it raised."""


class SharedPoll:
    """One poll for all who wait for the same thing in this process. Begins with the first, ends with the last."""

    _running: dict[Any, SharedPoll] = {}  # noqa: RUF012 - shared on purpose; keyed by event loop too

    def __init__(self, key: Any, ask: Callable[[], Awaitable[Answer]], interval: float) -> None:
        self._key = key
        self._ask = ask
        self._interval = interval
        self._waiting = 0
        self._task: asyncio.Task[None] | None = None
        self._answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()

    @classmethod
    def of(cls, what: Any, ask: Callable[[], Awaitable[Answer]], interval: float) -> SharedPoll:
        """The poll for ``what`` that runs already, at the shorter of the intervals, else a new one."""
        key = (id(asyncio.get_running_loop()), what)
        poll = cls._running.get(key)
        if poll is None:
            poll = cls._running[key] = cls(key, ask, interval)
        poll._interval = min(poll._interval, interval)
        return poll

    async def __aenter__(self) -> SharedPoll:
        self._waiting += 1
        if self._task is None:
            self._running[self._key] = self
            self._task = asyncio.create_task(self._poll(), name="daybreak-upstream-poll")
        return self

    async def __aexit__(self, *_: object) -> None:
        self._waiting -= 1
        if self._waiting == 0 and self._task is not None:
            self._running.pop(self._key, None)
            self._task.cancel()
            self._task = None

    async def next_answer(self, *, until: datetime | None = None) -> Answer | None:
        """The next poll's answer; None if ``until`` comes first. Raises PollFailed if the poll did."""
        timeout = None if until is None else max(0.0, (until - datetime.now(UTC)).total_seconds())
        done, _ = await asyncio.wait({self._answer}, timeout=timeout)
        return done.pop().result() if done else None

    async def _poll(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            current = self._answer
            try:
                result = await self._ask()
            except Exception as error:  # noqa: BLE001 - told to those who wait; one of them logs it
                self._answer = loop.create_future()
                current.set_exception(PollFailed(f"{type(error).__name__}: {error}"))
                current.exception()  # looked at, so that nobody waiting is no warning
            else:
                self._answer = loop.create_future()
                current.set_result(result)
            await asyncio.sleep(self._interval)


async def _count(dag_id: str, task: str | None) -> int:
    """Successes of a dag, or of one task of it, in all: one count in Airflow's API."""
    from airflow.sdk.execution_time.comms import GetDRCount, GetTICount
    from airflow.sdk.execution_time.task_runner import SUPERVISOR_COMMS

    if task is not None:
        message: Any = GetTICount(dag_id=dag_id, task_ids=[task], states=["success"])
    else:
        message = GetDRCount(dag_id=dag_id, states=["success"])
    answer = await SUPERVISOR_COMMS.asend(message)
    if not hasattr(answer, "count"):
        raise RuntimeError(f"Airflow did not count the successes of {dag_id}: {answer}")
    return int(answer.count)
