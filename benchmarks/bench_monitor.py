"""A tick over 10,000 pipelines and 1,000,000 dag runs on PostgreSQL: seconds, statements, memory.

Half of the pipelines wait for one of twenty upstreams, every hundredth claims its dags by a glob. The bar is for an
ordinary tick, in which nothing falls due; beside it stand the first tick, which fills the store, and one in which a
thousand pipelines fall due unready. The peer reads the same runs through Airflow's own model and judges nothing.

Needs a server, named by DAYBREAK_TEST_POSTGRES, on which a database of its own is made and dropped.
"""

from __future__ import annotations

import os
import resource
import subprocess
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
teams: {sales: {name: Sales, opsgenie_team: Sales}}
on_call: {layers: {primary: {start: 2026-01-05T09:00, every: 1w, members: [ada]}}}
defaults: {owner: ada}
"""
PEER = """
import sys, time
from datetime import datetime
from sqlalchemy import create_engine, select
from sqlalchemy.orm import Session
from airflow.models.dagrun import DagRun
seconds = []
with Session(create_engine(sys.argv[1])) as session:
    for _ in range(3):
        session.expunge_all()
        began = time.perf_counter()
        found = session.scalars(select(DagRun).where(DagRun.run_after >= datetime.fromisoformat(sys.argv[2]))).all()
        seconds.append(time.perf_counter() - began)
print(sorted(seconds)[1], len(found))
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
        print("bench_monitor: DAYBREAK_TEST_POSTGRES is not set: NOT measured", file=sys.stderr)
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
    file.write_text(_registry())
    known_since(store, NOW - timedelta(days=90), *names)
    engine = engine_of(store, store, file)
    counted: list[str] = []
    event.listen(store, "before_cursor_execute", lambda *args: counted.append(args[2]))
    usuals.AT_ONCE = 2 * PIPELINES  # all in the first tick, so that those measured are the usual ones
    first = engine.tick(NOW)
    engine.tick(NOW + timedelta(seconds=1))  # the first that knows usual durations decides by them
    seconds, statements = [], []
    for n in range(TICKS):
        counted.clear()
        tick = engine.tick(NOW + timedelta(seconds=10 * (n + 1)))
        if tick.queued or not tick.judged:
            raise RuntimeError(f"not an ordinary tick: {tick.queued} rows queued, {tick.problem}")
        seconds.append(tick.seconds)
        statements.append(len(counted))
    due = engine.tick(NOW.replace(hour=8, minute=0))
    if due.queued < PIPELINES / 10:
        raise RuntimeError(f"only {due.queued} rows were queued when {PIPELINES // 8} pipelines fell due")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    peer, rows = _peer(url, folder)
    return [
        _row("monitor: a tick, 10,000 pipelines, 1,000,000 runs", median(seconds), "s", 1.5),
        _row("monitor: statements of a tick", max(statements), "", 8),
        _row("monitor: memory at its peak", peak, "MB", 300),
        _row(f"monitor: peer, the same {rows:,} runs through Airflow's DagRun, not judged", peer, "s", None),
        _row("monitor: the first tick, store empty", first.seconds, "s", None),
        _row(f"monitor: a tick that queues {due.queued:,} rows for those due unready", due.seconds, "s", None),
    ]


def _registry() -> str:
    upstreams = "".join(
        f'  u{n}: {{team: sales, expected_by: "05:00", ready_when: {{dag: dag_{n}}}}}\n' for n in range(20)
    )
    lines = []
    for n in range(PIPELINES):
        dags = f"[dag_{n}, 'group{n}_*']" if n % 100 == 7 else f"[dag_{n}]"
        waits = f"upstreams: [u{n % 20}], " if n % 2 else ""
        due = f'{{due: "{8 + n % 8:02}:00"}}'
        lines.append(f"  p{n}: {{dags: {dags}, owners: {{primary: ada}}, {waits}deadline: {due}}}\n")
    return f"{REGISTRY_HEAD}upstreams:\n{upstreams}pipelines:\n{''.join(lines)}"


def _peer(url: str, folder: Path) -> tuple[float, int]:
    """(seconds, runs) of Airflow's own model reading what a tick reads; a process of its own, as memory is measured."""
    since = (NOW - timedelta(hours=30)).isoformat()
    env = {**os.environ, "AIRFLOW_HOME": str(folder), "AIRFLOW__CORE__LOAD_EXAMPLES": "False"}
    done = subprocess.run(
        [sys.executable, "-c", PEER, url, since], env=env, capture_output=True, text=True, timeout=240
    )
    if done.returncode:
        raise RuntimeError(f"the peer failed: {done.stderr[-2000:]}")
    seconds, count = done.stdout.split()[-2:]
    return float(seconds), int(count)


def _row(name: str, value: float, unit: str, bar: float | None) -> dict[str, Any]:
    words = None if bar is None else f"<= {bar:g} {unit}".strip()
    return {"name": name, "value": value, "unit": unit, "bar": words, "ok": bar is None or value <= bar}
