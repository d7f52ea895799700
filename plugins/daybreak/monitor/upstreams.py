"""Whether upstreams are ready, and since when: looked up once a tick, however many pipelines wait."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import Enum

from daybreak.domain.incident import Judgement, Occurrence, Reason, Recorded, State
from daybreak.domain.occurrence import Calendar
from daybreak.domain.registry import Pipeline, Registry, Upstream
from daybreak.domain.runs import Run, Snapshot
from daybreak.monitor.views import dags_of, first_seen_ready, runs_between, view_dag, waits


class Unknown(Enum):
    """The one value for "nothing is known of this upstream": it is then never called late."""

    UNKNOWN = "unknown"


UNKNOWN = Unknown.UNKNOWN
Ready = datetime | None | Unknown
_FINAL = (State.MET, State.LATE)


class Upstreams:
    """The upstreams of one registry at one instant."""

    def __init__(
        self,
        registry: Registry,
        calendar: Calendar,
        snapshot: Snapshot,
        recorded: Mapping[str, Recorded],
        now: datetime,
    ) -> None:
        self._registry = registry
        self._calendar = calendar
        self._snapshot = snapshot
        self._recorded = recorded
        self._now = now
        self._ready: dict[tuple[str, datetime], Ready] = {}

    def ready_at(self, upstream: Upstream, occurrence: Occurrence) -> Ready:
        """When ``upstream`` was ready for ``occurrence``; None: not yet; UNKNOWN: nothing tells."""
        key = (upstream.id, occurrence.due_at)
        if key not in self._ready:
            past = self._recorded.get(occurrence.dedup_key)
            final = past is not None and past.state in _FINAL and past.ready_at is not None
            self._ready[key] = past.ready_at if past and final else self._look(upstream, occurrence)
        return self._ready[key]

    def late_for(self, pipeline: Pipeline, due_at: datetime) -> tuple[str, ...]:
        """The upstreams that ``pipeline``, due at ``due_at``, waits for and that are late now, in its own order."""
        late = []
        for name in pipeline.upstreams:
            upstream = self._registry.upstreams[name]
            waited = self._calendar.expected(upstream, due_at)
            if waited is not None and waited.due_at <= self._now and self.ready_at(upstream, waited) is None:
                late.append(name)
        return tuple(late)

    def stale(self, pipeline: Pipeline, due_at: datetime, run: Run) -> bool:
        """Whether ``run``, a success, began before an upstream that ``pipeline`` names was ready.

        Not where the run itself waited: a sensor in it that succeeded once the upstream was there.
        """
        for name in pipeline.upstreams:
            upstream = self._registry.upstreams[name]
            waited = self._calendar.expected(upstream, due_at)
            if (
                waited is None
                or run.start_date is None
                or (upstream.ready_when and upstream.ready_when.kind == "sensor")
            ):
                continue
            ready = self.ready_at(upstream, waited)
            if ready is UNKNOWN:
                continue
            if (ready is None or run.start_date < ready) and not self._waited(run, name, ready):
                return True
        return False

    def judge(self, upstream: Upstream, occurrence: Occurrence) -> Judgement:
        """The state of one upstream's occurrence; its delay is its team's, so the one reason is ``upstream_late``."""
        due_at, now = occurrence.due_at, self._now
        ready = self.ready_at(upstream, occurrence)
        past = self._recorded.get(occurrence.dedup_key)
        if isinstance(ready, datetime):
            ready = first_seen_ready(ready, due_at, past, now)
            state = State.MET if ready <= due_at else State.LATE
            if past is not None and past.state in _FINAL:
                state = past.state
            return Judgement(
                occurrence=occurrence,
                at=now,
                state=state,
                reason=Reason.UPSTREAM_LATE if state is State.LATE else None,
                since=ready,
                ready_at=ready,
            )
        if now < due_at or ready is UNKNOWN:
            return Judgement(occurrence=occurrence, at=now, state=State.PENDING)
        return Judgement(
            occurrence=occurrence,
            at=now,
            state=State.MISSED,
            reason=Reason.UPSTREAM_LATE,
            since=due_at,
            late_upstreams=(upstream.id,),
        )

    def _look(self, upstream: Upstream, occurrence: Occurrence) -> Ready:
        ready = upstream.ready_when
        if ready is None:
            return UNKNOWN
        if ready.kind == "dag":
            opens_at, closes_at = occurrence.opens_at, occurrence.closes_at
            return view_dag(self._snapshot, ready.value, opens_at, closes_at, self._now, task=ready.task).ready_at
        if ready.kind == "sensor":
            return self._sensed(upstream, ready.value, occurrence)
        found = self._snapshot.upstream_ready.get((upstream.id, occurrence.business_date.isoformat()))
        if found is not None:
            return found
        return None if upstream.id in self._snapshot.probed else UNKNOWN

    def _sensed(self, upstream: Upstream, task_id: str, occurrence: Occurrence) -> Ready:
        """By the sensor in the dags that wait: UNKNOWN as long as no run of the cycle waits, so that a paused dag of
        ours is not blamed on the upstream's team."""
        snapshot, seen, ends = self._snapshot, False, []
        for pipeline in self._registry.pipelines.values():
            if upstream.id not in pipeline.upstreams:
                continue
            for dag in dags_of(self._registry, pipeline, snapshot):
                for run in runs_between(snapshot.runs.get(dag, ()), occurrence.opens_at, occurrence.closes_at):
                    for task in snapshot.tasks.get((dag, run.run_id), ()):
                        if task.task_id != task_id:
                            continue
                        seen = True
                        if task.state == "success" and task.end_date is not None:
                            ends.append(task.end_date)
        if ends:
            return min(ends)
        return None if seen else UNKNOWN

    def _waited(self, run: Run, upstream: str, ready: datetime | None) -> bool:
        if ready is None:
            return False
        names = frozenset({f"wait_for_{upstream}"})
        return any(
            waits(task, names) and task.state == "success" and task.end_date is not None and task.end_date >= ready
            for task in self._snapshot.tasks.get((run.dag_id, run.run_id), ())
        )
