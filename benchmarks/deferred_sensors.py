"""Defers every task of one dag, through Airflow's own code: ``python -m benchmarks.deferred_sensors DAGS DAG_ID``.

Each task runs as ``dag.test()`` runs it (the Task SDK's runner, and the execution API in process), and ends deferred
with its trigger stored by Airflow. A process of its own, since Airflow reads its environment once. Prints how many.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID


def main(folder: Path, dag_id: str) -> int:
    from airflow.dag_processing.bundles.manager import DagBundlesManager
    from airflow.dag_processing.dagbag import BundleDagBag, sync_bag_to_db
    from airflow.models.dagrun import get_or_create_dagrun
    from airflow.models.serialized_dag import SerializedDagModel
    from airflow.sdk.api.datamodels._generated import TaskInstance
    from airflow.sdk.execution_time.supervisor import run_task_in_process
    from airflow.utils.session import create_session
    from airflow.utils.state import TaskInstanceState
    from airflow.utils.types import DagRunTriggeredByType

    bag = BundleDagBag(str(folder), bundle_path=folder, bundle_name="dags-folder")
    if bag.import_errors:
        raise RuntimeError(str(bag.import_errors))
    DagBundlesManager().sync_bundles_to_db()
    sync_bag_to_db(bag, "dags-folder", None)
    at = datetime.now(UTC).replace(microsecond=0)
    dag = bag.dags[dag_id]
    with create_session() as session:
        stored = SerializedDagModel.get_dag(dag_id, session=session)
        run = get_or_create_dagrun(
            dag=stored, run_id=f"manual__{at.isoformat()}", logical_date=at, data_interval=(at, at), run_after=at,
            conf=None, triggered_by=DagRunTriggeredByType.TEST, triggering_user_name=None, start_date=at,
            session=session,
        )  # fmt: skip
        waiting = list(run.get_task_instances(session=session))
        session.expunge_all()
    deferred = 0
    for ti in waiting:
        ti.task = stored.get_task(ti.task_id)
        ti.set_state(TaskInstanceState.QUEUED)
        named = TaskInstance(
            id=UUID(str(ti.id)), task_id=ti.task_id, dag_id=dag_id, run_id=ti.run_id, try_number=ti.try_number,
            map_index=ti.map_index, dag_version_id=UUID(str(ti.dag_version_id)),
        )  # fmt: skip
        done = run_task_in_process(ti=named, task=dag.get_task(ti.task_id))
        deferred += done.ti.state == TaskInstanceState.DEFERRED
    return deferred


if __name__ == "__main__":
    print(main(Path(sys.argv[1]), sys.argv[2]))
