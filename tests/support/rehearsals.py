"""Mornings one after the other on one booted Airflow: what ``daybreak rehearse`` plays, without a start each time."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx

from daybreak.demo.airflow_up import daybreak
from daybreak.demo.events import Heard, Reporter
from daybreak.demo.household import Household
from daybreak.demo.morning import Morning, Pace
from daybreak.demo.place import Place
from daybreak.demo.ports import claim
from daybreak.demo.rehearsal import Rehearsal
from daybreak.demo.sandbox_view import View
from daybreak.demo.scenarios import SCENARIOS
from daybreak.demo.stage import Stage, boot, open_morning
from daybreak.demo.steps import Scene
from daybreak.demo.timeline import Timeline
from tests.support.airflow_template import sqlite_template

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, kw_only=True)
class Played:
    """One morning: the records when each scenario's telling, and its recovery, were complete, and at the end."""

    rehearsal: Rehearsal
    clock: Morning
    last: Scene
    heard: list[Heard]

    @property
    def end(self) -> View:
        return self.last.view

    def why_not(self, scenario: str) -> str | None:
        return self.rehearsal.why_not.get(scenario)


class Season:
    """A stage on which mornings follow each other. Between two of them everything is forgotten but Airflow's dags."""

    def __init__(self, stage: Stage, parsing: float) -> None:
        self.stage = stage
        self.parsing = parsing
        self.fresh = True

    def morning(self, *acts: Sequence[str], pace: Pace, least: float) -> Played:
        """Play the scenarios of each act at once, the acts one after the other.

        :param least: seconds from parsed dags to the morning's first instant, at least
        """
        if not self.fresh:
            self._forget()
        self.fresh = False
        scenarios = [SCENARIOS[name] for act in acts for name in act]
        early = frozenset().union(*(each.early for each in scenarios))
        # A slow machine needs longer for its runs too, in proportion.
        wanted = timedelta(seconds=least + self.parsing)
        self.parsing = open_morning(
            self.stage, early=early, parsing=self.parsing, pace=pace, head_start=wanted, least=timedelta(seconds=least)
        )
        rehearsal = Rehearsal(stage=self.stage, reporter=Reporter(timeline=self.stage.timeline))
        rehearsal.start(scenarios)
        for act in acts:
            rehearsal.play([SCENARIOS[name] for name in act])
        last = rehearsal.look()
        return Played(rehearsal=rehearsal, clock=self.stage.morning, last=last, heard=rehearsal.reporter.heard)

    def warehouse(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        """Run one statement on the warehouse. → its rows."""
        with closing(sqlite3.connect(self.stage.place.warehouse, timeout=30)) as warehouse, warehouse:
            return warehouse.execute(sql, values).fetchall()

    def until(self, holds: Callable[[], object], what: str, limit: float = 120) -> None:
        """Wait until ``holds()``; fail, naming ``what``, if that never comes."""
        end = time.monotonic() + limit
        while not holds():
            self.stage.household.check()
            assert time.monotonic() < end, f"it did not come: {what}"
            time.sleep(0.2)

    def _forget(self) -> None:
        stage = self.stage
        for name in ("monitor", "dag-processor"):
            stage.household.end(name)
        dags = [dag["dag_id"] for dag in stage.airflow.dags()]
        for dag in dags:
            stage.airflow.pause(dag, paused=True)
        self.until(lambda: not self._busy(), "an end of all runs")
        for dag in dags:
            stage.airflow.forget(dag)
        for part in stage.place.home.glob("warehouse.db*"):
            part.unlink()
        stage.place.copy_dags()
        httpx.post(f"{stage.sandbox.url}/sandbox/reset", json={}, trust_env=False).raise_for_status()
        down = [*daybreak("db", "downgrade", "base", "--yes")]
        done = subprocess.run(down, env=stage.env, capture_output=True, text=True, check=False, timeout=120)
        assert done.returncode == 0, done.stdout + done.stderr

    def _busy(self) -> list[str]:
        return [run["dag_id"] for run in self.stage.airflow.runs() if run["state"] in ("queued", "running")]


@contextmanager
def season(folder: Path) -> Iterator[Season]:
    """Boot once below ``folder``; nothing is left running at the end."""
    place = Place(checkout=ROOT, folder=folder)
    place.fresh()
    kept = sqlite_template()
    for suffix in (".db", ".version"):
        shutil.copyfile(kept.with_suffix(suffix), place.template.with_suffix(suffix))
    household = Household(home=place.home, pids=place.pids, logs=place.logs)
    try:
        ports = claim(0, what="Airflow", option=""), claim(0, what="the sandbox", option="")
        stage, took = boot(place, household, Timeline(), airflow_port=ports[0], sandbox_port=ports[1], own_dags=True)
        yield Season(stage, min(0.75 * took, 90))
    finally:
        household.end_all()
