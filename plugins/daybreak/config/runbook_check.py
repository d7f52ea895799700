"""The runbooks that a registry names, looked at with the registry: what ``daybreak check`` says of them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from daybreak.config.load import RUNBOOKS, build, digest, examine, read_bytes
from daybreak.config.problems import Problem, dotted
from daybreak.config.reading import read
from daybreak.config.runbook_lint import findings, owner_findings
from daybreak.config.runbooks import Shelf
from daybreak.domain.registry import Pipeline, Registry


def runbook_problems(path: Path, now: datetime) -> list[Problem]:
    """A warning for each thing amiss with the runbooks of the registry at ``path``, by line; none if it is invalid.

    Their ``line`` is that of the key ``runbook``. A pipeline that names no runbook has nothing that could be amiss.
    Raises RegistryMissing.
    """
    data = read_bytes(path)
    file, _ = examine(data, runbooks=path.parent / RUNBOOKS)
    if file is None:
        return []
    document, registry = read(data), build(file, digest(data))
    problems = []
    for pipeline in registry.pipelines.values():
        place = ("pipelines", pipeline.id, "runbook")
        for line in runbook_findings(path, registry, pipeline, now):
            message = f"{pipeline.runbook} {line}"
            problems.append(Problem(severity="warning", path=dotted(place), line=document.line(place), message=message))
    return sorted(problems, key=lambda problem: problem.line or 0)


def runbook_findings(path: Path, registry: Registry, pipeline: Pipeline, now: datetime) -> Iterator[str]:
    """What is amiss with the runbook of ``pipeline``, a line each. ``path`` is the registry's."""
    runbook = Shelf.beside(path).get(pipeline.runbook)
    if runbook is None:
        if pipeline.runbook:
            yield "cannot be read"
        return
    yield from findings(runbook, now.date(), folder=path.parent / RUNBOOKS)
    yield from owner_findings(runbook, pipeline, registry)
