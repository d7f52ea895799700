"""``daybreak db``: Daybreak's own tables."""

from __future__ import annotations

from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the group."""
    group = typer.Typer(name="db", help="Daybreak's own tables: make, upgrade, look.", no_args_is_help=True)
    group.command("migrate")(migrate)
    group.command("downgrade")(downgrade)
    group.command("current")(current)
    app.add_typer(group)


def migrate() -> None:
    """Make or upgrade the tables. Safe at any time, by any number of processes at once."""
    from daybreak.monitor.assembly import store_engine
    from daybreak.store import migrate as migrations

    before = migrations.upgrade(store_engine())
    after = migrations.head()
    typer.echo(f"{before or 'nothing'} -> {after}" if before != after else f"{after}: nothing to do")


def downgrade(
    revision: Annotated[str, typer.Argument(help="A revision, or `base` to drop all of Daybreak's tables.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Take the tables back to an earlier revision. What later columns and tables held is lost."""
    from daybreak.monitor.assembly import store_engine
    from daybreak.store import migrate as migrations

    if not yes:
        typer.confirm(f"Take Daybreak's tables back to {revision}, and lose what they hold?", abort=True)
    store = store_engine()
    before = migrations.downgrade(store, revision)
    typer.echo(f"{before or 'nothing'} -> {migrations.current(store) or 'nothing'}")


def current() -> None:
    """The revision of the tables, and the newest one known. Status 1 unless they are the same."""
    from daybreak.monitor.assembly import store_engine
    from daybreak.store import migrate as migrations

    found = migrations.current(store_engine())
    typer.echo(f"{found or 'nothing'} (newest: {migrations.head()})")
    if found != migrations.head():
        raise typer.Exit(1)
