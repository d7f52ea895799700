"""Random mornings: how often one looks, and whether one was interrupted, changes nothing that lasts."""

from __future__ import annotations

import copy
from collections import Counter
from datetime import datetime, timedelta
from random import Random

from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from daybreak.domain.incident import Event, dedup_key
from daybreak.domain.registry import Registry, Tickets
from daybreak.domain.runs import Evidence, Run
from daybreak.monitor.history import History
from daybreak.monitor.replay import Watch, as_json, replay
from tests.support.mornings import at, killed_task
from tests.support.registries import WEEKDAYS, pipeline, registry, step, upstream

# Each example is a day and a half of ticks: few of them a test run, and none spent on making a failure smaller.
settings.register_profile(
    "mornings", max_examples=6, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate]
)
MORNINGS = settings.get_profile("mornings")
STEPS = (
    step("0m", "on_call"),
    step("15m", "secondary"),
    step("2h", "secondary", tell=["leads"]),
    step("4h", "manager"),
)
REGISTRY = registry(
    pipeline("growth", upstreams=("sales",), priority="P1"),
    pipeline("profit", upstreams=("sales",), days=WEEKDAYS),
    pipeline("pair", dags=("left", "right"), on_failure="notice"),
    pipeline("tidy", due=None),
    upstream("sales"),
    steps=STEPS,
    tickets=Tickets(out_of_memory="devops"),
)
DAGS = ("growth", "profit", "left", "right", "tidy", "sales_load")
START, END = at("00:00"), at("+1 12:00")
GRID = timedelta(minutes=20)
# Runs change at :05, :25 and :45. Everything that the rules count from a clock falls on other minutes, five or more
# away, so that whatever happens lasts longer than LONGEST.
LONGEST = timedelta(minutes=4)


@st.composite
def runs(draw: st.DrawFn) -> tuple[Run, ...]:
    """Up to twelve runs over two days, of which some succeed, some fail, some never end."""
    found = []
    for n in range(draw(st.integers(0, 12))):
        dag = draw(st.sampled_from(DAGS))
        queued = at("-1 12:05") + draw(st.integers(0, 140)) * GRID
        started = draw(st.one_of(st.none(), st.integers(0, 6).map(lambda k, q=queued: q + k * GRID)))
        lasts = draw(st.one_of(st.none(), st.integers(1, 18)))
        ended = started + lasts * GRID if started is not None and lasts is not None else None
        state = draw(st.sampled_from(["success", "success", "failed"])) if ended else "running" if started else "queued"
        kind = draw(st.sampled_from(["scheduled", "manual", "asset_triggered", "backfill"]))
        found.append(
            Run(
                dag_id=dag,
                run_id=f"{dag}#{n}",
                run_type=kind,
                state=state,
                run_after=queued,
                logical_date=None if kind == "asset_triggered" else queued,
                queued_at=queued,
                start_date=started,
                end_date=ended,
            )
        )
    return tuple(found)


def history(happened: tuple[Run, ...]) -> History:
    """Every other run that failed was killed for want of memory."""
    return History(happened, evidence=killed(happened))


def killed(happened: tuple[Run, ...]) -> dict[tuple[str, str], tuple[Evidence, ...]]:
    found = [run for n, run in enumerate(happened) if n % 2 and run.state == "failed"]
    return {(run.dag_id, run.run_id): (killed_task(run),) for run in found}


def watch(ticks: list[datetime], happened: tuple[Run, ...], reg: Registry = REGISTRY) -> Watch:
    watched = Watch(reg, history(happened))
    for now in ticks:
        watched.tick(now)
    return watched


def every(tick: timedelta) -> list[datetime]:
    return [START + n * tick for n in range((END - START) // tick + 1)]


def states(watched: Watch) -> list[tuple[object, ...]]:
    return [
        (one.occurrence.dedup_key, one.state, one.ready_at, one.minutes_late, one.run_id)
        for one in watched.result(START, END).occurrences
    ]


def told(watched: Watch) -> list[tuple[object, ...]]:
    return [
        (one.kind, one.event, one.subject, one.business_date, one.step, one.to, one.dedup_key, one.group)
        for one in watched.notifications
        if one.to
    ]


@MORNINGS
@given(happened=runs())
def test_every_second_and_every_other_minute_tell_the_same(happened: tuple[Run, ...]) -> None:
    # By the second only the ticks that matter are looked at: that this is the same is tested below.
    second = replay(REGISTRY, history(happened), START, END, timedelta(seconds=1))
    minutes = watch(every(timedelta(minutes=2)), happened)
    facts = [
        (one.occurrence.dedup_key, one.state, one.ready_at, one.minutes_late, one.run_id) for one in second.occurrences
    ]
    assert facts == states(minutes)
    by_second = Watch(REGISTRY, history(()))
    by_second.notifications = list(second.notifications)
    assert told(by_second) == told(minutes)


@MORNINGS
@given(happened=runs(), seed=st.integers(0, 2**32))
def test_lost_ticks_lose_nothing_that_outlasts_the_gap(happened: tuple[Run, ...], seed: int) -> None:
    ticks = every(timedelta(minutes=2))
    chance = Random(seed)
    kept = [ticks[0]]
    for now in ticks[1:-1]:
        if now - kept[-1] >= LONGEST or chance.random() < 0.3:
            kept.append(now)
    kept.append(ticks[-1])
    thin, full = watch(kept, happened), watch(ticks, happened)
    assert states(thin) == states(full)
    assert told(thin) == told(full)


@MORNINGS
@given(happened=runs())
def test_passing_over_idle_ticks_is_the_same(happened: tuple[Run, ...]) -> None:
    tick = timedelta(minutes=3)
    skipping = replay(REGISTRY, history(happened), START, END, tick)
    full = replay(REGISTRY, history(happened), START, END, tick, every_tick=True)
    assert as_json(skipping) == as_json(full)
    assert skipping.notifications == full.notifications


@MORNINGS
@given(happened=runs(), restarts=st.sets(st.integers(1, 400), max_size=12))
def test_a_restart_between_any_two_ticks_changes_nothing(happened: tuple[Run, ...], restarts: set[int]) -> None:
    ticks = every(timedelta(minutes=5))
    steady = watch(ticks, happened)
    restarted = Watch(REGISTRY, history(happened))
    for n, now in enumerate(ticks):
        if n in restarts:  # a new process: the store is all that it has, and the registry is read anew
            after = Watch(copy.copy(REGISTRY), history(happened))
            after.incidents, after.recorded = dict(restarted.incidents), dict(restarted.recorded)
            after.notifications = restarted.notifications
            restarted = after
        restarted.tick(now)
    assert restarted.notifications == steady.notifications
    assert restarted.incidents == steady.incidents
    assert restarted.recorded == steady.recorded


@MORNINGS
@given(happened=runs())
def test_nobody_is_told_the_same_twice(happened: tuple[Run, ...]) -> None:
    watched = Watch(REGISTRY, history(happened))
    for now in every(timedelta(minutes=5)):
        watched.tick(now)
        speaking = [one for one in watched.incidents.values() if one.open and one.member_of is None]
        spoken_for = Counter(
            (subject, one.business_date)
            for one in speaking
            for subject in (one.group or (one.subject,))
            if one.kind not in ("upstream", "ticket")
        )
        assert max(spoken_for.values(), default=1) == 1, "an occurrence has two open incidents"
        for ticket in speaking:
            if ticket.kind == "ticket":
                parent = watched.incidents[dedup_key(ticket.subject or "", ticket.business_date)]
                assert parent.open, "a ticket outlives its incident"
    steps = Counter(
        (one.dedup_key, one.kind, one.step)
        for one in watched.notifications
        if one.step is not None and one.subject != "tidy"  # several failures of one date are told each
    )
    assert max(steps.values(), default=1) == 1, "a step fired twice"
    tickets = Counter(
        one.dedup_key for one in watched.notifications if one.event is Event.OUT_OF_MEMORY and one.subject != "tidy"
    )
    assert max(tickets.values(), default=1) == 1, "one incident, two tickets"
