"""Pipelines without deadline: nothing is due, but a failure is an incident of its run's date, until a success."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime

from daybreak.domain.clock import local_date
from daybreak.domain.incident import Judgement, Occurrence, Reason, Recorded, State
from daybreak.domain.registry import Pipeline, Registry
from daybreak.domain.runs import Run, Snapshot
from daybreak.monitor.reasons import Scene, find
from daybreak.monitor.views import dags_of, view_dag

_EVER = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)


def occurrence_of_run(registry: Registry, pipeline: Pipeline, run: Run) -> Occurrence:
    """The occurrence that a failure of ``run`` stands for: its effective date, by the registry's calendar."""
    at = run.effective_date
    business_date = local_date(at, registry.zone)
    return Occurrence(subject=pipeline.id, business_date=business_date, due_at=at, opens_at=at, closes_at=at)


def is_undated(occurrence: Occurrence) -> bool:
    """Whether ``occurrence`` stands for a run's date: nothing is due, and no time belongs to it."""
    return occurrence.opens_at == occurrence.closes_at


def judge_undated(
    registry: Registry,
    pipeline: Pipeline,
    unsettled: Iterable[Recorded],
    snapshot: Snapshot,
    recorded: Mapping[str, Recorded],
    now: datetime,
) -> list[Judgement]:
    """FAILED for a newest run that failed with none active; MET for a recorded failure that a success followed.

    Of a pipeline that has a deadline by now only the second is asked.
    """
    dags = dags_of(registry, pipeline, snapshot)
    judgements = {}
    for record in unsettled:
        success = _success_after(record, dags, snapshot)
        if success is not None:
            judgements[record.occurrence.dedup_key] = Judgement(
                occurrence=record.occurrence,
                at=now,
                state=State.MET,
                since=success.end_date,
                ready_at=success.end_date,
                run_id=success.run_id,
                dag_id=success.dag_id,
            )
    for dag in dags:
        run = _newest_failed(snapshot, dag) if pipeline.deadline is None else None
        if run is None:
            continue
        occurrence = occurrence_of_run(registry, pipeline, run)
        past = recorded.get(occurrence.dedup_key)
        if past is not None:
            occurrence = past.occurrence
            if past.state is State.MET and not _failed_since(run, past):
                continue
        if occurrence.dedup_key not in judgements or judgements[occurrence.dedup_key].state is State.MET:
            judgements[occurrence.dedup_key] = _failed(occurrence, run, snapshot, now)
    return sorted(judgements.values(), key=lambda one: one.occurrence.due_at)


def _failed(occurrence: Occurrence, run: Run, snapshot: Snapshot, now: datetime) -> Judgement:
    view = view_dag(snapshot, run.dag_id, *_EVER, now)
    finding = find(Scene(occurrence, [view], snapshot, now, None, (), frozenset()))
    failed = finding.reason in (Reason.RUN_FAILED, Reason.OUT_OF_MEMORY)
    return Judgement(
        occurrence=occurrence,
        at=now,
        state=State.FAILED,
        reason=finding.reason if failed else Reason.RUN_FAILED,
        since=run.end_date or now,
        run_id=run.run_id,
        dag_id=run.dag_id,
        failures=finding.failures or snapshot.evidence.get((run.dag_id, run.run_id), ()),
    )


def _newest_failed(snapshot: Snapshot, dag_id: str) -> Run | None:
    """The dag's newest run if that failed; None if it did not, or while any runs or is queued."""
    runs: Sequence[Run] = [run for run in snapshot.runs.get(dag_id, ()) if run.counts]
    if not runs or runs[0].state != "failed" or any(run.state in ("queued", "running") for run in runs):
        return None
    return runs[0]


def _failed_since(run: Run, past: Recorded) -> bool:
    """Whether ``run`` failed after the success that settled ``past``."""
    return run.end_date is not None and past.ready_at is not None and run.end_date > past.ready_at


def _success_after(record: Recorded, dags: Iterable[str], snapshot: Snapshot) -> Run | None:
    """The first success after the failure that ``record`` stands for, of the dag that failed."""
    runs = [run for dag in dags for run in snapshot.runs.get(dag, ()) if run.counts]
    failed = next((run for run in runs if run.run_id == record.run_id), None)
    if failed is not None and failed.state in ("queued", "running"):
        after = None  # cleared: it is at work again
    else:
        after = failed.end_date if failed is not None and failed.state == "failed" else None
    since = after or record.occurrence.due_at
    found = [
        run
        for run in runs
        if run.state == "success"
        and run.end_date is not None
        and (run.end_date > since or run.run_id == record.run_id)
        and (failed is None or run.dag_id == failed.dag_id)
    ]
    return min(found, key=lambda run: run.end_date or since) if found else None
