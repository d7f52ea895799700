"""Occurrences: what was due, how it ended, and by how much. The history that Airflow deletes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, and_, func, or_, select, tuple_, update

from daybreak.domain.incident import Judgement, Occurrence, Reason, Recorded, State
from daybreak.store.rows import upsert
from daybreak.store.schema import occurrence

SETTLED = (State.MET, State.LATE)
REMEMBERED = timedelta(days=2)  # after their cycle's end settled occurrences stay in the working set for so long
LOOK_BACK = timedelta(days=15)  # unsettled ones for so long


def load_records(conn: Connection, now: datetime) -> dict[str, Recorded]:
    """Dedup key → record, as far as judging needs it: recent cycles, what is not settled, and the latest of each."""
    o = occurrence.c
    latest = select(o.subject, o.is_upstream, func.max(o.due_at)).group_by(o.subject, o.is_upstream)
    chosen = select(occurrence).where(
        or_(
            o.closes_at > now - REMEMBERED,
            and_(o.state.not_in([state.value for state in SETTLED]), o.due_at > now - LOOK_BACK),
            tuple_(o.subject, o.is_upstream, o.due_at).in_(latest),
        )
    )
    return {row.dedup_key: _recorded(row) for row in conn.execute(chosen)}


def still_needed(record: Recorded, now: datetime) -> bool:
    """Whether the working set keeps ``record``; the latest of each subject is kept besides."""
    one = record.occurrence
    if record.state in SETTLED:
        return one.closes_at > now - REMEMBERED
    return one.due_at > now - LOOK_BACK


def save_records(
    conn: Connection, records: Iterable[Recorded], judgements: Mapping[str, Judgement], now: datetime
) -> None:
    """Write ``records``; ``judgements`` (dedup key → judgement) tell which upstream was the reason."""
    rows = []
    for each in records:
        one, judgement = each.occurrence, judgements.get(each.occurrence.dedup_key)
        late = judgement.late_upstreams if judgement is not None else ()
        by_upstream = each.reason is Reason.UPSTREAM_LATE and not one.is_upstream and late
        rows.append(
            {
                "dedup_key": one.dedup_key,
                "subject": one.subject,
                "is_upstream": one.is_upstream,
                "business_date": one.business_date,
                "due_at": one.due_at,
                "opens_at": one.opens_at,
                "closes_at": one.closes_at,
                "state": each.state.value,
                "reason": each.reason.value if each.reason else None,
                "upstream": late[0] if by_upstream else None,
                "ready_at": each.ready_at,
                "minutes_late": each.minutes_late,
                "run_id": each.run_id,
                "waived": each.waived,
                "first_seen": now,
                "updated_at": now,
            }
        )
    with_upstream = [row for row in rows if row["upstream"]]
    without = [row for row in rows if not row["upstream"]]
    upsert(conn, occurrence, with_upstream, keep=("first_seen",))
    upsert(conn, occurrence, without, keep=("first_seen", "upstream"))


def find_record(conn: Connection, dedup_key: str) -> Recorded | None:
    row = conn.execute(select(occurrence).where(occurrence.c.dedup_key == dedup_key)).first()
    return _recorded(row) if row else None


def set_waived(conn: Connection, dedup_key: str, why: str, now: datetime) -> bool:
    """Declare an occurrence as not needed. → whether it was there."""
    changed = update(occurrence).where(occurrence.c.dedup_key == dedup_key).values(waived=why, updated_at=now)
    return conn.execute(changed).rowcount == 1


def history(
    conn: Connection, subject: str, start: datetime, end: datetime, *, is_upstream: bool = False
) -> list[Row[Any]]:
    """The rows of ``subject`` due in [start, end), the oldest first."""
    o = occurrence.c
    chosen = select(occurrence).where(
        o.subject == subject, o.is_upstream == is_upstream, o.due_at >= start, o.due_at < end
    )
    return list(conn.execute(chosen.order_by(o.due_at)))


def _recorded(row: Any) -> Recorded:
    return Recorded(
        occurrence=Occurrence(
            subject=row.subject,
            business_date=row.business_date,
            due_at=row.due_at,
            opens_at=row.opens_at,
            closes_at=row.closes_at,
            is_upstream=row.is_upstream,
        ),
        state=State(row.state),
        reason=Reason(row.reason) if row.reason else None,
        ready_at=row.ready_at,
        run_id=row.run_id,
        minutes_late=row.minutes_late,
        waived=row.waived,
    )
