"""``daybreak runbook new`` and ``daybreak runbook check``: runbooks of one form, from a template."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from daybreak.commands.options import DEFAULT_FILE, FileOption
from daybreak.errors import RegistryError

if TYPE_CHECKING:
    from daybreak.domain.registry import Pipeline

TEMPLATE = Path(__file__).with_name("runbook_template.md")
TO_WRITE = "- **Symptom**: TO WRITE\n- **Check**: TO WRITE\n- **Fix**: TO WRITE"
STEPS_TO_WRITE = "1. TO WRITE: what to open first\n2. TO WRITE: how to tell the commonest causes apart\n3. Acknowledge."


def register(app: typer.Typer) -> None:
    """Add ``runbook new`` and ``runbook check``."""
    group = typer.Typer(help="Runbooks: make one from the template, check that all are complete.", no_args_is_help=True)
    group.command("new")(new)
    group.command("check")(check)
    app.add_typer(group, name="runbook")


def new(
    pipeline: str = typer.Argument(help="Id of a pipeline of the registry."),
    file: FileOption = DEFAULT_FILE,
) -> None:
    """Write runbooks/PIPELINE.md beside the registry; what only people know is marked TO WRITE."""
    from daybreak.config import parse_registry

    try:
        data = file.read_bytes()
    except OSError as error:
        raise RegistryError(f"{file}: cannot be read ({error.strerror}): name the registry with --file") from None
    # Without its folder: the runbook that is to be made may be named already, and does not exist yet.
    registry = parse_registry(data, source=str(file), runbooks=None)
    found = registry.pipelines.get(pipeline)
    if found is None:
        known = ", ".join(sorted(registry.pipelines))
        raise RegistryError(f"{file}: pipelines.{pipeline}: no such pipeline; one of {known}")
    target = file.parent / "runbooks" / (found.runbook or f"{pipeline}.md")
    if target.exists():
        raise RegistryError(f"{target}: is there already; edit it, or move it away first")
    target.parent.mkdir(exist_ok=True)
    target.write_text(rendered(found, datetime.now(UTC)), encoding="utf-8")
    typer.echo(f"{target}: fill in what says TO WRITE, and name it as pipelines.{pipeline}.runbook")


def rendered(pipeline: Pipeline, now: datetime) -> str:
    """The template filled with what the registry knows."""
    from jinja2 import Environment, StrictUndefined

    deadline = pipeline.deadline
    due = f"Due at {deadline.due:%H:%M} {deadline.zone.key}." if deadline else "It has no deadline."
    template = Environment(undefined=StrictUndefined, keep_trailing_newline=True, autoescape=False).from_string(  # noqa: S701 - Markdown
        TEMPLATE.read_text(encoding="utf-8")
    )
    return template.render(
        id=pipeline.id,
        name=pipeline.name,
        area=pipeline.area or "TO WRITE",
        audience=pipeline.audience or "TO WRITE",
        reviewed=now.date().isoformat(),
        primary=pipeline.primary_owner,
        secondary=pipeline.secondary_owner or "TO WRITE",
        purpose=pipeline.purpose or "TO WRITE",
        impact=f"Read by: {pipeline.downstream or 'TO WRITE'}.",
        escalation="TO WRITE: in words, what the registry's escalation means for this pipeline.",
        schedule=f"{due} TO WRITE: when it runs and what it waits for.",
        storage="- **Sources**: TO WRITE\n- **Intermediate**: TO WRITE\n- **Published**: TO WRITE",
        stage=pipeline.id,
        first=STEPS_TO_WRITE,
        upstream=TO_WRITE,
        quality=TO_WRITE,
        unknown=TO_WRITE,
        outlier=TO_WRITE,
        no_run=f"`airflow dags list-runs {pipeline.id}`; is what starts it late, failed or paused?",
        retry="TO WRITE: what may be run again, how to backfill, how to skip a day (`daybreak waive`).",
        validation="TO WRITE: queries and what their answers should look like.",
        tell="TO WRITE: whom, when, where.",
    )


def check(
    file: FileOption = DEFAULT_FILE,
    strict: bool = typer.Option(False, "--strict", help="Status 1 if anything is amiss."),
) -> None:
    """Tell what is amiss with the runbooks that the registry names."""
    from daybreak.config import load_registry
    from daybreak.config.runbook_check import runbook_findings

    now, amiss = datetime.now(UTC), 0
    registry = load_registry(file)
    for pipeline in registry.pipelines.values():
        named = pipeline.runbook is not None
        lines = list(runbook_findings(file, registry, pipeline, now)) if named else ["has no runbook"]
        for line in lines:
            typer.echo(f"{pipeline.id}: {pipeline.runbook or ''} {line}", err=True)
        amiss += len(lines)
    if not amiss:
        typer.echo("every runbook is complete")
    if amiss and strict:
        raise typer.Exit(1)
