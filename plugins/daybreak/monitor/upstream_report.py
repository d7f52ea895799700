"""One upstream on one day, out of the store: since when it is late, and who was told of that, when and how."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Any

from sqlalchemy import Connection, Row, and_, or_, select

from daybreak.domain.clock import wall_time
from daybreak.domain.incident import Occurrence, Recorded
from daybreak.domain.occurrence import calendar_of, occurrences_between
from daybreak.domain.registry import DelayStep, Pipeline, Registry, Upstream
from daybreak.store.occurrences import find_record
from daybreak.store.schema import delivery, incident, occurrence

_TOLD_BY = ("create", "step", "parent", "close")  # what tells somebody; notes and rewrites only add to it
_AROUND = timedelta(days=8)  # a weekly pipeline may be due so long after what it waits for


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One delivery of a telling. ``place``: ``Opsgenie`` or the Slack channel; ``at``: when sent, else when queued."""

    place: str
    state: str  # pending | sent | failed | shadow | superseded
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """One thing that was told. ``pipelines``: whose page it was; empty where it was about the upstream itself."""

    at: datetime
    kind: str  # page | notice | ticket | thread | resolve
    event: str
    to: tuple[str, ...]  # registry ids
    pipelines: tuple[str, ...]
    ways: tuple[Way, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class UpstreamReport:
    """``occurrence`` is None where nothing is expected on that day, ``record`` where no monitor has judged it."""

    upstream: Upstream
    business_date: date
    occurrence: Occurrence | None = None
    record: Recorded | None = None
    told: tuple[Telling, ...] = ()  # the oldest first
    coming: tuple[tuple[datetime, DelayStep], ...] = ()  # steps whose time has not come, if it stays late

    @property
    def waits(self) -> bool:
        """Whether it is still waited for."""
        return self.record is None or (self.record.ready_at is None and not self.record.waived)


def waiting_for(registry: Registry, upstream: str) -> tuple[Pipeline, ...]:
    """The pipelines that name ``upstream``, in file order."""
    return tuple(one for one in registry.pipelines.values() if upstream in one.upstreams)


def today_of(registry: Registry, upstream: Upstream, now: datetime) -> date:
    """The business date whose cycle is open at ``now``; the local date where nothing is ever expected."""
    current = calendar_of(registry).current(upstream, now)
    return current.business_date if current else now.astimezone(upstream.expected.zone).date()


def gather_upstream(
    registry: Registry, connection: Connection, upstream: Upstream, day: date, now: datetime
) -> UpstreamReport:
    """What the store holds of ``upstream`` on the business date ``day``, as things stand at ``now``."""
    expected = expected_on(registry, upstream, day)
    if expected is None:
        return UpstreamReport(upstream=upstream, business_date=day)
    record = find_record(connection, expected.dedup_key)
    about = {expected.dedup_key: (), **_blocked(registry, connection, upstream, expected)}
    instants = ((step.after.after(expected.due_at, upstream.expected.zone), step) for step in upstream.on_delay)
    found = UpstreamReport(
        upstream=upstream, business_date=day, occurrence=expected, record=record, told=_told(connection, about)
    )
    if not found.waits:
        return found
    return replace(found, coming=tuple((at, step) for at, step in instants if at > now))


def expected_on(registry: Registry, upstream: Upstream, day: date) -> Occurrence | None:
    """The occurrence of ``upstream`` with the business date ``day``; None if none is expected then."""
    zone = upstream.expected.zone
    start, end = (wall_time(one, time(0), zone) for one in (day, day + timedelta(days=1)))
    return next(iter(occurrences_between(registry, upstream, start, end)), None)


def _blocked(
    registry: Registry, connection: Connection, upstream: Upstream, expected: Occurrence
) -> dict[str, tuple[str, ...]]:
    """Dedup key → pipelines, of the incidents that this delay made: of single pipelines and of groups."""
    near = (expected.due_at, expected.due_at + _AROUND)
    o, i = occurrence.c, incident.c
    single = connection.execute(
        select(o.dedup_key, o.subject, o.due_at).where(
            o.upstream == upstream.id, o.is_upstream.is_(False), o.due_at.between(*near)
        )
    ).all()
    groups = connection.execute(
        select(i.dedup_key, i.group, i.due_at).where(
            and_(i.upstream == upstream.id, i.kind == "group", i.due_at.between(*near))
        )
    ).all()
    calendar = calendar_of(registry)

    def ours(due_at: datetime) -> bool:
        return calendar.expected(upstream, due_at) == expected

    return {
        **{row.dedup_key: (row.subject,) for row in single if ours(row.due_at)},
        **{row.dedup_key: tuple(row.group) for row in groups if ours(row.due_at)},
    }


def _told(connection: Connection, about: dict[str, tuple[str, ...]]) -> tuple[Telling, ...]:
    d = delivery.c
    chosen = select(delivery).where(
        d.dedup_key.in_(about), d.operation.in_(_TOLD_BY), or_(d.kind != "resolve", d.channel == "opsgenie")
    )
    together: dict[tuple[Any, ...], list[Row[Any]]] = {}
    for row in connection.execute(chosen.order_by(d.created_at, d.id)):
        together.setdefault((row.dedup_key, row.kind, row.event, row.step, row.created_at), []).append(row)
    return tuple(_telling(rows, about[rows[0].dedup_key]) for rows in together.values())


def _telling(rows: list[Row[Any]], pipelines: tuple[str, ...]) -> Telling:
    first = rows[0]
    return Telling(
        at=first.created_at,
        kind=first.kind,
        event=first.event,
        to=_all_of(row.to or () for row in rows),
        pipelines=pipelines,
        ways=tuple(Way(place=_place(row), state=row.state, at=row.sent_at or row.created_at) for row in rows),
    )


def _place(row: Row[Any]) -> str:
    return str((row.payload or {}).get("channel") or "Slack") if row.channel == "slack" else "Opsgenie"


def _all_of(several: Iterable[Iterable[str]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one for names in several for one in names))
