"""Reading a history in the form of Airflow's REST API: ``dag_runs`` and, optionally, ``task_instances``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from daybreak.domain.registry import Registry
from daybreak.domain.runs import Run, TaskState
from daybreak.errors import DaybreakError
from daybreak.monitor.history import History


class HistoryError(DaybreakError):
    """A history that cannot be read; the text names the entry and what is wrong with it."""


def read_history(document: object, registry: Registry) -> History:
    """The history in ``document`` (parsed JSON), without the runs of dags that the registry does not know: of those
    nothing but the dag's id is read.

    Raises HistoryError, naming the entry.
    """
    if not isinstance(document, Mapping):
        raise HistoryError('not an object: give what Airflow answers to POST .../dagRuns/list, {"dag_runs": [...]}')
    latest: dict[tuple[str, str], Run] = {}  # of two with one id: the later
    known: dict[str, bool] = {}
    for dag_id, fields, path in _entries(document, "dag_runs", registry, known):
        run = _run(dag_id, fields, path)
        latest[run.dag_id, run.run_id] = run
    tasks: dict[tuple[str, str], list[TaskState]] = {}
    if document.get("task_instances") is not None:
        for dag_id, fields, path in _entries(document, "task_instances", registry, known):
            task = _task(dag_id, fields, path)
            tasks.setdefault((task.dag_id, task.run_id), []).append(task)
    return History(latest.values(), {key: tuple(found) for key, found in tasks.items()})


def blind_spots(registry: Registry, document: Mapping[str, Any]) -> list[str]:
    """What a history cannot tell of this registry, a sentence each."""
    with_tasks = bool(document.get("task_instances"))
    found = []
    for pipeline in registry.pipelines.values():
        if pipeline.deadline is not None and pipeline.deadline.task is not None and not with_tasks:
            found.append(
                f"pipelines.{pipeline.id}.deadline.task: judged by the run's end, for want of `task_instances`"
            )
    for upstream in registry.upstreams.values():
        kind = upstream.ready_when.kind if upstream.ready_when else None
        if kind in ("asset", "sql", "object") or (kind == "sensor" and not with_tasks):
            found.append(f"upstreams.{upstream.id}: a history does not tell when a {kind} was ready; never called late")
    return found


def _entries(
    document: Mapping[str, Any], key: str, registry: Registry, known: dict[str, bool]
) -> Iterator[tuple[str, Mapping[str, Any], str]]:
    """(dag id, entry, its path) of those whose dag the registry knows; ``known`` keeps what was looked up."""
    waited = {
        up.ready_when.value for up in registry.upstreams.values() if up.ready_when and up.ready_when.kind == "dag"
    }
    for n, entry in enumerate(_list(document, key)):
        path = f"{key}[{n}]"
        fields = _object(entry, path)
        dag_id = _text(fields, "dag_id", path)
        if dag_id not in known:
            known[dag_id] = dag_id in waited or registry.pipeline_of(dag_id) is not None
        if known[dag_id]:
            yield dag_id, fields, path


def _run(dag_id: str, fields: Mapping[str, Any], path: str) -> Run:
    queued_at, start_date = _instant(fields, "queued_at", path), _instant(fields, "start_date", path)
    logical_date, interval_end = _instant(fields, "logical_date", path), _instant(fields, "data_interval_end", path)
    run_after = _instant(fields, "run_after", path) or interval_end or logical_date or queued_at or start_date
    if run_after is None:
        raise HistoryError(f"{path}.run_after: missing, and no other date tells to which day the run belongs")
    return Run(
        dag_id=dag_id,
        run_id=_text(fields, "dag_run_id", path, "run_id"),
        run_type=str(fields.get("run_type") or "manual"),
        state=_text(fields, "state", path),
        run_after=run_after,
        logical_date=logical_date,
        data_interval_end=interval_end,
        queued_at=queued_at,
        start_date=start_date,
        end_date=_instant(fields, "end_date", path),
    )


def _task(dag_id: str, fields: Mapping[str, Any], path: str) -> TaskState:
    map_index, try_number = fields.get("map_index"), fields.get("try_number")
    return TaskState(
        dag_id=dag_id,
        run_id=_text(fields, "dag_run_id", path, "run_id"),
        task_id=_text(fields, "task_id", path),
        state=str(fields["state"]) if fields.get("state") else None,
        map_index=map_index if isinstance(map_index, int) else -1,
        try_number=try_number if isinstance(try_number, int) else 0,
        start_date=_instant(fields, "start_date", path),
        end_date=_instant(fields, "end_date", path),
        operator=str(fields.get("operator_name") or fields.get("operator") or "") or None,
    )


def _list(document: Mapping[str, Any], key: str) -> list[object]:
    value = document.get(key)
    if not isinstance(value, list):
        raise HistoryError(f"{key}: {'missing' if value is None else 'not a list'}: give Airflow's answer as it is")
    return value


def _object(entry: object, path: str) -> Mapping[str, Any]:
    if not isinstance(entry, Mapping):
        raise HistoryError(f"{path}: not an object")
    return entry


def _text(fields: Mapping[str, Any], key: str, path: str, other: str | None = None) -> str:
    value = fields.get(key) or (fields.get(other) if other else None)
    if not isinstance(value, str):
        raise HistoryError(f"{path}.{key}: missing, or not a string")
    return value


def _instant(fields: Mapping[str, Any], key: str, path: str) -> datetime | None:
    value = fields.get(key)
    if value is None:
        return None
    try:
        read = datetime.fromisoformat(value)
        return read.astimezone(UTC) if read.tzinfo else read.replace(tzinfo=UTC)
    except (TypeError, ValueError):
        raise HistoryError(f"{path}.{key}: {value!r} is not a time in ISO 8601") from None
    except OverflowError:
        raise HistoryError(f"{path}.{key}: {value!r} is outside the calendar") from None
