"""The rules between entries, beyond names: what makes a file that reads well wrong all the same."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import time
from fnmatch import translate
from itertools import pairwise
from pathlib import Path as FilePath

from daybreak.config import spec as s
from daybreak.config.draft import Draft
from daybreak.config.holiday_dates import unknown_place
from daybreak.config.mapping import place
from daybreak.config.problems import Finding, Path, known, quoted
from daybreak.config.rules_oncall import (
    layers_can_turn,
    overrides_do_not_overlap,
    primary_is_there,
    spans_end_after_they_start,
    swaps_name_whose_shift_it_is,
)
from daybreak.config.rules_paging import (
    people_can_be_paged,
    schedules_are_named,
    teams_can_be_paged,
    tickets_can_be_opened,
)
from daybreak.domain.duration import Duration

Rule = Callable[[Draft], Iterator[Finding]]
_READY_KINDS = ("dag", "sensor", "asset", "sql", "object")


def rule_findings(draft: Draft) -> list[Finding]:
    """What breaks a rule, with paths of the file."""
    return [
        Finding(draft.path(found.path), found.message, found.severity, found.line)
        for rule in RULES
        for found in rule(draft)
    ]


def ids_mean_one_thing(draft: Draft) -> Iterator[Finding]:
    for team in draft.teams:
        if team in draft.people:
            yield Finding(("teams", team), "a person has this id as well: steps could mean either")


def each_dag_has_one_pipeline(draft: Draft) -> Iterator[Finding]:
    """A dag is claimed by its exact id or by a glob; of two claims the later is named."""
    exact: dict[str, str] = {}  # dag or glob, as written → pipeline
    globs: list[tuple[re.Pattern[str], str, str]] = []  # (compiled, as written, pipeline)
    for name, pipeline in draft.pipelines.items():
        own: list[tuple[re.Pattern[str], str, str]] = []
        for i, dag in enumerate(pipeline.dags):
            path = ("pipelines", name, "dags", i)
            other = exact.get(dag) or next((by for pattern, _, by in globs if pattern.match(dag)), None)
            if dag in pipeline.dags[:i]:
                yield Finding(path, f"{quoted(dag)} stands in this list twice: keep one")
            elif other is not None:
                message = f"{quoted(dag)} is claimed by pipeline {quoted(other)} already: a dag has one owner"
                yield Finding(path, message)
            elif any(sign in dag for sign in "*?["):
                glob = re.compile(translate(dag))
                own.append((glob, dag, name))
                taken = next((each for each in exact if glob.match(each)), None)
                if taken is not None:
                    by = quoted(exact[taken])
                    yield Finding(path, f"{quoted(dag)} takes in {quoted(taken)}, which pipeline {by} claims already")
        for dag in pipeline.dags:
            exact.setdefault(dag, name)
        globs += own


def cycles_open_before_they_are_due(draft: Draft) -> Iterator[Finding]:
    clocks: list[tuple[Path, s.ClockSpec, time, str]] = [
        (("pipelines", name, "deadline"), pipeline.deadline, pipeline.deadline.due, "due")
        for name, pipeline in draft.pipelines.items()
        if pipeline.deadline
    ]
    clocks += [(("upstreams", name), each, each.expected_by, "expected_by") for name, each in draft.upstreams.items()]
    for path, clock, due, key in clocks:
        if not clock.opens.day_before and clock.opens.at > due:
            at = f"{clock.opens.at:%H:%M}"
            message = f'{at} lies after `{key}` {due:%H:%M}: for the day before, write "-1d {at}"'
            yield Finding((*path, "opens"), message)


def steps_are_in_order(draft: Draft) -> Iterator[Finding]:
    ladders: list[tuple[Path, list[Duration]]] = [
        (("escalations", name), [step.after for step in steps]) for name, steps in draft.escalations.items()
    ]
    ladders += [
        (("upstreams", name, "on_delay"), [step.after for step in upstream.on_delay])
        for name, upstream in draft.upstreams.items()
    ]
    for path, times in ladders:
        for i, (before, after) in enumerate(pairwise(times), start=1):
            if after.nominal < before.nominal:
                message = f"{after} comes before the {before} of the step above: put them in order"
                yield Finding((*path, i, "after"), message)


def steps_reach_somebody(draft: Draft) -> Iterator[Finding]:
    for name, steps in draft.escalations.items():
        for i, step in enumerate(steps):
            path = ("escalations", name, i)
            misread = any(draft.damaged((*draft.path(path), key)) for key in ("page", "tell"))
            if not step.page and not step.tell and not misread:
                yield Finding(path, "the step reaches nobody: give it `page` or `tell`")


def upstreams_can_be_seen(draft: Draft) -> Iterator[Finding]:
    waiting: dict[str, str] = {}
    for name, pipeline in draft.pipelines.items():
        for upstream in pipeline.upstreams:
            waiting.setdefault(upstream, name)
    for name, each in draft.upstreams.items():
        path = ("upstreams", name, "ready_when")
        if each.ready_when is None:
            if name in waiting:
                message = f"is required, since pipeline {quoted(waiting[name])} waits for it: {{dag: <its dag id>}}"
                yield Finding(path, message)
            continue
        kinds = [kind for kind in _READY_KINDS if getattr(each.ready_when, kind) is not None]
        if len(kinds) != 1:
            had = f"not {' and '.join(kinds)}" if kinds else "it has none"
            yield Finding(path, f"takes one of {', '.join(_READY_KINDS)}; {had}")
        elif kinds == ["sql"] and each.ready_when.conn is None:
            yield Finding((*path, "conn"), "is required with `sql`: the Airflow connection to ask")


def runbooks_exist(draft: Draft) -> Iterator[Finding]:
    if draft.runbooks is None:
        return
    for name, pipeline in draft.pipelines.items():
        if pipeline.runbook is None:
            continue
        path = ("pipelines", name, "runbook")
        if FilePath(pipeline.runbook).is_absolute() or ".." in FilePath(pipeline.runbook).parts:
            yield Finding(path, f"{quoted(pipeline.runbook)} must be the name of a file in {draft.runbooks.name}/")
        elif not _is_file(draft.runbooks / pipeline.runbook):
            there = sorted(file.name for file in draft.runbooks.glob("*.md")) if draft.runbooks.is_dir() else []
            remedy = known(there, pipeline.runbook) if there else "make it"
            yield Finding(path, f"there is no {quoted(pipeline.runbook)} in {draft.runbooks}; {remedy}")


def _is_file(path: FilePath) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # a name that no file system takes
        return False


def holidays_are_known(draft: Draft) -> Iterator[Finding]:
    places: list[tuple[Path, s.HolidaysSpec]] = [
        (("people", name, "holidays"), person.holidays) for name, person in draft.people.items() if person.holidays
    ]
    if draft.on_call and draft.on_call.holidays:
        places.append((("on_call", "holidays"), draft.on_call.holidays))
    for path, spec in places:
        where = place(spec)
        wrong = unknown_place(where) if where else None
        if wrong:
            yield Finding((*path, wrong[0]), wrong[1])


RULES: tuple[Rule, ...] = (
    ids_mean_one_thing,
    primary_is_there,
    layers_can_turn,
    spans_end_after_they_start,
    overrides_do_not_overlap,
    swaps_name_whose_shift_it_is,
    holidays_are_known,
    people_can_be_paged,
    teams_can_be_paged,
    tickets_can_be_opened,
    schedules_are_named,
    steps_are_in_order,
    steps_reach_somebody,
    upstreams_can_be_seen,
    each_dag_has_one_pipeline,
    cycles_open_before_they_are_due,
    runbooks_exist,
)
