"""Bringing the stage up: sandbox, Airflow, monitor, in the order in which they need one another."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from daybreak.config import load_registry
from daybreak.demo.airflow_api import AirflowApi
from daybreak.demo.airflow_up import CORE, PARSER, SetUpFailed, airflow, daybreak, environment, prepare_database
from daybreak.demo.household import Household
from daybreak.demo.morning import MAIN_JOB, UNHURRIED, Morning, Pace, derive, plan
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
    env: dict[str, str]
    dags: Path
    morning: Morning
    registry: Registry
    airflow: AirflowApi
    sandbox: Sandbox

    @property
    def shipped(self) -> Path:
        return self.place.checkout / "include" / "ownership.yaml"

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
    stage, took = boot(
        place, household, timeline,
        airflow_port=airflow_port, sandbox_port=sandbox_port, own_dags=own_dags, retries=retries,
    )  # fmt: skip
    open_morning(stage, early=early, parsing=min(0.75 * took, 90))
    return stage


def boot(
    place: Place,
    household: Household,
    timeline: Timeline,
    *,
    airflow_port: int,
    sandbox_port: int,
    own_dags: bool,
    retries: int = 1,
) -> tuple[Stage, float]:
    """Start the sandbox and Airflow without its dag processor: no morning has begun yet.

    → the stage, and the seconds that Airflow took to come up: a measure of this machine.
    """
    airflow_url = f"http://127.0.0.1:{airflow_port}"
    # A first version with far deadlines, so that the sandbox knows the people and a broken file is told at once.
    morning = plan(datetime.now(UTC), head_start=timedelta(minutes=60))
    derive(place.checkout / "include" / "ownership.yaml", place.registry, morning, airflow_url=airflow_url)
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
    took = wait_for(household, lambda: _healthy(api), START_LIMIT, "Airflow did not come up", timeline)
    stage = Stage(
        place=place, household=household, timeline=timeline, env=env, dags=dags, morning=morning,
        registry=registry, airflow=api, sandbox=sandbox,
    )  # fmt: skip
    return stage, took


def open_morning(
    stage: Stage,
    *,
    early: frozenset[str],
    parsing: float,
    pace: Pace = UNHURRIED,
    head_start: timedelta = HEAD_START,
    least: timedelta = LEAST_START,
) -> float:
    """Fix a morning's clock times, have the dags parsed with them, and start the monitor. → seconds of parsing.

    Only now are the clock times fixed; parsing takes about as long as starting did, on whatever machine this is.

    :param parsing: seconds that parsing is expected to take
    :param head_start: from parsed dags to the morning's first instant
    :param least: with less than this left, the morning is moved back
    """
    household, timeline, wanted = stage.household, stage.timeline, len(list(stage.dags.glob("*.py")))
    while True:
        start = head_start + timedelta(seconds=parsing)
        stage.morning = plan(datetime.now(UTC), head_start=start, zone_name=stage.morning.zone_name, pace=pace)
        derive(stage.shipped, stage.place.registry, stage.morning, airflow_url=stage.airflow.base_url, early=early)
        zone = stage.morning.zone_name
        timeline.progress(f"derived a registry due {stage.morning.due:%H:%M} {zone}: {stage.place.registry}")
        since = datetime.now(UTC)
        for name, arguments in PARSER.items():
            household.start(name, airflow(*arguments), stage.env)
        failure = "the dags did not appear in Airflow"
        ready = partial(_parsed, stage.airflow, wanted, since)
        parsing = wait_for(household, ready, PARSE_LIMIT, failure, timeline)
        if stage.morning.expected - datetime.now(UTC) >= least:
            break
        timeline.progress("that took longer than planned: the morning is moved back")
        for name in PARSER:
            household.end(name)
    stage.registry = load_registry(stage.place.registry)
    household.start("monitor", daybreak("monitor"), stage.env)
    return parsing


def _start_sandbox(place: Place, household: Household, timeline: Timeline, port: int) -> Sandbox:
    ready = place.home / "sandbox.json"
    ready.unlink(missing_ok=True)
    timeline.progress("starting the stand-in Opsgenie and Slack")
    options = ("--port", str(port), "--ready-file", str(ready), "--strict-known-users", str(place.registry))
    household.start("sandbox", daybreak("sandbox", *options), _environment_of_sandbox())
    wait_for(household, ready.exists, 60, "the sandbox did not come up", timeline)
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


def wait_for(
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
