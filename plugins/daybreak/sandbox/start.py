"""What ``daybreak sandbox`` does: set up, listen, say where, serve until told to end."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from dataclasses import dataclass, field
from pathlib import Path

from daybreak.errors import SettingsError
from daybreak.sandbox.directory import Directory, read_registry
from daybreak.sandbox.faults import parse_flag
from daybreak.sandbox.keeping import Keeper
from daybreak.sandbox.options import Options
from daybreak.sandbox.server import address, bind, serve
from daybreak.sandbox.world import World


@dataclass(frozen=True, kw_only=True, slots=True)
class Start:
    """The command line, understood."""

    host: str
    port: int
    options: Options = field(default_factory=Options)
    registries: tuple[Path, ...] = ()
    faults: tuple[str, ...] = ()
    ready_file: Path | None = None
    as_json: bool = False


def run(start: Start) -> None:
    """Serve until Ctrl-C or SIGTERM.

    :raises SettingsError: a registry, a fault, the data file or the port cannot be used.
    """
    world = make_world(start.options, start.registries, start.faults)
    keeper = Keeper(world, start.options.data) if start.options.data else None
    if keeper:
        keeper.load()
    bound = bind(start.host, start.port)
    url = address(bound)

    def ready() -> None:
        facts = {
            "url": url,
            "opsgenie_key": start.options.key,
            "slack_token": start.options.token,
            "jsm_user": start.options.jsm_user,
            "jsm_token": start.options.jsm_token,
            "pid": os.getpid(),
        }
        print(json.dumps(facts) if start.as_json else greeting(url, start.options), flush=True)
        if start.ready_file:
            write_whole(start.ready_file, json.dumps(facts))

    async def main() -> None:
        keeping = asyncio.create_task(keeper.keep()) if keeper else None
        try:
            await serve(world, bound, ready)
        finally:
            if keeping:
                keeping.cancel()

    # uvicorn ends in order and then raises the signal anew: without this the process would die before it has saved.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        asyncio.run(main())
    except KeyboardInterrupt:
        pass  # uvicorn hands the signal on after an orderly end
    finally:
        world.flush()  # what was answered with 202 is not lost
        if keeper:
            keeper.save()
        if start.ready_file:
            start.ready_file.unlink(missing_ok=True)


def make_world(options: Options, registries: tuple[Path, ...] = (), faults: tuple[str, ...] = ()) -> World:
    """A world with the people of ``registries`` and ``faults`` switched on.

    :raises SettingsError: one of them cannot be used.
    """
    directory = Directory()
    for path in registries:
        directory.add(read_registry(path))
    world = World(options, directory)
    for text in faults:
        world.faults.add(parse_flag(text))
    return world


def greeting(url: str, options: Options) -> str:
    """What a person reads: where to look, and the two connections to set."""
    opsgenie = {"conn_type": "opsgenie", "host": url, "password": options.key}
    slack = {"conn_type": "slack", "password": options.token, "extra": {"base_url": f"{url}/api/"}}
    return "\n".join(
        [
            f"Sandbox ready: {url}",
            "To send a real Airflow's pages here:",
            f"  export AIRFLOW_CONN_OPSGENIE_DEFAULT='{json.dumps(opsgenie)}'",
            f"  export AIRFLOW_CONN_SLACK_API_DEFAULT='{json.dumps(slack)}'",
        ]
    )


def write_whole(path: Path, text: str) -> None:
    """Write a file so that a reader finds it whole or not at all.

    :raises SettingsError: it cannot be written.
    """
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        partial.write_text(text, encoding="utf-8")
        partial.replace(path)
    except OSError as error:
        raise SettingsError(f"{path}: cannot be written ({error.strerror})") from error
