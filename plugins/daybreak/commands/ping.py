"""``daybreak ping``: one test page and message, end to end, with a verdict for each step."""

from __future__ import annotations

import asyncio
import json
import sys
from contextlib import redirect_stdout
from typing import TYPE_CHECKING, Annotated, Any

import typer

from daybreak.commands.options import DEFAULT_FILE, FileOption, JsonOption, load, pipeline_named

if TYPE_CHECKING:
    from daybreak.delivery.probe import Verdict
    from daybreak.domain.registry import Pipeline, Registry

MARKS = {True: ("ok  ", "green"), False: ("FAIL", "red"), None: ("?   ", "yellow")}


def register(app: typer.Typer) -> None:
    app.command()(ping)


def ping(
    file: FileOption = DEFAULT_FILE,
    pipeline: Annotated[
        str | None, typer.Option("--pipeline", help="Page those whom this pipeline would page.", metavar="ID")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Send one test page (P5) and one test message to whoever is on call now, follow them, and close them again."""
    registry = load(file)
    chosen = pipeline_named(registry, pipeline)
    verdicts: list[Verdict] = []

    def say(verdict: Verdict) -> None:
        verdicts.append(verdict)
        if not as_json:
            mark, colour = MARKS[verdict.ok]
            detail = f": {verdict.detail}" if verdict.detail else ""
            typer.echo(f"{typer.style(mark, fg=colour)} {verdict.channel:9} {verdict.step}{detail}")

    asyncio.run(_ping(registry, chosen, say))
    good = all(verdict.ok is not False for verdict in verdicts)
    if as_json:
        steps = [{"channel": v.channel, "step": v.step, "ok": v.ok, "detail": v.detail} for v in verdicts]
        typer.echo(json.dumps({"ok": good, "steps": steps}))
    if not good:
        bad = ", ".join(f"{v.channel} {v.step}" for v in verdicts if v.ok is False)
        typer.echo(f"daybreak: not delivered: {bad}", err=True)
        raise typer.Exit(1)


async def _ping(registry: Registry, pipeline: Pipeline | None, say: Any) -> None:
    from datetime import UTC, datetime
    from uuid import uuid4

    with redirect_stdout(sys.stderr):  # Airflow logs to standard output, which is for the answer
        from daybreak.airflow_io.connections import paging_settings, slack_settings
    from daybreak.delivery.probe import Verdict, probe_opsgenie, probe_slack
    from daybreak.delivery.responders import for_step
    from daybreak.domain.targets import resolve
    from daybreak.errors import SettingsError

    now = datetime.now(UTC)
    on_call = resolve(registry, "on_call", pipeline, now)
    what = f" for {pipeline.name}" if pipeline else ""
    body = {
        "message": f"Daybreak test{what}: nothing is wrong"[:130],
        "alias": f"daybreak:v1:test:{uuid4()}",
        "description": "Sent by `daybreak ping`. It is closed again by itself, within seconds.",
        "tags": ["daybreak", "test"],
        "priority": "P5",
        "source": "Daybreak ping",
        "responders": for_step(registry, pipeline, 0, on_call, now),
    }
    try:
        with redirect_stdout(sys.stderr):
            paging = paging_settings(registry.paging)
    except SettingsError as error:
        say(Verdict(channel="Opsgenie", step="connection", ok=False, detail=str(error)))
    else:
        async for verdict in probe_opsgenie(paging, body, heartbeat=registry.paging.heartbeat):
            say(verdict)
    channel = registry.channel_of(pipeline) if pipeline else registry.defaults.slack_channel
    if channel is None:
        detail = "the registry names none (defaults.slack_channel)"
        say(Verdict(channel="Slack", step="channel", ok=None, detail=detail))
        return
    try:
        with redirect_stdout(sys.stderr):
            slack = slack_settings(registry.slack_connection)
    except SettingsError as error:
        say(Verdict(channel="Slack", step="connection", ok=False, detail=str(error)))
        return
    before = {"text": f"Daybreak test{what}: nothing is wrong. This message is rewritten in a moment."}
    after = {"text": f"Daybreak test{what}: posted and rewritten. ✅"}
    async for verdict in probe_slack(slack, channel, before, after):
        say(verdict)
