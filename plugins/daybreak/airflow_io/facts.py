"""What Airflow knows of dags apart from their runs: paused, gone, or in a file that does not parse."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import PurePath
from typing import Any

from daybreak.airflow_io.scope import Scope
from daybreak.domain.runs import DagFacts

_LONGEST = 300  # characters of an import error's last line


def facts_of(scope: Scope, dags: Iterable[Any], complaints: Iterable[Any]) -> Mapping[str, DagFacts]:
    """dag id → facts. ``dags`` and ``complaints`` are rows of the tables ``dag`` and ``import_error``.

    A dag whose file stops parsing is marked stale at once: with an import error of that file it counts as one that
    does not parse, without as one that is gone. A dag that never parsed is known by its file's name alone.
    """
    by_file = {(each.bundle_name, each.filename): last_line(each.stacktrace) for each in complaints}
    by_name = {PurePath(filename or "").stem: line for (_, filename), line in by_file.items()}
    found = {}
    for row in dags:
        error = by_file.get((row.bundle_name, row.relative_fileloc)) or by_file.get((row.bundle_name, row.fileloc))
        found[row.dag_id] = DagFacts(
            dag_id=row.dag_id,
            exists=not row.is_stale,
            paused=bool(row.is_paused),
            import_error=error,
            file=row.relative_fileloc or row.fileloc,
        )
    for dag in scope.dags:
        if dag not in found and dag in by_name:
            found[dag] = DagFacts(dag_id=dag, exists=False, import_error=by_name[dag])
    return found


def last_line(stacktrace: str | None) -> str:
    """The line of a stack trace that says what went wrong: its last."""
    lines = [line.strip() for line in (stacktrace or "").splitlines() if line.strip()]
    line = lines[-1] if lines else "the file does not parse"
    return line if len(line) <= _LONGEST else line[: _LONGEST - 1] + "…"
