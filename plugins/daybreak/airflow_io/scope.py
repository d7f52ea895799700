"""What a reading has to cover, worked out from the registry and the clock before anything is asked."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from fnmatch import translate

from daybreak.domain.incident import Recorded, State
from daybreak.domain.occurrence import calendar_of
from daybreak.domain.registry import Pipeline, Registry, Upstream

_RECENT = timedelta(days=1, hours=6)
"""Runs this young are read of every dag; those of longer cycles only of the dags that need them."""
_BEFORE = timedelta(hours=6)  # a success that ended shortly before the cycle opened is named beside "no run"
_SETTLED = frozenset({State.MET, State.LATE})
_GLOB = frozenset("*?[")
_MARKING = timedelta(seconds=10)


class Named:
    """Names of dags, globs among them: looking one dag up costs about the same however many there are."""

    def __init__(self, names: Iterable[str]) -> None:
        self._names = frozenset(names)
        globs = sorted(name for name in self._names if _GLOB.intersection(name))
        self._globs = re.compile("|".join(map(translate, globs))) if globs else None

    def has(self, dag: str) -> bool:
        return dag in self._names or (self._globs is not None and self._globs.match(dag) is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """``since``: runs of all ``dags`` from then on; ``older``: dags of which runs from ``long_ago`` on are needed."""

    dags: frozenset[str]  # exact ids: those of pipelines, and of upstreams that a dag tells
    patterns: tuple[str, ...]
    since: datetime
    long_ago: datetime
    older: frozenset[str]
    older_patterns: tuple[str, ...]
    task_names: frozenset[str]  # tasks of interest besides failed ones and our own sensors
    with_tasks: frozenset[str]  # dags of whose successes the tasks matter: they wait for upstreams, or `task` narrows
    just_due: frozenset[str]  # dags of pipelines that were due in the last seconds: their runs may await their mark
    assets: Mapping[str, tuple[tuple[str, str, datetime, datetime], ...]] = field(default_factory=dict)
    """URI → (upstream id, business date, opens at, closes at) of the occurrences it can make ready."""


def scope_of(registry: Registry, recorded: Mapping[str, Recorded], now: datetime) -> Scope:
    """The scope of a reading at ``now`` (aware). ``recorded``: what the store remembers."""
    calendar = calendar_of(registry)
    since = now - _RECENT
    unsettled: dict[tuple[str, bool], datetime] = {}
    for record in recorded.values():
        if record.state not in _SETTLED:
            key = (record.occurrence.subject, record.occurrence.is_upstream)
            first = min(record.occurrence.opens_at, record.occurrence.due_at)
            unsettled[key] = min(unsettled.get(key, first), first)
    dags: set[str] = set()
    older: set[str] = set()
    names: set[str] = set()
    with_tasks: set[str] = set()
    just_due: set[str] = set()
    long_ago = since
    assets: dict[str, list[tuple[str, str, datetime, datetime]]] = {}
    subjects: Iterable[Pipeline | Upstream] = (*registry.pipelines.values(), *registry.upstreams.values())
    for subject in subjects:
        is_upstream = isinstance(subject, Upstream)
        found = _dags_of(subject)
        dags.update(found)
        current = calendar.current(subject, now)
        opens = [
            one for one in (current.opens_at if current else None, unsettled.get((subject.id, is_upstream))) if one
        ]
        first = min(opens, default=now) - _BEFORE
        if first < since:
            older.update(found)
            long_ago = min(long_ago, first)
        if isinstance(subject, Upstream):
            _upstream(subject, names, with_tasks)
            if subject.ready_when is not None and subject.ready_when.kind == "asset":
                due = current.due_at if current else now
                spans = (current, calendar.expected(subject, due), calendar.expected(subject, now))
                unique = {one.due_at: one for one in spans if one is not None}
                assets.setdefault(subject.ready_when.value, []).extend(
                    (subject.id, one.business_date.isoformat(), one.opens_at, one.closes_at) for one in unique.values()
                )
            continue
        if subject.deadline is not None and subject.deadline.task:
            names.add(subject.deadline.task)
            with_tasks.update(found)
        if subject.upstreams:
            with_tasks.update(found)
        if current is not None and current.due_at <= now < current.due_at + _MARKING:
            just_due.update(found)
    return Scope(
        dags=frozenset(dag for dag in dags if not _GLOB.intersection(dag)),
        patterns=tuple(sorted(dag for dag in dags if _GLOB.intersection(dag))),
        since=since,
        long_ago=long_ago,
        older=frozenset(dag for dag in older if not _GLOB.intersection(dag)),
        older_patterns=tuple(sorted(dag for dag in older if _GLOB.intersection(dag))),
        task_names=frozenset(names),
        with_tasks=frozenset(with_tasks),
        just_due=frozenset(just_due),
        assets={uri: tuple(found) for uri, found in assets.items()},
    )


def _dags_of(subject: Pipeline | Upstream) -> tuple[str, ...]:
    if isinstance(subject, Pipeline):
        return subject.dags
    ready = subject.ready_when
    return (ready.value,) if ready is not None and ready.kind == "dag" else ()


def _upstream(upstream: Upstream, names: set[str], with_tasks: set[str]) -> None:
    names.add(f"wait_for_{upstream.id}")
    ready = upstream.ready_when
    if ready is None:
        return
    if ready.kind == "sensor":
        names.add(ready.value)
    if ready.kind == "dag" and ready.task:
        names.add(ready.task)
        with_tasks.add(ready.value)
