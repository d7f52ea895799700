"""Acknowledged in Opsgenie is acknowledged: a whole monitor, the stand-in, and a clock that is turned by hand."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine as Database

from daybreak.domain.incident import Incident
from daybreak.sql.database import reading
from daybreak.store import lease
from daybreak.store.incidents import find_incident
from tests.support.airflow_db import AirflowDb
from tests.support.monitors import connections, known_since, pages, running_monitor, store_in, write_registry
from tests.support.sandbox import Sandbox, running_sandbox

DUE = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
KEY = "daybreak:v1:growth:2026-03-02"
FIRST, SECOND = ("growth", "missed", 0, ("ada",)), ("growth", "still_late", 1, ("bob",))


class Scene:
    """A page went out at due, and nobody has answered."""

    def __init__(self, store: Database, sandbox: Sandbox) -> None:
        self.store, self.sandbox = store, sandbox
        self._offset = DUE - datetime.now(UTC)

    def clock(self) -> datetime:
        return datetime.now(UTC) + self._offset

    def forward(self, **time_: float) -> None:
        self._offset += timedelta(**time_)

    def incident(self) -> Incident | None:
        with reading(self.store) as connection:
            return find_incident(connection, KEY)

    def ticked_after(self, at: datetime) -> None:
        """Wait for a tick that began after ``at``, and for the one before it to have had its say."""

        def last() -> datetime | None:
            with reading(self.store) as connection:
                found = lease.look(connection)
            return found.ticked_at if found is not None else None

        until(lambda: (last() or DUE) > at, "no tick")


def until(holds: object, what: str, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not holds():  # type: ignore[operator]
        assert time.monotonic() < end, what
        time.sleep(0.05)


@pytest.fixture
def scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:
    airflow = AirflowDb.sqlite(tmp_path)
    for dag in ("growth", "profit", "orders_load"):
        airflow.dag(dag)
    early = DUE - timedelta(hours=4)
    airflow.run("growth", "g", state="running", run_after=early, start=early)
    for dag in ("profit", "orders_load"):
        airflow.run(dag, "r", run_after=early, start=early, end=early + timedelta(minutes=10))
    airflow.beat(DUE + timedelta(days=1))
    store = store_in(tmp_path)
    known_since(store, DUE - timedelta(days=30), "growth", "profit")
    with running_sandbox() as sandbox:
        for name, value in connections(sandbox).items():
            monkeypatch.setenv(name, value)
        made = Scene(store, sandbox)
        with running_monitor(store, airflow.engine, write_registry(tmp_path), made.clock):
            sandbox.until(lambda state: [each for each in state["alerts"] if each["alias"] == KEY])
            yield made


def test_without_an_answer_the_second_is_paged(scene: Scene) -> None:
    scene.forward(minutes=16)
    until(lambda: pages(scene.store) == [FIRST, SECOND], "the second was not paged")


def test_an_answer_in_opsgenie_stops_the_step_and_is_recorded_with_who_it_was(scene: Scene) -> None:
    scene.sandbox.by_hand(KEY, "acknowledge", user="ada@example.com")
    scene.forward(minutes=16)  # nobody asked Opsgenie meanwhile: it is asked just before the step
    later = scene.clock()
    until(lambda: (found := scene.incident()) is not None and found.acknowledged_by, "not taken up")
    scene.ticked_after(later)
    found = scene.incident()
    assert found is not None
    assert found.acknowledged_by == "ada@example.com"
    assert pages(scene.store) == [FIRST]


def test_a_step_does_not_wait_for_an_opsgenie_that_hangs(scene: Scene) -> None:
    """Better one page too many than a step that never fires because nobody can be asked."""
    scene.sandbox.fault("opsgenie", "hang")
    scene.sandbox.by_hand(KEY, "acknowledge")
    scene.forward(minutes=16)
    until(lambda: pages(scene.store) == [FIRST, SECOND], "the step waited for Opsgenie")
    scene.sandbox.heal()
    until(lambda: (found := scene.incident()) is not None and found.acknowledged_by, "not taken up when it healed")
