"""What holds of every on-call, and that the fast answers are those of the rules read slowly."""

from __future__ import annotations

import dataclasses
from datetime import datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from daybreak.domain.oncall import on_call_at, roster_of
from daybreak.domain.registry import Registry, TimeOff
from daybreak.domain.rotation import Rotation
from daybreak.domain.schedule import schedule, stretches
from tests.support.naive_on_call import Naive
from tests.support.on_call import layer as rota
from tests.support.on_call import pipeline
from tests.support.strategies import PEOPLE, locals_near, registries, zones_and_days

SLOW = settings(
    deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
Case = tuple[Registry, datetime]


@SLOW
@given(registries(), st.sampled_from((None, *PEOPLE)))
def test_the_schedule_is_that_of_the_rules_walked_in_quarters_of_an_hour(case: Case, deputy: str | None) -> None:
    registry, around = case
    start, end = around - timedelta(days=1), around + timedelta(days=12)
    naive = Naive(registry)
    for layer in registry.on_call.layers:
        found = stretches(registry, layer, start, end)
        clipped = [(s.person, s.reason, max(s.start, start), min(s.end, end)) for s in found.shifts]
        assert clipped == naive.shifts(layer, start, end)
        assert [(gap.start, gap.end) for gap in found.gaps] == naive.gaps(layer, start, end)
        of = pipeline("a", deputy)
        for hours in range(0, 13 * 24, 7):
            t = start + timedelta(hours=hours)
            holder = on_call_at(registry, layer, t, of)
            assert (holder and (holder.person, holder.reason)) == naive.who(layer, t, deputy)


@SLOW
@given(registries(), st.integers(-48, 40 * 24), st.integers(1, 40 * 24))
def test_shifts_and_gaps_tile_the_span(case: Case, offset: int, hours: int) -> None:
    registry, around = case
    start = around + timedelta(hours=offset)
    end = start + timedelta(hours=hours)
    for layer in registry.on_call.layers:
        found = stretches(registry, layer, start, end)
        tiles = sorted(
            [(max(s.start, start), min(s.end, end)) for s in found.shifts] + [(g.start, g.end) for g in found.gaps]
        )
        assert tiles[0][0] == start
        assert tiles[-1][1] == end
        assert all(before[1] == after[0] for before, after in pairwise(tiles))
        assert all(begins < ends for begins, ends in tiles)


@SLOW
@given(registries(), st.integers(-48 * 60, 30 * 24 * 60))
def test_who_is_on_call_is_the_stretch_of_the_schedule_that_contains_it(case: Case, minutes: int) -> None:
    registry, around = case
    t = around + timedelta(minutes=minutes)
    for layer in registry.on_call.layers:
        holder = on_call_at(registry, layer, t)
        shifts = stretches(registry, layer, t, t + timedelta(seconds=1)).shifts
        assert holder == next((shift for shift in shifts if shift.start <= t < shift.end), None)
        wide = stretches(registry, layer, t - timedelta(days=3), t + timedelta(days=3)).shifts
        assert [shift for shift in wide if shift.start <= t < shift.end] == ([holder] if holder else [])


@SLOW
@given(registries(compensation_after_turns=None), st.sampled_from(PEOPLE), st.integers(0, 500), st.integers(1, 200))
def test_time_off_changes_nobody_elses_rotation(case: Case, person: str, begins: int, hours: int) -> None:
    registry, around = case
    start = around + timedelta(hours=begins)
    entry = TimeOff(person=person, start=start, end=start + timedelta(hours=hours))
    on_call = dataclasses.replace(registry.on_call, time_off=(*registry.on_call.time_off, entry))
    changed = dataclasses.replace(registry, on_call=on_call)
    for step in range(0, 30 * 24, 5):
        t = around + timedelta(hours=step)
        for layer in registry.on_call.layers:
            before, after = on_call_at(registry, layer, t), on_call_at(changed, layer, t)
            planned = roster_of(registry).plan.at(layer, t)
            assert roster_of(changed).plan.at(layer, t) == planned
            if before and before.reason != "cover" and before.person != person:
                assert after
                assert (after.person, after.reason) == (before.person, before.reason)


@SLOW
@given(registries(), st.lists(st.integers(-100, 3000), min_size=2, max_size=12, unique=True))
def test_the_order_of_questions_changes_no_answer(case: Case, hours: list[int]) -> None:
    registry, around = case
    times = [around + timedelta(hours=one) for one in hours]
    forward = [on_call_at(dataclasses.replace(registry), "primary", t) for t in times]
    fresh = dataclasses.replace(registry)
    assert forward == [on_call_at(fresh, "primary", t) for t in reversed(times)][::-1]


@SLOW
@given(registries(), st.integers(1, 30 * 24))
def test_a_longer_span_adds_and_never_changes(case: Case, hours: int) -> None:
    registry, around = case
    middle, end = around + timedelta(hours=hours), around + timedelta(days=31)
    whole = schedule(registry, around, end).shifts
    halves = {*schedule(registry, around, middle).shifts, *schedule(registry, middle, end).shifts}
    assert halves == set(whole)


@given(st.data(), zones_and_days(), st.sampled_from(("1d", "2d", "1w", "3h", "45m")))
@settings(deadline=None)
def test_handoffs_increase_and_each_instant_is_in_its_shift(data: st.DataObject, place, every: str) -> None:
    zone, day = place
    start = data.draw(locals_near(day, 3))
    rotation = Rotation(rota("a b c", start=start.isoformat(), every=every), ZoneInfo(zone))
    handoffs = [rotation.handoff(n) for n in range(40)]
    skipped_day = zone == "Pacific/Apia" and day.year == 2011
    pairs = list(pairwise(handoffs))
    assert all(before <= after if skipped_day else before < after for before, after in pairs)
    t = rotation.begins + timedelta(minutes=data.draw(st.integers(0, 60 * 24 * 365 * 3)))
    n = rotation.shift_at(t)
    assert n is not None
    assume(rotation.handoff(n) != rotation.handoff(n + 1))
    assert rotation.handoff(n) <= t < rotation.handoff(n + 1)
