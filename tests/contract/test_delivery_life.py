"""One incident's life through the outbox to both services: one alert, one thread, in order, by the services' rules."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from daybreak.errors import LeaseLost
from daybreak.sql.database import reading
from daybreak.store.outbox import Delivery
from daybreak.store.schema import delivery
from tests.support.delivery import START, Life, Post, channels_for, post_office, registry_of
from tests.support.sandbox import Sandbox, running_sandbox


@pytest.fixture(scope="module")
def box() -> Iterator[Sandbox]:
    with running_sandbox() as found:
        yield found


@pytest.fixture
def post(box: Sandbox, tmp_path: Path) -> Iterator[Post]:
    box.reset()
    with post_office(box, tmp_path) as found:
        yield found


def live(post: Post, life: Life) -> None:
    """Page, step after 15 minutes, ready after 37."""
    post.queue(life.page(post.clock()))
    post.send()
    post.queue(life.step(post.clock.forward(minutes=15)))
    post.send()
    post.queue(life.ready(post.clock.forward(minutes=22)))
    post.send()


def test_one_alert_and_one_thread_from_the_page_to_the_end(box: Sandbox, post: Post) -> None:
    life = Life(registry_of())
    live(post, life)
    alert = box.until(lambda s: [a for a in s["alerts"] if a["status"] == "closed"])[0]
    assert [a["alias"] for a in box.alerts()] == [life.key]
    assert alert["message"] == "Growth (investors) MISSED 09:00 UTC: waits for The feed"
    assert alert["count"] == 1
    assert alert["priority"] == "P1"
    assert alert["entity"] == "growth"
    assert [each["username"] for each in alert["responders"]] == ["b@example.com", "a@example.com"]
    assert alert["details"]["reason"] == "upstream_late"
    assert alert["details"]["due"] == "2026-03-02T09:00:00+00:00"
    assert {"owner:a", "owner:b", "area:growth", "audience:investors", "upstream_late"} <= set(alert["tags"])
    assert any("ready, 37 min late" in each["note"] for each in alert["notes"])
    (parent,) = box.channel("#growth")
    assert parent["edits"] == 2
    assert "ready, 37 min late" in parent["blocks"][0]["text"]["text"]
    assert parent["attachments"][0]["color"] == "#039855"
    assert [each["text"].splitlines()[0] for each in parent["replies"]] == [
        "Still not ready, 15 min late.",
        "Ready, 37 min late: it was ready at 09:37 UTC.",
    ]
    assert "<!subteam^S0LEADS>" in parent["replies"][0]["text"]
    assert "<@U0A>" in parent["replies"][0]["text"]
    (elsewhere,) = box.channel("#leads")
    assert "<!subteam^S0LEADS>" in str(elsewhere["replies"][0]["blocks"])
    assert box.violations() == []


def test_the_page_holds_what_a_person_needs(box: Sandbox, post: Post) -> None:
    post.queue(Life(registry_of()).page(post.clock()))
    post.send()
    text = box.until(lambda s: s["alerts"])[0]["description"]
    for expected in (
        "The feed, owed by Source team",
        "Owners: Ann and Ben",
        "On call: Ann and Ben",
        "Also know this area: Cat",
    ):
        assert expected in text
    (parent,) = box.channel("#growth")
    buttons = next(block for block in parent["blocks"] if block["type"] == "actions")["elements"]
    assert [each["text"]["text"] for each in buttons] == ["Dag run", "Board"]
    assert "<@U0A>, <@U0B>" in str(parent["blocks"])


def test_jsm_gets_only_what_it_documents(box: Sandbox, tmp_path: Path) -> None:
    box.reset()
    with post_office(box, tmp_path, "jsm") as post:
        life = Life(registry_of("jsm"))
        live(post, life)
        box.until(lambda s: len(s["alerts"]) == 2 and all(a["status"] == "closed" for a in s["alerts"]))
        assert sorted(a["alias"] for a in box.alerts()) == [life.key, f"{life.key}:step:1"]
        assert [r["username"] for r in box.alert(f"{life.key}:step:1")["responders"]] == ["a@example.com"]
    assert box.violations() == []


def test_the_same_decision_twice_is_one_request(box: Sandbox, post: Post) -> None:
    rows = Life(registry_of()).page(post.clock())
    assert post.queue(rows) == len(rows)
    assert post.queue(rows) == 0
    post.send()
    assert box.until(lambda s: s["alerts"])[0]["count"] == 1


def test_an_alert_that_a_human_closed_is_opened_anew_by_the_next_step(box: Sandbox, post: Post) -> None:
    life = Life(registry_of())
    post.queue(life.page(post.clock()))
    post.send()
    box.until(lambda s: s["alerts"])
    box.by_hand(life.key, "close")
    post.queue(life.step(post.clock.forward(minutes=15)))
    post.send()
    opened = box.until(lambda s: [a for a in s["alerts"] if a["status"] == "open"])
    assert [each["username"] for each in opened[0]["responders"]] == ["a@example.com"]
    assert "STILL LATE" in opened[0]["message"]


def test_an_alert_that_a_late_callback_opened_again_is_closed(box: Sandbox, post: Post) -> None:
    life = Life(registry_of())
    live(post, life)
    box.until(lambda s: [a for a in s["alerts"] if a["status"] == "closed"])
    late = {"message": "late", "alias": life.key, "source": "Daybreak callback: dag failure"}
    headers = {"Authorization": f"GenieKey {box.key}"}
    box.http.post("/v2/alerts", json=late, headers=headers).raise_for_status()
    box.until(lambda s: [a for a in s["alerts"] if a["status"] == "open"])
    post.clock.forward(minutes=6)
    post.once()
    box.until(lambda s: all(a["status"] == "closed" for a in s["alerts"]))


def test_shadow_records_and_sends_nothing(box: Sandbox, post: Post) -> None:
    from dataclasses import replace

    rows = [replace(row, shadow=True) for row in Life(registry_of()).page(post.clock())]
    post.queue(rows)
    report = post.once()
    assert report.sent == 0
    assert {row.state for row in post.rows()} == {"shadow"}
    assert box.requests() == []


def test_who_lost_the_lease_sends_nothing(box: Sandbox, post: Post) -> None:
    post.queue(Life(registry_of()).page(post.clock()))

    def lost() -> None:
        raise LeaseLost("another monitor holds the lease")

    with pytest.raises(LeaseLost):
        post.once(lease_check=lost)
    assert box.requests() == []
    assert {row.state for row in post.rows()} == {"pending"}


def test_what_looks_after_an_end_leaves_open_what_began_anew_since(box: Sandbox, post: Post) -> None:
    """A scheduler that goes down twice within an hour: one alias, two outages."""
    life = Life(registry_of())
    post.queue(life.page(post.clock()))
    post.send()
    post.queue(life.ready(post.clock.forward(minutes=2)))
    post.send()
    box.until(lambda s: s["alerts"] and s["alerts"][0]["status"] == "closed")
    second = life.page(post.clock.forward(minutes=1))
    post.queue(replace(each, key=f"{each.key}|again") for each in second)
    post.send()
    box.until(lambda s: [a["status"] for a in s["alerts"]] == ["closed", "open"])
    post.clock.forward(minutes=70)  # both looks of the first end are due
    post.once()
    box.until(lambda s: s["pending"] == 0)
    assert [a["status"] for a in box.alerts()] == ["closed", "open"]
    with reading(post.engine) as conn:
        looks = conn.execute(select(delivery.c.state).where(delivery.c.operation == "recheck")).scalars()
        assert set(looks) == {"superseded"}


def test_a_thread_is_found_again_after_a_restart(box: Sandbox, post: Post) -> None:
    life = Life(registry_of())
    post.queue(life.page(post.clock()))
    post.send()
    post.channels = channels_for(box)  # another process: nothing remembered but the store
    post.queue(life.step(post.clock.forward(minutes=15)))
    post.send()
    (parent,) = box.channel("#growth")
    assert len(parent["replies"]) == 1


def test_many_pages_for_one_person_become_one(box: Sandbox, tmp_path: Path) -> None:
    box.reset()
    with post_office(box, tmp_path, pages_an_hour=3) as post:
        post.queue([page_number(n) for n in range(10)])
        post.send()
        box.until(lambda s: len(s["alerts"]) == 11 and s["pending"] == 0)
        calling = [a for a in box.alerts() if a["responders"]]
        (storm,) = [a for a in box.alerts() if ":storm:" in a["alias"]]
    assert len(calling) == 4  # three pages, and the one that stands for seven
    assert len(storm["notes"]) == 7
    assert sum("summarised" in a["tags"] for a in box.alerts()) == 7
    assert box.violations() == []


def page_number(n: int, priority: str = "P2", to: str = "a") -> Delivery:
    alias = f"daybreak:v1:pipeline_{n:04}:2026-03-02"
    body = {
        "message": f"Pipeline {n} MISSED 09:00 UTC", "alias": alias, "priority": priority, "tags": ["daybreak"],
        "responders": [{"type": "user", "username": f"{to}@example.com"}],
    }  # fmt: skip
    return Delivery(
        key=f"{alias}|create", dedup_key=alias, channel="opsgenie", operation="create", kind="page", event="missed",
        payload={"alias": alias, "body": body, "next": [], "slack": []}, created_at=START, to=(to,),
        urgency=9 + int(priority[1]),
    )  # fmt: skip


def test_half_an_hour_of_outage_with_a_thousand_pages(box: Sandbox, tmp_path: Path) -> None:
    """All delivered once the outage ends, none twice, the most urgent first."""
    box.reset()
    with post_office(box, tmp_path, pages_an_hour=100) as post:
        post.queue(page_number(n, f"P{5 - n % 5}", to=f"person{n % 200}") for n in range(1000))
        box.fault("opsgenie", "503")
        end = START + timedelta(minutes=30)
        while post.clock.now < end:
            report = post.once()
            post.clock.now = max(post.clock.now + timedelta(seconds=1), report.next_at or end)
        tried = len(box.requests())
        assert tried < 200  # one request at a time asks whether it is over, not a thousand
        box.heal()
        post.send(rounds=400)
        while len(box.world.book.alerts) < 1000:  # the last few are applied in a moment; the test's time limit ends it
            time.sleep(0.05)
        alerts = box.alerts()
        assert len(alerts) == 1000
        assert {a["count"] for a in alerts} == {1}
        assert {row.state for row in post.rows()} == {"sent"}
        order = [a["priority"] for a in alerts]  # as they were made; eight requests run at a time
        for n, priority in enumerate(("P1", "P2", "P3", "P4", "P5")):
            assert order[n * 200 + 16 : (n + 1) * 200 - 16] == [priority] * 168
