"""``status``, ``history``, ``handoff``, ``ack``, ``snooze``, ``waive`` and ``db``, as people call them."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, insert
from typer.testing import CliRunner, Result

from daybreak.cli import build_app
from daybreak.domain.incident import Occurrence, Reason, Recorded, State
from daybreak.monitor.host import run_in_background
from daybreak.monitor.lease import Lease
from daybreak.sql.database import reading, writing
from daybreak.store import lease as stored
from daybreak.store.actions import open_actions
from daybreak.store.occurrences import save_records
from daybreak.store.schema import delivery
from tests.support.airflow_db import AirflowDb
from tests.support.monitors import engine_of, known_since, store_in, write_registry

NOW = datetime.now(UTC)
DAY = timedelta(days=1)


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Engine:
    monkeypatch.setenv("AIRFLOW__DAYBREAK__SQL_ALCHEMY_CONN", f"sqlite:///{tmp_path / 'store.db'}")
    monkeypatch.setenv("AIRFLOW__DAYBREAK__OWNERSHIP_FILE", str(write_registry(tmp_path)))
    return store_in(tmp_path)


def call(module: str, *arguments: str) -> Result:
    return CliRunner().invoke(build_app([module, "registry"]), list(arguments))


def save(store: Engine, days_ago: int, state: State, **more: object) -> None:
    due = NOW - days_ago * DAY
    one = Occurrence(
        subject="growth", business_date=due.date(), due_at=due, opens_at=due - DAY / 2, closes_at=due + DAY / 2
    )
    with writing(store) as connection:
        save_records(connection, [Recorded(occurrence=one, state=state, **more)], {}, NOW)  # type: ignore[arg-type]


def test_history_sums_up(store: Engine) -> None:
    for days_ago in range(1, 8):
        save(store, days_ago, State.MET)
    save(store, 8, State.LATE, minutes_late=10, reason=Reason.RUNNING)
    save(store, 9, State.LATE, minutes_late=50, reason=Reason.RUNNING)
    save(store, 10, State.MISSED, reason=Reason.NO_RUN)
    save(store, 11, State.MISSED, waived="ada: holiday")
    found = json.loads(call("status", "history", "--pipeline", "growth", "--json").stdout)
    assert (found["due"], found["met"], found["late"], found["missed"], found["waived"]) == (10, 7, 2, 1, 1)
    assert found["attainment_percent"] == 70.0
    assert found["minutes_late"] == {"p50": 30.0, "p95": 50}
    assert found["by_reason"] == {"running": 2, "no_run": 1}
    assert "in time: 7 (70.0 %)" in call("status", "history", "--pipeline", "growth").stdout


def test_status_of_a_store_in_which_nobody_ever_ticked(store: Engine) -> None:
    result = call("status", "status", "--json")
    found = json.loads(result.stdout)
    assert (result.exit_code, found["ok"], found["last_tick_age_seconds"]) == (1, False, None)
    assert {each["pipeline"] for each in found["pipelines"]} == {"growth", "profit"}


def test_status_shows_what_could_not_be_delivered(store: Engine) -> None:
    def queue(number: int, minutes_ago: float, state: str, error: str | None) -> None:
        at = datetime.now(UTC) - timedelta(minutes=minutes_ago)
        row = {
            "key": f"key-{number}", "dedup_key": f"daybreak:v1:growth:2026-02-0{number}", "channel": "opsgenie",
            "operation": "create", "kind": "page", "event": "missed", "to": ("ada",), "urgency": 1, "payload": {},
            "state": state, "attempts": 3, "created_at": at, "next_attempt_at": at, "error": error,
        }  # fmt: skip
        with writing(store) as connection:
            connection.execute(insert(delivery).values(**row))

    queue(1, 30, "failed", "HTTP 422: no such [responder]")
    queue(2, 30, "pending", "HTTP 503")
    queue(3, 1, "pending", "HTTP 503")  # not for long yet
    queue(4, 30, "pending", None)  # waits its turn
    queue(5, 30, "sent", None)
    found = json.loads(call("status", "status", "--json").stdout)["failed_deliveries"]
    assert [(row["dedup_key"][-1], row["tried_again"]) for row in found] == [("2", True), ("1", False)]
    shown = call("status", "status").stdout
    assert "not delivered yet daybreak:v1:growth:2026-02-02 (opsgenie page for ada): HTTP 503" in shown
    assert "not delivered daybreak:v1:growth:2026-02-01 (opsgenie page for ada): HTTP 422: no such [responder]" in shown


def test_status_after_a_tick_shows_the_open_incident_and_ack_finds_it(store: Engine, tmp_path: Path) -> None:
    known_since(store, NOW - 30 * DAY, "growth", "profit")
    airflow = AirflowDb.sqlite(tmp_path)
    airflow.beat(NOW + DAY)
    now = datetime.now(UTC)
    minute = (now - timedelta(minutes=2)).strftime("%H:%M")
    text = (tmp_path / "ownership.yaml").read_text().replace("09:00", minute, 4)
    write_registry(tmp_path, text.replace(f"2026-01-05T{minute}", "2026-01-05T09:00"))
    engine_of(store, airflow.engine, tmp_path / "ownership.yaml").tick(now)
    found = json.loads(call("status", "status", "--json").stdout)
    assert found["ok"]
    growth = next(each for each in found["incidents"] if each["pipeline"] == "growth")
    assert (growth["state"], growth["reason"], growth["paged"]) == ("missed", "dag_missing", ["ada"])
    assert "growth" in call("status", "status").stdout
    assert "growth: missed" in call("status", "handoff").stdout
    day = growth["dedup_key"].rpartition(":")[2]
    result = call("act", "ack", "--pipeline", "growth", "--date", day, "--why", "on it", "--who", "ada")
    assert result.exit_code == 0, result.output
    with reading(store) as connection:
        (done,) = open_actions(connection)
    assert (done.kind, done.who, done.why, done.dedup_key) == ("ack", "ada", "on it", growth["dedup_key"])


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["ack", "--pipeline", "growth", "--why", "x"], 1, "no open incident"),
        (["ack", "--pipeline", "grwth", "--why", "x"], 2, "did you mean 'growth'"),
        (["snooze", "--pipeline", "growth", "--why", "x", "--for", "soon"], 2, "is not a duration"),
        (["waive", "--pipeline", "growth", "--why", " "], 2, "say why"),
        (["waive", "--pipeline", "growth", "--why", "x", "--date", "02.03."], 2, "is not a date"),
        (["waive", "--pipeline", "growth", "--why", "no data that day"], 0, ""),
    ],
)
def test_acting_on_what_is_not_there(store: Engine, arguments: list[str], status: int, said: str) -> None:
    result = call("act", *arguments)
    assert result.exit_code == status, result.output
    assert said in result.stderr


def test_db_tells_and_changes_the_revision(store: Engine) -> None:
    assert "nothing to do" in call("db", "db", "migrate").stdout
    assert call("db", "db", "downgrade", "base", "--yes").exit_code == 0
    assert call("db", "db", "current").exit_code == 1
    assert call("db", "db", "migrate").stdout.startswith("nothing -> ")
    assert call("db", "db", "current").exit_code == 0


def test_beside_an_api_server_it_ticks_and_ends_without_holding_up_the_loop(
    store: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    airflow = AirflowDb.sqlite(tmp_path)
    monkeypatch.setenv("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", airflow.url)

    def ticked() -> bool:
        with reading(store) as connection:
            found = stored.look(connection)
        return found is not None and found.ticked_at is not None

    async def serve() -> None:
        stop = asyncio.Event()
        task = asyncio.create_task(run_in_background(stop))
        loop = asyncio.get_running_loop()
        end = loop.time() + 60
        while loop.time() < end and not await asyncio.to_thread(ticked):
            await asyncio.sleep(0.05)
        stop.set()
        await asyncio.wait_for(task, 10)

    asyncio.run(serve())
    assert ticked()
    assert Lease(store).take(), "it gave the lease up"
