"""At a handoff the incoming person is told in Slack, once: a whole monitor, the stand-in, a handoff that passes."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select
from typer.testing import CliRunner

from daybreak.cli import build_app
from daybreak.sql.database import open_engine, reading
from daybreak.store import lease
from daybreak.store.schema import delivery
from tests.support.airflow_db import AirflowDb
from tests.support.monitors import REGISTRY, connections, known_since, running_monitor, store_in, write_registry
from tests.support.sandbox import running_sandbox

HANDOFF = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
KEYS = ("profit", "growth")
TEXT = (
    REGISTRY.replace("members: [ada]", "members: [bob, ada]")
    .replace('due: "09:00"', 'due: "06:00"')
    .replace("growth: {dags: [growth],", "growth: {dags: [growth], upstreams: [orders],")
    .replace("\ndefaults:", "\n  time_off: [{person: bob, start: 2026-03-05, end: 2026-03-07}]\ndefaults:")
)


def test_whoever_comes_on_call_is_told_how_things_stand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    airflow = AirflowDb.sqlite(tmp_path)
    for dag in ("growth", "profit", "orders_load"):
        airflow.dag(dag)
    early = HANDOFF - timedelta(hours=5)
    airflow.run("profit", "p", run_after=early, start=early, end=early + timedelta(minutes=10))
    airflow.beat(HANDOFF + timedelta(days=1))
    store = store_in(tmp_path)
    patient = open_engine(str(store.url), busy_seconds=30.0)  # looks on while the monitor writes
    known_since(store, HANDOFF - timedelta(days=30), *KEYS)
    registry = write_registry(tmp_path, TEXT)
    offset = [HANDOFF - timedelta(hours=3) - datetime.now(UTC)]  # due, from the first look on

    def clock() -> datetime:
        return datetime.now(UTC) + offset[0]

    def reports(state: dict[str, object]) -> list[str]:
        return [text(message) for message in sandbox.channel("#data-alerts") if "Handoff" in message["text"]]

    def text(message: dict[str, object]) -> str:
        return "\n".join(block["text"]["text"] for block in message["blocks"])  # type: ignore[index, attr-defined]

    def pages_sent() -> int:
        of_pages = delivery.c.kind == "page", delivery.c.channel == "opsgenie", delivery.c.state == "sent"
        chosen = select(func.count()).where(*of_pages, delivery.c.operation.in_(("create", "step")))
        with reading(patient) as connection:
            return connection.execute(chosen).scalar_one()

    def ticked_after(at: datetime) -> bool:
        with reading(patient) as connection:
            found = lease.look(connection)
        return found is not None and found.ticked_at is not None and found.ticked_at > at

    with running_sandbox() as sandbox:
        for name, value in connections(sandbox).items():
            monkeypatch.setenv(name, value)
        with running_monitor(store, airflow.engine, registry, clock):
            # The clock goes on only once it is recorded when a page was sent: the report tells by that.
            sandbox.until(lambda _: pages_sent() == 1)
            offset[0] = HANDOFF - timedelta(hours=2) - datetime.now(UTC)
            sandbox.until(lambda _: pages_sent() == 2)
            offset[0] = HANDOFF - timedelta(seconds=1) - datetime.now(UTC)
            sandbox.until(reports)
            told = reports({})[-1]
        with running_monitor(store, airflow.engine, registry, clock):  # a restart tells nobody again
            restarted, end = clock(), time.monotonic() + 60
            while not ticked_after(restarted):
                assert time.monotonic() < end, "no tick"
                time.sleep(0.05)
        assert len(reports({})) == 1
    said = told.splitlines()
    assert said[:5] == [
        "*Handoff: <@U0BBBBBBB> is on call now*",
        "On call: Bob, until Thu 05 Mar 00:00 UTC.",  # then his time off begins
        "Open incidents: 1",
        "- growth: missed (upstream late) since Mon 02 Mar 06:00 UTC; paged Ada, Bob; nobody acknowledged",
        "Late upstreams: orders (expected Mon 02 Mar 05:00 UTC)",
    ]
    assert said[5:8] == ["Today: 1 met, 1 missed", "- growth: missed (upstream late)", "Pages of the last shift: 2"]
    assert re.fullmatch(r"- Mon 02 Mar 06:0\d UTC growth -&gt; Ada", said[8])
    assert said[10:] == ["Away: Bob, Thu 05 Mar 00:00 UTC to Sat 07 Mar 00:00 UTC"]
    monkeypatch.setenv("AIRFLOW__DAYBREAK__SQL_ALCHEMY_CONN", f"sqlite:///{tmp_path / 'store.db'}")
    result = CliRunner().invoke(build_app(["status", "registry"]), ["handoff", "--file", str(registry)])
    assert "growth: missed" in result.stdout, result.output
