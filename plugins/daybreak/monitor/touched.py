"""A history watched sparingly: at each tick only the pipelines and upstreams are looked at that can have changed.

``judge`` and ``decide`` are those of every other watch. A subject is touched by an event of a dag that tells of it (or
of an upstream that it names), by an instant that its last judgement or an open incident of it waits for, and by what
the tick before decided about it. Of an untouched one both would say what they said before. Groups go together: where
a member changes, the group and all its members are looked at in the same tick.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from fnmatch import fnmatchcase
from heapq import heappop, heappush
from typing import Generic, TypeVar

from daybreak.domain.incident import Decisions, Incident, Judgement, Recorded, dedup_key
from daybreak.domain.occurrence import calendar_of, deadline_of
from daybreak.domain.registry import Pipeline, Registry, Upstream
from daybreak.domain.runs import Snapshot
from daybreak.monitor.decide import decide
from daybreak.monitor.history import NEVER, History
from daybreak.monitor.judge import FINAL, judge
from daybreak.monitor.lasting import GIVE_UP
from daybreak.monitor.wake import of_incident, of_judgement
from daybreak.monitor.watch import Watch

T = TypeVar("T", int, str)


class Agenda(Generic[T]):
    """What is to be looked at, and when; the same thing twice at one instant is once."""

    def __init__(self) -> None:
        self._heap: list[tuple[datetime, T]] = []
        self._planned: set[tuple[datetime, T]] = set()

    def plan(self, what: T, instants: Iterable[datetime], now: datetime) -> None:
        """Look at ``what`` at those of ``instants`` that are still to come."""
        for at in instants:
            if at > now and (at, what) not in self._planned:
                self._planned.add((at, what))
                heappush(self._heap, (at, what))

    def take(self, now: datetime) -> Iterator[T]:
        """What was planned for ``now`` or before; it is no longer planned."""
        while self._heap and self._heap[0][0] <= now:
            entry = heappop(self._heap)
            self._planned.discard(entry)
            yield entry[1]

    def next(self) -> datetime:
        return self._heap[0][0] if self._heap else NEVER


class TouchedWatch(Watch):
    """As :class:`Watch`, for ticks from ``start`` to ``end``: at these two everything is looked at.

    Subjects go by their place: the registry's upstreams, then its pipelines, in file order.
    """

    def __init__(self, registry: Registry, history: History, start: datetime, end: datetime) -> None:
        super().__init__(registry, history, begins=start)
        self._end = end
        self._last: datetime | None = None
        self._subjects: list[Pipeline | Upstream] = [*registry.upstreams.values(), *registry.pipelines.values()]
        self._places = {(isinstance(one, Upstream), one.id): n for n, one in enumerate(self._subjects)}
        self._all = frozenset(range(len(self._subjects)))
        self._waiting = [self._who_waits_for(subject) for subject in self._subjects]
        self._told_by: dict[str, frozenset[int]] = {}  # dag → subjects
        self._records: list[dict[str, Recorded]] = [{} for _ in self._subjects]
        self._keys: list[set[str]] = [set() for _ in self._subjects]  # of incidents
        self._members: dict[str, set[int]] = {}  # group's key → subjects that ever were in it
        self._order: dict[str, int] = {}  # dedup key → when its incident became known, among others
        self._again: set[int] = set()
        self._instants: Agenda[int] = Agenda()
        self._steps: Agenda[str] = Agenda()
        self._silences = sorted({edge for one in registry.silences for edge in (one.start, one.end)})

    def tick(self, now: datetime) -> None:
        """Judge and decide at ``now``, which never goes back."""
        snapshot = self.history.at(now)
        touched, groups = self._touched(now)
        while True:
            judgements, decisions = self._decide(touched, groups, snapshot, now)
            more = self._concerned(decisions) - groups
            if not more:
                break
            groups |= more
            touched |= {n for key in more for n in self._members[key]}
        self._take_in(judgements, decisions)
        self._plan(touched, groups, judgements, decisions, now)
        self._last = now

    def matters_next(self, now: datetime) -> datetime:
        """The first instant after ``now``, the last tick, at which anything can be different."""
        edge = next((at for at in self._silences if at > now), NEVER)
        return min(self._instants.next(), self._steps.next(), edge, self.history.next_event())

    def _touched(self, now: datetime) -> tuple[set[int], set[str]]:
        """The subjects and the groups to look at."""
        found, groups = set(self._again), set()
        for dag in self.history.changed:
            found |= self._concerns(dag)
        found.update(self._instants.take(now))
        for key in self._steps.take(now):
            incident = self.incidents[key]
            if incident.kind == "group":
                groups.add(key)
            else:
                found.add(self._place(incident))
        last = self._last
        if last is None or now >= self._end or any(last < edge <= now for edge in self._silences):
            found |= self._all
            groups |= self._members.keys()
        return found | {n for key in groups for n in self._members[key]}, groups

    def _decide(
        self, touched: set[int], groups: set[str], snapshot: Snapshot, now: datetime
    ) -> tuple[tuple[Judgement, ...], Decisions]:
        registry = self.registry
        subjects = [self._subjects[n] for n in sorted(touched)]
        remembered = touched | {
            self._places[True, name] for one in subjects if isinstance(one, Pipeline) for name in one.upstreams
        }
        recorded = {key: record for n in remembered for key, record in self._records[n].items()}
        keys = groups.union(*(self._keys[n] for n in touched))
        incidents = {key: self.incidents[key] for key in sorted(keys, key=self._order.__getitem__)}
        judgements = judge(registry, snapshot, recorded, now, only=subjects)
        decisions = decide(
            registry, incidents, judgements, now, snapshot=snapshot, recorded=recorded, begins=self.begins
        )
        return judgements, decisions

    def _concerned(self, decisions: Decisions) -> set[str]:
        """The groups that incidents which change are in, were in, or may join."""
        found = set()
        for after in decisions.incidents:
            if after.kind != "pipeline":
                continue
            before = self.incidents.get(after.dedup_key)
            found |= {after.member_of, before.member_of if before else None}
            upstreams = self.registry.pipelines[after.subject or ""].upstreams
            found |= {dedup_key(name, after.business_date, group=True) for name in upstreams}
        return {key for key in found if key is not None and key in self._members}

    def _take_in(self, judgements: tuple[Judgement, ...], decisions: Decisions) -> None:
        """Remember what was found and decided, and whom it touches in the next tick."""
        self._again = set()
        self.notifications += decisions.notifications
        for judgement in judgements:
            self._latest[judgement.occurrence.dedup_key] = judgement
        for record in decisions.records:
            one = record.occurrence
            n = self._places[one.is_upstream, one.subject]
            self.recorded[one.dedup_key] = self._records[n][one.dedup_key] = record
            self._again.add(n)
            self._again |= self._waiting[n]
        for incident in decisions.incidents:
            key = incident.dedup_key
            self.incidents[key] = incident
            self._order.setdefault(key, len(self._order))
            if incident.kind == "group":
                members = self._members.setdefault(key, set())
                members.update(self._places[False, one] for one in incident.group)
                continue
            n = self._place(incident)
            self._keys[n].add(key)
            self._again.add(n)

    def _plan(
        self,
        touched: set[int],
        groups: set[str],
        judgements: tuple[Judgement, ...],
        decisions: Decisions,
        now: datetime,
    ) -> None:
        """When to look again at what was looked at."""
        registry, calendar = self.registry, calendar_of(self.registry)
        for judgement in judgements:
            one = judgement.occurrence
            n = self._places[one.is_upstream, one.subject]
            self._instants.plan(n, of_judgement(registry, judgement), now)
            if one.is_upstream:
                self._instants.plan(n, (one.due_at,), now)
            elif judgement.state not in FINAL:
                waited = (calendar.expected(registry.upstreams[name], one.due_at) for name in self._named(n))
                self._instants.plan(n, (each.due_at for each in waited if each is not None), now)
        for n in touched:
            subject = self._subjects[n]
            if deadline_of(subject) is not None and calendar.current(subject, now) is None:
                self._again.add(n)  # no cycle yet: nothing tells when there will be one
        for key in groups.union((one.dedup_key for one in decisions.incidents), *(self._keys[n] for n in touched)):
            incident = self.incidents[key]
            if incident.open:
                self._steps.plan(key, (*of_incident(registry, incident, now), incident.opened_at + GIVE_UP), now)

    def _concerns(self, dag: str) -> frozenset[int]:
        """The subjects about which the runs of ``dag`` tell, and those that wait for one of them."""
        if dag not in self._told_by:
            found = {n for n, subject in enumerate(self._subjects) if self._tells(dag, subject)}
            for n in tuple(found):
                for name in self._named(n):
                    ready = self.registry.upstreams[name].ready_when
                    if ready is not None and ready.kind == "sensor":
                        found.add(self._places[True, name])
            self._told_by[dag] = frozenset(found.union(*(self._waiting[n] for n in found)))
        return self._told_by[dag]

    @staticmethod
    def _tells(dag: str, subject: Pipeline | Upstream) -> bool:
        if isinstance(subject, Pipeline):
            return any(dag == name or fnmatchcase(dag, name) for name in subject.dags)
        ready = subject.ready_when
        return ready is not None and ready.kind == "dag" and ready.value == dag

    def _who_waits_for(self, subject: Pipeline | Upstream) -> frozenset[int]:
        if isinstance(subject, Pipeline):
            return frozenset()
        pipelines = self.registry.pipelines.values()
        return frozenset(self._places[False, one.id] for one in pipelines if subject.id in one.upstreams)

    def _named(self, n: int) -> tuple[str, ...]:
        """The upstreams that the subject at place ``n`` names."""
        subject = self._subjects[n]
        return subject.upstreams if isinstance(subject, Pipeline) else ()

    def _place(self, incident: Incident) -> int:
        return self._places[incident.kind == "upstream", incident.subject or ""]
