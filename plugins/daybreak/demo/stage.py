"""Bringing the stage up: sandbox, Airflow, monitor, in the order in which they need one another."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial

from daybreak.config import load_registry
from daybreak.demo.airflow_api import AirflowApi
from daybreak.demo.airflow_up import CORE, PARSER, SetUpFailed, airflow, daybreak, environment, prepare_database
from daybreak.demo.household import Household
from daybreak.demo.morning import MAIN_JOB, Morning, derive, plan
from daybreak.demo.place import Place
from daybreak.demo.sandbox_view import Sandbox
from daybreak.demo.timeline import Timeline
from daybreak.domain.registry import Registry

START_LIMIT = 240.0  # seconds until Airflow must be up, on a slow and busy machine
PARSE_LIMIT = 240.0
LEAST_START = timedelta(seconds=35)  # with less than this left once the dags are parsed, the morning is moved back
HEAD_START = timedelta(seconds=55)  # from parsed dags to the morning's first instant: time for the first runs


@dataclass(slots=True, kw_only=True)
class Stage:
    """Everything that runs, and how to reach it. :meth:`end` leaves nothing behind."""

    place: Place
    household: Household
    timeline: Timeline
    airflow_port: int
    sandbox_port: int
    env: dict[str, str] = field(default_factory=dict)
    morning: Morning
    registry: Registry
    airflow: AirflowApi
    sandbox: Sandbox

    def end(self) -> None:
        self.airflow.close()
        self.sandbox.close()
        self.household.end_all()


def build(
    place: Place,
    household: Household,
    timeline: Timeline,
    *,
    airflow_port: int,
    sandbox_port: int,
    early: frozenset[str] = MAIN_JOB,
    own_dags: bool = False,
    retries: int = 1,
) -> Stage:
    """Start everything and wait until a morning can begin. Raises what says which part did not come up.

    :param early: pipelines that are due minutes from now
    :param own_dags: run a copy of the dags instead of the checkout's
    :param retries: how often a failed task is tried again
    """
    shipped = place.checkout / "include" / "ownership.yaml"
    airflow_url = f"http://127.0.0.1:{airflow_port}"
    # A first version with far deadlines, so that the sandbox knows the people and a broken file is told at once.
    morning = plan(datetime.now(UTC), head_start=timedelta(minutes=60))
    derive(shipped, place.registry, morning, airflow_url=airflow_url, early=early)
    if own_dags:
        place.copy_dags()
    dags = place.own_dags if own_dags else place.checkout / "dags"
    registry = load_registry(place.registry)
    timeline.zone = morning.zone

    sandbox = _start_sandbox(place, household, timeline, sandbox_port)
    facts = json.loads((place.home / "sandbox.json").read_text())
    env = environment(place, port=airflow_port, zone=morning.zone_name, sandbox=facts, dags=dags, retries=retries)
    if prepare_database(place, env):
        timeline.progress("made Airflow's database (kept for the next time)")
    timeline.progress("starting Airflow: api-server, scheduler, triggerer (half a minute to a minute)")
    for name, arguments in CORE.items():
        household.start(name, airflow(*arguments), env)
    api = AirflowApi(airflow_url)
    took = _wait(household, lambda: _healthy(api), START_LIMIT, "Airflow did not come up", timeline)

    # Only now are the clock times fixed, and parsing takes about as long as starting did, on whatever machine this is.
    wanted, parsing = len(list(dags.glob("*.py"))), min(0.75 * took, 90)
    while True:
        head_start = HEAD_START + timedelta(seconds=parsing)
        morning = plan(datetime.now(UTC), head_start=head_start, zone_name=morning.zone_name)
        derive(shipped, place.registry, morning, airflow_url=airflow_url, early=early)
        timeline.progress(f"derived a registry due {morning.due:%H:%M} {morning.zone_name}: {place.registry}")
        since = datetime.now(UTC)
        for name, arguments in PARSER.items():
            household.start(name, airflow(*arguments), env)
        failure = "the dags did not appear in Airflow"
        parsing = _wait(household, partial(_parsed, api, wanted, since), PARSE_LIMIT, failure, timeline)
        if morning.expected - datetime.now(UTC) >= LEAST_START:
            break
        timeline.progress("that took longer than planned: the morning is moved back")
        for name in PARSER:
            household.end(name)
    registry = load_registry(place.registry)
    household.start("monitor", daybreak("monitor"), env)
    return Stage(
        place=place,
        household=household,
        timeline=timeline,
        airflow_port=airflow_port,
        sandbox_port=sandbox_port,
        env=env,
        morning=morning,
        registry=registry,
        airflow=api,
        sandbox=sandbox,
    )


def _start_sandbox(place: Place, household: Household, timeline: Timeline, port: int) -> Sandbox:
    ready = place.home / "sandbox.json"
    ready.unlink(missing_ok=True)
    timeline.progress("starting the stand-in Opsgenie and Slack")
    options = ("--port", str(port), "--ready-file", str(ready), "--strict-known-users", str(place.registry))
    household.start("sandbox", daybreak("sandbox", *options), _environment_of_sandbox())
    _wait(household, ready.exists, 60, "the sandbox did not come up", timeline)
    return Sandbox(json.loads(ready.read_text())["url"])


def _environment_of_sandbox() -> dict[str, str]:
    """The caller's environment without an Airflow of theirs: the sandbox needs none."""
    return {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")}


def _healthy(api: AirflowApi) -> bool:
    health = api.health()
    return all(health.get(part) == "healthy" for part in ("metadatabase", "scheduler", "triggerer"))


def _parsed(api: AirflowApi, wanted: int, since: datetime) -> bool:
    """Whether ``wanted`` dags were parsed after ``since``. Raises SetUpFailed for a file that cannot be."""
    broken = api.import_errors()
    if broken:
        raise SetUpFailed(f"{broken[0]['filename']}: {broken[0]['stack_trace'].strip().splitlines()[-1]}")
    parsed = [dag["last_parsed_time"] for dag in api.dags() if dag["last_parsed_time"]]
    return sum(datetime.fromisoformat(at) >= since for at in parsed) >= wanted


def _wait(
    household: Household, ready: Callable[[], bool], limit: float, failure: str, timeline: Timeline, pause: float = 0.5
) -> float:
    """Wait until ``ready``; tell every ten seconds that it goes on. → seconds waited.

    Raises SetUpFailed, or who ended meanwhile.
    """
    begun = told = time.monotonic()
    while not ready():
        household.check()
        now = time.monotonic()
        if now - begun > limit:
            raise SetUpFailed(f"{failure} within {limit:.0f} s: see {household.logs}")
        if now - told >= 10:
            timeline.progress(f"... still starting ({now - begun:.0f} s)")
            told = now
        time.sleep(pause)
    return time.monotonic() - begun
