"""The end of a play, in tables: what arrived where, what was told to whom, and the verdict on each step."""

from __future__ import annotations

from datetime import datetime

from daybreak.demo.events import local
from daybreak.demo.sandbox_view import Message
from daybreak.demo.show import Show
from daybreak.demo.stage import Stage
from daybreak.demo.steps import STEPS, Scene
from daybreak.demo.timeline import Timeline

NOT_REACHED = "not reached"


def arrived(timeline: Timeline, scene: Scene) -> None:
    """What the stand-in Opsgenie and Slack hold."""
    alerts = [("at", "alert", "priority", "to", "state", "count", "reason")]
    for alert in scene.view.alerts:
        reason = alert.details.get("reason") or ("ticket" if "ticket" in alert.tags else "")
        state = "closed" if alert.closed else "open"
        alerts.append(
            (
                local(alert.created_at, timeline),
                alert.alias,
                alert.priority,
                ", ".join(alert.responders),
                state,
                str(alert.count),
                reason,
            )
        )
    timeline.table("Opsgenie", alerts)
    posts = [("at", "channel", "in thread", "message")]
    for message in scene.view.messages:
        posts.append((local(message.at, timeline), message.channel, str(len(message.replies)), message.headline[:100]))
    timeline.table("Slack", posts)


def told(timeline: Timeline, scene: Scene) -> None:
    """Everything in the order in which people heard of it."""
    heard = []
    for alert in scene.view.alerts:
        how = "ticket" if "ticket" in alert.tags else "page"
        heard.append((alert.created_at, ", ".join(alert.responders), how, alert.message))
    for message in scene.view.messages:
        heard.append(_heard(message, "message"))
        heard += [_heard(reply, "thread") for reply in message.replies]
    rows = [("at", "how", "to", "what")]
    rows += [(local(at, timeline), how, to, what[:100]) for at, to, how, what in sorted(heard)]
    timeline.table("Told to whom, and when", rows)


def verdicts(timeline: Timeline, show: Show) -> None:
    """Each step of the main job, and for those not found what is missing."""
    rows = [("step", "", "what")]
    for step in STEPS:
        rows.append((str(step.number), "found" if step.number in show.found else "NOT FOUND", step.title))
    timeline.table("The main job", rows)
    timeline.line()
    for step in STEPS:
        if step.number not in show.found:
            timeline.line(f"step {step.number} was not found: {show.why_not.get(step.number, NOT_REACHED)}")


def addresses(timeline: Timeline, stage: Stage) -> None:
    """Where to look."""
    timeline.line()
    timeline.line(f"  Airflow, with its dags, board and runbooks   {stage.airflow.base_url}")
    timeline.line(f"  Opsgenie and Slack, as people see them       {stage.sandbox.url}")
    timeline.line()


def _heard(message: Message, how: str) -> tuple[datetime, str, str, str]:
    return message.at, message.channel, how, message.headline
