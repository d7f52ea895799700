"""Runs the shipped dags for business dates in this process, without a scheduler: ``python run_dags.py JOB.json``.

The job names the dates and, by dag, what to do to the warehouse before it; the answer is a JSON line of run
states and of the errors of its tasks.
A process of its own, since Airflow reads its environment once.
"""

from __future__ import annotations

import json
import sqlite3
import sys
from contextlib import closing
from datetime import UTC, datetime, time
from pathlib import Path
from typing import Any

ORDER = (
    "master_data_load", "product_b_load", "sales_force_load", "profit_base", "engagement_base", "growth_base",
    "unit_profit", "daily_growth", "aggregate_profit", "aggregate_growth", "aggregate_engagement",
)  # fmt: skip


def main(job: dict) -> list[dict]:
    from airflow.dag_processing.bundles.manager import DagBundlesManager
    from airflow.dag_processing.dagbag import BundleDagBag, sync_bag_to_db

    folder = Path(job["dags"])
    bag = BundleDagBag(str(folder), bundle_path=folder, bundle_name="dags-folder")
    assert not bag.import_errors, bag.import_errors
    DagBundlesManager().sync_bundles_to_db()
    sync_bag_to_db(bag, "dags-folder", None)
    own = {(dag_id, task.task_id): callbacks_of(task) for dag_id, dag in bag.dags.items() for task in dag.tasks}
    done = []
    for step in job["steps"]:
        if "sql" in step:
            with closing(sqlite3.connect(job["warehouse"])) as warehouse, warehouse:
                warehouse.executescript(step["sql"])
            continue
        at = datetime.combine(datetime.fromisoformat(step["day"]), time(3), UTC)
        for dag_id in step.get("dags", ORDER):
            dag = bag.dags[dag_id]
            dag.deadline = None  # Airflow's own dag.test() cannot make a run of a dag that has one
            errors: dict[str, str] = {}
            for task in dag.tasks:
                task.retries = 0
                task.on_failure_callback = [
                    *own[dag_id, task.task_id],
                    lambda context, to=errors: to.update(said(context)),
                ]
            run = dag.test(logical_date=at)
            failed = sorted(ti.task_id for ti in run.get_task_instances() if ti.state == "failed")
            done.append({"dag": dag_id, "day": step["day"], "state": str(run.state), "failed": failed,
                         "errors": errors})  # fmt: skip
    return done


def callbacks_of(task: Any) -> list[Any]:
    found = task.on_failure_callback or []
    return list(found) if isinstance(found, list | tuple) else [found]


def said(context: Any) -> dict[str, str]:
    """The failed task and its exception, as text."""
    return {context["ti"].task_id: str(context.get("exception") or "")}


if __name__ == "__main__":
    answer = main(json.loads(Path(sys.argv[1]).read_text()))
    Path(sys.argv[2]).write_text(json.dumps(answer))
