"""A history of runs, looked at as it stood at an instant: what ``replay`` has in place of Airflow's database.

A run is visible from its ``queued_at`` (else ``start_date``), running from ``start_date`` and finished from
``end_date``; before each of these it looks as it looked then. Task instances likewise.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from daybreak.domain.runs import Evidence, Run, Snapshot, TaskState
from daybreak.monitor.judge_pipeline import GRACE
from daybreak.monitor.usual import SAMPLES, duration_of, usual_duration

NEVER = datetime.max.replace(tzinfo=UTC)


class History:
    """Runs and task instances as they ended up. :meth:`at` goes forward in time only.

    ``evidence``, where a history has any: what failed tasks left behind, seen from their run's end on.
    """

    def __init__(
        self,
        runs: Iterable[Run],
        tasks: Mapping[tuple[str, str], tuple[TaskState, ...]] | None = None,
        evidence: Mapping[tuple[str, str], tuple[Evidence, ...]] | None = None,
    ) -> None:
        self._runs = list(runs)
        self._evidence = dict(evidence or {})
        self._tasks = dict(tasks or {})
        ends = {(run.dag_id, run.run_id): run.end_date for run in self._runs}
        self._tasks = {key: tuple(_dated(one, ends.get(key)) for one in found) for key, found in self._tasks.items()}
        events: list[tuple[datetime, int]] = []
        for n, run in enumerate(self._runs):
            events += [(at, n) for at in {appears(run), run.start_date, run.end_date} if at is not None]
            for task in self._tasks.get((run.dag_id, run.run_id), ()):
                events += [(at, n) for at in {task.start_date, task.end_date} if at is not None]
                if task.end_date is not None:
                    events.append((task.end_date + GRACE, n))
        self._events = sorted(events)
        self._passed = 0
        self.changed: frozenset[str] = frozenset()
        """The dags of which the last :meth:`at` showed anything that the one before did not."""
        self._seen: dict[str, list[tuple[float, str, Run]]] = {}
        self._visible: dict[str, tuple[Run, ...]] = {}
        self._seen_tasks: dict[tuple[str, str], tuple[TaskState, ...]] = {}
        self._seen_evidence: dict[tuple[str, str], tuple[Evidence, ...]] = {}
        self._successes: dict[str, list[tuple[datetime, timedelta]]] = {}
        self._usual: dict[str, timedelta] = {}
        self._finished: dict[tuple[str, str], datetime] = {}

    def next_event(self) -> datetime:
        """The first instant after the last one asked for at which a run or a task changes."""
        return self._events[self._passed][0] if self._passed < len(self._events) else NEVER

    def at(self, now: datetime) -> Snapshot:
        """What could be seen at ``now``, which never goes back. Dags themselves are not known to a history."""
        touched = set()
        while self._passed < len(self._events) and self._events[self._passed][0] <= now:
            touched.add(self._events[self._passed][1])
            self._passed += 1
        for n in touched:
            self._show(self._runs[n], now)
        self.changed = frozenset(self._runs[n].dag_id for n in touched)
        for dag_id in self.changed:
            self._visible[dag_id] = tuple(run for _, _, run in self._seen.get(dag_id, ()))
        # Copies of the outer mappings: a snapshot does not change once it was handed out.
        return Snapshot(
            runs=dict(self._visible),
            tasks=self._seen_tasks.copy(),
            evidence=self._seen_evidence.copy(),
            usual=self._usual.copy(),
            finished=self._finished.copy(),
        )

    def _show(self, run: Run, now: datetime) -> None:
        seen = as_seen(run, now)
        if seen is None:
            return
        key = (run.dag_id, run.run_id)
        order = (-run.effective_date.timestamp(), run.run_id)
        shown = self._seen.setdefault(run.dag_id, [])
        shown[:] = [entry for entry in shown if entry[1] != run.run_id]
        insort(shown, (*order, seen), key=lambda entry: entry[:2])
        tasks = tuple(_task_as_seen(task, now) for task in self._tasks.get(key, ()))
        if tasks:
            self._seen_tasks[key] = tasks
        if seen.state == "failed" and key in self._evidence:
            self._seen_evidence[key] = self._evidence[key]
        self._mark_finished(seen, tasks)
        duration = duration_of(seen)
        if duration is not None and seen.end_date is not None and seen.end_date <= now:
            self._count(run.dag_id, seen.end_date, duration)

    def _mark_finished(self, run: Run, tasks: tuple[TaskState, ...]) -> None:
        key = (run.dag_id, run.run_id)
        ends = [task.end_date for task in tasks if task.end_date is not None]
        if run.state == "running" and tasks and len(ends) == len(tasks):
            self._finished[key] = max(ends)
        else:
            self._finished.pop(key, None)

    def _count(self, dag_id: str, end: datetime, duration: timedelta) -> None:
        successes = self._successes.setdefault(dag_id, [])
        if (end, duration) not in successes[-SAMPLES:]:
            successes.insert(bisect_right(successes, (end, duration)), (end, duration))
        usual = usual_duration(duration for _, duration in reversed(successes))
        if usual is not None:
            self._usual[dag_id] = usual


def appears(run: Run) -> datetime:
    """From when ``run`` is visible."""
    return run.queued_at or run.start_date or run.end_date or run.run_after


def as_seen(run: Run, now: datetime) -> Run | None:
    """``run`` as it looked at ``now``; None before it was created."""
    if now < appears(run):
        return None
    if run.end_date is not None and now >= run.end_date:
        return run
    if run.start_date is not None and now >= run.start_date:
        return replace(run, state="running", end_date=None)
    return replace(run, state="queued", start_date=None, end_date=None)


def _dated(task: TaskState, run_end: datetime | None) -> TaskState:
    """``task`` with an end: what was skipped or never began has none of its own, and was settled by the run's."""
    settled = task.state in ("success", "failed", "skipped", "upstream_failed", "removed")
    if task.end_date is not None or not settled:
        return task
    return replace(task, end_date=task.start_date or run_end)


def _task_as_seen(task: TaskState, now: datetime) -> TaskState:
    if task.end_date is not None and now >= task.end_date:
        return task
    if task.start_date is not None and now >= task.start_date:
        return replace(task, state="running", end_date=None)
    return replace(task, state=None, start_date=None, end_date=None)
