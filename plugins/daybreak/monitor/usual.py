"""The usual duration of a dag: the median of its last successes, once there are enough of them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from statistics import median

from daybreak.domain.registry import Pipeline
from daybreak.domain.runs import Run, Snapshot

SAMPLES = 14
FEWEST = 5


def duration_of(run: Run) -> timedelta | None:
    """How long ``run`` took, if it tells how long such a run takes: a success that is not a backfill's."""
    if run.state != "success" or not run.counts or run.start_date is None or run.end_date is None:
        return None
    return max(run.end_date - run.start_date, timedelta(0))


def usual_duration(latest_first: Iterable[timedelta]) -> timedelta | None:
    """The median of the first 14 of ``latest_first`` (durations of successes, newest end first); None below 5."""
    samples = [duration for _, duration in zip(range(SAMPLES), latest_first, strict=False)]
    return timedelta(seconds=median(one.total_seconds() for one in samples)) if len(samples) >= FEWEST else None


def usual_of(pipeline: Pipeline, dags: Iterable[str], snapshot: Snapshot) -> timedelta | None:
    """The pipeline's usual duration: that of its slowest dag of which one is known."""
    usual = snapshot.usual
    if len(pipeline.dags) == 1 and pipeline.dags[0] in usual:
        return usual[pipeline.dags[0]]
    return max((usual[dag] for dag in dags if dag in usual), default=None)
