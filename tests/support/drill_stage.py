"""The stage of a drill without Airflow's processes: its tables, a store, monitors as processes, and due instants.

A deadline may name seconds, and a registry is read again when it changes: so an instant is set when it is needed,
a few seconds ahead, and a drill waits for no full minute.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from daybreak.demo.airflow_up import daybreak
from daybreak.demo.household import last_line
from daybreak.demo.morning import zone_of_nine
from daybreak.sql.database import open_engine
from daybreak.store import migrate
from tests.support.airflow_db import AirflowDb, create_tables
from tests.support.drill_store import Store
from tests.support.monitors import REGISTRY, connections, known_since, write_registry
from tests.support.sandbox import Sandbox

LIMIT = 120.0  # seconds that anything may take on a busy machine before a drill fails
AHEAD = 8.0  # seconds from setting an instant to it; so small a deployment is looked at every two


@dataclass(frozen=True, kw_only=True)
class Monitor:
    """A monitor's process."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path

    def signal(self, number: int) -> None:
        self.process.send_signal(number)
        if number == signal.SIGKILL:
            self.process.wait(LIMIT)

    def said(self) -> str:
        return self.log.read_text(errors="replace")


@dataclass(kw_only=True)
class Stage:
    """Where a drill plays. ``store_url`` None: Daybreak's tables are in Airflow's database, as by default."""

    folder: Path
    sandbox: Sandbox
    metadata_url: str
    store_url: str | None = None
    pipelines: Sequence[str] = ("growth",)
    env: dict[str, str] = field(default_factory=dict)
    due: dict[str, datetime] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.zone = ZoneInfo(zone_of_nine(datetime.now(UTC)))  # where it is morning: no drill falls over midnight
        create_tables(self.metadata_url, home=self.folder)
        store = open_engine(self.store_url or self.metadata_url)
        migrate.upgrade(store)
        self.seen = Store(store)
        self.airflow = AirflowDb(open_engine(self.metadata_url))
        self.airflow.dag("orders_load")
        for name in self.pipelines:
            self.airflow.dag(name)
        self.runs_begin(*self.pipelines)
        self.airflow.beat(datetime.now(UTC) + timedelta(hours=1))
        known_since(store, datetime.now(UTC) - timedelta(days=30), *self.pipelines)
        self.env = {
            **os.environ,
            **connections(self.sandbox),
            "AIRFLOW_HOME": str(self.folder),
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": self.metadata_url,
            "AIRFLOW__DAYBREAK__OWNERSHIP_FILE": str(self._registry()),
            **({"AIRFLOW__DAYBREAK__SQL_ALCHEMY_CONN": self.store_url} if self.store_url else {}),
            **self.env,
        }

    def runs_begin(self, *names: str) -> None:
        """Each of ``names`` has a run of today that is still at work."""
        now = datetime.now(UTC)
        for name in names:
            self.airflow.run(name, "today", state="running", run_after=now - timedelta(seconds=30), start=now)

    def finish(self, name: str) -> None:
        """Its run succeeds now."""
        self.airflow.change_run(name, "today", state="success", end_date=datetime.now(UTC))

    def set_due(self, name: str, seconds: float = AHEAD, *, clock_is: float = 0.0) -> datetime:
        """Have ``name`` due in about ``seconds``, on a full second. → the instant, by this machine's clock.

        :param clock_is: by how many seconds the monitors' clock differs from this machine's
        """
        at = (datetime.now(UTC) + timedelta(seconds=seconds + 0.999)).replace(microsecond=0)
        self.due[name] = at + timedelta(seconds=clock_is)
        self._registry()
        return at

    def _registry(self) -> Path:
        head = REGISTRY.partition("pipelines:\n")[0]
        lines = []
        for name in self.pipelines:
            at = self.due.get(name)
            deadline = f', deadline: {{due: "{at.astimezone(self.zone):%H:%M:%S}", at_risk: 1m}}' if at else ""
            lines.append(f"  {name}: {{dags: [{name}], owners: {{primary: ada}}, priority: P1{deadline}}}\n")
        return write_registry(self.folder, f"{head}timezone: {self.zone.key}\npipelines:\n{''.join(lines)}")

    @contextmanager
    def monitors(self, count: int = 2) -> Iterator[list[Monitor]]:
        """So many monitors, started at once; the one that acts comes first, the others are up and wait."""
        with ExitStack() as stack:
            found = [stack.enter_context(self._monitor(f"monitor-{number}")) for number in range(count)]
            self.wait_for(lambda: all("working" in each.said() for each in found), *found)
            self.wait_for(lambda: any(self.acts(each) for each in found), *found)
            yield sorted(found, key=self.acts, reverse=True)

    @contextmanager
    def _monitor(self, name: str) -> Iterator[Monitor]:
        log = self.folder / f"{name}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                daybreak("monitor"), env=self.env, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
            )
        try:
            yield Monitor(name=name, process=process, log=log)
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGCONT)
                process.kill()
            process.wait(LIMIT)

    def acts(self, monitor: Monitor) -> bool:
        return self.seen.holder() == monitor.process.pid

    def settle(self, *watched: Monitor) -> None:
        """Whoever acts has gone through two whole ticks from now on, and nothing waits to be sent."""
        for _ in range(2):
            began = self.seen.ticked()
            self.wait_for(lambda began=began: self.seen.ticked() != began, *watched)  # type: ignore[misc]
        self.wait_for(
            lambda: not any(state == "pending" for name in self.pipelines for state, *_ in self.recorded(name))
        )

    def recorded(self, name: str) -> list[tuple[str, str, int]]:
        """(state, operation, attempts) of the pages of ``name`` in the outbox."""
        return self.seen.pages(name)

    def wait_for(self, holds: Callable[[], Any], *watched: Monitor) -> float:
        """→ seconds that it took. Fails after :data:`LIMIT`, with what ``watched`` said last."""
        return wait_for(holds, lambda: "; ".join(f"{each.name}: {last_line(each.log)}" for each in watched))

    def page(self, name: str) -> datetime:
        """Wait for the first page of ``name``. → when its request arrived."""
        wait_for(lambda: asked(self.sandbox, name), lambda: f"no page of {name}")
        return asked(self.sandbox, name)[0]


def wait_for(holds: Callable[[], Any], gist: Callable[[], str] = str) -> float:
    """→ seconds until ``holds`` was true. Fails after :data:`LIMIT`."""
    began = time.monotonic()
    while not holds():
        assert time.monotonic() - began < LIMIT, f"not within {LIMIT} s: {gist()}"
        time.sleep(0.05)
    return time.monotonic() - began


def until(instant: datetime, *, before: float = 0.0) -> None:
    """Sleep until ``before`` seconds before ``instant``: the one wait that is for the clock itself."""
    time.sleep(max(0.0, (instant - datetime.now(UTC)).total_seconds() - before))


def asked(sandbox: Sandbox, pipeline: str) -> list[datetime]:
    """When each request for a page of ``pipeline`` arrived that was taken: one alert may hide several."""
    alias = re.compile(rf'"alias": ?"daybreak:v1:{re.escape(pipeline)}:')
    return [
        datetime.fromisoformat(row["received_at"])
        for row in sandbox.requests()
        if row["method"] == "POST"
        and row["path"] == "/v2/alerts"
        and row["status"] == 202
        and alias.search(row["body"])
    ]


def alerts(sandbox: Sandbox, pipeline: str) -> list[dict[str, Any]]:
    """Every alert of ``pipeline``'s, open or closed."""
    return [each for each in sandbox.alerts() if each["alias"].startswith(f"daybreak:v1:{pipeline}:")]
