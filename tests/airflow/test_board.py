"""The board: what is recorded of today, for the pipelines that the user may read, also when nothing can be read."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine

from daybreak.domain.incident import Incident, Reason, Recorded, State
from daybreak.domain.occurrence import calendar_of
from daybreak.sql.database import writing
from daybreak.store.incidents import save_incidents
from daybreak.store.occurrences import save_records
from daybreak.surfaces.site import Site
from daybreak.surfaces.web import access, board
from tests.support.monitors import store_in
from tests.support.surfaces import growth, make_site, registry
from tests.support.web_pages import Manager, visitor


@pytest.fixture
def manager(monkeypatch: pytest.MonkeyPatch) -> Manager:
    found = Manager()
    monkeypatch.setattr(access, "get_auth_manager", lambda: found)
    return found


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    """Three pipelines that differ in nothing but their names."""
    names = {"growth": "Growth", "other": "Other <script>", "third": "Third"}
    pipelines = [growth(id=one, name=name, dags=(one,), runbook=None) for one, name in names.items()]
    found = make_site(tmp_path, registry(*pipelines))
    monkeypatch.setattr(board, "current_site", lambda: found)
    return found


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Engine:
    found = store_in(tmp_path)
    monkeypatch.setattr("daybreak.monitor.assembly.store_engine", lambda: found)
    return found


@pytest.fixture
def client(manager: Manager, site: Site) -> TestClient:
    return visitor("vera")


def record(store: Engine, site: Site, pipeline: str, state: State, reason: Reason | None) -> None:
    now = datetime.now(UTC)
    occurrence = calendar_of(site.registry).current(site.registry.pipelines[pipeline], now)
    assert occurrence is not None
    with writing(store) as connection:
        save_records(connection, [Recorded(occurrence=occurrence, state=state, reason=reason)], {}, now)
        if state is State.MISSED:
            save_incidents(
                connection,
                [
                    Incident(
                        dedup_key=occurrence.dedup_key,
                        kind="pipeline",
                        subject=pipeline,
                        business_date=occurrence.business_date,
                        due_at=occurrence.due_at,
                        state=state,
                        reason=reason,
                        opened_at=occurrence.due_at,
                        dag_id=pipeline,
                        run_id="manual__1",
                        paging_since=occurrence.due_at,
                        paged=("de-1",),
                        acknowledged_by="Vera",
                    )
                ],
            )


def states(html: str) -> list[tuple[str, str]]:
    """(state, pipeline id) of each row, from the top."""
    return re.findall(r'<span class="state (\w+)">.*?<small>(growth|other|third)</small>', html)


def test_the_worst_stands_first_with_who_was_paged(client: TestClient, site: Site, store: Engine) -> None:
    record(store, site, "growth", State.MET, None)
    record(store, site, "third", State.MISSED, Reason.DAG_PAUSED)
    answer = client.get("/daybreak/board")
    assert answer.status_code == 200
    assert states(answer.text) == [("missed", "third"), ("pending", "other"), ("met", "growth")]
    assert "dag paused" in answer.text
    assert "paged Engineer A" in answer.text
    assert "acknowledged by Vera" in answer.text
    assert "/dags/third/runs/manual__1" in answer.text
    assert "<script" not in answer.text
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")


def test_only_what_the_user_may_read(client: TestClient, manager: Manager, store: Engine) -> None:
    manager.readable = {"other"}
    assert [name for _, name in states(client.get("/daybreak/board").text)] == ["other"]
    manager.readable = set()
    assert "No pipeline with a deadline that you may read" in client.get("/daybreak/board").text


def test_without_a_user_there_is_no_board(manager: Manager, site: Site, store: Engine) -> None:
    assert visitor(None).get("/daybreak/board").status_code == 401


def test_it_says_so_when_nobody_has_judged(client: TestClient, store: Engine) -> None:
    assert "No monitor has judged yet" in client.get("/daybreak/board").text


def test_a_store_that_is_away_is_said_and_not_an_error(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def away() -> Engine:
        raise OSError("secret://host is away")

    monkeypatch.setattr("daybreak.monitor.assembly.store_engine", away)
    answer = client.get("/daybreak/board")
    assert answer.status_code == 200
    assert "cannot be read" in answer.text
    assert "secret" not in answer.text


def test_without_a_registry(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(board, "current_site", lambda: None)
    assert "There is no registry" in client.get("/daybreak/board").text
