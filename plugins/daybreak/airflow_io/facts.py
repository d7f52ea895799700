"""What Airflow knows of dags apart from their runs: paused, gone, or in a file that does not parse."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import PurePath
from typing import Any

from daybreak.airflow_io.scope import Scope
from daybreak.domain.runs import DagFacts

_LONGEST = 300  # characters of an import error's last line


def facts_of(
    scope: Scope, dags: Iterable[Any], complaints: Iterable[Any], known: Mapping[str, DagFacts] | None = None
) -> Mapping[str, DagFacts]:
    """dag id → facts. ``dags`` and ``complaints`` are rows of the tables ``dag`` and ``import_error``; of
    ``known``, the facts of the reading before, those that still hold are taken over.

    A dag whose file stops parsing is marked stale at once: with an import error of that file it counts as one that
    does not parse, without as one that is gone. A dag that never parsed is known by its file's name alone.
    """
    by_file = {(each.bundle_name, each.filename): last_line(each.stacktrace) for each in complaints}
    by_name = {PurePath(filename or "").stem: line for (_, filename), line in by_file.items()}
    known = known or {}
    found = {}
    for dag_id, is_paused, is_stale, relative, fileloc, bundle in dags:
        error = (by_file.get((bundle, relative)) or by_file.get((bundle, fileloc))) if by_file else None
        terms = (not is_stale, bool(is_paused), error, relative or fileloc)
        was = known.get(dag_id)
        if was is None or (was.exists, was.paused, was.import_error, was.file) != terms:
            exists, paused, error, file = terms
            was = DagFacts(dag_id=dag_id, exists=exists, paused=paused, import_error=error, file=file)
        found[dag_id] = was
    for dag in scope.dags:
        if dag not in found and dag in by_name:
            found[dag] = DagFacts(dag_id=dag, exists=False, import_error=by_name[dag])
    return found


def last_line(stacktrace: str | None) -> str:
    """The line of a stack trace that says what went wrong: its last."""
    lines = [line.strip() for line in (stacktrace or "").splitlines() if line.strip()]
    line = lines[-1] if lines else "the file does not parse"
    return line if len(line) <= _LONGEST else line[: _LONGEST - 1] + "…"
