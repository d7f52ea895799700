"""``daybreak preview``: every kind of page and message, as the registry at hand would have it. Sends nothing."""

from __future__ import annotations

import json
import os
from typing import Annotated

import typer

from daybreak.commands.options import DEFAULT_FILE, FileOption, JsonOption, instant, load, pipeline_named

BASE_URL = "AIRFLOW__API__BASE_URL"


def register(app: typer.Typer) -> None:
    app.command()(preview)


def preview(
    file: FileOption = DEFAULT_FILE,
    pipeline: Annotated[str | None, typer.Option("--pipeline", help="For this pipeline.", metavar="ID")] = None,
    only: Annotated[str | None, typer.Option("--only", help="Titles that contain this.", metavar="TEXT")] = None,
    at: Annotated[str | None, typer.Option("--at", help="As if it were this time.", metavar="T")] = None,
    as_json: JsonOption = False,
) -> None:
    """Show every kind of page and message, from the real registry and its runbooks."""
    from datetime import UTC, datetime

    from daybreak.config.links import LOCAL, Links
    from daybreak.config.runbooks import Shelf
    from daybreak.delivery.facts import PlanContext
    from daybreak.delivery.scenes import scenes
    from daybreak.delivery.show import shown

    registry = load(file)
    chosen = pipeline_named(registry, pipeline)
    now = instant(at, registry.zone, "--at") if at else datetime.now(UTC)
    links = Links.of(registry, os.environ.get(BASE_URL) or LOCAL)
    context = PlanContext(now=now, links=links, runbooks=Shelf.beside(file))
    found = [s for s in scenes(registry, context, chosen) if only is None or only.lower() in s.title.lower()]
    if not found:
        typer.echo(f"daybreak: no page or message has {only!r} in its title; leave --only out to see all", err=True)
        raise typer.Exit(1)
    if as_json:
        rows = [
            {
                "title": scene.title,
                "deliveries": [
                    {"channel": row.channel, "operation": row.operation, "kind": row.kind, "payload": row.payload}
                    for row in scene.rows
                ],
            }
            for scene in found
        ]
        typer.echo(json.dumps(rows, ensure_ascii=False, indent=2))
        return
    for scene in found:
        typer.secho(f"\n━━ {scene.title} ", bold=True)
        for row in scene.rows:
            if row.operation != "recheck":
                typer.echo(shown(row))
