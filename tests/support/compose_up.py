"""``docker-compose.yaml`` started as plain processes: PostgreSQL and Redis of its own, each service by its own command,
environment and health check. What is not Docker's here is what :class:`tests.support.compose.Machine` says.
"""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psycopg2
import pytest
from dotenv import dotenv_values

from daybreak.demo.household import Household
from daybreak.errors import AirflowUnreadable
from tests.support.airflow_rest import Api
from tests.support.compose import DATABASES, ROOT, Machine, read
from tests.support.own_postgres import OwnPostgres, own_postgres, programs

LIMIT = 240.0
HBA = "local all all trust\nhost all all 127.0.0.1/32 scram-sha-256\n"  # the image's rules, but for who may come


class SignedIn(Api):
    """The REST API as the administrator uses it."""

    def sign_in(self, password: str) -> None:
        login = {"username": "admin", "password": password}
        answer = httpx.post(f"{self.base_url}/auth/token", json=login, timeout=30, trust_env=False)
        self._client.headers["Authorization"] = f"Bearer {answer.raise_for_status().json()['access_token']}"

    def log(self, dag_id: str, run_id: str, task_id: str) -> str:
        """A task's log, as the UI shows it."""
        return str(self._call("GET", f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}/logs/1"))


@dataclass(kw_only=True)
class Deployment:
    """The services, started; what they are reached by."""

    machine: Machine
    env: dict[str, str]  # the .env
    household: Household
    api: SignedIn
    sandbox: httpx.Client
    anonymous: httpx.Client
    healthy: set[str] = field(default_factory=set)
    """Services whose own health check has said yes."""

    def run(self, service: str, argv: list[str]) -> subprocess.CompletedProcess[str]:
        """Run a command to its end with a service's environment."""
        return subprocess.run(
            argv, env=self.machine.environment(service), capture_output=True, text=True, timeout=LIMIT, check=False
        )

    def start(self, service: str, name: str | None = None) -> None:
        self.household.start(name or service, self.machine.command(service), self.machine.environment(service))

    def until_healthy(self, service: str) -> None:
        """Ask the service's own health check until it says yes."""
        wait_for(lambda: self.run(service, self.machine.health(service)).returncode == 0, f"{service} is healthy", self)
        self.healthy.add(service)

    def rows(self, database: str, sql: str, *, user: str | None = None) -> list[tuple[Any, ...]]:
        user = user or database
        password = self.env[f"{user.upper()}_DB_PASSWORD"]
        port = self.machine.ports[5432]
        with (
            psycopg2.connect(host="127.0.0.1", port=port, user=user, password=password, dbname=database) as connection,
            connection.cursor() as cursor,
        ):
            cursor.execute(sql)
            return list(cursor.fetchall())


def wait_for(holds: Callable[[], Any], what: str, deployment: Deployment) -> Any:
    """The first true result; fails after LIMIT seconds, or when a process has ended by itself."""
    until = time.monotonic() + LIMIT
    while True:
        deployment.household.check()
        try:
            found = holds()
        except AirflowUnreadable:
            found = None
        if found:
            return found
        assert time.monotonic() < until, f"not in time: {what}; see {deployment.household.logs}"
        time.sleep(0.3)


def prepare_postgres(server: OwnPostgres, env: dict[str, str], given: dict[str, str]) -> None:
    """What the PostgreSQL image does with an empty volume: a superuser's password, the script, passwords for all."""
    folder = programs()
    assert folder is not None
    psql = [
        str(folder / "psql"),
        "--no-psqlrc",
        "--quiet",
        "--set=ON_ERROR_STOP=1",
        server.url.replace("+psycopg2", ""),
    ]

    def tell(*arguments: str) -> str:
        done = subprocess.run([*psql, *arguments], env=given, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    tell("--file", str(DATABASES))
    tell("--command", f"ALTER ROLE postgres PASSWORD '{env['POSTGRES_PASSWORD']}'")
    Path(tell("--tuples-only", "--no-align", "--command", "SHOW hba_file")).write_text(HBA)
    tell("--command", "SELECT pg_reload_conf()")


@contextmanager
def compose_deployment(folder: Path) -> Iterator[Deployment]:
    """The file's services below the empty ``folder``, everything up but the monitors; all ended, however it ends.

    Skips where redis-server or PostgreSQL is not installed.
    """
    if shutil.which("redis-server") is None:
        pytest.skip("redis-server is not installed: the Compose deployment is NOT tested (.ci/run installs it)")
    made = subprocess.run(
        ["sh", str(ROOT / "scripts" / "make_env.sh"), "--sandbox"],
        env={"PATH": "/usr/bin:/bin", "ENV_FILE": str(folder / ".env")},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    env = {name: value or "" for name, value in dotenv_values(folder / ".env", interpolate=False).items()}
    env |= {"WORKERS": "1", "WORKER_CONCURRENCY": "2", "PIPELINES_SCHEDULE": "none"}
    (folder / "logs").mkdir()
    with own_postgres() as server:
        machine = Machine(services=read(env)["services"], folder=folder / "machine", fixed={5432: server.port})
        prepare_postgres(server, env, machine.environment("postgres"))
        household = Household(home=folder, pids=folder / "pids.json", logs=folder / "logs")
        address = f"http://127.0.0.1:{machine.ports[8080]}"
        up = Deployment(
            machine=machine, env=env, household=household, api=SignedIn(address),
            sandbox=httpx.Client(base_url=f"http://127.0.0.1:{machine.ports[8095]}", trust_env=False, timeout=30),
            anonymous=httpx.Client(base_url=address, trust_env=False, timeout=30),
        )  # fmt: skip
        shutil.copytree(ROOT / "include", machine.home / "include")  # the test writes into the registry
        try:
            start_all(up)
            yield up
        finally:
            household.end_all()
            for client in (up.api, up.sandbox, up.anonymous):
                client.close()


def start_all(up: Deployment) -> None:
    """In the order of the file's own ``depends_on``."""
    up.machine.mount("worker")
    up.start("redis")
    up.start("sandbox")
    up.until_healthy("postgres")
    up.until_healthy("redis")
    done = up.run("init", up.machine.command("init"))
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    for service in ("api-server", "scheduler", "dag-processor", "triggerer"):
        up.start(service)
    up.until_healthy("api-server")
    up.start("worker")
    up.api.sign_in(up.env["ADMIN_PASSWORD"])
