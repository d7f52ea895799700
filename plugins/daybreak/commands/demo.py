"""``daybreak demo``: a whole late morning on a real Airflow, from the outside."""

from __future__ import annotations

import typer


def register(app: typer.Typer) -> None:
    """Add ``demo``."""
    app.command("demo")(demo)


def demo(
    once: bool = typer.Option(False, "--once", help="End by itself: status 0 only if every step was found."),
    airflow_port: int = typer.Option(
        8080, envvar="DAYBREAK_DEMO_AIRFLOW_PORT", min=0, max=65535, help="Port of Airflow; 0 takes a free one."
    ),
    sandbox_port: int = typer.Option(
        8095, envvar="DAYBREAK_DEMO_SANDBOX_PORT", min=0, max=65535, help="Port of the sandbox; 0 takes a free one."
    ),
) -> None:
    """Run the main job: late data, a failing guard and a paused dag become pages, and one of them is resolved."""
    from daybreak.demo.run import run_demo

    raise typer.Exit(run_demo(once=once, airflow_port=airflow_port, sandbox_port=sandbox_port))
