"""The look-ups of the registry's values."""

from __future__ import annotations

import dataclasses
from datetime import date

import pytest

from daybreak.domain.duration import Duration
from daybreak.domain.oncall import on_call_at, roster_of
from daybreak.domain.registry import DEFAULT_STEPS, HolidayPlace, Step, no_holidays
from tests.support.on_call import at, layer, on_call, pipeline, registry

EXACT = pipeline("a", escalation="slow", slack_channel="#own")
GLOB = dataclasses.replace(pipeline("a"), id="g", dags=("p*", "Q"))
STEPS = {"slow": (Step(after=Duration(1, "h"), page=("on_call",)),), "standard": DEFAULT_STEPS}


def source(**rest):
    return registry(on_call(layer("a b")), pipelines={"g": GLOB, "p": EXACT}, escalations=STEPS, **rest)


@pytest.mark.parametrize(("dag", "owner"), [("p", "p"), ("pq", "g"), ("Q", "g"), ("q", None), ("", None)])
def test_an_exact_id_wins_over_a_glob_and_case_counts(dag: str, owner: str | None) -> None:
    found = source().pipeline_of(dag)
    assert (found.id if found else None) == owner


def test_steps_and_channel_fall_back_to_the_defaults() -> None:
    plain, named = source(), source(escalation="standard")
    assert plain.steps_of(EXACT) == STEPS["slow"]
    assert plain.steps_of(GLOB) == DEFAULT_STEPS
    assert named.steps_of(GLOB) == STEPS["standard"]
    defaults = dataclasses.replace(plain.defaults, slack_channel="#all")
    everywhere = dataclasses.replace(plain, defaults=defaults)
    assert (everywhere.channel_of(EXACT), everywhere.channel_of(GLOB), plain.channel_of(GLOB)) == ("#own", "#all", None)


def test_without_a_calendar_there_are_no_holidays() -> None:
    assert no_holidays(HolidayPlace(country="DE"), 2026) == frozenset()
    holder = on_call_at(registry(on_call(layer("a")), holidays={"a": "DE"}), "primary", at("2026-12-25T12:00"))
    assert holder is not None
    assert holder.reason == "rotation"
    assert date(2026, 12, 25) not in no_holidays(HolidayPlace(country="DE"), 2026)


def test_look_up_tables_are_made_once_a_registry_and_few_are_kept() -> None:
    one = source()
    assert roster_of(one) is roster_of(one)
    others = [source() for _ in range(20)]
    rosters = [roster_of(other) for other in others]
    assert len({id(roster) for roster in rosters}) == 20
    assert roster_of(others[-1]) is roster_of(others[-1])
