"""A hundred waiting sensors beside a hundred of Airflow's own: what they cost the triggerer and the database.

Every task is really deferred (:mod:`benchmarks.deferred_sensors`), each kind into a metadata database of its own, and
one real ``airflow triggerer`` per database waits for them, all at the same time, polling every five seconds. Over one
window the processor time of each triggerer (it and its runner, which also hold the execution API) and the statements
that it sends to its database are counted; an idle triggerer's are taken off.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import time
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psutil

from daybreak.demo.airflow_up import CORE, airflow, environment
from daybreak.demo.household import Household
from daybreak.demo.place import Place
from tests.support.airflow_template import ROOT, sqlite_template

SENSORS = 100
POLL = 5  # seconds
SETTLE = 15.0  # seconds, after the last trigger was taken
WINDOW = 40.0  # seconds
LIMIT = 120.0  # seconds until all triggers are taken

_SOURCE = """
from airflow.sdk import DAG
from airflow.providers.standard.operators.empty import EmptyOperator
with DAG("source", schedule=None):
    EmptyOperator(task_id="deliver")
"""
_DAG = """
from airflow.sdk import DAG
from airflow.providers.standard.sensors.external_task import ExternalTaskSensor
from daybreak.surfaces.sensors import UpstreamReadySensor
with DAG("waits", schedule=None):
    for n in range({sensors}):
        {sensor}
"""
_KINDS = {
    "idle": None,
    "airflow": 'ExternalTaskSensor(task_id=f"w{n}", external_dag_id="source", deferrable=True, poke_interval=POLL)',
    "ours": 'UpstreamReadySensor(task_id=f"w{n}", upstream="source", poke_interval=POLL)',
    "apart": 'UpstreamReadySensor(task_id=f"w{n}", ready_when={"dag": f"source_{n}"}, poke_interval=POLL)',
}
_REGISTRY = """
version: 1
people: {de-1: {name: Engineer A, opsgenie: a@example.com}}
teams: {source: {name: Source, opsgenie_team: Source}}
on_call: {layers: {primary: {start: 2026-01-05T09:00, every: 1w, members: [de-1]}}}
defaults: {owner: de-1}
upstreams: {source: {team: source, expected_by: "05:00", ready_when: {dag: source}}}
pipelines: {waits: {dags: [waits], owners: {primary: de-1}, upstreams: [source]}}
"""
# Read by Airflow in each of its processes: every statement, sent by whichever engine, is counted in a file per process.
_COUNTING = """
import os
from sqlalchemy import event
from sqlalchemy.engine import Engine

__all__ = []
seen = {}

@event.listens_for(Engine, "before_cursor_execute")
def count(*_):
    pid = os.getpid()
    if pid not in seen:
        seen[pid] = [os.open(f"{os.environ['BENCH_COUNTS']}/{pid}", os.O_CREAT | os.O_WRONLY, 0o600), 0]
    seen[pid][1] += 1
    os.pwrite(seen[pid][0], b"%020d" % seen[pid][1], 0)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Of one triggerer over the window: processor seconds, and statements."""

    processor: float
    statements: int


def run() -> list[dict[str, Any]]:
    """Rows for ``make bench``. The bar: no more than Airflow's own take."""
    with TemporaryDirectory(prefix="daybreak-bench-") as folder:
        cost = _measure(Path(folder))
    idle = cost["idle"]
    own, ours, apart = (
        Cost(processor=cost[kind].processor - idle.processor, statements=cost[kind].statements - idle.statements)
        for kind in ("airflow", "ours", "apart")
    )
    rows = []
    for name, each, bar in (
        (f"{SENSORS} of Airflow's ExternalTaskSensor", own, None),
        (f"{SENSORS} of ours, one upstream", ours, 1.0),
        (f"{SENSORS} of ours, {SENSORS} upstreams", apart, None),
    ):
        rows.append(_row(f"{name}: triggerer's processor", each.processor / WINDOW * 100, "% of one"))
        rows.append(_row(f"{name}: statements", each.statements / WINDOW, "a second"))
        if each is not own:
            for what, mine, theirs in (
                ("processor", each.processor, own.processor),
                ("statements", each.statements, own.statements),
            ):
                ratio = mine / theirs
                ok = bar is None or ratio <= bar
                rows.append(_row(f"{name}: {what}, of Airflow's", ratio, "x", bar and f"≤ {bar:g}", ok))
    return [_row("idle triggerer: statements", idle.statements / WINDOW, "a second"), *rows]


def _measure(folder: Path) -> dict[str, Cost]:
    with ExitStack() as last:
        groups: dict[str, psutil.Process] = {}
        for kind, sensor in _KINDS.items():
            place = Place(checkout=ROOT, folder=folder / kind)
            env = _prepare(place, sensor)
            household = Household(home=place.home, pids=place.pids, logs=place.logs)
            last.callback(household.end_all)
            household.start("triggerer", airflow(*CORE["triggerer"]), env)
            groups[kind] = psutil.Process(household.members[-1].process.pid)
        for kind, sensor in _KINDS.items():
            _wait_taken(folder / kind / "airflow" / "airflow.db", SENSORS if sensor else 0)
        time.sleep(SETTLE)
        before = {kind: _now(groups[kind], folder / kind / "counts") for kind in _KINDS}
        time.sleep(WINDOW)
        after = {kind: _now(groups[kind], folder / kind / "counts") for kind in _KINDS}
        for kind, sensor in _KINDS.items():  # nobody was woken meanwhile: all of it was waiting
            _wait_taken(folder / kind / "airflow" / "airflow.db", SENSORS if sensor else 0)
    return {
        kind: Cost(
            processor=after[kind].processor - before[kind].processor,
            statements=after[kind].statements - before[kind].statements,
        )
        for kind in _KINDS
    }


def _prepare(place: Place, sensor: str | None) -> dict[str, str]:
    """A metadata database with the sensors deferred. → the environment of its triggerer."""
    place.fresh()
    place.own_dags.mkdir()
    (place.own_dags / "source.py").write_text(_SOURCE)
    place.registry.write_text(_REGISTRY)
    shutil.copyfile(sqlite_template(), place.database)
    counts, settings = place.home / "counts", place.airflow_home / "config"
    counts.mkdir()
    settings.mkdir()
    (settings / "airflow_local_settings.py").write_text(_COUNTING)
    nobody = {"url": "http://127.0.0.1:9", "opsgenie_key": "none", "slack_token": "none"}
    env = environment(place, port=9, zone="UTC", sandbox=nobody, dags=place.own_dags, retries=0)
    env |= {
        "BENCH_COUNTS": str(counts),
        "AIRFLOW__TRIGGERER__CAPACITY": "1000",
        "PYTHONPATH": os.pathsep.join([str(settings), str(ROOT)]),  # before a checkout's plugins, which has such a file
    }
    if sensor is not None:
        text = _DAG.format(sensors=SENSORS, sensor=sensor.replace("POLL", str(POLL)))
        (place.own_dags / "waits.py").write_text(text)
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.deferred_sensors", str(place.own_dags), "waits"],
            env=env, cwd=place.home, capture_output=True, text=True, check=False,
        )  # fmt: skip
        said = done.stdout.strip().splitlines()
        if done.returncode or said[-1:] != [str(SENSORS)]:
            raise RuntimeError(f"the sensors were not deferred: {said[-1:]} {done.stderr[-3000:]}")
    return env


def _wait_taken(database: Path, count: int) -> None:
    """Wait until the triggerer runs all ``count`` triggers. Raises RuntimeError after two minutes."""
    until = time.monotonic() + LIMIT
    while True:
        with closing(sqlite3.connect(database, timeout=30)) as connection:
            (taken,) = connection.execute('SELECT count(*) FROM "trigger" WHERE triggerer_id IS NOT NULL').fetchone()
            (beats,) = connection.execute("SELECT count(*) FROM job WHERE state = 'running'").fetchone()
        if taken == count and beats:
            return
        if time.monotonic() > until:
            raise RuntimeError(f"the triggerer runs {taken} of {count} triggers: {database}")
        time.sleep(0.5)


def _now(group: psutil.Process, counts: Path) -> Cost:
    """What a triggerer has taken since it started."""
    times = [process.cpu_times() for process in (group, *group.children(recursive=True))]
    return Cost(
        processor=sum(each.user + each.system for each in times),
        statements=sum(int(file.read_bytes()) for file in counts.iterdir()),
    )


def _row(name: str, value: float, unit: str, bar: str | None = None, ok: bool = True) -> dict[str, Any]:
    return {"name": name, "value": round(value, 3), "unit": unit, "bar": bar, "ok": ok}
