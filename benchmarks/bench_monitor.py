"""A tick over 10,000 pipelines and 1,000,000 dag runs on PostgreSQL: seconds, statements, memory.

Needs a server, named by DAYBREAK_TEST_POSTGRES, on which a database of its own is made and dropped. The first tick
fills the store and is shown for comparison; the bar is for those that follow.
"""

from __future__ import annotations

import os
import resource
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any

from sqlalchemy import event, text

from daybreak.monitor import usuals
from daybreak.sql.database import open_engine, writing
from daybreak.store import migrate
from tests.support.airflow_db import create_tables
from tests.support.monitors import engine_of, known_since
from tests.support.postgres import own_database

PIPELINES = 10_000
RUNS_EACH = 100
NOW = datetime(2026, 3, 2, 7, 30, tzinfo=UTC)
TICKS = 5

REGISTRY_HEAD = """
version: 1
people: {ada: {name: Ada, opsgenie: ada@example.com}}
on_call: {layers: {primary: {start: 2026-01-05T09:00, every: 1w, members: [ada]}}}
defaults: {owner: ada}
pipelines:
"""
FILL = """
INSERT INTO dag_run (dag_id, run_id, run_type, state, run_after, logical_date, data_interval_end, queued_at,
                     start_date, end_date, clear_number, span_status)
SELECT 'dag_' || d, 'scheduled__' || n, 'scheduled', CASE WHEN n = 0 THEN 'running' ELSE 'success' END,
       at, at, at, at, at, CASE WHEN n = 0 THEN NULL ELSE at + interval '150 minutes' END, 0, 'not_started'
FROM generate_series(0, :dags - 1) d, generate_series(0, :runs - 1) n,
     LATERAL (SELECT CAST(:newest AS timestamptz) - n * interval '1 day' AS at) t
"""
DAGS = """
INSERT INTO dag (dag_id, is_paused, is_stale, relative_fileloc, fileloc, bundle_name, timetable_type, max_active_tasks,
                 max_consecutive_failed_dag_runs, has_task_concurrency_limits, partition_mapper_info,
                 exceeds_max_non_backfill, timetable_partitioned, timetable_periodic, fail_fast)
SELECT 'dag_' || d, false, false, 'd.py', '/d.py', 'dags', 'cron', 16, 0, false, '{}', false, false, true, false
FROM generate_series(0, :dags - 1) d
"""


def run() -> list[dict[str, Any]]:
    """The rows of this benchmark; none, with a word on standard error, without a server."""
    server = os.environ.get("DAYBREAK_TEST_POSTGRES")
    if not server:
        print("bench_monitor: DAYBREAK_TEST_POSTGRES is not set: not measured", file=sys.stderr)
        return []
    with own_database(server) as url, tempfile.TemporaryDirectory() as folder:
        return _measure(url, Path(folder))


def _measure(url: str, folder: Path) -> list[dict[str, Any]]:
    create_tables(url, home=folder)
    store = open_engine(url)
    migrate.upgrade(store)
    names = [f"p{n}" for n in range(PIPELINES)]
    with writing(store) as connection:
        connection.execute(text("SET LOCAL statement_timeout = 0"))
        connection.execute(text("INSERT INTO dag_bundle (name, active) VALUES ('dags', true)"))
        connection.execute(text(DAGS), {"dags": PIPELINES})
        connection.execute(text(FILL), {"dags": PIPELINES, "runs": RUNS_EACH, "newest": NOW - timedelta(hours=2)})
        connection.execute(
            text("INSERT INTO job (job_type, state, latest_heartbeat) VALUES ('SchedulerJob', 'running', :at)"),
            {"at": NOW + timedelta(hours=1)},
        )
    with store.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ANALYZE dag_run"))
    file = folder / "ownership.yaml"
    file.write_text(
        REGISTRY_HEAD
        + "".join(
            f'  p{n}: {{dags: [dag_{n}], owners: {{primary: ada}}, deadline: {{due: "{8 + n % 8:02}:00"}}}}\n'
            for n in range(PIPELINES)
        )
    )
    known_since(store, NOW - timedelta(days=90), *names)
    engine = engine_of(store, store, file)
    counted: list[str] = []
    event.listen(store, "before_cursor_execute", lambda *args: counted.append(args[2]))
    usuals.AT_ONCE = PIPELINES  # all in the first tick, so that those measured are the usual ones
    first = engine.tick(NOW)
    seconds, statements = [], []
    for n in range(TICKS):
        counted.clear()
        tick = engine.tick(NOW + timedelta(seconds=10 * (n + 1)))
        seconds.append(tick.seconds)
        statements.append(len(counted))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return [
        {"name": "monitor: the first tick, store empty", "value": first.seconds, "unit": "s", "bar": None, "ok": True},
        _row("monitor: a tick, 10,000 pipelines, 1,000,000 runs", median(seconds), "s", 1.5),
        _row("monitor: statements of a tick", max(statements), "", 8),
        _row("monitor: memory at its peak", peak, "MB", 300),
    ]


def _row(name: str, value: float, unit: str, bar: float) -> dict[str, Any]:
    return {"name": name, "value": value, "unit": unit, "bar": f"<= {bar:g} {unit}".strip(), "ok": value <= bar}
