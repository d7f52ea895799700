"""The small tables that a monitor remembers by: registries, pipelines seen, usual durations, probes, shifts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, select, update

from daybreak.store.rows import upsert
from daybreak.store.schema import pipeline_seen, registry, shift, upstream_ready, usual_duration

_NAME = "production"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptRegistry:
    """The last good registry, and what is wrong with the file in production now, if anything is."""

    digest: str
    text: str
    source: str
    problem: str | None = None
    problem_since: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Usual:
    """A dag's usual duration (None: too few successes), and the newest success that it takes into account."""

    duration: timedelta | None
    samples: int
    newest_end: datetime | None


def kept_registry(conn: Connection) -> KeptRegistry | None:
    row = conn.execute(select(registry).where(registry.c.name == _NAME)).first()
    if row is None:
        return None
    return KeptRegistry(
        digest=row.digest, text=row.text, source=row.source, problem=row.problem, problem_since=row.problem_since
    )


def keep_registry(conn: Connection, kept: KeptRegistry, now: datetime) -> None:
    values = {"digest": kept.digest, "text": kept.text, "source": kept.source, "loaded_at": now}
    upsert(conn, registry, [{"name": _NAME, **values, "problem": None, "problem_since": None}])


def note_problem(conn: Connection, problem: str, now: datetime) -> None:
    """Beside the last good registry: what is wrong with the one in production."""
    conn.execute(update(registry).where(registry.c.name == _NAME).values(problem=problem, problem_since=now))


def seen_pipelines(conn: Connection) -> dict[str, datetime]:
    """Pipeline → since when the registry has it."""
    return {row.pipeline: row.first_seen for row in conn.execute(select(pipeline_seen))}


def save_seen(conn: Connection, seen: Mapping[str, datetime]) -> None:
    rows = [{"pipeline": name, "first_seen": at} for name, at in seen.items()]
    upsert(conn, pipeline_seen, rows, keep=("first_seen",))


def load_usual(conn: Connection) -> dict[str, Usual]:
    return {
        row.dag_id: Usual(
            duration=None if row.seconds is None else timedelta(seconds=row.seconds),
            samples=row.samples,
            newest_end=row.newest_end,
        )
        for row in conn.execute(select(usual_duration))
    }


def save_usual(conn: Connection, usual: Mapping[str, Usual], now: datetime) -> None:
    upsert(
        conn,
        usual_duration,
        (
            {
                "dag_id": dag,
                "seconds": None if each.duration is None else each.duration.total_seconds(),
                "samples": each.samples,
                "newest_end": each.newest_end,
                "computed_at": now,
            }
            for dag, each in usual.items()
        ),
    )


def load_ready(conn: Connection, since: date) -> dict[tuple[str, str], datetime]:
    """(upstream, business date in ISO form) → ready at, as probes saw it."""
    chosen = select(upstream_ready).where(upstream_ready.c.business_date >= since)
    return {(row.upstream, row.business_date.isoformat()): row.ready_at for row in conn.execute(chosen)}


def save_ready(conn: Connection, found: Iterable[tuple[str, date, datetime]], now: datetime) -> None:
    rows = [{"upstream": u, "business_date": d, "ready_at": at, "seen_at": now} for u, d, at in found]
    upsert(conn, upstream_ready, rows, keep=("ready_at", "seen_at"))


def load_shift(conn: Connection, layer: str, start_at: datetime) -> Any:
    """The row of the shift of ``layer`` that began at ``start_at``; None if it was not seen."""
    chosen = select(shift).where(shift.c.layer == layer, shift.c.start_at == start_at)
    return conn.execute(chosen).first()


def save_shifts(conn: Connection, rows: Iterable[Mapping[str, Any]]) -> None:
    """Each with layer, start_at, end_at, person, reason. Whether a shift was reported stays as it was."""
    upsert(conn, shift, ({**row, "reported_at": None} for row in rows), keep=("reported_at",))


def mark_reported(conn: Connection, layer: str, start_at: datetime, now: datetime) -> None:
    chosen = (shift.c.layer == layer) & (shift.c.start_at == start_at)
    conn.execute(update(shift).where(chosen).values(reported_at=now))
