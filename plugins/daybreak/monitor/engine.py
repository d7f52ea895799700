"""One tick: read the registry and Airflow, judge, decide, and record what was decided together with what is to be sent.

Everything that a tick decides is recorded in one transaction, which first renews the lease: either all of it is so, or
none of it, and only from the one monitor that acts. If the store cannot be used at all, the tick still decides, from
memory, and hands out the pages to be sent at once; what it could not record it owes, and pays with the first
transaction that succeeds.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from sqlalchemy import Engine as Database

from daybreak.airflow_io.reader import Reader
from daybreak.domain.incident import Decisions, Incident, Judgement
from daybreak.domain.registry import Registry
from daybreak.domain.runs import Snapshot
from daybreak.errors import AirflowUnreadable, LeaseLost, StoreError
from daybreak.monitor.decide import decide
from daybreak.monitor.judge import judge
from daybreak.monitor.lease import Lease
from daybreak.monitor.planning import Planning
from daybreak.monitor.registries import RegistrySource
from daybreak.monitor.registry_watch import watch_registry
from daybreak.monitor.usuals import UsualDurations
from daybreak.monitor.wake import next_instant
from daybreak.monitor.working import WorkingSet
from daybreak.sql.database import reading, writing
from daybreak.store.actions import Action, open_actions
from daybreak.store.outbox import Delivery, enqueue

log = logging.getLogger(__name__)

BLIND_AFTER = timedelta(seconds=60)
"""So long Airflow's database may be unreadable before people hear of it: it restarts now and then."""
FIRST_BEAT = timedelta(seconds=30)
"""So long after this monitor began to act a scheduler that never beat may only just be starting, like itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """What one tick came to.

    :param judged: whether it judged on a reading of now; the heartbeat lives on these alone
    :param queued: rows that are new in the outbox
    :param unrecorded: pages to be sent at once, since the store cannot be used: most urgent first
    """

    at: datetime
    registry: Registry
    judgements: tuple[Judgement, ...]
    judged: bool
    wake_at: datetime
    seconds: float
    queued: int = 0
    unrecorded: tuple[Delivery, ...] = ()
    problem: str | None = None


class Engine:
    """Ticks. One thread at a time; the lease is held by the caller."""

    def __init__(
        self,
        *,
        store: Database,
        reader: Reader,
        registries: RegistrySource,
        planning: Planning,
        lease: Lease,
    ) -> None:
        self.store = store
        self.lease = lease
        self._reader = reader
        self._registries = registries
        self._planning = planning
        self._usuals = UsualDurations(reader, store)
        self._working: WorkingSet | None = None
        self._token: int | None = None
        self._unsent: dict[str, Delivery] = {}  # decided while the store was down: to be recorded
        self._sent: set[str] = set()  # of those, what was sent
        self._last: tuple[Judgement, ...] = ()
        self._blind_since: datetime | None = None
        self._alone_since: datetime | None = None
        self._acting_since: datetime | None = None
        self._actions: list[Action] = []

    def tick(self, now: datetime) -> Tick:
        """Judge and decide as of ``now`` (aware). Raises RegistryError without any registry, LeaseLost if another
        monitor acts now, StoreError only if the store was never read and cannot be."""
        began = time.perf_counter()
        working, store_down = self._load(now)
        before = dict(working.incidents)
        acted_on = self._take_up(working) if not store_down else ()
        in_force = self._registries.current(now)
        registry = in_force.registry
        alone_since = None if self.lease.held else self._alone_since
        working.owed.seen.update(working.meet(registry, min(alone_since or now, now)))
        snapshot, problem = self._read(registry, working, now)
        if snapshot is not None:
            judgements = judge(registry, snapshot, working.recorded, now)
            self._last = judgements
        else:
            judgements, snapshot = self._last, self._blindness(now)
        decisions = decide(
            registry,
            working.incidents,
            judgements,
            now,
            snapshot=snapshot,
            recorded=working.recorded,
            first_seen=working.first_seen,
        )
        changed = {each.dedup_key for each in decisions.incidents}
        also = tuple(each for each in acted_on if each.dedup_key not in changed)
        decisions = replace(decisions, incidents=(*decisions.incidents, *also))
        decisions = watch_registry(registry, decisions, before, in_force.problem, now)
        deliveries = self._planning.rows(registry, decisions, before, now)
        working.take_in(decisions, now)
        judged = problem is None
        seconds = time.perf_counter() - began
        queued, unrecorded = self._record(working, decisions, deliveries, now, seconds, judged, store_down)
        if judged and not store_down:
            self._usuals.refresh(registry, snapshot, working, now)
        return Tick(
            at=now,
            registry=registry,
            judgements=judgements,
            judged=judged,
            wake_at=next_instant(registry, working.incidents, judgements, now),
            seconds=time.perf_counter() - began,
            queued=queued,
            unrecorded=unrecorded,
            problem=problem or in_force.problem,
        )

    def was_sent(self, delivery: Delivery) -> None:
        """One of ``unrecorded`` was taken by its channel: to be recorded as such, and not sent again."""
        self._sent.add(delivery.key)

    def known_ready(self) -> Mapping[tuple[str, str], datetime]:
        """(upstream, business date in ISO form) → ready at, as probes saw it."""
        return self._working.ready if self._working is not None else {}

    def probed(self, asked: Set[str], found: Iterable[tuple[str, date, datetime]]) -> None:
        """What probes of our own asked and saw: the next tick judges by it."""
        if self._working is not None:
            self._working.probed = frozenset(asked)
            self._working.ready = {**self._working.ready, **{(u, d.isoformat()): at for u, d, at in found}}

    def alone(self, *, since: datetime) -> None:
        """Nobody can reach the store, so nobody may have watched since ``since``: what was due after it is not history,
        also where this engine never read what the store knows."""
        self._alone_since = since

    def forget(self) -> None:
        """Another monitor acted: what is in memory is not how things are."""
        self._working = self._token = self._acting_since = None
        self._unsent.clear()
        self._sent.clear()

    def _load(self, now: datetime) -> tuple[WorkingSet, bool]:
        """The working set with what people did since, and whether the store is down."""
        try:
            with reading(self.store) as connection:
                if self._working is None or self._token != self.lease.token:
                    alone = self._working.owed if self._working is not None else None
                    self._working = WorkingSet.load(connection, now)
                    self._token = self.lease.token
                    if alone is not None:
                        self._working.adopt(alone)
                done = open_actions(connection)
        except StoreError as error:
            if self._working is None:
                if not self.lease.held:
                    self._working = WorkingSet()  # never reached the store: better a page twice than none
                else:
                    raise
            log.warning("the store cannot be read; going on from memory: %s", error)
            self._actions = []
            return self._working, True
        self._actions = [each for each in done if each.id not in self._working.owed.applied]
        return self._working, False

    def _take_up(self, working: WorkingSet) -> tuple[Incident, ...]:
        """What people did since the last tick: → the incidents that it changed."""
        if not self._actions:
            return ()
        actions, self._actions = self._actions, []
        return working.apply(actions)

    def _read(self, registry: Registry, working: WorkingSet, now: datetime) -> tuple[Snapshot | None, str | None]:
        try:
            snapshot = self._reader.read(
                registry,
                working.recorded,
                now,
                usual=working.durations(),
                upstream_ready=working.ready,
                probed=working.probed,
            )
        except AirflowUnreadable as error:
            self._blind_since = min(self._blind_since or now, now)  # a clock may be set back
            log.error("blind since %s: %s", self._blind_since.isoformat(), error)
            return None, str(error)
        self._blind_since = None
        self._acting_since = min(self._acting_since or now, now)  # a clock may be set back
        return replace(snapshot, scheduler_due=now - self._acting_since >= FIRST_BEAT), None

    def _blindness(self, now: datetime) -> Snapshot | None:
        """What stands for a reading that could not be had: nothing, and after a minute that no scheduler beats, which
        is what people must hear of."""
        blind = self._blind_since is not None and now - self._blind_since >= BLIND_AFTER
        return Snapshot(scheduler_alive=False) if blind else None

    def _record(
        self,
        working: WorkingSet,
        decisions: Decisions,
        deliveries: Sequence[Delivery],
        now: datetime,
        seconds: float,
        judged: bool,
        store_down: bool,
    ) -> tuple[int, tuple[Delivery, ...]]:
        """→ (rows new in the outbox, pages to be sent at once)."""
        rows = {**self._unsent, **{each.key: each for each in deliveries}}
        ticked = {"ticked_at": now, "tick_seconds": seconds} if judged else {}
        if not self.lease.held:
            store_down = True  # acting without the store's leave, because nobody can get it
        try:
            if store_down:
                raise StoreError("the store cannot be used")
            with writing(self.store) as connection:
                asked = self.lease.renew_within(connection, **ticked)
                working.owed.pay(connection, decisions, now)
                queued = enqueue(connection, rows.values(), now) if rows else 0
                self._planning.mark_sent(connection, self._sent, now)
        except StoreError as error:
            if isinstance(error, LeaseLost):
                raise
            if not store_down:
                log.warning("what was decided could not be recorded yet: %s", error)
            self._unsent = rows
            urgent = self._planning.urgent(rows.values(), self._sent)
            return 0, urgent
        self.lease.renewed(asked)
        working.owed.clear()
        self._unsent.clear()
        self._sent.clear()
        return queued, ()
