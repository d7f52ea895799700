"""A whole Airflow under test: real processes on SQLite or PostgreSQL, the sandbox and ``daybreak monitor`` beside it.

Each part is a process group of its own that is started, signalled, killed and started again by name::

    with whole_airflow(tmp_path, dags={"growth": SOURCE}, registry=REGISTRY, postgres=None) as up:
        up.start("api-server", "scheduler", "triggerer", "dag-processor", "monitor")
        up.wait_parsed("growth")
        up.set_registry(REGISTRY.replace("09:00", up.clock(up.now() + timedelta(seconds=20))))  # due in 20 s
        up.api.pause("growth", paused=False)
        run = up.api.run_now("growth")
        up.kill("monitor")                                   # SIGKILL to its group
        up.signal("scheduler", signal.SIGSTOP)
        up.start("monitor")
        alert = up.sandbox.until(lambda state: state["alerts"], seconds=60)[0]
        assert up.status()["pipelines"][0]["state"] == "missed"
        up.wait_for(lambda: up.thread("growth"), "a Slack thread")

- Names: ``api-server``, ``scheduler``, ``triggerer``, ``dag-processor``, ``monitor``; a second one of a kind is
  ``monitor:b``. The sandbox (strict: it knows whom the first registry names) is up from the beginning as ``sandbox``.
- Clock times: a registry's ``due`` may name seconds. ``up.zone`` is a fixed-offset zone in which it is about nine in
  the morning: use it as the registry's ``timezone`` and no test falls over midnight.
- PostgreSQL: hand in the server's URL (fixture ``postgres_url``); a database of its own is made and dropped.
- ``settings={"DAYBREAK__MONITOR_IN_API_SERVER": "True"}`` sets ``AIRFLOW__...`` for every process.
"""

from __future__ import annotations

import json
import os
import shutil
import signal as signals
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import httpx

from daybreak.demo.airflow_up import CORE, PARSER, airflow, daybreak, environment
from daybreak.demo.household import Household
from daybreak.demo.morning import zone_of_nine
from daybreak.demo.place import Place
from daybreak.demo.ports import claim
from daybreak.demo.sandbox_view import Message, View
from daybreak.errors import AirflowUnreadable
from tests.support.airflow_rest import Api
from tests.support.airflow_template import ROOT, postgres_template, sqlite_template
from tests.support.postgres import own_database
from tests.support.sandbox import Sandbox

LIMIT = 240.0  # seconds: for a start on a slow and shared machine
COMMANDS = {
    **{name: airflow(*arguments) for name, arguments in {**CORE, **PARSER}.items()},
    "monitor": daybreak("monitor"),
}
HEALTH = {"scheduler": "scheduler", "triggerer": "triggerer", "dag-processor": "dag_processor"}
T = TypeVar("T")


@dataclass(kw_only=True)
class WholeAirflow:
    """What runs, and how to reach it. Made by :func:`whole_airflow`."""

    place: Place
    household: Household
    env: dict[str, str]  # every process's environment; a change counts for what is started after it
    dags: Path
    database_url: str
    zone: ZoneInfo
    api: Api
    sandbox: Sandbox
    started: dict[str, tuple[datetime, int]] = field(default_factory=dict)
    """Name → when it was last started, and how long its log was then."""

    def start(self, *names: str, wait: bool = True) -> None:
        """Start parts, and wait until they work: the API server answers, the others beat, the monitor says so.

        Monitors come last: one that finds no scheduler beating pages that.
        """
        monitors = tuple(name for name in names if name.partition(":")[0] == "monitor")
        for together in (tuple(name for name in names if name not in monitors), monitors):
            for name in together:
                log = self.place.logs / f"{name}.log"
                self.started[name] = self.now(), log.stat().st_size if log.exists() else 0
                self.household.start(name, COMMANDS[name.partition(":")[0]], self.env)
            for name in together if wait else ():
                self.wait_for(lambda name=name: self._works(name), f"{name} works", LIMIT)

    def signal(self, name: str, number: signals.Signals) -> None:
        """Send a signal to a part's group; for one that ends it use :meth:`kill` or :meth:`stop`."""
        self.household.send(name, number)

    def kill(self, name: str) -> None:
        """SIGKILL to a part's whole group, as when its container is gone."""
        self.household.send(name, signals.SIGKILL)
        self.household.end(name)

    def stop(self, name: str) -> None:
        """End a part in order: SIGTERM, SIGKILL for what is still there after some seconds."""
        self.household.end(name)

    def pid(self, name: str) -> int:
        """The process id of a part, which is also that of its group."""
        return next(member.process.pid for member in self.household.members if member.name == name)

    def set_registry(self, text: str) -> None:
        """Put a registry in force, at once and as a whole. Tags and the like follow when a dag is parsed anew."""
        partial = self.place.registry.with_suffix(".partial")
        partial.write_text(text, encoding="utf-8")
        partial.replace(self.place.registry)

    def wait_parsed(self, *dag_ids: str) -> None:
        """Wait until these dags were parsed since the dag processor was last started."""
        since, _ = self.started["dag-processor"]

        def parsed() -> bool:
            times = {dag["dag_id"]: dag["last_parsed_time"] for dag in self.api.dags()}
            return all(times.get(dag) and datetime.fromisoformat(times[dag]) >= since for dag in dag_ids)

        self.wait_for(parsed, f"{', '.join(dag_ids)} parsed", LIMIT)

    def wait_for(self, condition: Callable[[], T], what: str, limit: float = 90.0, pause: float = 0.2) -> T:
        """The first true result of ``condition``; a process that ended by itself, or the limit, fails the test.

        An Airflow that does not answer for a moment is asked again.
        """
        until = time.monotonic() + limit
        seen: object = None
        while True:
            try:
                found = condition()
            except AirflowUnreadable as error:
                seen = error
            else:
                if found:
                    return found
                seen = found
            self.household.check()
            if time.monotonic() > until:
                raise AssertionError(f"not within {limit:g} s: {what} (last seen: {seen!r}); see {self.place.logs}")
            time.sleep(pause)

    def wait_until(self, instant: datetime) -> None:
        """Wait for a clock time, while every process stays alive."""
        while (left := (instant - self.now()).total_seconds()) > 0:
            self.household.check()
            time.sleep(min(left, 0.5))

    def now(self) -> datetime:
        return datetime.now(UTC)

    def clock(self, instant: datetime) -> str:
        """``instant`` as a registry's clock time in :attr:`zone`, with seconds."""
        return f"{instant.astimezone(self.zone):%H:%M:%S}"

    def daybreak(self, *arguments: str, check: bool = True) -> str:
        """What ``daybreak`` prints, run where Airflow's configuration is. Fails on another status than 0."""
        done = subprocess.run(
            daybreak(*arguments), env=self.env, cwd=self.place.home, capture_output=True, text=True, timeout=120
        )
        assert not check or done.returncode == 0, done.stdout[-1000:] + done.stderr[-3000:]
        return done.stdout

    def status(self) -> dict[str, Any]:
        """``daybreak status --json``, whatever its exit status."""
        return dict(json.loads(self.daybreak("status", "--json", check=False)))

    def view(self) -> View:
        """The sandbox's records, with the demo's reading aids."""
        return View(self.sandbox.state())

    def thread(self, pipeline: str) -> Message | None:
        """The Slack message that an incident of ``pipeline`` has as its parent, today's or any other day's."""
        return self.view().thread_of(f"daybreak:v1:{pipeline}:")

    def _works(self, name: str) -> bool:
        kind, (since, before) = name.partition(":")[0], self.started[name]
        if kind == "monitor":
            return b"daybreak monitor: working" in (self.place.logs / f"{name}.log").read_bytes()[before:]
        if kind == "api-server":
            return bool(self.api.health())
        beat = self.api.beat(HEALTH[kind])
        return beat is not None and beat >= since


@contextmanager
def whole_airflow(
    folder: Path,
    *,
    dags: Mapping[str, str],
    registry: str,
    postgres: str | None = None,
    runbooks: Mapping[str, str] | None = None,
    sandbox: Sequence[str] = (),
    settings: Mapping[str, str] | None = None,
) -> Iterator[WholeAirflow]:
    """A place with its sandbox up and nothing else started; every process ended, however the block ends.

    :param folder: a new folder of the test's; logs are left in its ``logs``
    :param dags: file stem → source
    :param registry: the registry's text; the strict sandbox knows its people, teams and channels, and no other
    :param postgres: URL of a PostgreSQL server, or None for SQLite
    :param runbooks: file name → text, beside the registry
    :param sandbox: further options of ``daybreak sandbox``
    """
    place = Place(checkout=ROOT, folder=folder)
    place.fresh()
    place.own_dags.mkdir()
    for stem, source in dags.items():
        (place.own_dags / f"{stem}.py").write_text(source, encoding="utf-8")
    place.registry.write_text(registry, encoding="utf-8")
    (place.registry.parent / "runbooks").mkdir()
    for name, text in (runbooks or {}).items():
        (place.registry.parent / "runbooks" / name).write_text(text, encoding="utf-8")
    with ExitStack() as last:
        if postgres:
            url = last.enter_context(own_database(postgres, like=postgres_template(postgres)))
        else:
            url = f"sqlite:///{place.database}"
            shutil.copyfile(sqlite_template(), place.database)
        household = Household(home=place.home, pids=place.pids, logs=place.logs)
        last.callback(household.end_all)
        facts = _start_sandbox(place, household, sandbox)
        port = claim(0, what="Airflow", option="none")
        zone = zone_of_nine(datetime.now(UTC))
        env = environment(
            place, port=port, zone=zone, sandbox=facts, dags=place.own_dags, retries=0, database_url=url
        )  # fmt: skip
        env |= {f"AIRFLOW__{name}": value for name, value in (settings or {}).items()}
        api = Api(f"http://127.0.0.1:{port}")
        last.callback(api.close)
        http = last.enter_context(httpx.Client(base_url=facts["url"], timeout=30, trust_env=False))
        box = Sandbox(url=facts["url"], key=facts["opsgenie_key"], token=facts["slack_token"], http=http)
        yield WholeAirflow(
            place=place, household=household, env=env, dags=place.own_dags, database_url=url, zone=ZoneInfo(zone),
            api=api, sandbox=box,
        )  # fmt: skip


def _start_sandbox(place: Place, household: Household, options: Sequence[str]) -> dict[str, str]:
    ready = place.home / "sandbox.json"
    command = daybreak(
        "sandbox", "--port", "0", "--ready-file", str(ready), "--strict-known-users", str(place.registry), *options
    )
    household.start("sandbox", command, {k: v for k, v in os.environ.items() if not k.startswith("AIRFLOW")})
    until = time.monotonic() + LIMIT
    while not ready.exists():
        household.check()
        assert time.monotonic() < until, f"the sandbox did not come up: see {place.logs}"
        time.sleep(0.1)
    return dict(json.loads(ready.read_text()))
