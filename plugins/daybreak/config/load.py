"""From a path or bytes to a registry, or to everything that is wrong with it."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from pydantic import ValidationError

from daybreak.config.draft import draft_of, salvage
from daybreak.config.files import digest, read_bytes
from daybreak.config.problems import Finding, Problem, dotted, refusal
from daybreak.config.reading import Document, Unreadable, read
from daybreak.config.references import dangling
from daybreak.config.rules import rule_findings
from daybreak.config.shape import shape_findings
from daybreak.config.shelf import FOLDER as RUNBOOKS
from daybreak.config.spec import FileSpec
from daybreak.domain.registry import Registry
from daybreak.errors import RegistryError

__all__ = [
    "RUNBOOKS",
    "build",
    "check_file",
    "digest",
    "examine",
    "examine_document",
    "load_registry",
    "parse_registry",
    "read_bytes",
    "refusal",
]


def load_registry(path: Path) -> Registry:
    """The registry at ``path``. Raises RegistryMissing or RegistryError: one line each, with a remedy."""
    return parse_registry(read_bytes(path), source=str(path), runbooks=path.parent / RUNBOOKS)


def parse_registry(data: bytes, *, source: str, runbooks: Path | None = None) -> Registry:
    """The registry in ``data``.

    :param source: what to call it in errors.
    :param runbooks: the folder in which every runbook named must exist; None: not looked for.
    """
    file, problems = examine(data, runbooks=runbooks)
    if file is None:
        raise RegistryError(refusal(source, problems))
    return build(file, digest(data))


def build(file: FileSpec, digest: str) -> Registry:
    """The domain's registry of a file in which nothing is wrong."""
    from daybreak.config.mapping import to_registry

    return to_registry(file, digest)


def check_file(path: Path, now: datetime) -> list[Problem]:
    """Everything wrong with the file at ``path``, errors first, each by line. Raises RegistryMissing."""
    from daybreak.config.advice import Case, warnings

    data = read_bytes(path)
    file, problems = examine(data, runbooks=path.parent / RUNBOOKS)
    if file is None:
        return problems
    document = read(data)
    case = Case(data=document.data, file=file, registry=build(file, digest(data)), now=now)
    found = [_problem(each, document) for each in warnings(case)]
    return sorted(found, key=lambda problem: problem.line or 0)


def examine(data: bytes, *, runbooks: Path | None) -> tuple[FileSpec | None, list[Problem]]:
    """(the file, nothing) or (None, its errors)."""
    try:
        document = read(data)
    except Unreadable as error:
        return None, [Problem(severity="error", path="", line=error.line, message=error.message)]
    file, findings = examine_document(document, runbooks=runbooks)
    problems = [_problem(each, document) for each in findings]
    return file, sorted(problems, key=lambda problem: problem.line or 0)


def examine_document(document: Document, *, runbooks: Path | None) -> tuple[FileSpec | None, list[Finding]]:
    """(the file, nothing) or (None, everything that is wrong with it): shape, names and rules."""
    findings = list(document.findings)
    file: FileSpec | None = None
    try:
        file = FileSpec.model_validate(document.data)
        draft = draft_of(file, runbooks)
    except ValidationError as error:
        shape = shape_findings(error, document)
        findings += shape
        draft = salvage(document.data, (each.path for each in shape), runbooks)
    findings += dangling(document.data)
    findings += rule_findings(draft)
    return (None if findings else file), findings


def _problem(finding: Finding, document: Document) -> Problem:
    line = finding.line if finding.line is not None else document.line(finding.path)
    return Problem(severity=finding.severity, path=dotted(finding.path), line=line, message=finding.message)
