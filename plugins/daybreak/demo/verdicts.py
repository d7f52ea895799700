"""What must have been told by the end of a scenario: each question answers None, or what is still missing."""

from __future__ import annotations

from collections.abc import Callable

from daybreak.demo.deeds import ATTACKED, DDOS_REFERRER, KILLED
from daybreak.demo.morning import BROKEN
from daybreak.demo.play import succeeded
from daybreak.demo.steps import MISSING, Scene, all_messages, broken_paged

Question = Callable[[Scene], str | None]


def both(*questions: Question) -> Question:
    """None once every question answers None; else the first answer."""

    def missing(scene: Scene) -> str | None:
        return next((answer for question in questions if (answer := question(scene)) is not None), None)

    return missing


def upstream_page(pipeline: str, upstream: str) -> Question:
    """The ticket to the upstream's team, at the time at which it was expected, and the page that names it."""

    def missing(scene: Scene) -> str | None:
        ticket, team = scene.view.alert(scene.key(upstream, upstream=True)), scene.registry.upstreams[upstream].team
        if ticket is None or "ticket" not in ticket.tags:
            return f"the ticket for {upstream}: {MISSING}"
        if scene.registry.teams[team].opsgenie_team not in ticket.responders:
            return f"the ticket for {upstream} went to {ticket.responders}"
        return reason_page(pipeline, "upstream_late")(scene)

    return missing


def leaders_told(upstream: str) -> Question:
    """The thread that tags whoever the upstream's ``on_delay`` names."""

    def missing(scene: Scene) -> str | None:
        found = scene.registry.upstreams[upstream]
        groups = [
            scene.registry.teams[team].slack_usergroup
            for step in found.on_delay
            if step.do == "thread"
            for team in step.to
        ]
        tagged = [m for m in all_messages(scene.view) if all(f"<!subteam^{group}" in m.text for group in groups)]
        return None if any(found.name in m.text for m in tagged) else f"the thread about {found.name}: {MISSING}"

    return missing


def reason_page(pipeline: str, reason: str) -> Question:
    """A page for ``pipeline``, to whoever is on call, that gives ``reason`` and leads to the runbook."""

    def missing(scene: Scene) -> str | None:
        page = scene.alert(pipeline)
        if page is None:
            return f"the page for {pipeline}: {MISSING}"
        if (given := page.details.get("reason")) != reason:
            return f"the page for {pipeline} gives as reason {given!r}, not {reason}"
        if scene.on_call_name(page.created_at) not in page.responders:
            return f"the page for {pipeline} went to {page.responders}, not to the person on call"
        if pipeline not in page.details.get("runbook", ""):
            return f"the page for {pipeline} does not lead to its runbook"
        return None if scene.thread(pipeline) else f"the Slack message for {pipeline}: {MISSING}"

    return missing


def not_before_due(pipeline: str) -> Question:
    """What only the deadline makes a page did not page earlier."""

    def missing(scene: Scene) -> str | None:
        page = scene.alert(pipeline)
        early = page is not None and page.created_at < scene.morning.due
        return f"the page for {pipeline} came before its deadline" if early else None

    return missing


def noticed(pipeline: str, text: str) -> Question:
    """A Slack message, before any page, that says ``text`` about ``pipeline``."""

    def missing(scene: Scene) -> str | None:
        found = [m for m in all_messages(scene.view) if pipeline in m.text and text in m.text]
        return None if found else f"the notice about {pipeline} that says {text!r}: {MISSING}"

    return missing


def closed(pipeline: str) -> Question:
    """The pipeline's alert was closed with a note, and its Slack message says that it is ready."""

    def missing(scene: Scene) -> str | None:
        page, thread = scene.alert(pipeline), scene.thread(pipeline)
        if page is None or not page.closed or not page.notes:
            return f"the closed alert for {pipeline}: {MISSING}"
        return None if thread and thread.edited else f"the Slack message that {pipeline} is ready: {MISSING}"

    return missing


def silence(scene: Scene) -> str | None:
    """Every pipeline succeeded before its deadline, which has passed, and nobody heard anything."""
    for pipeline in scene.registry.pipelines:
        if not succeeded(scene, pipeline):
            return f"{pipeline} has not succeeded"
    told = [alert.alias for alert in scene.view.alerts] + [message.headline for message in scene.view.messages]
    return f"somebody was told, though all was well: {told[0]}" if told else None


def warned(times: int) -> Question:
    """Slack was warned of the attack so often, and nobody was paged for it."""

    def missing(scene: Scene) -> str | None:
        seen = sum(DDOS_REFERRER in message.text for message in scene.view.messages)
        if seen != times:
            return f"{seen} warnings of {DDOS_REFERRER} in Slack, not {times}"
        paged = scene.alert(ATTACKED) or any(DDOS_REFERRER in alert.text for alert in scene.view.alerts)
        return "somebody was paged for an outlier" if paged else None

    return missing


def tax_paged(scene: Scene) -> str | None:
    """The guard's page, whose very first line names the tax."""
    page = scene.alert(BROKEN)
    lacking = broken_paged(scene)
    if lacking is None and page is not None and scene.on_call_name(page.created_at) not in page.responders:
        return f"the page for {BROKEN} went to {page.responders}, not to the person on call"
    return lacking


def killed_paged(scene: Scene) -> str | None:
    """The page says out of memory, and DevOps got a ticket."""
    lacking = reason_page(KILLED, "out_of_memory")(scene)
    tickets = [alert for alert in scene.view.alerts if "ticket" in alert.tags and "DevOps" in alert.responders]
    return lacking or (None if tickets else f"the ticket to DevOps: {MISSING}")


def retry_told(scene: Scene) -> str | None:
    """The thread says what came of running it again."""
    thread = scene.thread(KILLED)
    said = "\n".join(reply.text for reply in thread.replies) if thread else ""
    return None if "on retry" in said else f"the word in {KILLED}'s thread of what came of the retry: {MISSING}"


def scheduler_paged(scene: Scene) -> str | None:
    """One alert about the scheduler, that names what is at stake."""
    found = scene.view.about("system:scheduler")
    if len(found) != 1:
        return f"{len(found)} pages about the scheduler, not 1"
    waiting = [name for name in scene.registry.pipelines if not succeeded(scene, name)]
    unnamed = [name for name in waiting if scene.registry.pipelines[name].name not in found[0].text]
    return f"the page about the scheduler does not name {unnamed[0]}" if unnamed else None


def scheduler_back(scene: Scene) -> str | None:
    found = scene.view.about("system:scheduler")
    return None if found and all(alert.closed for alert in found) else f"the scheduler's closed alert: {MISSING}"
