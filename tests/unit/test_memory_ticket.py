"""A killed task from Airflow's database to the outbox: the page, the ticket beside it, and what came of the retry."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from daybreak.config import parse_registry
from daybreak.domain.incident import Reason
from daybreak.monitor.handoff_report import gather_report, lines
from daybreak.monitor.lease import Lease
from daybreak.sql.database import reading
from daybreak.store.incidents import find_incident
from tests.support.airflow_db import AirflowDb
from tests.support.monitors import REGISTRY, engine_of, known_since, queued, store_in, write_registry

DUE = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
KEY = "daybreak:v1:growth:2026-03-02"
TICKET = "daybreak:v1:ticket:out_of_memory:growth:2026-03-02"
WITH_DEVOPS = REGISTRY.replace(
    "\non_call:", '\n  devops: {name: DevOps, opsgenie_team: DevOps, slack_channel: "#devops"}\non_call:', 1
).replace("\nescalations:", "\ntickets: {out_of_memory: devops}\nescalations:", 1)
BEGAN, ENDED = DUE - 4 * HOUR, DUE - 3 * HOUR


class Morning:
    """Growth's one task fails; every tick is one of a monitor that has just started."""

    def __init__(self, folder: Path) -> None:
        self.airflow = AirflowDb.sqlite(folder)
        for dag in ("growth", "profit", "orders_load"):
            self.airflow.dag(dag)
        for dag, when in (("profit", BEGAN), ("orders_load", BEGAN - HOUR)):
            self.airflow.run(dag, "r", run_after=when, start=when, end=when + HOUR / 2)
        self.airflow.run("growth", "g", state="failed", run_after=BEGAN, start=BEGAN, end=ENDED)
        self.airflow.task("growth", "g", "build", state="failed", start_date=BEGAN, end_date=ENDED, hostname="w1")
        self.airflow.beat(DUE + 24 * HOUR)
        self.registry = write_registry(folder, WITH_DEVOPS)
        self.store = store_in(folder)
        known_since(self.store, DUE - timedelta(days=30), "growth", "profit")
        self._rows = 0

    def tick(self, at: datetime) -> list[tuple[str, str, str]]:
        """→ (kind, operation, alias or channel) of what this tick put into the outbox, rewrites and rechecks aside."""
        lease = Lease(self.store)
        assert lease.take()
        engine_of(self.store, self.airflow.engine, self.registry, lease=lease).tick(at)
        lease.release()
        rows = queued(self.store)[self._rows :]
        self._rows += len(rows)
        return [
            (row.kind, row.operation, str(row.payload.get("alias") or row.payload.get("channel")))
            for row in rows
            if row.operation not in ("rewrite", "recheck", "refresh")
        ]

    def rerun(self, at: datetime, state: str) -> None:
        """Somebody cleared the run: the same one ends anew."""
        self.airflow.change_run("growth", "g", state=state, start_date=at - MINUTE, end_date=at)
        self.airflow.run_sql("UPDATE task_instance SET state = :s, end_date = :e, try_number = 2", s=state, e=at)


@pytest.fixture
def morning(tmp_path: Path) -> Morning:
    return Morning(tmp_path)


def texts(morning: Morning, alias: str) -> str:
    return " ".join(str(row.payload.get("note", "")) for row in queued(morning.store) if row.dedup_key == alias)


def test_killed_asked_cleared_and_contention(morning: Morning) -> None:
    first = morning.tick(ENDED + MINUTE)
    assert first == [
        ("page", "create", KEY),
        ("page", "parent", "#data-alerts"),
        ("ticket", "create", TICKET),
        ("ticket", "parent", "#devops"),
    ]
    ticket = next(row for row in queued(morning.store) if row.kind == "ticket" and row.channel == "opsgenie")
    body = ticket.payload["body"]
    assert (body["priority"], body["responders"]) == ("P4", [{"type": "team", "name": "DevOps"}])
    assert {"ticket", "out_of_memory"} <= set(body["tags"])
    assert body["details"]["task"] == "build"
    assert "memory ran short on w1" in body["description"]
    page = next(row for row in queued(morning.store) if row.kind == "page")
    assert "A ticket of its own: DevOps" in page.payload["body"]["description"]
    for minute in range(2, 5):  # a monitor that starts again asks nobody again
        assert morning.tick(ENDED + minute * MINUTE) == []
    morning.airflow.change_run("growth", "g", state="running", start_date=ENDED + 5 * MINUTE, end_date=None)
    assert morning.tick(ENDED + 6 * MINUTE) == []
    morning.rerun(ENDED + 30 * MINUTE, "success")
    assert morning.tick(ENDED + 31 * MINUTE) == [
        ("notice", "note", KEY),
        ("notice", "parent", "#data-alerts"),
        ("resolve", "close", KEY),
        ("resolve", "parent", "#data-alerts"),
        ("notice", "close", TICKET),
        ("notice", "parent", "#devops"),
    ]
    assert "succeeded on retry: likely contention" in texts(morning, KEY)
    assert "succeeded on retry: likely contention" in texts(morning, TICKET)
    last = [row for row in queued(morning.store) if row.dedup_key == TICKET and row.channel == "slack"][-1]
    assert "Growth: resolved" in str(last.payload["message"]["blocks"][0]).replace("growth", "Growth")
    assert morning.tick(ENDED + 32 * MINUTE) == []


def test_killed_again_waits_for_the_team(morning: Morning) -> None:
    morning.tick(ENDED + MINUTE)
    morning.rerun(ENDED + 10 * MINUTE, "failed")
    said = [
        ("notice", "note", KEY),
        ("notice", "parent", "#data-alerts"),
        ("notice", "note", TICKET),
        ("notice", "parent", "#devops"),
    ]
    assert morning.tick(ENDED + 11 * MINUTE) == said
    assert "failed again: waiting for DevOps" in texts(morning, KEY)
    assert "failed again: waiting for DevOps" in texts(morning, TICKET)
    assert morning.tick(ENDED + 12 * MINUTE) == []
    with reading(morning.store) as connection:
        ticket = find_incident(connection, TICKET)
        registry = parse_registry(WITH_DEVOPS.encode(), source="test")
        report = lines(registry, gather_report(registry, connection, ENDED + 12 * MINUTE))
    assert "Open incidents: 1" in report
    assert "Ticket to DevOps: growth ran out of memory at Mon 02 Mar 06:10 UTC" in report
    assert ticket is not None
    assert (ticket.open, ticket.due_at) == (True, ENDED + 10 * MINUTE)


def test_an_exception_of_memory_is_out_of_memory_too(morning: Morning) -> None:
    left = {"exception": "MemoryError: 12 GiB", "category": "infrastructure.out_of_memory", "host": "w7"}
    morning.airflow.evidence("growth", "g", "build", left)
    assert ("ticket", "create", TICKET) in morning.tick(ENDED + MINUTE)
    with reading(morning.store) as connection:
        incident = find_incident(connection, KEY)
    assert incident is not None
    assert incident.reason is Reason.OUT_OF_MEMORY
    page = next(row for row in queued(morning.store) if row.kind == "page")
    assert "build ran out of memory" in page.payload["body"]["message"]
    assert "MemoryError: 12 GiB" in page.payload["body"]["description"]


def test_any_other_exception_asks_nobody(morning: Morning) -> None:
    left = {"exception": "ValueError: tax", "category": "quality.unknown_reference_value"}
    morning.airflow.evidence("growth", "g", "build", left)
    assert [kind for kind, _, _ in morning.tick(ENDED + MINUTE)] == ["page", "page"]


def test_marked_success_by_hand_closes_the_ticket_and_claims_nothing(morning: Morning) -> None:
    morning.tick(ENDED + MINUTE)
    morning.airflow.change_run("growth", "g", state="success")  # Airflow keeps the old end
    assert ("notice", "close", TICKET) in morning.tick(ENDED + 30 * MINUTE)
    assert "contention" not in texts(morning, KEY) + texts(morning, TICKET)
    assert "the data is ready" in texts(morning, TICKET)
