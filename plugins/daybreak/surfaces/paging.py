"""Whether a callback pages, and the one attempt to do so. Runs in the dag processor (failure) or the triggerer (miss).

Left to the monitor, which knows more: upstream waits that timed out, grouping, caps, escalation, Slack. Asked here is
only what can be asked here: the registry, the run as Airflow hands it over, and the states of its tasks.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from daybreak.config.channels import OpsgenieSettings
from daybreak.domain.incident import Reason, State
from daybreak.domain.registry import Pipeline, Registry
from daybreak.domain.runs import Evidence, Run
from daybreak.errors import DaybreakError
from daybreak.surfaces.cycles import Cycle, pipeline_cycle
from daybreak.surfaces.facts import is_backfill, run_of
from daybreak.surfaces.questions import Questions
from daybreak.surfaces.site import Site, current_site

log = logging.getLogger(__name__)

FAILURE_SOURCE = "Daybreak callback: dag failure"
MISS_SOURCE = "Daybreak callback: deadline missed"
_WAITING = frozenset({"deferred", "up_for_reschedule", "running", "queued", "scheduled", "up_for_retry"})
_FAILED = frozenset({"failed", "upstream_failed"})


@dataclass(frozen=True, kw_only=True)  # without slots: cached_property needs a place
class Found:
    """What a callback has in hand."""

    site: Site
    pipeline: Pipeline
    run: Run
    cycle: Cycle
    questions: Questions
    settings: Callable[[], OpsgenieSettings]  # raises SettingsError
    clears: int = 0  # how often somebody cleared the run

    @cached_property
    def tasks(self) -> Mapping[str, str]:
        """Task id → state, as it is now; empty where that was not answered in time."""
        return self.questions.task_states()


def page_failure(context: Mapping[str, Any], *, now: datetime) -> str:
    """Page for a failed run; the answer says in one line what was done, or why nothing was."""
    dag = context["dag"]
    found = _find(dag.dag_id, context.get("dag_run"), context.get("run_id"))
    if found is None:
        return _told(dag.dag_id, "not paged: no pipeline of the registry claims this dag")
    why_not = why_not_for(found, now) or _why_no_failure(found, dag, now)
    if why_not:
        return _told(dag.dag_id, f"not paged: {why_not}")
    evidence = _evidence(found, context)
    missed = found.cycle.due_at is not None and now >= found.cycle.due_at
    alarm = _alarm(
        found,
        state=State.MISSED if missed else State.FAILED,
        reason=Reason.OUT_OF_MEMORY if _killed(evidence) else Reason.RUN_FAILED,
        since=found.run.end_date or now,
        failures=(evidence,) if evidence else (),
    )
    return _send(found, alarm, source=FAILURE_SOURCE, now=now)


def page_miss(pipeline_id: str, waits: Mapping[str, str], context: Mapping[str, Any], *, now: datetime) -> str:
    """Page for a run whose native deadline passed; the answer as in :func:`page_failure`.

    ``waits``: task id → the upstream that this sensor of the dag waits for.
    """
    dag_run = context.get("dag_run") or {}
    found = _find(str(dag_run.get("dag_id")), dag_run, dag_run.get("dag_run_id"))
    if found is None or found.pipeline.id != pipeline_id:
        return _told(pipeline_id, "not paged: the registry in force does not give this dag to this pipeline")
    state = found.questions.run_state()
    why_not = why_not_for(found, now) or ("the run has succeeded meanwhile" if state == "success" else None)
    if why_not:
        return _told(found.run.dag_id, f"not paged: {why_not}")
    late = tuple(upstream for task_id, upstream in waits.items() if found.tasks.get(task_id) in _WAITING)
    alarm = _alarm(
        found,
        state=State.MISSED,
        reason=_reason(state, late),
        since=found.cycle.due_at or now,
        late_upstreams=tuple(dict.fromkeys(late)),
    )
    return _send(found, alarm, source=MISS_SOURCE, now=now)


def _reason(state: str, late_upstreams: tuple[str, ...]) -> Reason:
    if state == "failed":
        return Reason.RUN_FAILED
    if late_upstreams:
        return Reason.UPSTREAM_LATE
    return Reason.QUEUED if state == "queued" else Reason.RUNNING


def _alarm(found: Found, **what: Any) -> Any:
    from daybreak.surfaces.attempt import Alarm

    return Alarm(pipeline=found.pipeline, run=found.run, cycle=found.cycle, **what)


def _send(found: Found, alarm: Any, *, source: str, now: datetime) -> str:
    from daybreak.surfaces.attempt import alert_for, send_once

    body = alert_for(found.site, alarm, source=source, now=now)
    try:
        send_once(found.settings(), body)
    except DaybreakError as error:
        log.error("daybreak callback: page not sent from here; dedup_key=%s reason=%s", body["alias"], error)
        return f"not paged: {error}"
    to = ", ".join(str(each.get("username") or each.get("name")) for each in body.get("responders", ()))
    return _told(alarm.run.dag_id, f"paged {to} as {body['alias']}")


def why_not_for(found: Found, now: datetime) -> str | None:
    """The reasons that hold for both kinds of page; None if there is none."""
    registry, pipeline = found.site.registry, found.pipeline
    if registry.paging.mode == "shadow":
        return "paging.mode is shadow"
    if is_backfill(found.run):
        return "a backfill"
    if any(s.pipeline == pipeline.id and s.start <= now < s.end for s in registry.silences):
        return "the pipeline is silenced"
    if now >= found.cycle.closes_at and found.cycle.due_at is not None:
        return "the run belongs to an earlier cycle, whose outcome stands"
    if not targets_at_once(registry, pipeline):
        return "its escalation pages nobody at first"
    return None


def targets_at_once(registry: Registry, pipeline: Pipeline) -> tuple[str, ...]:
    """The ``page`` of the pipeline's steps at 0 minutes."""
    return tuple(t for step in registry.steps_of(pipeline) if step.after.count == 0 for t in step.page)


def _why_no_failure(found: Found, dag: Any, now: datetime) -> str | None:
    if found.pipeline.on_failure == "notice":
        return "on_failure is notice"
    due_at = found.cycle.due_at
    if due_at is not None and now >= due_at and found.clears:
        return "a cleared run after due: that page went out at due, or the data was ready by then"
    if not found.tasks:
        return None
    failed = [task_id for task_id, state in found.tasks.items() if state in _FAILED]
    if not failed:
        return "no task of the run is failed any more: it was cleared, or marked success"
    culprits = [task_id for task_id, state in found.tasks.items() if state == "failed"]
    if culprits and all(_waits_for_upstream(dag, task_id) for task_id in culprits):
        return "it failed waiting for an upstream: the monitor knows who else waits"
    return None


def _waits_for_upstream(dag: Any, task_id: str) -> bool:
    task = dag.task_dict.get(task_id)
    return task is not None and task.task_type == "UpstreamReadySensor"


def _find(dag_id: str, dag_run: Any, run_id: str | None) -> Found | None:
    site = current_site()
    pipeline = site.registry.pipeline_of(dag_id) if site else None
    run = run_of(dag_run, dag_id=dag_id, run_id=run_id)
    if site is None or pipeline is None or run is None:
        return None
    clears = dag_run.get("clear_number", 0) if isinstance(dag_run, Mapping) else getattr(dag_run, "clear_number", 0)
    return Found(
        site=site,
        questions=Questions(run),
        settings=_settings(site.registry),
        pipeline=pipeline,
        run=run,
        cycle=pipeline_cycle(site.registry, pipeline, run.effective_date),
        clears=int(clears or 0),
    )


def _settings(registry: Registry) -> Callable[[], OpsgenieSettings]:
    """Opsgenie's address and key, looked up now and complained about later.

    Now, since a look-up speaks to the process that a question may still be keeping busy (:mod:`.questions`).
    """
    from daybreak.airflow_io.connections import paging_settings

    try:
        settings = paging_settings(registry.paging)
    except DaybreakError as error:
        problem = error

        def refuse() -> OpsgenieSettings:
            raise problem

        return refuse
    return lambda: settings


def _evidence(found: Found, context: Mapping[str, Any]) -> Evidence | None:
    """What the failed task left behind, or at least which task it was."""
    ti = context.get("ti")
    if ti is None:
        return None
    map_index = -1 if ti.map_index is None else ti.map_index
    left = found.questions.evidence(ti.task_id, map_index)
    return Evidence(
        dag_id=found.run.dag_id,
        run_id=found.run.run_id,
        task_id=ti.task_id,
        try_number=ti.try_number,
        map_index=map_index,
        exception=left.get("exception"),
        host=left.get("host"),
        log_url=left.get("log_url") or getattr(ti, "log_url", None),
        category=left.get("category"),
        anchor=left.get("anchor"),
    )


def _killed(evidence: Evidence | None) -> bool:
    return evidence is not None and (evidence.category or "").endswith(".out_of_memory")


def _told(name: str, text: str) -> str:
    log.info("daybreak callback of %s: %s", name, text)
    return text
