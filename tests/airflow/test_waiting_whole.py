"""Sensors in a whole Airflow: every kind of readiness in every mode, lateness, shared polls, and a triggerer that is
killed while they wait. One Airflow for all of it; the tests build on one another in the order in which they stand.
"""

from __future__ import annotations

import json
import re
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import create_engine, text

from tests.support.whole_airflow import WholeAirflow, whole_airflow

pytestmark = [
    pytest.mark.airflow, pytest.mark.postgres, pytest.mark.timeout(900), pytest.mark.xdist_group("waiting"),
]  # fmt: skip

KINDS = ("dag", "task", "sql", "object", "asset")
SENSORS = 6  # that wait for the same
POLL = 2.0  # seconds between two polls of theirs
SETTINGS = {"CORE__PARALLELISM": "24", "CORE__DAGS_ARE_PAUSED_AT_CREATION": "False"}
ASSET = "x://shop/arrivals"

LOADS = f"""
from airflow.sdk import DAG, Asset, task
with DAG("orders_load", schedule=None):
    @task
    def load():
        pass
    load()
with DAG("reader", schedule=[Asset({ASSET!r})], is_paused_upon_creation=True):
    @task
    def read():
        pass
    read()
"""
WAITING = f"""
from airflow.sdk import DAG
from daybreak.surfaces.sensors import UpstreamReadySensor
with DAG("kinds", schedule=None):
    for kind in {KINDS!r}:
        UpstreamReadySensor(task_id=kind + "_deferred", upstream="by_" + kind, poke_interval={POLL})
    for kind in {KINDS[1:]!r}:
        UpstreamReadySensor(
            task_id=kind + "_rescheduled", upstream="by_" + kind, poke_interval=30, deferrable=False, mode="reschedule"
        )
    for kind in {KINDS[:-2]!r}:
        UpstreamReadySensor(
            task_id=kind + "_poking", upstream="by_" + kind, poke_interval=3, deferrable=False, mode="poke"
        )
with DAG("judged", schedule=None):
    for on_late in ("wait", "fail", "skip", "continue"):
        UpstreamReadySensor(task_id=on_late, upstream="never", on_late=on_late, poke_interval={POLL})
    UpstreamReadySensor(
        task_id="expected", upstream="never", on_late="continue", until="expected", poke_interval={POLL}
    )
with DAG("many", schedule=None):
    for number in range({SENSORS}):
        UpstreamReadySensor(task_id=f"one_{{number}}", upstream="counted", poke_interval={POLL})
"""
RUNBOOK = "# Judged\n\n## First five minutes\n\n1. Look.\n\n## Upstream late\n\nAsk Sales.\n"
REGISTRY = """
version: 1
timezone: {zone}
people: {{ada: {{name: Ada, opsgenie: ada@example.com, slack: U0AAAAAAA}}}}
teams: {{sales: {{name: Sales, opsgenie_team: Sales, slack_channel: "#sales"}}}}
on_call: {{layers: {{primary: {{start: 2026-01-05T09:00, every: 1w, members: [ada]}}}}}}
defaults: {{owner: ada, slack_channel: "#data-alerts"}}
upstreams:
  by_dag:
    team: sales
    expected_by: "{expected}"
    on_delay: [{{after: 0m, do: ticket, to: sales}}]
    ready_when: {{dag: orders_load}}
  by_task: {{team: sales, expected_by: "23:00", ready_when: {{dag: orders_load, task: load}}}}
  by_sql:
    team: sales
    expected_by: "23:00"
    ready_when: {{sql: "SELECT count(*) FROM arrivals WHERE day = '{{business_date}}'", conn: warehouse}}
  by_object: {{team: sales, expected_by: "23:00", ready_when: {{object: "file://{folder}/{{business_date}}/_SUCCESS"}}}}
  by_asset: {{team: sales, expected_by: "23:00", ready_when: {{asset: "{asset}"}}}}
  never: {{team: sales, expected_by: "{expected}", ready_when: {{sql: "SELECT 0", conn: warehouse}}}}
  counted: {{team: sales, expected_by: "23:00", ready_when: {{sql: "{counted}", conn: counter}}}}
pipelines:
  kinds:
    dags: [kinds]
    owners: {{primary: ada}}
    upstreams: [by_dag, by_task, by_sql, by_object, by_asset]
    deadline: {{due: "23:30"}}
  judged:
    dags: [judged]
    owners: {{primary: ada}}
    upstreams: [never]
    runbook: judged.md
    deadline: {{due: "{due}"}}
  many:
    dags: [many]
    owners: {{primary: ada}}
    upstreams: [counted]
    native_deadline: true
    deadline: {{due: "23:30"}}
"""


@dataclass(kw_only=True)
class Waiting:
    """Three dags whose sensors wait, all begun before anything was late."""

    up: WholeAirflow
    runs: dict[str, str]
    expected: datetime
    due: datetime
    objects: Path
    http: httpx.Client

    def states(self, dag: str) -> dict[str, str | None]:
        return {each["task_id"]: each["state"] for each in self.up.api.tasks(dag, self.runs[dag])}

    def become(self, dag: str, wanted: dict[str, str], limit: float = 240) -> None:
        def so() -> bool:
            found = self.states(dag)
            return all(found[task] == state for task, state in wanted.items())

        self.up.wait_for(so, f"{dag}: {wanted}, and not {self.states(dag)}", limit)

    def task(self, dag: str, task: str, what: str, **params: Any) -> dict[str, Any]:
        path = f"/api/v2/dags/{dag}/dagRuns/{self.runs[dag]}/taskInstances/{task}/{what}"
        return dict(self.http.get(path, params=params).raise_for_status().json())

    def log(self, dag: str, task: str) -> str:
        return json.dumps(self.task(dag, task, "logs/1", full_content=True), ensure_ascii=False)

    def polls(self) -> int:
        with closing(create_engine(self.up.database_url).connect()) as connection:
            return int(connection.execute(text("SELECT last_value FROM polls")).scalar_one())

    @property
    def day(self) -> str:
        return f"{self.expected.astimezone(self.up.zone):%Y-%m-%d}"


@pytest.fixture(scope="module")
def waiting(tmp_path_factory: pytest.TempPathFactory, postgres_url: str) -> Iterator[Waiting]:
    folder, objects = tmp_path_factory.mktemp("airflow"), tmp_path_factory.mktemp("objects")
    counted = "SELECT nextval('polls') < 0"  # PostgreSQL, since only a sequence counts what is rolled back

    def registry(up: WholeAirflow | None, expected: str, due: str) -> str:
        zone = up.zone.key if up else "UTC"
        return REGISTRY.format(zone=zone, expected=expected, due=due, folder=objects, asset=ASSET, counted=counted)

    with whole_airflow(
        folder, dags={"loads": LOADS, "waiting": WAITING}, registry=registry(None, "22:00", "23:30"),
        postgres=postgres_url, settings=SETTINGS, runbooks={"judged.md": RUNBOOK},
    ) as up:  # fmt: skip
        up.set_registry(registry(up, "22:00", "23:30"))
        prepare(up)
        up.start("api-server", "scheduler", "triggerer", "dag-processor", "monitor")
        up.wait_parsed("orders_load", "kinds", "judged", "many")
        expected, due = up.now() + timedelta(seconds=45), up.now() + timedelta(seconds=100)
        up.set_registry(registry(up, up.clock(expected), up.clock(due)))
        runs = {dag: up.api.run_now(dag) for dag in ("judged", "kinds", "many")}
        with httpx.Client(base_url=up.api.base_url, timeout=30, trust_env=False) as http:
            yield Waiting(
                up=up, runs=runs, expected=expected.replace(microsecond=0), due=due.replace(microsecond=0),
                objects=objects, http=http,
            )  # fmt: skip


def prepare(up: WholeAirflow) -> None:
    """A warehouse into which nothing has arrived, and what counts how often it is asked."""
    with closing(sqlite3.connect(up.place.warehouse)) as warehouse:
        warehouse.execute("CREATE TABLE arrivals (day TEXT)")
        warehouse.commit()
    up.env["AIRFLOW_CONN_COUNTER"] = re.sub(r"^postgresql\+\w+", "postgresql", up.database_url)
    with create_engine(up.database_url).begin() as connection:
        connection.execute(text("CREATE SEQUENCE polls"))


def test_who_waits_where(waiting: Waiting) -> None:
    """Only those that poke hold a worker; asset events, which no trigger may ask for, are waited for out of it too."""
    waiting.become(
        "kinds",
        {
            **{f"{kind}_deferred": "deferred" for kind in KINDS[:-1]},
            "asset_deferred": "up_for_reschedule",
            **{f"{kind}_rescheduled": "up_for_reschedule" for kind in KINDS[1:]},
            **{f"{kind}_poking": "running" for kind in KINDS[:-2]},
        },
    )
    waiting.become("many", {f"one_{number}": "deferred" for number in range(SENSORS)})
    pool = waiting.http.get("/api/v2/pools/default_pool").raise_for_status().json()
    assert pool["deferred_slots"] >= len(KINDS) - 1 + SENSORS
    assert pool["occupied_slots"] <= pool["running_slots"] + pool["queued_slots"] + pool["scheduled_slots"]


def test_the_log_says_since_when_and_the_link_who_was_told(waiting: Waiting) -> None:
    up = waiting.up
    up.wait_until(waiting.expected)
    up.wait_for(lambda: [a for a in up.view().alerts if ":upstream:by_dag:" in a.alias], "a ticket to Sales")
    up.wait_for(lambda: "LATE since then" in waiting.log("kinds", "dag_poking"), "the log says that it is late")
    said = waiting.log("kinds", "dag_poking")
    assert f"expected by {waiting.expected.astimezone(UTC):%Y-%m-%d %H:%M} UTC" in said
    assert "told by Daybreak's monitor: Sales" in said
    for task in ("dag_deferred", "dag_poking"):  # one stored by Airflow, one while the task still runs
        url = waiting.task("kinds", task, "links")["extra_links"]["Who was told"]
        assert url == f"{up.api.base_url}/daybreak/upstreams/by_dag?date={waiting.day}"
    page = waiting.http.get(url)
    assert page.status_code == 200
    assert "late since" in page.text
    assert "Ticket to <strong>Sales</strong>" in page.text
    up.wait_for(lambda: "Opsgenie, " in waiting.http.get(url).text, "the ticket is shown as sent")


def test_airflows_own_pages_show_the_native_deadline(waiting: Waiting) -> None:
    path = f"/ui/dags/many/dagRuns/{waiting.runs['many']}/deadlines"
    (found,) = waiting.http.get(path).raise_for_status().json()["deadlines"]
    at = datetime.fromisoformat(found["deadline_time"]).astimezone(waiting.up.zone)
    assert (f"{at:%Y-%m-%d %H:%M}", found["missed"]) == (f"{waiting.day} 23:30", False)


def test_those_who_wait_for_the_same_share_a_poll(waiting: Waiting) -> None:
    waiting.become("many", {f"one_{number}": "deferred" for number in range(SENSORS)})
    before, begun = waiting.polls(), time.monotonic()
    waiting.up.wait_for(lambda: waiting.polls() >= before + 4, "four polls")
    took = time.monotonic() - begun
    assert waiting.polls() - before <= took / POLL + 3  # each for itself they would be six times as many


def test_late_at_the_deadline(waiting: Waiting) -> None:
    waiting.become("judged", {"expected": "success"})
    assert waiting.up.now() >= waiting.expected
    assert "going on without it" in waiting.log("judged", "expected")
    waiting.up.wait_until(waiting.due)
    waiting.become("judged", {"fail": "failed", "skip": "skipped", "continue": "success", "wait": "deferred"})
    ends = {each["task_id"]: each["end_date"] for each in waiting.up.api.tasks("judged", waiting.runs["judged"])}
    assert all(datetime.fromisoformat(ends[task]) >= waiting.due for task in ("fail", "skip", "continue"))


def test_the_runbook_link_leads_to_the_section_for_what_failed(waiting: Waiting) -> None:
    runbook = f"{waiting.up.api.base_url}/daybreak/runbooks/judged"
    found = {task: waiting.task("judged", task, "links")["extra_links"]["Runbook"] for task in ("fail", "continue")}
    assert found == {"fail": f"{runbook}#upstream-late", "continue": runbook}
    assert 'id="upstream-late"' in waiting.http.get(found["fail"]).text


def test_a_triggerer_that_is_killed_loses_nothing(waiting: Waiting) -> None:
    up = waiting.up
    deferred = [f"{kind}_deferred" for kind in KINDS[:-1]]
    waiting.become("kinds", dict.fromkeys(deferred, "deferred"))
    up.kill("triggerer")
    with closing(sqlite3.connect(up.place.warehouse)) as warehouse:
        warehouse.execute("INSERT INTO arrivals VALUES (?)", (waiting.day,))
        warehouse.commit()
    (waiting.objects / waiting.day).mkdir()
    (waiting.objects / waiting.day / "_SUCCESS").touch()
    up.api.asset_event(ASSET)
    run = up.api.run_now("orders_load")
    up.wait_for(lambda: up.api.run("orders_load", run)["state"] == "success", "the orders are loaded", 180)
    waiting.become("kinds", {f"{kind}_poking": "success" for kind in KINDS[:-2]})
    assert [waiting.states("kinds")[task] for task in deferred] == ["deferred"] * len(deferred)
    up.start("triggerer")
    everything = dict.fromkeys(waiting.states("kinds"), "success")
    waiting.become("kinds", everything, 300)
    assert waiting.task("kinds", "dag_deferred", "tries")["total_entries"] == 1  # no try was lost over it
    assert waiting.states("judged")["wait"] == "deferred"  # it waits on, past the deadline and the restart
    page = waiting.http.get(f"/daybreak/upstreams/by_dag?date={waiting.day}")
    up.wait_for(lambda: "arrived" in waiting.http.get(page.url).text, "the page says that it arrived")
