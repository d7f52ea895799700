"""``docker-compose.yaml`` at work, on a real PostgreSQL and a real Redis: a dag runs on the Celery worker against the
warehouse, a page arrives once though two monitors run, every health check is run.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import psycopg2
import pytest

from daybreak.demo.morning import zone_of_nine
from tests.support.compose import ROOT
from tests.support.compose_up import LIMIT, Deployment, compose_deployment, wait_for
from tests.support.own_postgres import programs

pytestmark = [pytest.mark.airflow, pytest.mark.postgres, pytest.mark.timeout(600)]

DAG = "engagement_base"  # waits for nobody
PAUSED = "growth_base"  # never unpaused, so its data is late
TICKED_SINCE = "SELECT holder FROM daybreak_lease WHERE ticked_at > '{due:%Y-%m-%d %H:%M:%S}+00'"


@pytest.fixture(scope="module")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    with compose_deployment(tmp_path_factory.mktemp("compose")) as up:
        yield up


def test_a_dag_runs_on_the_worker_and_publishes_into_the_warehouse(deployment: Deployment) -> None:
    up = deployment
    wait_for(lambda: DAG in {dag["dag_id"] for dag in up.api.dags()}, f"{DAG} is parsed", up)
    up.until_healthy("worker")
    up.api.pause(DAG, paused=False)
    run = up.api.run_now(DAG)
    state = wait_for(lambda: done_state(up.api.run(DAG, run)["state"]), f"{DAG} ends", up)
    tasks = {task["task_id"]: task for task in up.api.tasks(DAG, run)}
    assert state == "success", {name: task["state"] for name, task in tasks.items()}

    (found,) = up.rows("warehouse", "SELECT count(*), count(DISTINCT day), sum(events) FROM base_engagement")
    (landed,) = up.rows(
        "warehouse",
        "SELECT count(DISTINCT user_id), 1, sum(events) FROM raw_web_events "
        "WHERE day = (SELECT max(day) FROM raw_web_events)",
    )
    assert found == landed
    assert found[0] > 40

    # It was Celery: its own records, in their own database, hold one success for each task.
    assert {task["queue"] for task in tasks.values()} == {"default"}
    finished = [("SUCCESS", len(tasks))]  # the last is written a moment after Airflow has heard of it
    counts = "SELECT status, count(*) FROM celery_taskmeta GROUP BY status"
    wait_for(lambda: up.rows("celery", counts) == finished, "Celery has finished every task", up)
    assert b"Executing workload in Celery" in (up.household.logs / "worker.log").read_bytes()
    log = up.api.log(DAG, run, "publish")
    assert "base_engagement" in log


def done_state(state: str) -> str | None:
    return state if state in ("success", "failed") else None


def test_nobody_gets_in_without_a_password(deployment: Deployment) -> None:
    assert deployment.anonymous.get("/api/v2/dags").status_code == 401
    wrong = {"username": "admin", "password": "admin"}
    assert deployment.anonymous.post("/auth/token", json=wrong).status_code == 401
    assert deployment.anonymous.get("/daybreak/runbooks/").status_code in (302, 303, 307, 401, 403)
    bare = deployment.run(
        "redis", ["redis-cli", "-p", str(deployment.machine.ports[6379]), "--no-auth-warning", "-a", "x", "ping"]
    )
    assert "PONG" not in bare.stdout


def test_no_user_reaches_another_ones_database(deployment: Deployment) -> None:
    with pytest.raises(psycopg2.OperationalError, match="permission denied"):
        deployment.rows("airflow", "SELECT 1", user="warehouse")
    with pytest.raises(psycopg2.OperationalError, match="password authentication failed"):
        psycopg2.connect(
            host="127.0.0.1", port=deployment.machine.ports[5432], user="airflow", password="airflow", dbname="airflow"
        )


def test_one_page_arrives_once_though_two_monitors_run(deployment: Deployment) -> None:
    up = deployment
    up.until_healthy("scheduler")
    monitors = [f"monitor-{number}" for number in range(up.machine.services["monitor"]["deploy"]["replicas"])]
    assert len(monitors) == 2
    for name in monitors:
        up.start("monitor", name)
    logs = [up.household.logs / f"{name}.log" for name in monitors]
    wait_for(lambda: all(b"monitor: working" in log.read_bytes() for log in logs), "both monitors work", up)
    up.until_healthy("monitor")  # the pipelines are known: what becomes due from now on is no history
    due = datetime.now(UTC) + timedelta(seconds=8)
    registry = up.machine.home / "include" / "ownership.yaml"
    registry.write_text(late(registry.read_text(), PAUSED, due, zone_of_nine(due)))
    alias = f"daybreak:v1:{PAUSED}:"

    def pages() -> list[dict[str, Any]]:
        return [each for each in up.sandbox.get("/sandbox/state").json()["alerts"] if each["alias"].startswith(alias)]

    with ThreadPoolExecutor(1) as meanwhile:
        again = meanwhile.submit(up.run, "init", up.machine.command("init"))
        for service in ("dag-processor", "triggerer"):
            up.until_healthy(service)
        done = again.result()
    assert done.returncode == 0, done.stderr
    assert "already exist" in done.stdout + done.stderr, "a second `up` changes nothing"

    (alert,) = wait_for(pages, f"a page for {PAUSED}", up)
    assert alert["details"]["reason"] == "dag_paused"
    assert alert["priority"] == "P2"
    # Both were there when it was sent, and long enough afterwards to send it again.
    wait_for(lambda: up.rows("airflow", TICKED_SINCE.format(due=due + timedelta(seconds=10))), "more ticks", up)
    (alert,) = pages()
    assert alert["count"] == 1
    up.household.check()


def late(registry: str, pipeline: str, due: datetime, zone: str) -> str:
    """The registry with one pipeline due at another instant, in a zone in which it is the middle of the morning."""
    before, found, after = registry.partition(f"\n  {pipeline}:\n")
    assert found
    clock = f"{due.astimezone(ZoneInfo(zone)):%H:%M:%S}"
    changed = after.replace('deadline: {due: "05:00"}', f'deadline: {{due: "{clock}", timezone: {zone}}}', 1)
    assert changed != after
    return before + found + changed


def test_daybreaks_tables_are_dumped_and_restored_as_documented(deployment: Deployment, tmp_path: Path) -> None:
    up, folder = deployment, programs()
    text = (ROOT / "docs" / "deploy.md").read_text()
    dump = re.search(r"exec -T postgres (pg_dump .*) > daybreak\.dump", text)
    restore = re.search(r"exec -T postgres (pg_restore .*) < daybreak\.dump", text)
    assert dump
    assert restore
    assert folder is not None
    connected = up.machine.environment("postgres") | {
        "PGHOST": "127.0.0.1", "PGPORT": str(up.machine.ports[5432]), "PGPASSWORD": up.env["POSTGRES_PASSWORD"],
        "PATH": f"{folder}:/usr/bin:/bin",
    }  # fmt: skip
    monitors = [member.name for member in up.household.members if member.name.startswith("monitor")]
    for monitor in monitors:
        up.household.end(monitor)
    kept = tmp_path / "daybreak.dump"
    with kept.open("wb") as output:
        subprocess.run(["/bin/sh", "-c", dump[1]], env=connected, stdout=output, check=True, timeout=LIMIT)
    incidents = "SELECT dedup_key, opened_at FROM daybreak_incident ORDER BY 1"
    before = up.rows("airflow", incidents)
    assert before
    up.rows("airflow", "DELETE FROM daybreak_delivery; DELETE FROM daybreak_incident; SELECT 1")
    with kept.open("rb") as given:
        subprocess.run(["/bin/sh", "-c", restore[1]], env=connected, stdin=given, check=True, timeout=LIMIT)
    assert up.rows("airflow", incidents) == before
    for monitor in monitors:
        up.start("monitor", monitor)
    now = datetime.now(UTC)
    wait_for(lambda: up.rows("airflow", TICKED_SINCE.format(due=now)), "a tick after the restart", up)


@pytest.mark.parametrize(
    "service",
    ["postgres", "redis", "api-server", "scheduler", "dag-processor", "triggerer", "worker", "monitor", "sandbox"],
)
def test_every_health_check_was_run_and_says_yes(deployment: Deployment, service: str) -> None:
    if service not in deployment.healthy:
        deployment.until_healthy(service)


def test_a_health_check_says_no_where_nothing_is(deployment: Deployment) -> None:
    deployment.household.end("worker")
    assert deployment.run("worker", deployment.machine.health("worker")).returncode != 0
