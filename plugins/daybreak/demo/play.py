"""What every play on the stage does: set Airflow's knobs, start the morning's runs, watch, and tell what is new."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterable
from contextlib import closing, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from daybreak.demo.events import Reporter
from daybreak.demo.stage import Stage
from daybreak.demo.steps import Scene
from daybreak.errors import AirflowUnreadable

POLL_SECONDS = 1.0
PRODUCERS = {"master_data": "master_data_load", "product_b": "product_b_load", "sales_force": "sales_force_load"}
BASES = ("profit_base", "engagement_base", "growth_base")


@dataclass(slots=True, kw_only=True)
class Play:
    """A stage that is up, somebody to tell what happens on it, and the deeds that plays have in common."""

    stage: Stage
    reporter: Reporter
    dags: dict[str, dict[str, Any]] = field(default_factory=dict)

    def look_at_dags(self) -> None:
        """Read Airflow's details of every dag, once: nothing in a play changes them."""
        self.dags = {dag["dag_id"]: self.stage.airflow.details(dag["dag_id"]) for dag in self.stage.airflow.dags()}

    def begin(self, *, late: Iterable[str] = (), paused: Iterable[str] = ()) -> None:
        """Delay the upstreams ``late``, unpause every dag but ``paused``, and start the producers."""
        api, kept = self.stage.airflow, set(paused)
        for upstream in late:
            api.set_variable(f"{upstream}_arrives_at", "never")
            name = self.stage.registry.upstreams[upstream].name
            self.do(f"Variable {upstream}_arrives_at = never: {name} will be late")
        for dag in self.dags:
            if dag not in kept:
                api.pause(dag, paused=False)
        still = "".join(f"; {dag} stays paused" for dag in sorted(kept))
        self.do(f"unpaused {len(self.dags) - len(kept)} dags{still}")
        for dag in PRODUCERS.values():
            api.trigger(dag, logical_date=now_text())
        self.do(f"started {', '.join(PRODUCERS.values())}")
        punctual = [dag for upstream, dag in PRODUCERS.items() if upstream not in set(late)]
        self.watch(lambda scene: succeeded(scene, *punctual), until=self.stage.morning.expected)

    def start_bases(self) -> None:
        """Start the base pipelines; what builds on them is started by their assets."""
        for dag in BASES:
            self.stage.airflow.trigger(dag, logical_date=now_text())
        self.do(f"started {', '.join(BASES)}; what builds on them follows by itself")

    def release(self, upstream: str) -> None:
        """Let a late upstream deliver now."""
        self.stage.airflow.set_variable(f"{upstream}_arrives_at", now_text())
        self.do(f"Variable {upstream}_arrives_at = now: {self.stage.registry.upstreams[upstream].name} delivers")

    def change_data(self, sql: str, *values: Any) -> None:
        """Run one statement on the warehouse."""
        with closing(sqlite3.connect(self.stage.place.warehouse, timeout=20)) as warehouse, warehouse:
            warehouse.execute(sql, values)

    def do(self, text: str) -> None:
        self.stage.timeline.say("do", text)

    def watch(self, enough: Callable[[Scene], bool], *, until: datetime) -> Scene:
        """Look once a second, telling what is new, until ``enough`` or ``until``. → the last look."""
        while True:
            scene = self.look()
            self.stage.household.check()
            if enough(scene) or datetime.now(UTC) >= until:
                return scene
            time.sleep(POLL_SECONDS)

    def look(self) -> Scene:
        """One reading, with what is new in it told."""
        scene = self.scene()
        self.reporter.tell(scene.view, scene.runs)
        return scene

    def scene(self) -> Scene:
        """One reading of everybody's records."""
        view = self.stage.sandbox.look()
        runs: list[dict[str, Any]] = []
        with suppress(AirflowUnreadable):  # a busy moment: the next look will tell
            runs = self.stage.airflow.runs()
        return Scene(registry=self.stage.registry, morning=self.stage.morning, view=view, dags=self.dags, runs=runs)

    def task_done(self, dag: str, task: str) -> bool:
        """Whether ``task`` has succeeded in a run of ``dag``."""
        return any(each["task_id"] == task and each["state"] == "success" for each in self._tasks(dag))

    def running(self, dag: str, task: str) -> bool:
        """Whether ``task`` is running, in a process of its own, in a run of ``dag``."""
        return any(
            each["task_id"] == task and each["state"] == "running" and each.get("pid") for each in self._tasks(dag)
        )

    def task_ids(self, dag: str) -> set[str]:
        """The ids of the task instances of ``dag`` that have not ended yet, whether they have begun or not."""
        return {str(each["id"]) for each in self._tasks(dag) if each["state"] not in ("success", "failed", "skipped")}

    def pids(self, dag: str) -> set[int]:
        """The processes of the tasks of ``dag`` that are running."""
        return {int(each["pid"]) for each in self._tasks(dag) if each["state"] == "running" and each.get("pid")}

    def count(self, dag: str, state: str = "success") -> int:
        """How many runs of ``dag`` are in ``state``."""
        return sum(run["dag_id"] == dag and run["state"] == state for run in self.stage.airflow.runs())

    def active(self, dag: str) -> bool:
        """Whether a run of ``dag`` has not ended yet."""
        return bool(self.count(dag, "queued") or self.count(dag, "running"))

    def clear(self, dag: str) -> None:
        """Clear the failed tasks of the newest run of ``dag`` and what follows them."""
        newest = [run for run in self.stage.airflow.runs() if run["dag_id"] == dag][-1]
        for last in (False, False, True):
            try:
                self.stage.airflow.clear(dag, newest["dag_run_id"])
                return
            except AirflowUnreadable:  # the database was locked by what runs at the same time: clear once more
                if last:
                    raise
                time.sleep(POLL_SECONDS)

    def _tasks(self, dag: str) -> list[dict[str, Any]]:
        api = self.stage.airflow
        return [task for run in api.runs() if run["dag_id"] == dag for task in api.tasks(dag, run["dag_run_id"])]


def succeeded(scene: Scene, *dags: str) -> bool:
    """Whether each of ``dags`` has a successful run."""
    return all(any(run["dag_id"] == dag and run["state"] == "success" for run in scene.runs) for dag in dags)


def now_text() -> str:
    return datetime.now(UTC).isoformat()
