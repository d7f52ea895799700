"""The seven steps of the main job, each with the question whether the records show it.

Every question answers None (it was found) or what is still missing. They are asked again and again until the last
instant, so an answer may be "not yet".
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from daybreak.demo.morning import BROKEN, LATE, LATE_UPSTREAM, PAUSED, Morning
from daybreak.demo.sandbox_view import Alert, Message, View
from daybreak.domain.incident import dedup_key
from daybreak.domain.oncall import on_call_at
from daybreak.domain.registry import Registry

NEW_TAX = "digital_levy"
MISSING = "not seen in the records"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What the questions are about: the derived registry, its clock times, and one reading of everybody's records."""

    registry: Registry
    morning: Morning
    view: View
    dags: dict[str, dict[str, Any]]  # dag id → Airflow's own details of it
    runs: list[dict[str, Any]]

    def key(self, subject: str, *, upstream: bool = False) -> str:
        return dedup_key(subject, self.morning.due.date(), upstream=upstream)

    def alert(self, pipeline: str) -> Alert | None:
        return self.view.alert(self.key(pipeline))

    def thread(self, pipeline: str) -> Message | None:
        return self.view.thread_of(self.key(pipeline), pipeline, self.registry.pipelines[pipeline].name)

    def on_call_name(self, at: datetime) -> str | None:
        """The Opsgenie user name of whoever was on call (primary) at ``at``."""
        holder = on_call_at(self.registry, "primary", at)
        return self.registry.people[holder.person].opsgenie if holder else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    number: int
    title: str
    missing: Callable[[Scene], str | None]


def dressed(scene: Scene) -> str | None:
    """1: owner, tags, runbook link in the header, runbook in the docs, read through Airflow's REST API."""
    for pipeline in scene.registry.pipelines.values():
        details = scene.dags.get(pipeline.id)
        if details is None:
            return f"dag {pipeline.id} is not in Airflow"
        tags = [tag["name"] for tag in details["tags"]]
        wanted = [
            "owner:",
            "sla:",
            *(["area:"] if pipeline.area else []),
            *(["audience:"] if pipeline.audience else []),
        ]
        absent = [prefix for prefix in wanted if not any(tag.startswith(prefix) for tag in tags)]
        if absent:
            return f"dag {pipeline.id} has no tag {', '.join(absent)}"
        if not any("runbook" in link or pipeline.id in link for link in (details.get("owner_links") or {}).values()):
            return f"dag {pipeline.id} has no runbook link in its header"
        if "First five minutes" not in (details.get("doc_md") or ""):
            return f"dag {pipeline.id} has no runbook in its docs"
    return None


def upstream_told(scene: Scene) -> str | None:
    """2: a ticket to the upstream's team when it was expected, leadership tagged in a thread later."""
    upstream = scene.registry.upstreams[LATE_UPSTREAM]
    ticket = scene.view.alert(scene.key(LATE_UPSTREAM, upstream=True))
    team = scene.registry.teams[upstream.team]
    if ticket is None or "ticket" not in ticket.tags:
        return f"the ticket to {team.name}: {MISSING}"
    if team.opsgenie_team not in ticket.responders:
        return f"the ticket went to {ticket.responders}, not to {team.opsgenie_team}"
    if ticket.created_at < scene.morning.expected:
        return "the ticket came before it was due"
    leaders = [
        scene.registry.teams[to].slack_usergroup
        for step in upstream.on_delay
        if step.do == "thread"
        for to in step.to
        if to in scene.registry.teams
    ]
    for message in all_messages(scene.view):
        tagged = all(f"<!subteam^{group}" in message.text for group in leaders if group)
        if tagged and upstream.name in message.text and message.at >= scene.morning.told - timedelta(seconds=1):
            return None
    return f"a Slack thread about {upstream.name} that tags leadership: {MISSING}"


def late_paged(scene: Scene) -> str | None:
    """3: the page at the deadline, complete, and a Slack message that says who, why and what to do."""
    alert, pipeline = scene.alert(LATE), scene.registry.pipelines[LATE]
    if alert is None:
        return f"the page for {LATE}: {MISSING}"
    if alert.created_at < scene.morning.due:
        return f"the page for {LATE} came before its deadline"
    if scene.on_call_name(scene.morning.due) not in alert.responders:
        return f"the page for {LATE} went to {alert.responders}, not to the person on call"
    if alert.priority != pipeline.priority:
        return f"the page for {LATE} has priority {alert.priority}, not {pipeline.priority}"
    if alert.details.get("reason") != "upstream_late":
        return f"the page for {LATE} gives as reason {alert.details.get('reason')!r}, not upstream_late"
    if not alert.details.get("runbook") or f"dags/{LATE}/runs/" not in alert.text:
        return f"the page for {LATE} lacks the runbook link or the dag run's"
    thread = scene.thread(LATE)
    if thread is None:
        return f"the Slack message for {LATE}: {MISSING}"
    mentioned = [scene.registry.people[who].slack for who in _owners(scene, LATE)]
    text = "\n".join([thread.text, *(reply.text for reply in thread.replies)])
    lacking = [who for who in mentioned if who and f"<@{who}>" not in text]
    if lacking:
        return f"the Slack message for {LATE} does not mention {', '.join(lacking)}"
    if scene.registry.upstreams[LATE_UPSTREAM].name not in text:
        return f"the Slack message for {LATE} does not name the cause"
    return None if len(thread.buttons) >= 2 else f"the Slack message for {LATE} has no buttons"


def broken_paged(scene: Scene) -> str | None:
    """4: the guard's page with the failing task, the error that names the tax, and the runbook's section."""
    alert = scene.alert(BROKEN)
    if alert is None:
        return f"the page for {BROKEN}: {MISSING}"
    if alert.details.get("task") != "guard_tax_model":
        return f"the page for {BROKEN} names the task {alert.details.get('task')!r}, not guard_tax_model"
    if NEW_TAX not in alert.text:
        return f"the page for {BROKEN} does not carry the error that names the tax"
    if "#" not in alert.details.get("runbook", ""):
        return f"the page for {BROKEN} does not lead to a section of the runbook"
    return None


def paused_paged(scene: Scene) -> str | None:
    """5: the pipeline of which no run exists."""
    alert = scene.alert(PAUSED)
    if alert is None:
        return f"the page for {PAUSED}: {MISSING}"
    if alert.details.get("reason") != "dag_paused":
        return f"the page for {PAUSED} gives as reason {alert.details.get('reason')!r}, not dag_paused"
    return f"{PAUSED} has a run" if any(run["dag_id"] == PAUSED for run in scene.runs) else None


def late_resolved(scene: Scene) -> str | None:
    """6: closed with a note, the thread says how late it was, the parent message is rewritten."""
    alert, thread = scene.alert(LATE), scene.thread(LATE)
    if alert is None or not alert.closed:
        return f"the closed alert for {LATE}: {MISSING}"
    if not alert.notes:
        return f"the alert for {LATE} was closed without a note"
    if thread is None or not any("late" in reply.text and "min" in reply.text for reply in thread.replies):
        return f"the word in {LATE}'s thread of how late it was: {MISSING}"
    return None if thread.edited else f"the parent message for {LATE} was not rewritten"


def rest_silent(scene: Scene) -> str | None:
    """7: the others ready in silence; owners tagged; Airflow's own deadline callback in the same alert."""
    story = {LATE, BROKEN, PAUSED}
    quiet = [pipeline for pipeline in scene.registry.pipelines.values() if pipeline.id not in story]
    for pipeline in quiet:
        if not any(run["dag_id"] == pipeline.id and run["state"] == "success" for run in scene.runs):
            return f"{pipeline.id} has not succeeded"
        if scene.alert(pipeline.id) is not None:
            return f"{pipeline.id} was paged, though it was ready in time"
        key = scene.key(pipeline.id)
        if any(key in str(message.raw) for message in scene.view.messages):
            return f"Slack was told of {pipeline.id}, though it was ready in time"
    for name in (LATE, BROKEN, PAUSED):
        thread = scene.thread(name)
        owners = [scene.registry.people[who].slack for who in _owners(scene, name)]
        if thread is None or not all(f"<@{who}>" in thread.text for who in owners if who):
            return f"the Slack message for {name} does not tag its owners"
    late = scene.alert(LATE)
    if late is None or late.count < 2 or not any("deadline" in source.lower() for source in late.sources):
        return f"Airflow's own deadline callback in the alert for {LATE}: {MISSING}"
    broken = [f"{each['service']} {each['rule']}: {each['detail']}" for each in scene.view.violations]
    return f"the sandbox was sent something the real service would refuse: {broken[0]}" if broken else None


STEPS = (
    Step(number=1, title="every dag carries owner, tags, runbook link and runbook", missing=dressed),
    Step(
        number=2, title="sales_force is late: ticket to its team, leadership tagged in a thread", missing=upstream_told
    ),
    Step(number=3, title="the deadline passes: aggregate_growth pages with its cause", missing=late_paged),
    Step(number=4, title="the tax_model guard fails: the page names task, error and section", missing=broken_paged),
    Step(number=5, title="a paused pipeline pages although no run exists", missing=paused_paged),
    Step(number=6, title="sales_force arrives: alert closed, thread and parent say how late", missing=late_resolved),
    Step(number=7, title="all else met in silence; Airflow's deadline callback joined the alert", missing=rest_silent),
)


def _owners(scene: Scene, pipeline: str) -> list[str]:
    found = scene.registry.pipelines[pipeline]
    return [found.primary_owner, *([found.secondary_owner] if found.secondary_owner else [])]


def all_messages(view: View) -> list[Message]:
    """Every message, those in threads too."""
    return [each for message in view.messages for each in (message, *message.replies)]
