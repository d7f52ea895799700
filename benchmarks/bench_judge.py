"""How long judging takes: a tick's ``judge`` over many pipelines, and a month replayed by the minute."""

from __future__ import annotations

import gc
import time
from datetime import UTC, date, datetime, timedelta
from datetime import time as clock
from typing import Any
from zoneinfo import ZoneInfo

from daybreak.domain.duration import Duration
from daybreak.domain.incident import Judgement, Recorded, State
from daybreak.domain.registry import (
    Deadline,
    Defaults,
    DelayStep,
    Layer,
    OnCall,
    Person,
    Pipeline,
    ReadyWhen,
    Registry,
    Team,
    Upstream,
)
from daybreak.domain.runs import DagFacts, Run, Snapshot
from daybreak.monitor.decide import decide
from daybreak.monitor.history import History
from daybreak.monitor.judge import judge
from daybreak.monitor.replay import replay

UTC_ZONE = ZoneInfo("UTC")
DAY = date(2026, 2, 4)
BAR_US = 25.0
BAR_GROWTH = 2.0  # cost a pipeline at 100,000 against 1,000: more would not be linear
SIZES = (1_000, 10_000, 100_000)
ROUNDS = 3


def run() -> list[dict[str, Any]]:
    """The rows of ``make bench``."""
    costs = {size: _judge_cost(size) for size in SIZES}
    growth = costs[SIZES[-1]][0] / costs[SIZES[0]][0]
    rows = []
    for size, (judging, _) in costs.items():
        rows.append(_row(f"judge, a pipeline of {size:,}", judging, "us", BAR_US))
    rows.append(_row("judge, cost a pipeline at 100,000 against 1,000", growth, "x", BAR_GROWTH))
    floor = _floor(SIZES[1])  # the peer: there is no other judge, and none could do less
    rows.append(
        {"name": "judge, peer: making the answers alone", "value": floor, "unit": "us", "bar": None, "ok": True}
    )
    deciding = costs[SIZES[1]][1]
    rows.append({"name": "decide, a pipeline of 10,000", "value": deciding, "unit": "us", "bar": None, "ok": True})
    few, many = _replay_seconds(10), _replay_seconds(100)
    rows.append(_row("replay of 31 days by the minute, 100 pipelines", many, "s", 10.0))
    rows.append(_row("replay, cost a pipeline of 100 against 10", many / few / 10, "x", BAR_GROWTH))
    return rows


def _row(name: str, value: float, unit: str, bar: float) -> dict[str, Any]:
    return {"name": name, "value": value, "unit": unit, "bar": f"<= {bar:g} {unit}", "ok": value <= bar}


def _judge_cost(size: int) -> tuple[float, float]:
    """Microseconds a pipeline that ``judge`` and ``decide`` take in a tick after the first, at 08:00.

    Processor time: neither waits for anything, and other work on the machine is not theirs.
    """
    registry = _registry(size)
    snapshot = Snapshot(
        runs={f"p{n}": _runs(n) for n in range(size)} | {"sales_load": ()},
        dags={f"p{n}": DagFacts(dag_id=f"p{n}") for n in range(size)},
        dags_known=True,
        usual={f"p{n}": timedelta(minutes=40) for n in range(size)},
    )
    now = datetime(2026, 2, 4, 8, tzinfo=UTC)
    first = judge(registry, snapshot, {}, now)
    decided = decide(registry, {}, first, now, snapshot=snapshot)
    incidents = {one.dedup_key: one for one in decided.incidents}
    recorded: dict[str, Recorded] = {one.occurrence.dedup_key: one for one in decided.records}
    judging = deciding = float("inf")
    gc.collect()
    gc.disable()  # as timeit does: what the collector walks is the bench's own heap
    for n in range(1, ROUNDS + 1):
        now += timedelta(seconds=n)
        began = time.process_time()
        judgements = judge(registry, snapshot, recorded, now)
        judging = min(judging, time.process_time() - began)
        began = time.process_time()
        decide(registry, incidents, judgements, now, snapshot=snapshot, recorded=recorded)
        deciding = min(deciding, time.process_time() - began)
    gc.enable()
    return judging / size * 1e6, deciding / size * 1e6


def _floor(size: int) -> float:
    """Microseconds that making a judgement takes whose every field is known."""
    now = datetime(2026, 2, 4, 8, tzinfo=UTC)
    registry = _registry(1)
    pending = next(one for one in judge(registry, Snapshot(), {}, now) if not one.occurrence.is_upstream)
    best = float("inf")
    for _ in range(ROUNDS):
        began = time.process_time()
        for _ in range(size):
            Judgement(occurrence=pending.occurrence, at=now, state=State.PENDING, run_id="r", dag_id="d")
        best = min(best, time.process_time() - began)
    return best / size * 1e6


def _replay_seconds(size: int, days: int = 31) -> float:
    """Of ten pipelines two miss every day for good: what piles up is replayed too."""
    registry = _registry(size)
    start = datetime(2026, 1, 1, tzinfo=UTC)
    runs = [run for day in range(days) for n in range(size) for run in _runs(n, (start + timedelta(days=day)).date())]
    began = time.process_time()
    result = replay(registry, History(runs), start, start + timedelta(days=days))
    assert len(result.occurrences) >= days * size
    return time.process_time() - began


def _runs(n: int, day: date = DAY) -> tuple[Run, ...]:
    """Of ten dags: six done, two running, one failed, one without a run."""
    midnight = datetime.combine(day, clock(0), UTC)
    state = ("success",) * 6 + ("running",) * 2 + ("failed", None)
    found = state[n % 10]
    if found is None:
        return ()
    start = midnight + timedelta(hours=2, minutes=n % 50)
    end = None if found == "running" else start + timedelta(minutes=40)
    return (
        Run(
            dag_id=f"p{n}",
            run_id=f"scheduled__{day.isoformat()}__{n}",
            run_type="scheduled",
            state=found,
            run_after=midnight,
            logical_date=midnight,
            data_interval_end=midnight,
            queued_at=start,
            start_date=start,
            end_date=end,
        ),
    )


def _registry(size: int) -> Registry:
    """``size`` pipelines, due at one of three times; every tenth waits for an upstream that is late."""
    deadlines = [Deadline(due=clock(hour), zone=UTC_ZONE) for hour in (6, 9, 10)]
    start = datetime(2026, 1, 5, 9)
    layer = Layer(name="primary", start=start, every=Duration(1, "w"), members=("ann", "ben"))
    sales = Upstream(
        id="sales",
        name="Sales",
        team="sales",
        expected=Deadline(due=clock(5), zone=UTC_ZONE),
        ready_when=ReadyWhen(kind="dag", value="sales_load"),
        on_delay=(DelayStep(after=Duration(0, "m"), do="ticket", to=("sales",)),),
    )
    pipelines = {
        f"p{n}": Pipeline(
            id=f"p{n}",
            name=f"Pipeline {n}",
            dags=(f"p{n}",),
            primary_owner="ann",
            upstreams=("sales",) if n % 10 == 0 else (),
            deadline=deadlines[n % 3],
        )
        for n in range(size)
    }
    people = {name: Person(id=name, name=name, opsgenie=f"{name}@example.com") for name in ("ann", "ben")}
    return Registry(
        zone=UTC_ZONE,
        people=people,
        teams={"sales": Team(id="sales", name="Sales")},
        on_call=OnCall(zone=UTC_ZONE, layers={"primary": layer}),
        defaults=Defaults(owner="ann"),
        upstreams={"sales": sales},
        pipelines=pipelines,
    )
