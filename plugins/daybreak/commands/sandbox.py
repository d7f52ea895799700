"""``daybreak sandbox``: the stand-in Opsgenie, Jira Service Management and Slack, and its faults."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import typer

from daybreak.errors import SettingsError


def register(app: typer.Typer) -> None:
    """Add ``sandbox`` and, below it, ``sandbox fault`` and ``sandbox reset``."""
    group = typer.Typer(help="The stand-in Opsgenie, Jira Service Management and Slack, with a page to watch.")
    group.callback(invoke_without_command=True)(run)
    group.command("fault")(fault)
    group.command("reset")(reset)
    app.add_typer(group, name="sandbox")


def run(
    context: typer.Context,
    host: str = typer.Option("127.0.0.1", help="Address to listen on."),
    port: int = typer.Option(8095, min=0, max=65535, help="Port to listen on; 0 takes a free one."),
    key: str = typer.Option("", help="The Opsgenie (and JSM integration) key that is accepted."),
    read_only_key: str = typer.Option("", help="A key that may read and change nothing."),
    token: str = typer.Option("", help="The Slack bot token that is accepted."),
    data: Path | None = typer.Option(None, help="File that keeps the state over a restart."),
    strict_known_users: list[Path] = typer.Option(
        [], help="Registry whose people, teams, schedules and channels are the only ones that exist. Repeatable."
    ),
    names_from: list[Path] = typer.Option([], help="Registry to take names to show from; strangers exist as well."),
    faults: list[str] = typer.Option(
        [],
        "--fault",
        help="Trouble to start with: opsgenie=503, opsgenie=503:3 (three times), slack=hang:1@chat (on that path).",
    ),
    apply_delay: float = typer.Option(0.15, min=0, help="Seconds between Opsgenie's 202 and the change."),
    slack_interval: float = typer.Option(1.0, min=0, help="Seconds between two messages in a channel; 0: no limit."),
    rate_limits: bool = typer.Option(True, help="Opsgenie's request limits."),
    ready_file: Path | None = typer.Option(None, help="File to write address, keys and pid to, once ready."),
    as_json: bool = typer.Option(False, "--json", help="Print the same as one line of JSON."),
) -> None:
    """Serve until Ctrl-C. The page is at /, the state for programs at /sandbox/state."""
    if context.invoked_subcommand:
        return
    from daybreak.sandbox import options, start

    defaults = options.Options()
    start.run(
        start.Start(
            host=host,
            port=port,
            options=options.Options(
                key=key or defaults.key,
                read_only_key=read_only_key,
                token=token or defaults.token,
                apply_delay=apply_delay,
                slack_interval=slack_interval,
                rate_limits=rate_limits,
                strict=bool(strict_known_users),
                data=data,
            ),
            registries=(*strict_known_users, *names_from),
            faults=tuple(faults),
            ready_file=ready_file,
            as_json=as_json,
        )
    )


def fault(
    specs: list[str] = typer.Argument(
        None,
        help="opsgenie=503, opsgenie=503:3 (three times), slack=hang:1@chat (on that path); none: list what is on.",
    ),
    url: str = typer.Option("http://127.0.0.1:8095", help="Address of the running sandbox."),
    retry_after: float | None = typer.Option(None, min=0, help="Seconds for Retry-After (429 and 5xx)."),
    delay: float | None = typer.Option(None, min=0, help="Seconds for slow."),
    status: int | None = typer.Option(None, min=200, max=599, help="Status for html."),
    clear: bool = typer.Option(False, "--clear", help="Switch everything off first."),
) -> None:
    """Switch faults of a running sandbox on and off."""
    from daybreak.sandbox.faults import parse_flag

    given: list[dict[str, Any]] = [parse_flag(text) for text in specs or []]
    if clear:
        _ask("DELETE", url, "/sandbox/faults", None)
    for spec in given:
        extra = {"retry_after": retry_after, "delay": delay, "status": status}
        _ask("POST", url, "/sandbox/faults", {**spec, **{key: v for key, v in extra.items() if v is not None}})
    for row in _ask("GET", url, "/sandbox/faults", None)["faults"]:
        left = "until cleared" if row["remaining"] is None else f"{row['remaining']} left"
        where = f" on {row['match']}" if row["match"] else ""
        typer.echo(f"{row['service']}={row['mode']}{where}: {left}, met {row['hits']} times")


def reset(url: str = typer.Option("http://127.0.0.1:8095", help="Address of the running sandbox.")) -> None:
    """Forget alerts, messages, heartbeats, faults and records of a running sandbox."""
    _ask("POST", url, "/sandbox/reset", {})


def _ask(method: str, url: str, path: str, body: dict[str, Any] | None) -> Any:
    import httpx

    try:
        # A proxy has no business between this machine and its own sandbox.
        with httpx.Client(timeout=10, trust_env=False) as client:
            answer = client.request(method, url.rstrip("/") + path, json=body)
        data = answer.json()
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        raise SettingsError(f"{url}: no sandbox answers there ({error}); start one with `daybreak sandbox`") from error
    if answer.status_code >= 400:
        raise SettingsError(f"{url}: {data.get('message', answer.status_code)}")
    return data
