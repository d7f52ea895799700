"""The SQL with which Airflow's metadata database is read: one statement a question, whatever the number of dags.

Text rather than Airflow's models: those change names between versions, load half of Airflow, and would hold objects
for a million rows. Lists travel as one parameter each, so that ten thousand dags are no longer a statement than ten.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import BindParameter, Integer, String, bindparam, column, text
from sqlalchemy import Dialect as SqlDialect
from sqlalchemy.sql.expression import TextualSelect

from daybreak.sql.types import Instant

_RUN = "dag_id, run_id, run_type, state, run_after, logical_date, data_interval_end, queued_at, start_date, end_date"
_MOST_UNCLAIMED = 200
_ENDED = "('success', 'failed', 'skipped', 'upstream_failed', 'removed')"
_TASK_OF = "ti.dag_id = wanted.dag_id AND ti.run_id = wanted.run_id"


class Dialect:
    """What SQLite and PostgreSQL say differently."""

    def __init__(self, name: str) -> None:
        self.postgres = name == "postgresql"

    def listed(self, parameter: str) -> str:
        """A subquery of the values of a list parameter."""
        if self.postgres:
            return f"(SELECT unnest(CAST(:{parameter} AS text[])))"
        return f"(SELECT value FROM json_each(:{parameter}))"  # noqa: S608 - parameter names are ours

    def list_value(self, values: Iterable[str]) -> Any:
        found = list(values)
        return found if self.postgres else json.dumps(found)

    def pairs(self) -> str:
        """A WITH clause ``wanted(dag_id, run_id)`` of the parameters of :meth:`pair_values`."""
        if self.postgres:
            rows = "SELECT * FROM unnest(CAST(:dags AS text[]), CAST(:runs AS text[]))"
        else:
            rows = "SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]') FROM json_each(:pairs)"
        return f"WITH wanted(dag_id, run_id) AS ({rows})"

    def pair_values(self, pairs: Sequence[tuple[str, str]]) -> dict[str, Any]:
        if self.postgres:
            return {"dags": [dag for dag, _ in pairs], "runs": [run for _, run in pairs]}
        return {"pairs": json.dumps(pairs)}


def instant(name: str) -> BindParameter[datetime]:
    """A parameter that is an instant: each database keeps those in its own way."""
    return bindparam(name, type_=Instant)


def dags(dialect: Dialect, *, everything: bool) -> TextualSelect:
    """What is known of dags: all, or those of ``:ids``."""
    where = "" if everything else f" WHERE dag_id IN {dialect.listed('ids')}"
    sql = f"SELECT dag_id, is_paused, is_stale, relative_fileloc, fileloc, bundle_name FROM dag{where}"  # noqa: S608
    return text(sql).columns(column("dag_id", String))


def health() -> TextualSelect:
    """``beat``, the latest heartbeat of any scheduler, of one that ended in order as well (a restart is no breakdown),
    beside each file that does not parse now: one row at least, whose ``filename`` is null where all do."""
    beat = "SELECT max(latest_heartbeat) AS beat FROM job WHERE job_type = 'SchedulerJob'"
    sql = f"SELECT b.beat, e.filename, e.bundle_name, e.stacktrace FROM ({beat}) b LEFT JOIN import_error e ON 1 = 1"  # noqa: S608
    return text(sql).columns(column("beat", Instant), *(column(x) for x in ("filename", "bundle_name", "stacktrace")))


def runs(dialect: Dialect, *, older: bool, unclaimed: bool = False) -> TextualSelect:
    """Runs of ``:ids`` since ``:since``, and runs of ``:older`` since ``:long_ago``.

    :param unclaimed: also the newest runs of all other dags that failed since ``:since``, backfills aside; both are
        found by the index of ``run_after``

    Dates come as the driver has them: most rows are those of the reading before, and are not converted again.
    """
    sql = f"SELECT {_RUN} FROM dag_run WHERE run_after >= :since AND dag_id IN {dialect.listed('ids')}"  # noqa: S608
    if unclaimed:
        others = (
            f"SELECT {_RUN} FROM dag_run WHERE run_after >= :since AND state = 'failed' AND run_type <> 'backfill' "  # noqa: S608
            f"AND dag_id NOT IN {dialect.listed('ids')} ORDER BY run_after DESC LIMIT {_MOST_UNCLAIMED}"
        )
        sql += f" UNION ALL SELECT {_RUN} FROM ({others}) others"  # noqa: S608
    if older:
        also = f"run_after >= :long_ago AND run_after < :since AND dag_id IN {dialect.listed('older')}"
        sql += f" UNION ALL SELECT {_RUN} FROM dag_run WHERE {also}"  # noqa: S608
    return text(sql).columns(*(column(name) for name in _RUN.split(", ")))


def reads_instants(dialect: SqlDialect) -> Callable[[Any], datetime | None]:
    """What makes an instant of a date as the driver of ``dialect`` has it."""
    found = Instant().dialect_impl(dialect).result_processor(dialect, None)
    assert found is not None  # a TypeDecorator that changes results has one
    return found


def tasks(dialect: Dialect) -> TextualSelect:
    """Of the wanted runs: failed tasks with what they left behind (``:evidence``), sensors that wait for upstreams, and
    the tasks of ``:names``."""
    sql = (
        f"{dialect.pairs()} SELECT ti.dag_id, ti.run_id, ti.task_id, ti.state, ti.map_index, ti.try_number, "  # noqa: S608
        "ti.operator, ti.hostname, ti.start_date, ti.end_date, x.value AS evidence "
        f"FROM wanted JOIN task_instance ti ON {_TASK_OF} "
        "LEFT JOIN xcom x ON x.dag_id = ti.dag_id AND x.task_id = ti.task_id AND x.run_id = ti.run_id "
        "AND x.map_index = ti.map_index AND x.key = :evidence "
        "WHERE ti.state IN ('failed', 'upstream_failed') OR ti.operator LIKE '%UpstreamReadySensor' "
        f"OR ti.task_id IN {dialect.listed('names')}"
    )
    return text(sql).columns(
        *(column(name, String) for name in ("dag_id", "run_id", "task_id", "state")),
        column("map_index", Integer),
        column("try_number", Integer),
        column("operator", String),
        column("hostname", String),
        column("start_date", Instant),
        column("end_date", Instant),
    )


def finished(dialect: Dialect) -> TextualSelect:
    """Of the wanted runs those all of whose tasks have ended, and when the last did."""
    sql = (
        f"{dialect.pairs()} SELECT ti.dag_id, ti.run_id, max(ti.end_date) AS ended "  # noqa: S608
        f"FROM wanted JOIN task_instance ti ON {_TASK_OF} GROUP BY ti.dag_id, ti.run_id "
        f"HAVING count(*) = sum(CASE WHEN ti.state IN {_ENDED} THEN 1 ELSE 0 END)"
    )
    return text(sql).columns(column("dag_id", String), column("run_id", String), column("ended", Instant))


def asset_events(dialect: Dialect) -> TextualSelect:
    """Events of the assets ``:uris`` since ``:since``, the oldest first."""
    sql = (
        "SELECT a.uri, e.timestamp AS at FROM asset a JOIN asset_event e ON e.asset_id = a.id "  # noqa: S608
        f"WHERE a.uri IN {dialect.listed('uris')} AND e.timestamp >= :since ORDER BY e.timestamp"
    )
    return text(sql).columns(column("uri", String), column("at", Instant))


def successes(dialect: Dialect) -> TextualSelect:
    """The last ``:samples`` successes of each of ``:ids``, newest end first."""
    ranked = (
        "SELECT dag_id, start_date, end_date, row_number() OVER (PARTITION BY dag_id ORDER BY end_date DESC) AS place "  # noqa: S608
        f"FROM dag_run WHERE dag_id IN {dialect.listed('ids')} AND state = 'success' AND run_type <> 'backfill' "
        "AND start_date IS NOT NULL AND end_date IS NOT NULL"
    )
    sql = f"SELECT dag_id, start_date, end_date FROM ({ranked}) ranked WHERE place <= :samples ORDER BY dag_id, place"  # noqa: S608
    return text(sql).columns(column("dag_id", String), column("start_date", Instant), column("end_date", Instant))
