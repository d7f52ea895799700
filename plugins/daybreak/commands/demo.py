"""``daybreak demo`` and ``daybreak rehearse``: whole mornings on a real Airflow, from the outside."""

from __future__ import annotations

from typing import Annotated

import typer

AirflowPort = Annotated[
    int,
    typer.Option(
        "--airflow-port",
        envvar="DAYBREAK_DEMO_AIRFLOW_PORT",
        min=0,
        max=65535,
        help="Port of Airflow; 0 takes a free one.",
    ),
]
SandboxPort = Annotated[
    int,
    typer.Option(
        "--sandbox-port",
        envvar="DAYBREAK_DEMO_SANDBOX_PORT",
        min=0,
        max=65535,
        help="Port of the sandbox; 0 takes a free one.",
    ),
]


def register(app: typer.Typer) -> None:
    """Add ``demo`` and ``rehearse``."""
    app.command("demo")(demo)
    app.command("rehearse")(rehearse)


def demo(
    once: bool = typer.Option(False, "--once", help="End by itself: status 0 only if every step was found."),
    airflow_port: AirflowPort = 8080,
    sandbox_port: SandboxPort = 8095,
) -> None:
    """Run the main job: late data, a failing guard and a paused dag become pages, and one of them is resolved."""
    from daybreak.demo.run import run_demo

    raise typer.Exit(run_demo(once=once, airflow_port=airflow_port, sandbox_port=sandbox_port))


def rehearse(
    scenario: str = typer.Argument("", help="What happens that morning; without it the scenarios are listed."),
    stay: bool = typer.Option(False, "--stay", help="Stay up afterwards until Ctrl-C."),
    airflow_port: AirflowPort = 8080,
    sandbox_port: SandboxPort = 8095,
) -> None:
    """Play one morning on a real Airflow and print what was told to whom and when; status 0 if it was as it should."""
    from daybreak.demo.scenarios import SCENARIOS

    if not scenario:
        for each in SCENARIOS.values():
            typer.echo(f"{each.name:<18} {each.title}")
        return
    if scenario not in SCENARIOS:
        typer.echo(f"daybreak: no scenario {scenario!r}: one of {', '.join(SCENARIOS)}", err=True)
        raise typer.Exit(2)
    from daybreak.demo.run import run_rehearsal

    raise typer.Exit(
        run_rehearsal(SCENARIOS[scenario], stay=stay, airflow_port=airflow_port, sandbox_port=sandbox_port)
    )
