"""``judge``: what is so of every occurrence at one instant. Pure: the running monitor and ``replay`` share it.

Judged are, for each pipeline and upstream, the occurrence whose cycle is open, those recorded earlier and not settled
since, and those that came and went while nobody looked.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from daybreak.domain.incident import Judgement, Occurrence, Recorded, State
from daybreak.domain.occurrence import Calendar, calendar_of, deadline_of
from daybreak.domain.occurrence import occurrence as occurrence_of
from daybreak.domain.registry import Pipeline, Registry, Upstream
from daybreak.domain.runs import Snapshot
from daybreak.monitor.judge_failures import is_undated, judge_undated
from daybreak.monitor.judge_pipeline import judge_pipeline
from daybreak.monitor.upstreams import Upstreams

FINAL = (State.MET, State.LATE)  # a tuple: it compares by identity, where a set would hash an enum each time
LOOK_BACK = timedelta(days=14)
"""Occurrences that nobody recorded are looked for this far back, after an outage of the monitor."""


def judge(
    registry: Registry,
    snapshot: Snapshot,
    recorded: Mapping[str, Recorded],
    now: datetime,
    *,
    only: Iterable[Pipeline | Upstream] | None = None,
) -> tuple[Judgement, ...]:
    """The state of every occurrence that matters at ``now`` (aware): upstreams first, then pipelines, in file order.

    ``snapshot`` holds the runs since :func:`horizon`; ``recorded`` (dedup key → what the store remembers) what was
    judged before. What is recorded as met or late stays so.

    :param only: these subjects, in this order, instead of all of the registry; ``recorded`` must then hold what is
        remembered of them and of the upstreams that they name, and may lack the rest
    """
    everything: list[Pipeline | Upstream] = [*registry.upstreams.values(), *registry.pipelines.values()]
    subjects = everything if only is None else only
    calendar = calendar_of(registry)
    upstreams = Upstreams(registry, calendar, snapshot, recorded, now)
    docket = _Docket(calendar, recorded, now)
    judgements: list[Judgement] = []
    for subject in subjects:
        if isinstance(subject, Upstream):
            if subject.ready_when is not None:
                judgements += [upstreams.judge(subject, occurrence) for occurrence in docket.of(subject)]
            continue
        undated = []
        for occurrence in docket.of(subject):
            past = recorded.get(occurrence.dedup_key)
            if past is not None and is_undated(occurrence):
                undated.append(past)
                continue
            judgements.append(judge_pipeline(registry, subject, occurrence, past, snapshot, upstreams, now))
        if undated or subject.deadline is None:
            judgements += judge_undated(registry, subject, undated, snapshot, recorded, now)
    return tuple(judgements)


def horizon(registry: Registry, recorded: Mapping[str, Recorded], now: datetime) -> datetime:
    """The earliest effective date of runs that :func:`judge` may look at, for a reader to know where to begin."""
    docket = _Docket(calendar_of(registry), recorded, now)
    earliest = now - timedelta(days=1)
    subjects: list[Pipeline | Upstream] = [*registry.pipelines.values(), *registry.upstreams.values()]
    for subject in subjects:
        for occurrence in docket.of(subject):
            past = recorded.get(occurrence.dedup_key)
            if past is None or past.state not in FINAL:
                earliest = min(earliest, occurrence.opens_at)
    return earliest


class _Docket:
    """Which occurrences of a subject are to be judged."""

    def __init__(self, calendar: Calendar, recorded: Mapping[str, Recorded], now: datetime) -> None:
        self._calendar = calendar
        self._recorded = recorded
        self._now = now
        self._open: tuple[dict[str, list[Recorded]], dict[str, list[Recorded]]] = ({}, {})  # pipelines', upstreams'
        self._latest: dict[tuple[str, bool], Occurrence] | None = None
        for record in recorded.values():
            if record.state not in FINAL:
                of_kind = self._open[record.occurrence.is_upstream]
                of_kind.setdefault(record.occurrence.subject, []).append(record)

    def of(self, subject: Pipeline | Upstream) -> tuple[Occurrence, ...]:
        """The occurrences of ``subject`` to judge, the oldest first."""
        current = self._calendar.current(subject, self._now)
        unsettled = self.unsettled(subject)
        if current is None:
            return tuple(record.occurrence for record in unsettled)
        key = current.dedup_key
        if key in self._recorded and (
            not unsettled or (len(unsettled) == 1 and unsettled[0].occurrence.dedup_key == key)
        ):
            return (current,)
        found = {record.occurrence.dedup_key: record.occurrence for record in unsettled}
        if key not in self._recorded:
            found.update({one.dedup_key: one for one in self._unseen(subject, current) if one.dedup_key not in found})
        found[key] = current
        return tuple(sorted(found.values(), key=lambda one: one.due_at))

    def unsettled(self, subject: Pipeline | Upstream) -> list[Recorded]:
        """What is recorded of ``subject`` and neither met nor late yet."""
        return self._open[isinstance(subject, Upstream)].get(subject.id, [])

    def _unseen(self, subject: Pipeline | Upstream, current: Occurrence) -> list[Occurrence]:
        """Occurrences before ``current`` that nobody recorded: those due after their cycle's end (``opens`` is that
        early), and those since the last one that was recorded."""
        deadline = deadline_of(subject)
        if deadline is None:
            return []
        latest = self._latest_recorded().get((subject.id, isinstance(subject, Upstream)))
        start = max(latest.due_at + timedelta(microseconds=1), self._now - LOOK_BACK) if latest else current.opens_at
        cycles = self._calendar.due_between(deadline, start, current.due_at)
        return [occurrence_of(subject, cycle) for cycle in cycles if cycle.opens_at < current.opens_at]

    def _latest_recorded(self) -> dict[tuple[str, bool], Occurrence]:
        if self._latest is None:
            self._latest = {}
            for record in self._recorded.values():
                one = record.occurrence
                kept = self._latest.get((one.subject, one.is_upstream))
                if kept is None or one.due_at > kept.due_at:
                    self._latest[one.subject, one.is_upstream] = one
        return self._latest
