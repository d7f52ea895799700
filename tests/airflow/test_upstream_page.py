"""Who was told of an upstream's delay: the page behind a sensor's link, filled by a real monitor's morning."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from sqlalchemy import Engine as Database
from sqlalchemy import update

from daybreak.config import load_registry
from daybreak.config.links import Links
from daybreak.config.runbooks import Shelf
from daybreak.domain.occurrence import occurrences_between
from daybreak.sql.database import writing
from daybreak.store.occurrences import set_waived
from daybreak.store.schema import delivery
from daybreak.surfaces.links import WhoWasToldLink
from daybreak.surfaces.site import Site
from daybreak.surfaces.web import access, upstreams
from tests.support.airflow_db import AirflowDb
from tests.support.monitors import REGISTRY, engine_of, known_since, store_in, write_registry
from tests.support.web_pages import Manager, visitor

EXPECTED = datetime(2026, 3, 2, 5, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
PAGE = "/daybreak/upstreams/orders?date=2026-03-02"
BLOCKED = REGISTRY.replace("owners: {primary: ada, secondary: bob}", "upstreams: [orders], owners: {primary: ada}")
BOTH = BLOCKED.replace("{dags: [profit]", "{name: Profit <b>, upstreams: [orders], dags: [profit]").replace(
    "- {after: 0m, do: ticket, to: sales}",
    "- {after: 0m, do: ticket, to: sales}\n      - {after: 2h, do: thread, to: bob}",
)


class Morning:
    """Orders never come; growth and profit wait for them."""

    def __init__(self, folder: Path, text: str = BOTH) -> None:
        self.airflow = AirflowDb.sqlite(folder)
        for dag in ("growth", "profit", "orders_load"):
            self.airflow.dag(dag)
        self.airflow.beat(EXPECTED + 24 * HOUR)
        file = write_registry(folder, text)
        registry = load_registry(file)
        links = Links.of(registry, "https://airflow.example.com")
        self.site = Site(registry=registry, shelf=Shelf.beside(file), links=links)
        self.store: Database = store_in(folder)
        known_since(self.store, EXPECTED - timedelta(days=30), "growth", "profit")
        self.engine = engine_of(self.store, self.airflow.engine, file)

    def sent(self, at: datetime) -> None:
        """As if all that is queued had been sent at ``at``."""
        with writing(self.store) as connection:
            pending = update(delivery).where(delivery.c.state == "pending")
            connection.execute(pending.values(state="sent", sent_at=at))


@pytest.fixture
def manager(monkeypatch: pytest.MonkeyPatch) -> Manager:
    found = Manager()
    monkeypatch.setattr(access, "get_auth_manager", lambda: found)
    return found


@pytest.fixture
def morning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, manager: Manager) -> Morning:
    found = Morning(tmp_path)
    monkeypatch.setattr(upstreams, "current_site", lambda: found.site)
    monkeypatch.setattr("daybreak.monitor.assembly.store_engine", lambda: found.store)
    return found


def asked(path: str = PAGE) -> str:
    answer = visitor("vera").get(path)
    assert answer.status_code == 200
    assert "<script" not in answer.text
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    return answer.text


def told(html: str) -> list[str]:
    """Each telling as plain text, in order; what is only coming is not among them."""
    section = html.split('id="told"')[1].split('id="coming"')[0]
    return [" ".join(re.sub(r"<[^>]+>", " ", one).split()) for one in re.findall(r"<li>(.*?)</li>", section)]


def test_ticket_thread_and_the_grouped_page_in_order(morning: Morning) -> None:
    morning.engine.tick(EXPECTED)
    morning.sent(EXPECTED + timedelta(seconds=2))
    morning.engine.tick(EXPECTED + 2 * HOUR)
    morning.engine.tick(EXPECTED + 4 * HOUR)
    html = asked()
    assert "late since Mon 02 Mar 05:00 UTC" in html
    lines = told(html)
    assert lines[0].startswith("Mon 02 Mar 05:00 UTC Ticket to Sales")
    assert "Opsgenie, 05:00:02" in lines[0]
    assert "#sales, 05:00:02" in lines[0]
    assert lines[1].startswith("Mon 02 Mar 07:00 UTC Thread to Bob")
    assert "not sent yet" in lines[1]
    page = next(line for line in lines if "Page" in line)
    assert page.startswith("Mon 02 Mar 09:00 UTC Page for growth, Profit &lt;b&gt; to Ada")


def test_arrival_ends_it(morning: Morning) -> None:
    morning.engine.tick(EXPECTED)
    assert "If it stays away" not in asked()  # two hours later is long past by now
    late = EXPECTED + 2 * HOUR + 40 * MINUTE
    morning.airflow.run("orders_load", "o", run_after=EXPECTED - HOUR, start=EXPECTED, end=late)
    morning.engine.tick(late + MINUTE)
    html = asked()
    assert "arrived Mon 02 Mar 07:40 UTC, 2 h 40 min late" in html
    assert any("Told of its arrival: Sales" in line for line in told(html))


def test_what_is_coming_if_it_stays_away(morning: Morning, monkeypatch: pytest.MonkeyPatch) -> None:
    class Clock(datetime):
        @classmethod
        def now(cls, tz: object = None) -> datetime:
            return EXPECTED + MINUTE

    monkeypatch.setattr(upstreams, "datetime", Clock)
    morning.engine.tick(EXPECTED)
    html = asked("/daybreak/upstreams/orders")  # today's
    assert "late since Mon 02 Mar 05:00 UTC, 1 min" in html
    assert "Thread to <strong>Bob</strong>" in html.split('id="coming"')[1]


def test_nothing_recorded_is_said(morning: Morning) -> None:
    html = asked()
    assert "no monitor has looked since it was expected" in html
    assert "Nobody has been told of a delay on this day." in html
    assert "not expected on this day" not in html


def test_a_day_that_was_waived(morning: Morning) -> None:
    morning.engine.tick(EXPECTED)
    occurrence = occurrences_between(
        morning.site.registry, morning.site.registry.upstreams["orders"], EXPECTED, EXPECTED + MINUTE
    )[0]
    with writing(morning.store) as connection:
        assert set_waived(connection, occurrence.dedup_key, "Vera: the shops are closed <today>", EXPECTED)
    assert "declared as not needed: Vera: the shops are closed &lt;today&gt;" in asked()


def test_other_peoples_pages_are_left_out(morning: Morning, manager: Manager) -> None:
    morning.engine.tick(EXPECTED)
    morning.engine.tick(EXPECTED + 4 * HOUR)
    manager.readable = {"growth"}
    html = asked()
    assert "Page for growth to" in " ".join(told(html))
    assert "Profit" not in html
    manager.readable = {"orders_load"}  # whoever delivers it may look, and sees no pipeline
    assert [line for line in told(asked()) if "Page" in line] == []
    manager.readable = {"profits", "orders"}
    answer = visitor("vera").get(PAGE)
    assert answer.status_code == 403
    assert "Ada" not in answer.text


def test_a_single_blocked_pipeline_pages_by_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, manager: Manager
) -> None:
    morning = Morning(tmp_path, BLOCKED)
    monkeypatch.setattr(upstreams, "current_site", lambda: morning.site)
    monkeypatch.setattr("daybreak.monitor.assembly.store_engine", lambda: morning.store)
    morning.engine.tick(EXPECTED)
    morning.engine.tick(EXPECTED + 4 * HOUR)
    pages = [line for line in told(asked()) if "Page" in line]
    assert len(pages) == 1
    assert "Page for growth to Ada" in pages[0]


@pytest.mark.parametrize(
    "path",
    ["nobody", "orders?date=yesterday", "orders?date=0001-01-01", "orders?date=9999-12-31", "%3Cb%3E", "a" * 500],
)
def test_what_is_not_there_is_a_page_too(morning: Morning, path: str) -> None:
    answer = visitor("vera").get(f"/daybreak/upstreams/{path}")
    assert answer.status_code == 404
    assert "<b>" not in answer.text


def test_a_store_that_is_away_is_said_and_not_an_error(morning: Morning, monkeypatch: pytest.MonkeyPatch) -> None:
    def away() -> Database:
        raise OSError("secret://host is away")

    monkeypatch.setattr("daybreak.monitor.assembly.store_engine", away)
    html = asked()
    assert "cannot be read" in html
    assert "secret" not in html
    assert "Nobody has been told" not in html  # it is not known


def test_the_link_never_raises() -> None:
    class Broken:
        def xcom_push(self, **_: object) -> None:
            raise RuntimeError("no XCom today")

    link = WhoWasToldLink()
    assert link.get_link(object(), ti_key=None) == ""
    link.publish(SimpleNamespace(told_url="https://x"), Broken())
