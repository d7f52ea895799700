"""PostgreSQL away across a due instant: all of it, or Daybreak's own tables; and a store that cannot be written."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.pool import NullPool

from tests.support.drill_stage import Stage, alerts, asked, until
from tests.support.drill_table import Row
from tests.support.own_postgres import OwnPostgres, own_postgres
from tests.support.postgres import own_database
from tests.support.sandbox import Sandbox

pytestmark = [pytest.mark.drill, pytest.mark.long_drill, pytest.mark.xdist_group("database"), pytest.mark.timeout(600)]


ROLE = "daybreak"


def run(server: OwnPostgres, url: str, *statements: str) -> None:
    """As the server's owner, in the database of ``url``."""
    engine = create_engine(make_url(server.url).set(database=make_url(url).database), poolclass=NullPool)
    with engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))


@contextmanager
def read_only(server: OwnPostgres, stage: Stage) -> Iterator[None]:
    """The store answers, and takes nothing."""
    tables, rights = "ON ALL TABLES IN SCHEMA public", "INSERT, UPDATE, DELETE"
    assert stage.store_url is not None
    run(server, stage.store_url, f"REVOKE {rights} {tables} FROM {ROLE}")
    try:
        yield
    finally:
        run(server, stage.store_url, f"GRANT {rights} {tables} TO {ROLE}")


@pytest.fixture(scope="module")
def server() -> Iterator[OwnPostgres]:
    with own_postgres() as found:
        yield found


@pytest.fixture(scope="module")
def whole(server: OwnPostgres, box: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Airflow's tables and ours in one database of the server."""
    with own_database(server.url) as url:
        yield Stage(
            folder=tmp_path_factory.mktemp("whole"), sandbox=box, metadata_url=url, pipelines=("restart", "crash")
        )


@pytest.fixture(scope="module")
def apart(server: OwnPostgres, box: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Ours alone on the server; Airflow's are elsewhere, and stay."""
    folder: Path = tmp_path_factory.mktemp("apart")
    with own_database(server.url) as url:
        metadata = f"sqlite:///{folder / 'airflow.db'}"
        # A role that is not the server's owner: what it may do can be taken from it.
        run(server, url, f"CREATE ROLE {ROLE} LOGIN", f"GRANT ALL ON SCHEMA public TO {ROLE}")
        url = make_url(url).set(username=ROLE).render_as_string(hide_password=False)
        yield Stage(
            folder=folder,
            sandbox=box,
            metadata_url=metadata,
            store_url=url,
            pipelines=("gone", "waits", "readonly", "both", "alone"),
        )


@pytest.mark.parametrize(("name", "how"), [("restart", "stopped in order"), ("crash", "`kill -9` of its server")])
def test_the_database_is_restarted_across_due(
    whole: Stage, server: OwnPostgres, note: Callable[[Row], None], name: str, how: str
) -> None:
    with whole.monitors(1) as (monitor,):
        due = whole.set_due(name)
        until(due, before=1)
        with server.away(kill=name == "crash"):
            until(due, before=-4)
            assert asked(whole.sandbox, name) == [], "nothing is called missed on no evidence"
        page = whole.page(name)
        whole.settle(monitor)
        assert len(asked(whole.sandbox, name)) == len(alerts(whole.sandbox, name)) == 1
        assert whole.recorded(name) == [("sent", "create", 1)]
    note(
        Row(
            order=40 + (name == "crash"), what=f"the whole database {how} 1 s before due, back 4 s after it",
            on="PostgreSQL, Airflow's tables and ours", page_after=(page - due).total_seconds(), asked=1, alerts=1,
            seen="nothing is called missed while Airflow's tables cannot be read",
        )
    )  # fmt: skip


def test_with_its_own_store_gone_it_pages_at_due_and_records_later(
    apart: Stage, server: OwnPostgres, note: Callable[[Row], None]
) -> None:
    with apart.monitors(1) as (monitor,):
        due = apart.set_due("gone")
        until(due, before=1)
        with server.away():
            page = apart.page("gone")
        apart.wait_for(lambda: apart.recorded("gone"), monitor)
        apart.settle(monitor)
        assert len(asked(apart.sandbox, "gone")) == len(alerts(apart.sandbox, "gone")) == 1
        assert apart.recorded("gone") == [("sent", "create", 1)]
    note(
        Row(
            order=50, what="Daybreak's own store stopped 1 s before due, back once the page was out",
            on="store on PostgreSQL, Airflow's tables elsewhere", page_after=(page - due).total_seconds(), asked=1,
            alerts=1, seen="recorded as sent once the store is back",
        )
    )  # fmt: skip


def test_a_store_that_cannot_be_written_holds_up_no_page(
    apart: Stage, server: OwnPostgres, note: Callable[[Row], None]
) -> None:
    with apart.monitors(1) as (monitor,):
        # A message waits for Slack: when its turn comes the lease has run out, and nobody can renew it.
        apart.sandbox.fault("slack", "503")
        apart.set_due("waits", 4)
        apart.page("waits")
        due = apart.set_due("readonly", 5)
        until(due, before=1)
        with read_only(server, apart):
            page = apart.page("readonly")
            apart.wait_for(lambda: "nothing is sent now" in monitor.said(), monitor)
        apart.sandbox.heal()
        apart.wait_for(lambda: apart.recorded("readonly"), monitor)
        apart.settle(monitor)
        assert len(asked(apart.sandbox, "readonly")) == len(alerts(apart.sandbox, "readonly")) == 1
        assert apart.recorded("readonly") == [("sent", "create", 1)]
        assert "stands back" not in monitor.said()
    note(
        Row(
            order=60, what="the store read-only from 1 s before due until past the lease, messages waiting in it",
            on="store on PostgreSQL, Airflow's tables elsewhere", page_after=(page - due).total_seconds(), asked=1,
            alerts=1, seen="recorded as sent once it may be written again",
        )
    )  # fmt: skip


def test_killed_with_the_store_away_the_other_pages_from_what_it_can_see(
    apart: Stage, server: OwnPostgres, note: Callable[[Row], None]
) -> None:
    """Nobody can take the lease, and the one that waited never read the store: it acts after the lease's length."""
    with apart.monitors() as (first, second):
        due = apart.set_due("both")
        until(due, before=1)
        first.signal(signal.SIGKILL)
        with server.away():
            page = apart.page("both")
        apart.wait_for(lambda: apart.acts(second), second)
        apart.wait_for(lambda: apart.recorded("both"), second)
        apart.settle(second)
        assert len(asked(apart.sandbox, "both")) == len(alerts(apart.sandbox, "both")) == 1
        assert apart.recorded("both") == [("sent", "create", 1)]
    note(
        Row(
            order=70, what="the acting monitor killed and the store stopped 1 s before due, another waits",
            on="store on PostgreSQL, Airflow's tables elsewhere", page_after=(page - due).total_seconds(), asked=1,
            alerts=1, seen="the other acts without the store, and records once it is back",
        )
    )  # fmt: skip


def test_two_monitors_without_their_store_page_once_between_them(
    apart: Stage, server: OwnPostgres, note: Callable[[Row], None]
) -> None:
    """Neither knows of the other: the one that had the lease goes first, the other looks whether the alert is there."""
    with apart.monitors() as (first, second):
        due = apart.set_due("alone", 16)
        with server.away():
            apart.wait_for(lambda: "acting without it" in second.said(), second)
            page = apart.page("alone")
            apart.wait_for(lambda: second.said().count("sent before it was recorded"), second)
        apart.wait_for(lambda: apart.recorded("alone"), first, second)
        apart.settle(first, second)
        assert len(asked(apart.sandbox, "alone")) == len(alerts(apart.sandbox, "alone")) == 1
        assert apart.recorded("alone") == [("sent", "create", 1)]
        apart.finish("alone")
        apart.wait_for(lambda: alerts(apart.sandbox, "alone")[0]["status"] == "closed", first, second)
    note(
        Row(
            order=71, what="the store stopped 16 s before due, two monitors alive: each acts without it",
            on="store on PostgreSQL, Airflow's tables elsewhere", page_after=(page - due).total_seconds(), asked=1,
            alerts=1, seen="the one without the lease looks first; recorded, and closed, once the store is back",
        )
    )  # fmt: skip
