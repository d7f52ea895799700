"""``daybreak monitor``: the standalone monitor."""

from __future__ import annotations

import asyncio
import logging
import sys
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("monitor")(monitor)


def monitor(
    shadow: Annotated[
        bool, typer.Option("--shadow", help="Decide and record, send nothing, whatever the registry says.")
    ] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Say more.")] = False,
) -> None:
    """Watch every deadline and page. Any number may run: one acts, the others take over.

    Needs Airflow's configuration (AIRFLOW_HOME or AIRFLOW__DATABASE__SQL_ALCHEMY_CONN) and
    AIRFLOW__DAYBREAK__OWNERSHIP_FILE. Ends in order on SIGTERM.
    """
    from daybreak.monitor.host import run_here

    logging.basicConfig(
        level=logging.DEBUG if verbose else logging.INFO,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
        stream=sys.stderr,
        force=True,
    )
    for noisy in ("httpx", "httpcore", "slack_sdk", "alembic"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    asyncio.run(run_here(shadow=shadow, ready=lambda: print("daybreak monitor: working", flush=True)))
