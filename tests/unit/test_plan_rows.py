"""Which rows a decision asks for, in which channel, for whom."""

from __future__ import annotations

from dataclasses import replace

import pytest

from daybreak.delivery.plan import plan
from daybreak.delivery.responders import alternatives, for_step, responders_for
from daybreak.domain.incident import Decisions, Event, Incident, Notification, State, dedup_key
from daybreak.store.outbox import Delivery
from tests.support.delivery import REGISTRY, START, Life, context_at, registry_of

SCHEDULES = "{dialect: opsgenie, respond_with: schedule, schedules: {primary: Data primary, secondary: Data secondary}}"


def upstream_rows(
    kind: str, event: Event, to: tuple[str, ...], step: int | None, done: tuple[int, ...]
) -> list[Delivery]:
    key = dedup_key("feed", START.date(), upstream=True)
    incident = Incident(
        dedup_key=key, kind="upstream", subject="feed", business_date=START.date(), due_at=START, state=State.MISSED,
        reason=None, opened_at=START, upstream="feed", told=to, steps_done=done,
    )  # fmt: skip
    said = Notification(
        at=START, kind=kind, event=event, subject="feed", business_date=START.date(), step=step, to=to, priority=None,  # type: ignore[arg-type]
        dedup_key=key,
    )  # fmt: skip
    decisions = Decisions(incidents=(incident,), notifications=(said,))
    return list(plan(registry_of(), decisions, {}, context_at(START)))


def places(rows: list[Delivery] | tuple[Delivery, ...]) -> list[tuple[str, str, str]]:
    return [(r.channel, r.operation, str(r.payload.get("channel") or r.payload.get("alias"))) for r in rows]


def test_a_page_is_an_alert_and_the_message_of_its_channel() -> None:
    life = Life(registry_of())
    rows = life.page(START)
    assert places(rows) == [("opsgenie", "create", life.key), ("slack", "parent", "#growth")]
    assert rows[0].payload["body"]["responders"] == [{"type": "user", "username": "b@example.com"}]
    assert rows[0].payload["body"]["source"] == "Daybreak monitor"


def test_a_step_that_pages_and_tells_is_one_message_at_home_and_one_where_the_team_lives() -> None:
    rows = Life(registry_of()).step(START)
    slack = [row for row in rows if row.channel == "slack"]
    assert [row.payload["channel"] for row in slack] == ["#growth", "#leads"]
    assert "What to do first" not in str(slack[1].payload["message"])


def test_the_key_of_a_step_does_not_depend_on_when_it_was_decided() -> None:
    life = Life(registry_of())
    later = START.replace(minute=1)
    assert {row.key for row in life.page(START)} == {row.key for row in life.page(later)}
    assert {r.key for r in life.ready(START)}.isdisjoint(r.key for r in life.ready(later))


def test_a_ticket_is_an_alert_of_low_priority_for_its_team() -> None:
    rows = upstream_rows("ticket", Event.UPSTREAM_LATE, ("source",), 0, (0,))
    assert places(rows) == [
        ("opsgenie", "create", "daybreak:v1:upstream:feed:2026-03-02"),
        ("slack", "parent", "#source"),
    ]
    body = rows[0].payload["body"]
    assert body["priority"] == "P4"
    assert "ticket" in body["tags"]
    assert body["responders"] == [{"type": "team", "name": "Source"}]


def test_a_delay_thread_tags_the_team_in_its_own_channel() -> None:
    (row,) = upstream_rows("thread", Event.UPSTREAM_LATE, ("leads",), 1, (0, 1))
    assert row.payload["channel"] == "#leads"
    assert "<!subteam^S0LEADS>" in str(row.payload["message"])


def test_an_arrival_closes_the_ticket_and_tells_everybody() -> None:
    rows = upstream_rows("notice", Event.UPSTREAM_ARRIVED, ("source", "leads"), None, (0, 1))
    assert places(rows) == [
        ("opsgenie", "close", "daybreak:v1:upstream:feed:2026-03-02"),
        ("slack", "parent", "#source"),
        ("slack", "parent", "#leads"),
    ]


def test_without_any_channel_a_notice_is_an_alert_that_cannot_swallow_the_page() -> None:
    text = REGISTRY.replace('slack_channel: "#growth"', "").replace('slack_channel: "#alerts"', "")
    life = Life(registry_of(text=text.replace(", }", "}")))
    said = life.told(START, "notice", Event.AT_RISK, ("a",))
    incident = life.incident(state=State.AT_RISK, paged=(), told=("a",))
    rows = plan(life.registry, Decisions(incidents=(incident,), notifications=(said,)), {}, context_at(START))
    (row,) = rows
    assert row.payload["body"]["alias"] == f"{life.key}:notice"
    assert row.payload["body"]["priority"] == "P5"


def test_in_shadow_every_row_is() -> None:
    life = Life(registry_of())
    shadowed = replace(life.registry, paging=replace(life.registry.paging, mode="shadow"))
    rows = Life(shadowed).page(START)
    assert rows
    assert all(row.shadow for row in rows)
    assert not any(row.shadow for row in life.page(START))


def test_a_team_may_have_its_pages_go_to_an_escalation_of_opsgenies_but_never_a_ticket() -> None:
    named = REGISTRY.replace("opsgenie_team: Source,", "opsgenie_team: Source, opsgenie_escalation: Source nights,")
    registry = registry_of(text=named)
    growth = registry.pipelines["growth"]
    assert for_step(registry, growth, 0, ("source",), START) == [{"type": "escalation", "name": "Source nights"}]
    assert responders_for(registry, ("source",), wakes=False) == [{"type": "team", "name": "Source"}]


def test_schedules_respond_where_opsgenie_decides() -> None:
    registry = registry_of(text=REGISTRY.replace("{dialect: DIALECT}", SCHEDULES))
    growth = registry.pipelines["growth"]
    assert for_step(registry, growth, 0, ("a",), START) == [{"type": "schedule", "name": "Data primary"}]
    assert for_step(registry, growth, 1, ("b",), START) == [{"type": "schedule", "name": "Data secondary"}]


def test_nobody_who_can_be_paged_means_whoever_stands_in_for_gaps() -> None:
    registry = registry_of()
    assert for_step(registry, registry.pipelines["growth"], 0, ("leads",), START) == [
        {"type": "user", "username": "boss@example.com"}
    ]
    others = alternatives(registry, registry.pipelines["growth"], ("a",), START)
    assert others[0] == [{"type": "user", "username": "b@example.com"}]


def test_a_change_that_nobody_is_told_of_rewrites_the_message() -> None:
    life = Life(registry_of())
    before = life.incident()
    after = replace(before, acknowledged_at=START, acknowledged_by="b@example.com")
    rows = plan(life.registry, Decisions(incidents=(after,)), {before.dedup_key: before}, context_at(START))
    assert places(rows) == [("slack", "rewrite", "#growth")]
    assert "acknowledged by b@example.com" in str(rows[0].payload["message"])
    unseen = replace(before, on_call="b")
    assert plan(life.registry, Decisions(incidents=(unseen,)), {before.dedup_key: before}, context_at(START)) == ()


@pytest.mark.parametrize("dialect", ["opsgenie", "jsm"])
def test_a_further_step_joins_or_with_jsm_is_an_alert_of_its_own(dialect: str) -> None:
    life = Life(registry_of(dialect))
    alert = next(row for row in life.step(START) if row.channel == "opsgenie")
    expected = ("step", life.key) if dialect == "opsgenie" else ("create", f"{life.key}:step:1")
    assert (alert.operation, alert.payload["alias"]) == expected
