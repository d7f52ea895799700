"""When the monitor looks again by itself."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from daybreak.domain.incident import Incident
from daybreak.domain.registry import Registry
from daybreak.monitor.decide import decide
from daybreak.monitor.history import History
from daybreak.monitor.judge import judge
from daybreak.monitor.wake import next_instant
from tests.support.mornings import at, clock, runs_of, usual_days
from tests.support.registries import pipeline, registry, step, upstream

STEPS = (step("0m", "on_call"), step("15m", "secondary"))


def wakes(reg: Registry, since: str, until: str, happened: str = "") -> list[str]:
    """The instants looked at from ``since`` to ``until``, runs aside."""
    now, found = at(since), []
    history = History(runs_of(happened))
    incidents: dict[str, Incident] = {}
    recorded = {}
    while now <= at(until):
        snapshot = history.at(now)
        judgements = judge(reg, snapshot, recorded, now)
        decided = decide(reg, incidents, judgements, now, snapshot=snapshot, recorded=recorded)
        incidents |= {one.dedup_key: one for one in decided.incidents}
        recorded |= {one.occurrence.dedup_key: one for one in decided.records}
        following = next_instant(reg, incidents, judgements, now)
        assert following > now
        now = following
        if now <= at(until):
            found.append(clock(now.replace(microsecond=0)))
    return found


def test_at_risk_due_the_end_of_the_grace_a_step_and_the_next_opens() -> None:
    reg = registry(pipeline("growth"), steps=STEPS)
    assert wakes(reg, "06:00", "+1 00:00") == ["08:30", "09:00", "09:00:05", "09:15", "+1 00:00"]


def test_a_met_occurrence_wakes_nobody_until_the_next_opens() -> None:
    reg = registry(pipeline("growth"), steps=STEPS)
    assert wakes(reg, "06:00", "+1 00:00", "02:00 growth starts\n 03:00 growth succeeds") == ["+1 00:00"]


def test_an_upstream_wakes_when_it_is_expected_and_at_its_steps() -> None:
    reg = registry(upstream("sales"))
    assert wakes(reg, "04:00", "+1 00:00") == ["05:00", "07:00", "+1 00:00"]


def test_the_usual_duration_wakes_before_it_is_too_late() -> None:
    reg = registry(pipeline("growth"))
    happened = usual_days("growth", 60) + "\n 02:00 growth starts"
    assert wakes(reg, "02:00", "08:10", happened) == ["04:00", "08:00"]


def test_a_handoff_wakes_while_somebody_was_paged() -> None:
    reg = registry(pipeline("growth", due="06:00"))
    assert "+5 09:00" in wakes(reg, "+5 05:00", "+5 12:00")


def test_a_snooze_wakes_at_its_end() -> None:
    reg = registry(pipeline("growth"), steps=STEPS)
    snapshot = History(()).at(at("09:00"))
    judgements = judge(reg, snapshot, {}, at("09:00"))
    incidents = {one.dedup_key: one for one in decide(reg, {}, judgements, at("09:00"), snapshot=snapshot).incidents}
    snoozed = {key: replace(one, snoozed_until=at("09:04")) for key, one in incidents.items()}
    assert next_instant(reg, snoozed, judgements, at("09:01")) == at("09:04")
    assert next_instant(reg, snoozed, judgements, at("09:04")) == at("09:04") + timedelta(minutes=11)
