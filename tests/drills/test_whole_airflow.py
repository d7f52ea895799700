"""Each part of a whole Airflow in turn, killed with SIGKILL a second before a due instant: the page arrives, once.

One Airflow on PostgreSQL, as in production: two monitors, one in the API server and one by itself. The tests follow one
another in one Airflow; each has a pipeline of its own, whose run is at work when it falls due.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
import yaml

from daybreak.sql.database import open_engine
from tests.support.drill_stage import alerts, asked, until
from tests.support.drill_store import Store
from tests.support.drill_table import Row
from tests.support.whole_airflow import WholeAirflow, whole_airflow

pytestmark = [
    pytest.mark.drill, pytest.mark.long_drill, pytest.mark.airflow, pytest.mark.postgres,
    pytest.mark.xdist_group("whole"), pytest.mark.timeout(900),
]  # fmt: skip

PARTS = ("api-server", "scheduler", "triggerer", "dag-processor", "monitor")
AHEAD = timedelta(seconds=9)
ON = "whole Airflow on PostgreSQL, a monitor in the API server and one by itself"
SCHEDULER_ALIAS = "daybreak:v1:system:scheduler"

_AT_WORK = """
import time
from airflow.sdk import DAG, task

with DAG({dag!r}, schedule=None):
    @task
    def work():
        time.sleep(900)
    work()
"""
_DEFERRED = """
from datetime import timedelta
from airflow.sdk import DAG
from airflow.providers.standard.sensors.time_delta import TimeDeltaSensor

with DAG({dag!r}, schedule=None):
    TimeDeltaSensor(task_id="work", delta=timedelta(hours=1), deferrable=True)
"""


def name_of(part: str) -> str:
    """The pipeline and dag of a part's drill."""
    return part.replace("-", "_")


@dataclass(kw_only=True)
class Drill:
    """The Airflow, and the due instants as they are set."""

    up: WholeAirflow
    store: Store
    due: dict[str, datetime] = field(default_factory=dict)

    def registry(self) -> str:
        pipelines = {}
        for name in map(name_of, PARTS):
            clock = self.up.clock(self.due[name]) if name in self.due else "23:00"
            deadline = {"due": clock, "at_risk": "1m"}
            pipelines[name] = {"dags": [name], "owners": {"primary": "ada"}, "priority": "P1", "deadline": deadline}
        return yaml.safe_dump({**yaml.safe_load(HEAD), "timezone": self.up.zone.key, "pipelines": pipelines})

    def at_work(self, name: str, state: str = "running") -> str:
        """A run of ``name`` whose task is in ``state``. → its id."""
        run = self.up.api.run_now(name)
        self.up.wait_for(lambda: self.up.api.task(name, run, "work")["state"] == state, f"{name} is {state}", 120)
        return run

    def set_due(self, name: str) -> datetime:
        self.due[name] = (self.up.now() + AHEAD).replace(microsecond=0)
        self.up.set_registry(self.registry())
        return self.due[name]

    def kill_before(self, part: str, due: datetime) -> datetime:
        """→ when."""
        until(due, before=1)
        self.up.kill(part)
        return datetime.now(UTC)

    def page(self, name: str) -> datetime:
        self.up.wait_for(lambda: asked(self.up.sandbox, name), f"the page of {name}")
        return asked(self.up.sandbox, name)[0]

    def standalone_acts(self) -> bool:
        return self.store.holder() == self.up.pid("monitor")

    def other_acts(self, standalone: int) -> bool:
        """The API server's monitor: whoever acts, and is not the process ``standalone``, alive or dead."""
        return self.store.holder() not in (None, standalone)

    def settle(self) -> None:
        for _ in range(2):
            began = self.store.ticked()
            self.up.wait_for(lambda began=began: self.store.ticked() != began, "a tick")  # type: ignore[misc]

    def end(self, name: str, run: str) -> None:
        """Once everything is up again: it was told once, and its end reaches Opsgenie."""
        self.settle()
        assert len(asked(self.up.sandbox, name)) == len(alerts(self.up.sandbox, name)) == 1
        assert self.store.pages(name) == [("sent", "create", 1)]
        self.up.api.mark(name, run, "success")
        self.up.wait_for(lambda: alerts(self.up.sandbox, name)[0]["status"] == "closed", f"{name} is closed")
        assert len(asked(self.up.sandbox, name)) == len(alerts(self.up.sandbox, name)) == 1


HEAD = """
version: 1
people: {ada: {name: Ada, opsgenie: ada@example.com, slack: U0AAAAAAA}}
on_call: {layers: {primary: {start: 2026-01-05T09:00, every: 1w, members: [ada]}}}
defaults: {owner: ada, slack_channel: "#data-alerts"}
"""


@pytest.fixture(scope="module")
def drill(postgres_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Drill]:
    dags = {name: (_DEFERRED if name == "triggerer" else _AT_WORK).format(dag=name) for name in map(name_of, PARTS)}
    claimed = {name: {"dags": [name], "owners": {"primary": "ada"}} for name in dags}
    first = yaml.safe_dump({**yaml.safe_load(HEAD), "pipelines": claimed})
    settings = {"DAYBREAK__MONITOR_IN_API_SERVER": "True", "CORE__DAGS_ARE_PAUSED_AT_CREATION": "False"}
    folder = tmp_path_factory.mktemp("whole")
    with whole_airflow(folder, dags=dags, registry=first, postgres=postgres_url, settings=settings) as up:
        found = Drill(up=up, store=Store(open_engine(up.database_url)))
        up.set_registry(found.registry())
        up.start(*PARTS)
        up.wait_parsed(*dags)
        alone = up.pid("monitor")
        up.wait_for(lambda: found.other_acts(alone), "the API server's monitor acts", 120)
        yield found
        found.store.engine.dispose()


def row(order: int, part: str, due: datetime, page: datetime, **more: object) -> Row:
    what = f"`kill -9` of the {part.replace('-', ' ')} 1 s before due"
    after = (page - due).total_seconds()
    return Row(order=order, what=what, on=ON, page_after=after, asked=1, alerts=1, **more)  # type: ignore[arg-type]


def test_the_api_server_whose_monitor_acts(drill: Drill, note: Callable[[Row], None]) -> None:
    run = drill.at_work("api_server")
    due = drill.set_due("api_server")
    killed = drill.kill_before("api-server", due)
    drill.up.wait_for(drill.standalone_acts, "the standalone monitor acts", 120, pause=0.05)
    took = (datetime.now(UTC) - killed).total_seconds()
    page = drill.page("api_server")
    drill.up.start("api-server")
    drill.end("api_server", run)
    note(row(1, "API server", due, page, takeover=took, seen="the standalone monitor took over from the one in it"))


def test_the_scheduler(drill: Drill, note: Callable[[Row], None]) -> None:
    run = drill.at_work("scheduler")
    due = drill.set_due("scheduler")
    drill.kill_before("scheduler", due)
    page = drill.page("scheduler")
    down = drill.up.wait_for(lambda: scheduler_alerts(drill), "the page that no scheduler beats", 120)
    drill.up.start("scheduler")
    drill.up.wait_for(lambda: all(one["status"] == "closed" for one in scheduler_alerts(drill)), "it is over", 120)
    assert [one["count"] for one in scheduler_alerts(drill)] == [1]
    assert len(down) == 1
    drill.end("scheduler", run)
    note(row(2, "scheduler", due, page, seen="one more page that no scheduler beats, closed when one did again"))


def scheduler_alerts(drill: Drill) -> list[dict]:  # type: ignore[type-arg]
    """Of those raised since the scheduler was killed: at the start it may have been late."""
    since = drill.due["scheduler"].isoformat()
    found = drill.up.sandbox.alerts()
    return [one for one in found if one["alias"].startswith(SCHEDULER_ALIAS + ":") and one["createdAt"] >= since]


def test_the_triggerer(drill: Drill, note: Callable[[Row], None]) -> None:
    run = drill.at_work("triggerer", "deferred")
    due = drill.set_due("triggerer")
    drill.kill_before("triggerer", due)
    page = drill.page("triggerer")
    drill.up.start("triggerer")
    drill.end("triggerer", run)
    note(row(3, "triggerer", due, page, seen="the run waited in a deferred sensor, and went on waiting"))


def test_the_dag_processor(drill: Drill, note: Callable[[Row], None]) -> None:
    run = drill.at_work("dag_processor")
    due = drill.set_due("dag_processor")
    drill.kill_before("dag-processor", due)
    page = drill.page("dag_processor")
    drill.up.start("dag-processor")
    drill.end("dag_processor", run)
    note(row(4, "dag processor", due, page))


def test_the_standalone_monitor_that_acts(drill: Drill, note: Callable[[Row], None]) -> None:
    run = drill.at_work("monitor")
    assert drill.standalone_acts()
    alone = drill.up.pid("monitor")
    due = drill.set_due("monitor")
    killed = drill.kill_before("monitor", due)
    drill.up.wait_for(lambda: drill.other_acts(alone), "the API server's monitor acts", 120, pause=0.05)
    took = (datetime.now(UTC) - killed).total_seconds()
    page = drill.page("monitor")
    drill.up.start("monitor")
    drill.end("monitor", run)
    note(row(5, "standalone monitor", due, page, takeover=took, seen="the one in the API server took over"))
