"""The late morning itself: what the demo does to Airflow and to data, and the watching of what comes of it."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from daybreak.demo.events import Reporter
from daybreak.demo.morning import BROKEN, LATE, LATE_UPSTREAM, PAUSED
from daybreak.demo.sandbox_view import View
from daybreak.demo.stage import Stage
from daybreak.demo.steps import NEW_TAX, STEPS, Scene
from daybreak.errors import AirflowUnreadable

POLL_SECONDS = 1.0
PRODUCERS = ("master_data_load", "product_b_load", "sales_force_load")
BASES = ("profit_base", "engagement_base", "growth_base")
PATIENCE = timedelta(seconds=150)  # after the last thing the demo does, for its consequences
SHOWN_LATE = timedelta(seconds=12)  # between the page and the arrival, so that people can see it


@dataclass(slots=True, kw_only=True)
class Show:
    """One run of the story on a stage that is up."""

    stage: Stage
    reporter: Reporter
    found: dict[int, datetime] = field(default_factory=dict)  # step → when its records were first complete
    why_not: dict[int, str] = field(default_factory=dict)
    _dags: dict[str, dict[str, Any]] = field(default_factory=dict)

    def play(self) -> bool:
        """Let the morning happen. → whether every step was found in the records."""
        self._look_at_dags()
        self._look()
        self._begin()
        morning = self.stage.morning
        self._watch(lambda scene: self._succeeded(scene, *PRODUCERS[:2]), until=morning.expected)
        self._start_bases()
        self._watch(
            lambda scene: datetime.now(UTC) >= morning.due and 3 in self.found and 2 in self.found,
            until=morning.due + timedelta(seconds=60),
        )
        self._watch(lambda scene: False, until=datetime.now(UTC) + SHOWN_LATE)
        self._release()
        self._watch(lambda scene: len(self.found) == len(STEPS), until=datetime.now(UTC) + PATIENCE)
        return len(self.found) == len(STEPS)

    def _begin(self) -> None:
        api, say = self.stage.airflow, self.stage.timeline.say
        api.set_variable(f"{LATE_UPSTREAM}_arrives_at", "never")
        say("do", f"Variable {LATE_UPSTREAM}_arrives_at = never: Sales Force will be late")
        paused = [dag for dag in self._dags if dag != PAUSED]
        for dag in paused:
            api.pause(dag, paused=False)
        say("do", f"unpaused {len(paused)} dags; {PAUSED} stays paused")
        for dag in PRODUCERS:
            api.trigger(dag, logical_date=_now())
        say("do", f"started {', '.join(PRODUCERS)}")

    def _start_bases(self) -> None:
        for dag in BASES:
            self.stage.airflow.trigger(dag, logical_date=_now())
        self.stage.timeline.say("do", f"started {', '.join(BASES)}; what builds on them follows by itself")
        self._watch(lambda scene: self._task_done(BASES[0], "land"), until=self.stage.morning.due)
        with closing(sqlite3.connect(self.stage.place.warehouse, timeout=20)) as warehouse, warehouse:
            warehouse.execute("INSERT OR IGNORE INTO tax_model (tax_code, rate_bp) VALUES (?, 300)", (NEW_TAX,))
        self.stage.timeline.say("do", f"a new tax, {NEW_TAX}, appears in tax_model: {BROKEN} does not know it")

    def _release(self) -> None:
        self.stage.airflow.set_variable(f"{LATE_UPSTREAM}_arrives_at", _now())
        self.stage.timeline.say(
            "do", f"Variable {LATE_UPSTREAM}_arrives_at = now: Sales Force delivers, {LATE} can go on"
        )

    def _watch(self, enough: Callable[[Scene], bool], *, until: datetime) -> None:
        """Look once a second, telling what is new, until ``enough`` or ``until``."""
        while True:
            scene = self._look()
            self.stage.household.check()
            if enough(scene) or datetime.now(UTC) >= until:
                return
            time.sleep(POLL_SECONDS)

    def _look(self) -> Scene:
        scene = self.scene()
        self.reporter.sandbox(scene.view)
        self.reporter.airflow(scene.runs)
        for step in STEPS:
            if step.number in self.found:
                continue
            # The last step says that nothing else happened: only the end can tell.
            if step is STEPS[-1] and len(self.found) < len(STEPS) - 1:
                self.why_not[step.number] = step.missing(scene) or "the morning was not over"
                continue
            missing = step.missing(scene)
            if missing is None:
                self.found[step.number] = datetime.now(UTC)
                self.stage.timeline.say("good", f"step {step.number} found in the records: {step.title}")
            else:
                self.why_not[step.number] = missing
        return scene

    def scene(self) -> Scene:
        """One reading of everybody's records."""
        view: View = self.stage.sandbox.look()
        runs: list[dict[str, Any]] = []
        with suppress(AirflowUnreadable):  # a busy moment: the next look will tell
            runs = self.stage.airflow.runs()
        return Scene(registry=self.stage.registry, morning=self.stage.morning, view=view, dags=self._dags, runs=runs)

    def _look_at_dags(self) -> None:
        self._dags = {dag["dag_id"]: self.stage.airflow.details(dag["dag_id"]) for dag in self.stage.airflow.dags()}

    def _succeeded(self, scene: Scene, *dags: str) -> bool:
        return all(any(run["dag_id"] == dag and run["state"] == "success" for run in scene.runs) for dag in dags)

    def _task_done(self, dag: str, task: str) -> bool:
        runs = [run for run in self.stage.airflow.runs() if run["dag_id"] == dag]
        return any(
            each["task_id"] == task and each["state"] == "success"
            for run in runs
            for each in self.stage.airflow.tasks(dag, run["dag_run_id"])
        )


def _now() -> str:
    return datetime.now(UTC).isoformat()
