"""From due to the page's arrival at the stand-in, beside Airflow's native deadline alert on the same instants.

One real Airflow on PostgreSQL (API server, scheduler, triggerer, dag processor) with ``daybreak monitor`` beside it,
each a process of its own. Every pipeline has a run that is at work at its due, in a trigger, and a native
``DeadlineAlert`` with an AsyncCallback for the same instant. Both send one request to the same stand-in, which notes
when it received it, before it reads the body. The seconds of each pipeline's two requests after due are compared.

Needs a server that DAYBREAK_TEST_POSTGRES names; takes about four minutes, of which two are the instants'.
"""

from __future__ import annotations

import os
import re
import sys
from datetime import datetime, timedelta
from math import ceil
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import yaml

from benchmarks import native_page
from tests.support.airflow_template import ROOT
from tests.support.whole_airflow import WholeAirflow, whole_airflow

PIPELINES = 40
APART = timedelta(seconds=3)
AHEAD = timedelta(seconds=75)  # from writing the dags to the first due: they are parsed and their runs started by then
ENOUGH = 0.9  # of the pipelines must have a run at work by their due
OWNERS = ("ada", "bob", "cyd", "dan")  # nobody is paged more often than an hour's limit allows

_OURS = "daybreak:v1:"
_ALIAS = re.compile(rf'"alias": ?"(?P<whose>{_OURS}|{native_page.ALIAS})(?P<dag>[^":]+)')
_DAGS = """
from datetime import datetime, timedelta
from airflow.providers.standard.sensors.date_time import DateTimeSensorAsync
from airflow.sdk import DAG, AsyncCallback, DeadlineAlert, DeadlineReference

for dag_id, due in {instants!r}.items():
    due = datetime.fromisoformat(due)
    alert = DeadlineAlert(
        reference=DeadlineReference.FIXED_DATETIME(due),
        interval=timedelta(0),
        callback=AsyncCallback("benchmarks.native_page.page", kwargs={{"dag_id": dag_id}}),
    )
    with DAG(dag_id, schedule=None, deadline=alert) as dag:
        DateTimeSensorAsync(task_id="work", target_time=due + timedelta(hours=6), start_from_trigger=True)
    globals()[dag_id] = dag
"""


def run() -> list[dict[str, Any]]:
    """The rows of this benchmark; none, with a word on standard error, without a server."""
    server = os.environ.get("DAYBREAK_TEST_POSTGRES")
    if not server:
        print("bench_latency: DAYBREAK_TEST_POSTGRES is not set: NOT measured", file=sys.stderr)
        return []
    settings = {"CORE__DAGS_ARE_PAUSED_AT_CREATION": "False"}
    with (
        TemporaryDirectory() as folder,
        whole_airflow(Path(folder), dags={}, registry=_registry({}, "UTC"), postgres=server, settings=settings) as up,
    ):
        up.env |= {
            native_page.URL: up.sandbox.url,
            native_page.KEY: up.sandbox.key,
            "PYTHONPATH": os.pathsep.join(filter(None, (str(ROOT), up.env.get("PYTHONPATH", "")))),
        }
        return _rows(*_measure(up))


def _measure(up: WholeAirflow) -> tuple[list[float], list[float]]:
    """Seconds from due to the request received, ascending: (Daybreak's, the native alert's) for the same pipelines."""
    up.start("api-server", "scheduler", "triggerer")
    first = (up.now() + AHEAD).replace(microsecond=0)
    dues = {f"late_{n}": first + n * APART for n in range(PIPELINES)}
    source = _DAGS.format(instants={dag: due.isoformat() for dag, due in dues.items()})
    (up.dags / "late.py").write_text(source, encoding="utf-8")
    up.set_registry(_registry({dag: up.clock(due) for dag, due in dues.items()}, up.zone.key))
    up.start("dag-processor", "monitor")
    up.wait_parsed(*dues)
    runs = {dag: up.api.run_now(dag) for dag in dues}
    ready: dict[str, datetime] = {}
    for dag, due in dues.items():
        while up.now() < due and up.api.task(dag, runs[dag], "work")["state"] != "deferred":
            up.wait_until(min(due, up.now() + timedelta(seconds=0.2)))
        if up.now() < due:
            ready[dag] = due
    if len(ready) < ENOUGH * PIPELINES:
        raise RuntimeError(f"only {len(ready)} of {PIPELINES} runs were at work by their due: this machine is too busy")
    up.wait_until(max(dues.values()))
    up.wait_for(lambda: all(_arrived(up, ready)), "every page, from both", 90, pause=1.0)
    ours, native = _arrived(up, ready)
    return sorted(ours.values()), sorted(native.values())


def _arrived(up: WholeAirflow, dues: dict[str, datetime]) -> tuple[dict[str, float], dict[str, float]]:
    """Pipeline → seconds from its due to the first request for its alert; both empty while any is missing."""
    seconds: dict[str, dict[str, float]] = {_OURS: {}, native_page.ALIAS: {}}
    for row in up.sandbox.requests():
        alias = _ALIAS.search(row["body"])  # of a long body the stand-in keeps the beginning
        if (
            alias
            and alias["dag"] in dues
            and (row["method"], row["path"], row["status"]) == ("POST", "/v2/alerts", 202)
        ):
            after = datetime.fromisoformat(row["received_at"]) - dues[alias["dag"]]
            seconds[alias["whose"]].setdefault(alias["dag"], after.total_seconds())
    ours, native = seconds.values()
    return (ours, native) if len(ours) == len(native) == len(dues) else ({}, {})


def _rows(ours: list[float], native: list[float]) -> list[dict[str, Any]]:
    def at(seconds: list[float], share: float) -> float:
        return seconds[ceil(share * len(seconds)) - 1]

    return [
        _row(f"latency: due to request received, p50 of {len(ours)}", median(ours), 0.3),
        _row("latency: due to request received, p99", at(ours, 0.99), 1.0),
        _row("latency: never before due, the earliest", ours[0], None, ok=ours[0] >= 0),
        _row("latency: native DeadlineAlert with AsyncCallback, p50", median(native), None),
        _row("latency: native DeadlineAlert with AsyncCallback, p99", at(native, 0.99), None),
    ]


def _row(name: str, value: float, bar: float | None, *, ok: bool = True) -> dict[str, Any]:
    words = None if bar is None else f"<= {bar:g} s"
    return {"name": name, "value": value, "unit": "s", "bar": words, "ok": ok and (bar is None or value <= bar)}


def _registry(clocks: dict[str, str], zone: str) -> str:
    """The pipelines of ``clocks``: dag → due."""
    people = {name: {"name": name.title(), "opsgenie": f"{name}@example.com"} for name in OWNERS}
    pipelines = {
        dag: {
            "dags": [dag],
            "owners": {"primary": OWNERS[n % len(OWNERS)]},
            "priority": "P1",
            "deadline": {"due": clock, "at_risk": "1m"},
        }
        for n, (dag, clock) in enumerate(clocks.items())
    }
    return yaml.safe_dump(
        {
            "version": 1,
            "timezone": zone,
            "people": people,
            "on_call": {"layers": {"primary": {"start": "2026-01-05T09:00", "every": "1w", "members": ["ada"]}}},
            "defaults": {"owner": "ada", "escalation": "owner"},
            "escalations": {"owner": [{"after": "0m", "page": "owner"}]},
            "pipelines": pipelines or {"none_yet": {"dags": ["none_yet"], "owners": {"primary": "ada"}}},
        }
    )
