"""One lane of sending: takes due rows in batches, most urgent first, and records what came of each."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

from daybreak.delivery import carry_slack
from daybreak.delivery.channels import Channels
from daybreak.delivery.fallback import next_responder, other_channel
from daybreak.delivery.limits import DOWN, Clock, Gate, backoff
from daybreak.delivery.slack import SlackRefusal
from daybreak.delivery.wire import HttpRefused
from daybreak.errors import DeliveryDelayed, DeliveryRefused, SettingsError
from daybreak.sql.database import reading, writing
from daybreak.store import outbox
from daybreak.store.outbox import Channel, Delivery, Queued

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from daybreak.delivery.sender import SendReport

log = logging.getLogger(__name__)

HOUR = timedelta(hours=1)
KEY_TROUBLE = frozenset({401, 402, 403})
TOKEN_TROUBLE = frozenset(
    {
        "invalid_auth", "not_authed", "account_inactive", "token_expired", "token_revoked", "missing_scope",
        "not_allowed_token_type", "org_login_required", "team_access_not_granted", "ekm_access_denied",
    }
)  # fmt: skip
KEY_WAIT = 20.0  # seconds between two tries with a key that is refused: it may be renewed any time


class NotNow(Exception):
    """This row is not tried in this call: its lane is closed, or its channel's turn comes later."""


class Lane:
    """Takes due rows in batches, most urgent first, and records what came of each."""

    channel: Channel
    parallel = 1

    def __init__(
        self,
        engine: Engine,
        channels: Channels,
        clock: Clock,
        report: SendReport,
        lease_check: Callable[[], None] | None,
    ) -> None:
        self.engine = engine
        self.channels = channels
        self.limits = channels.limits
        self.clock = clock
        self.report = report
        self.lease_check = lease_check or (lambda: None)
        self._skipped: set[int] = set()

    @property
    def gate(self) -> Gate:
        return self.channels.gates[self.channel]

    async def run(self) -> None:
        """Until nothing is due, or the channel cannot take more now."""
        self._fall_back_overdue()
        if not self._due(1):
            return
        if not self.channels.has(self.channel):
            self._no_connection()
            return
        try:
            await self._with_client()
        except SettingsError as error:
            self._no_connection(str(error))

    async def _with_client(self) -> None:
        raise NotImplementedError

    async def _deliver(self, row: Queued) -> None:
        raise NotImplementedError

    async def _drain(self) -> None:
        while not self.gate.closed(self.clock()):
            # A channel in trouble is asked by one request; the rest waits for its answer.
            rows = [row for row in self._due(self.limits.batch) if row.id not in self._skipped]
            rows = rows[: 1 if self.gate.failures else self.limits.batch]
            if not rows:
                return
            self._prepare()
            places = asyncio.Semaphore(self.parallel)
            async with asyncio.TaskGroup() as group:
                for row in rows:
                    await places.acquire()
                    task = group.create_task(self._one(row))
                    task.add_done_callback(_releasing(places))

    def _prepare(self) -> None:
        """Before each batch."""

    async def _one(self, row: Queued) -> None:
        if self.gate.closed(self.clock()):
            return
        self.lease_check()
        if self._superseded(row):
            return
        try:
            await self._deliver(row)
        except NotNow:
            self._skipped.add(row.id)
        except DeliveryDelayed as error:
            self._delayed(row, error)
        except DeliveryRefused as error:
            self._refused(row, error)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            # A row that this version cannot make sense of must not stop those behind it, nor be lost from sight.
            log.exception("delivery %s (%s) cannot be sent", row.id, row.delivery.dedup_key)
            self._refused(row, DeliveryRefused(f"not understood: {type(error).__name__}"))

    def _sent(self, row: Queued, remote_id: str | None) -> None:
        self.lease_check()
        was_down = self.gate.failures >= DOWN
        self.gate.succeeded()
        with writing(self.engine) as conn:
            if was_down:
                outbox.hurry(conn, self.channel, self.clock())
            outbox.mark_sent(conn, row.id, self.clock(), remote_id=remote_id)
        self.report.sent += 1
        d = row.delivery
        log.info("sent %s %s dedup_key=%s attempt=%s", d.channel, d.operation, d.dedup_key, row.attempts + 1)

    def _delayed(self, row: Queued, error: DeliveryDelayed) -> None:
        now = self.clock()
        self.gate.failed(now, retry_after=error.retry_after)
        if now - row.delivery.created_at > self.limits.give_up_after:
            self._give_up(row, f"given up after {self.limits.give_up_after}: {error}")
            return
        wait = backoff(row.attempts + 1, self.limits, self.channels.rng)
        self._retry(row, str(error), max(wait, timedelta(seconds=error.retry_after or 0)))

    def _retry(self, row: Queued, error: str, wait: timedelta) -> None:
        self.lease_check()
        with writing(self.engine) as conn:
            outbox.mark_retry(conn, row.id, self.clock() + wait, error)
        self.report.retried += 1
        d = row.delivery
        log.warning(
            "not sent %s %s dedup_key=%s attempt=%s: %s", d.channel, d.operation, d.dedup_key, row.attempts + 1, error
        )

    def _refused(self, row: Queued, error: DeliveryRefused) -> None:
        """For good; but a key, a token or a channel may be put right, so those rows are told elsewhere and kept."""
        now = self.clock()
        d = row.delivery
        fallbacks: list[Delivery] = []
        if not _is_trouble(error) and (successor := next_responder(row, str(error), now)):
            fallbacks.append(successor)
        if not fallbacks or not fallbacks[0].payload["body"].get("responders"):
            fallbacks += [found for found in [other_channel(row, str(error), now)] if found]
        self._queue(fallbacks)
        too_old = now - d.created_at > self.limits.give_up_after
        if _is_trouble(error) and not too_old:
            if not isinstance(error, SlackRefusal) or error.error in TOKEN_TROUBLE:
                self.gate.failed(now, at_least=KEY_WAIT)
            wait = backoff(row.attempts + 4, self.limits, self.channels.rng)
            self._retry(row, str(error), wait)
            return
        self._give_up(row, str(error))

    def _give_up(self, row: Queued, error: str) -> None:
        self.lease_check()
        with writing(self.engine) as conn:
            outbox.mark_failed(conn, row.id, error)
        self.report.failed += 1
        self.report.errors.append(f"{row.delivery.dedup_key}: {error}")
        d = row.delivery
        log.error("given up %s %s dedup_key=%s: %s", d.channel, d.operation, d.dedup_key, error)

    def _superseded(self, row: Queued) -> bool:
        return False

    def _supersede(self, row: Queued, why: str) -> bool:
        self.lease_check()
        with writing(self.engine) as conn:
            outbox.mark_superseded(conn, [row.id], why)
        self.report.superseded += 1
        return True

    def _fall_back_overdue(self) -> None:
        """Tell elsewhere what could not be told here for so long; it stays queued here as well."""
        now = self.clock()
        with reading(self.engine) as conn:
            overdue = outbox.overdue_without_fallback(conn, now - self.limits.fall_back_after)
        why = f"no success within {int(self.limits.fall_back_after.total_seconds() // 60)} minutes"
        found = (other_channel(row, row.error or why, now) for row in overdue if row.delivery.channel == self.channel)
        self._queue([each for each in found if each])

    def _queue(self, rows: Sequence[Delivery]) -> None:
        if rows:
            self.lease_check()
            with writing(self.engine) as conn:
                self.report.fallbacks += outbox.enqueue(conn, rows, self.clock())

    def _no_connection(self, problem: str | None = None) -> None:
        for row in self._due(self.limits.batch):
            self._refused(row, HttpRefused(problem or self.channels.problem(self.channel), status=401))

    def _due(self, limit: int) -> list[Queued]:
        with reading(self.engine) as conn:
            return outbox.due(conn, self.clock(), limit + len(self._skipped), channel=self.channel)


def _releasing(places: asyncio.Semaphore) -> Callable[[object], None]:
    return lambda _: places.release()


def _is_trouble(error: DeliveryRefused) -> bool:
    """Whether the key, the token or the channel is refused, rather than this very request."""
    if isinstance(error, SlackRefusal):
        return error.error in TOKEN_TROUBLE or error.error in carry_slack.NO_CHANNEL
    return isinstance(error, HttpRefused) and error.status in KEY_TROUBLE
