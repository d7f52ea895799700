"""``triage.yaml`` → rules, or everything that is wrong with it at once, each with line and remedy."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from daybreak.config.problems import Finding, Problem, dotted, known, quoted, warning
from daybreak.config.problems import Path as Place
from daybreak.config.reading import Document, Unreadable, read
from daybreak.config.triage import FILE_NAME, GROUP_ANCHORS, UNKNOWN
from daybreak.config.triage_rule import Rule

_NAMES, _PATTERNS = ("exception", "operator"), ("message", "task")
_CONDITIONS = (*_NAMES, *_PATTERNS, "killed")
_KEYS = ("category", "anchor", *_CONDITIONS)


def triage_file(registry: Path) -> Path:
    """Where a team's own rules lie: beside its registry. The file need not be there."""
    return registry.parent / FILE_NAME


def triage_problems(registry: Path) -> list[Problem]:
    """Everything wrong with the rules beside ``registry``; their paths begin with ``triage``. None without a file."""
    try:
        data = triage_file(registry).read_bytes()
    except FileNotFoundError:
        return []
    except OSError as error:
        said = f"{FILE_NAME} cannot be read ({error.strerror}); check its permissions"
        return [Problem(severity="error", path="triage", line=None, message=said)]
    return examine_rules(data)[1]


def examine_rules(data: bytes) -> tuple[tuple[Rule, ...], list[Problem]]:
    """(the rules, nothing or warnings) or (nothing, its errors and warnings), by line."""
    if not data.strip():
        said = "the file is empty: write `rules:` with a list of rules, or remove it"
        return (), [Problem(severity="error", path="triage", line=None, message=said)]
    try:
        document = read(data)
    except Unreadable as error:
        said = f"{error.message}; this file holds `rules:` and a list of rules"
        return (), [Problem(severity="error", path="triage", line=error.line, message=said)]
    findings = [*document.findings, *_findings(document.data)]
    problems = sorted((_problem(each, document) for each in findings), key=lambda problem: problem.line or 0)
    if any(each.severity == "error" for each in findings):
        return (), problems
    return tuple(map(_rule, document.data["rules"])), problems


def _findings(data: dict[str, Any]) -> Iterator[Finding]:
    for key in data:
        if key != "rules":
            yield Finding((key,), "is not a key of this file: it holds `rules` alone")
    rules = data.get("rules")
    if not isinstance(rules, list):
        yield Finding(("rules",), "must be a list of rules, as in `- {category: quality.nulls, message: 'is null'}`")
        return
    for index, entry in enumerate(rules):
        yield from _rule_findings(entry, ("rules", index))


def _rule_findings(entry: Any, place: Place) -> Iterator[Finding]:
    if not isinstance(entry, dict) or not isinstance(entry.get("category"), str):
        yield Finding(place, "must be a mapping with at least a `category`, as in `category: quality.nulls`")
        return
    for key, value in entry.items():
        where = (*place, key)
        if key not in _KEYS:
            yield Finding(where, f"is not a key of a rule; {known(_KEYS, key)}")
        elif key == "category":
            yield from _category(value, where)
        elif key in _NAMES:
            yield from _names(value, where)
        elif key in _PATTERNS:
            yield from _patterns(value, where)
        elif key == "killed" and not isinstance(value, bool):
            yield Finding(where, f"is {quoted(value)}: write true or false")
        elif key == "anchor" and not (isinstance(value, str) and value):
            yield Finding(where, "must be the anchor of a runbook's section, as in `data-quality`")
    if not any(key in entry for key in _CONDITIONS):
        yield Finding(
            place, f"holds for every failure, so no rule after it counts: name one of {', '.join(_CONDITIONS)}"
        )


def _category(value: str, where: Place) -> Iterator[Finding]:
    group, _, kind = value.partition(".")
    if value == UNKNOWN:
        return
    if not kind:
        yield Finding(where, f"is {quoted(value)}: write group.kind, as in `quality.nulls`")
    elif group not in GROUP_ANCHORS:
        yield warning(where, f"{quoted(group)} is none of the groups of failures; {known(GROUP_ANCHORS, group)}")


def _names(value: Any, where: Place) -> Iterator[Finding]:
    if not _listed(value):
        yield Finding(where, "must be a name or a list of names, and none of them empty")


def _patterns(value: Any, where: Place) -> Iterator[Finding]:
    if not _listed(value):
        yield Finding(where, "must be a regular expression or a list of them, and none of them empty")
        return
    for one in _several(value):
        try:
            re.compile(one)
        except re.error as error:
            yield Finding(where, f"{quoted(one)} is not a regular expression ({error})")


def _listed(value: Any) -> bool:
    named = _several(value)
    return isinstance(named, list) and bool(named) and all(isinstance(one, str) and one for one in named)


def _several(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _rule(entry: dict[str, Any]) -> Rule:
    """A rule in which nothing is wrong."""
    return Rule(
        category=entry["category"],
        anchor=entry.get("anchor"),
        exceptions=frozenset(_several(entry.get("exception", []))),
        message=_pattern(entry.get("message")),
        operators=frozenset(_several(entry.get("operator", []))),
        task=_pattern(entry.get("task")),
        killed=entry.get("killed"),
    )


def _pattern(value: Any) -> re.Pattern[str] | None:
    """One regular expression, or a list of which any may hold; upper and lower case are the same."""
    if value is None:
        return None
    return re.compile("|".join(f"(?:{one})" for one in _several(value)), re.IGNORECASE)


def _problem(finding: Finding, document: Document) -> Problem:
    line = finding.line if finding.line is not None else document.line(finding.path)
    return Problem(
        severity=finding.severity, path=dotted(("triage", *finding.path)), line=line, message=finding.message
    )
