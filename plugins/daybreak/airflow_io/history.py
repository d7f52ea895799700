"""Runs of the past out of Airflow's metadata database, for ``daybreak replay --from-airflow``."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.exc import SQLAlchemyError

from daybreak.airflow_io import statements
from daybreak.airflow_io.kept import run_of
from daybreak.airflow_io.reader import task_of
from daybreak.airflow_io.scope import Named, scope_of
from daybreak.airflow_io.settings import metadata_connect_args, metadata_url
from daybreak.domain.registry import Registry
from daybreak.domain.runs import EVIDENCE_KEY, Run, TaskState
from daybreak.errors import AirflowUnreadable, StoreError
from daybreak.sql.database import one_line, open_engine, reading


def read_runs(registry: Registry, since: datetime) -> tuple[list[Run], dict[tuple[str, str], tuple[TaskState, ...]]]:
    """The runs since ``since`` (aware) of the registry's dags and of the dags that tell its upstreams, and their
    tasks of interest. Raises AirflowUnreadable, and SettingsError where Airflow's configuration is not at hand."""
    engine = open_engine(metadata_url(), connect_args=metadata_connect_args())
    dialect = statements.Dialect(engine.dialect.name)
    scope = scope_of(registry, {}, since)
    try:
        with reading(engine) as connection:
            ids = set(scope.dags)
            if scope.patterns:
                every = Named(scope.patterns)
                rows = connection.execute(statements.dags(dialect, everything=True))
                ids.update(row.dag_id for row in rows if every.has(row.dag_id))
            values = {"ids": dialect.list_value(ids), "since": since}
            statement = statements.runs(dialect, older=False).bindparams(statements.instant("since"))
            instants = statements.reads_instants(engine.dialect)
            runs = [run_of(row, instants) for row in connection.execute(statement, values) if row[0] in ids]
            pairs = [(run.dag_id, run.run_id) for run in runs]
            asked = {
                **dialect.pair_values(pairs),
                "evidence": EVIDENCE_KEY,
                "names": dialect.list_value(scope.task_names),
            }
            tasks: dict[tuple[str, str], tuple[TaskState, ...]] = {}
            for row in connection.execute(statements.tasks(dialect), asked) if pairs else ():
                key = (row.dag_id, row.run_id)
                tasks[key] = (*tasks.get(key, ()), task_of(row))
    except (SQLAlchemyError, StoreError) as error:
        cause = error.__cause__ if isinstance(error, StoreError) and error.__cause__ else error
        raise AirflowUnreadable(f"Airflow's metadata database cannot be read: {one_line(cause)}") from error
    finally:
        engine.dispose()
    return runs, tasks
