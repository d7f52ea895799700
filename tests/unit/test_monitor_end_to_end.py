"""The whole way: a due instant passes, and the stand-ins for Opsgenie and Slack hold the page."""

from __future__ import annotations

import importlib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.support.airflow_db import AirflowDb
from tests.support.monitors import connections, known_since, running_monitor, store_in, write_registry
from tests.support.sandbox import running_sandbox

DUE = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def test_a_late_morning_reaches_opsgenie_and_slack_and_ends_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    importlib.import_module("airflow.models.connection")  # takes seconds on a busy machine, and none of them are due's
    airflow = AirflowDb.sqlite(tmp_path)
    airflow.dag("orders_load")
    airflow.run(
        "orders_load",
        "o1",
        run_after=DUE - timedelta(hours=6),
        start=DUE - timedelta(hours=6),
        end=DUE - timedelta(hours=5),
    )
    for dag in ("growth", "profit"):
        airflow.dag(dag)
    airflow.run("growth", "g1", state="running", run_after=DUE - timedelta(hours=4), start=DUE - timedelta(hours=4))
    airflow.run(
        "profit", "p1", run_after=DUE - timedelta(hours=4), start=DUE - timedelta(hours=4), end=DUE - timedelta(hours=3)
    )
    airflow.beat(DUE + timedelta(hours=1))
    registry, store = write_registry(tmp_path), store_in(tmp_path)
    known_since(store, DUE - timedelta(days=30), "growth", "profit")
    offset = DUE - timedelta(seconds=2) - datetime.now(UTC)  # the clock starts two seconds before due

    def clock() -> datetime:
        return datetime.now(UTC) + offset

    with running_sandbox() as sandbox:
        for name, value in connections(sandbox).items():
            monkeypatch.setenv(name, value)
        with running_monitor(store, airflow.engine, registry, clock):
            alert = sandbox.until(
                lambda state: [a for a in state["alerts"] if a["alias"].endswith("growth:2026-03-02")], 60
            )[0]
            assert alert["priority"] == "P1"
            assert alert["details"]["reason"] == "running"
            assert alert["details"]["pipeline"] == "growth"
            assert "ada@example.com" in str(alert["responders"])
            sandbox.until(lambda _: sandbox.channel("#data-alerts"), 60)
            sandbox.until(lambda state: state["heartbeats"], 60)
            airflow.change_run("growth", "g1", state="success", end_date=clock())
            sandbox.until(lambda _: sandbox.alert("daybreak:v1:growth:2026-03-02")["status"] == "closed", 60)
            sandbox.until(lambda _: sandbox.channel("#data-alerts")[0]["replies"], 60)
        assert [a["alias"] for a in sandbox.alerts()] == ["daybreak:v1:growth:2026-03-02"], "the met one stays silent"
        assert sandbox.violations() == []
