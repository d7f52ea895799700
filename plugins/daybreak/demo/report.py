"""The end of a play, in tables: what arrived where, what was told to whom, and the verdict on each step."""

from __future__ import annotations

from collections.abc import Iterable

from daybreak.demo.events import Heard, local
from daybreak.demo.show import Show
from daybreak.demo.stage import Stage
from daybreak.demo.steps import STEPS, Scene
from daybreak.demo.timeline import Timeline

NOT_REACHED = "not reached"
LONGEST = 130  # characters of a line in a table: an alert's message whole


def arrived(timeline: Timeline, scene: Scene) -> None:
    """What the stand-in Opsgenie and Slack hold."""
    alerts = [("at", "alert", "priority", "to", "state", "count", "reason")]
    for alert in scene.view.alerts:
        reason = alert.details.get("reason") or ("ticket" if alert.kind == "ticket" else "")
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


def told(timeline: Timeline, scene: Scene, heard: Iterable[Heard]) -> None:
    """Everything that anybody was told, in the order and in the words in which they heard it."""
    rows = [("at", "how", "to", "what")]
    for each in sorted(heard, key=lambda one: one.at):
        rows.append((local(each.at, timeline), each.how, _whom(scene, each), each.what[:LONGEST]))
    if len(rows) == 1:
        timeline.line()
        timeline.line("Told to whom, and when: nothing, to nobody.")
    else:
        timeline.table("Told to whom, and when", rows)


def _whom(scene: Scene, heard: Heard) -> str:
    """Those who were notified by name; of a Slack message the channel and whom it tags."""
    registry = scene.registry
    if heard.alert is not None:
        names = {person.opsgenie: person.name for person in registry.people.values()}
        return ", ".join(names.get(each, each) for each in heard.alert.responders)
    assert heard.message is not None
    tags = {f"<@{person.slack}>": person.name for person in registry.people.values() if person.slack}
    tags |= {f"<!subteam^{t.slack_usergroup}": t.name for t in registry.teams.values() if t.slack_usergroup}
    tagged = [name for tag, name in tags.items() if tag in heard.message.text]
    return f"#{heard.message.channel.lstrip('#')}{': ' if tagged else ''}{', '.join(tagged)}"


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
