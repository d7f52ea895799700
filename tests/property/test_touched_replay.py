"""``replay`` looks only at what can have changed: the answer is that of looking at everything at every tick."""

from __future__ import annotations

from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from daybreak.domain.incident import Judgement
from daybreak.domain.registry import ReadyWhen, Silence, Tickets
from daybreak.domain.runs import Run, TaskState
from daybreak.monitor.history import History
from daybreak.monitor.replay import Replay, Watch
from daybreak.monitor.touched import TouchedWatch
from tests.property.test_mornings import MORNINGS, STEPS, killed
from tests.support.mornings import at
from tests.support.registries import WEEKDAYS, pipeline, registry, upstream

START, END = at("00:00"), at("+2 13:00")
REGISTRY = registry(
    pipeline("growth", upstreams=("sales",), priority="P1"),
    pipeline("profit", upstreams=("sales", "rates"), days=WEEKDAYS),
    pipeline("churn", upstreams=("sales",), due="09:30"),
    pipeline("pair", dags=("left", "right"), on_failure="notice"),
    pipeline("marts", dags=("mart_*",), due="08:00", zone="America/New_York"),
    pipeline("early", due="05:30", opens="-1d 20:00", task="publish", upstreams=("rates",)),
    pipeline("night", due="22:30", opens="-1d 20:00"),
    pipeline("tidy", due=None),
    upstream("sales"),
    upstream("rates", "03:30", ready_when=ReadyWhen(kind="sensor", value="wait_for_rates")),
    steps=STEPS,
    silences=(Silence(pipeline="pair", start=at("08:10"), end=at("+1 09:50"), why="it is rebuilt"),),
    tickets=Tickets(out_of_memory="devops"),
)
DAGS = ("growth", "profit", "churn", "left", "right", "mart_a", "mart_b", "early", "night", "tidy", "sales_load")
DAYS = ("-1", "0", "+1", "+2")


@st.composite
def runs(draw: st.DrawFn) -> tuple[Run, ...]:
    """A run of most dags on each of four days, at any minute; some fail and are run again, some never end."""
    found = []
    for day in DAYS:
        for dag in DAGS:
            begins = at(f"{day} 00:00" if day != "0" else "00:00") + timedelta(minutes=draw(st.integers(0, 700)))
            for attempt in range(draw(st.sampled_from([0, 1, 1, 1, 2]))):
                queued = begins + attempt * timedelta(minutes=draw(st.integers(1, 200)))
                started = queued + timedelta(seconds=draw(st.integers(0, 900)))
                lasts = draw(st.one_of(st.none(), st.integers(1, 300), st.integers(1, 60)))
                ended = None if lasts is None else started + timedelta(minutes=lasts)
                state = draw(st.sampled_from(["success", "success", "success", "failed"])) if ended else "running"
                found.append(
                    Run(
                        dag_id=dag,
                        run_id=f"{dag}#{day}#{attempt}",
                        run_type=draw(st.sampled_from(["scheduled", "scheduled", "manual", "backfill"])),
                        state=state,
                        run_after=queued,
                        logical_date=queued,
                        queued_at=queued,
                        start_date=started,
                        end_date=ended,
                    )
                )
    return tuple(found)


def history(happened: tuple[Run, ...]) -> History:
    """The dags that wait for `rates` have their sensor, `early` its task; some tasks end well before their run."""
    tasks: dict[tuple[str, str], tuple[TaskState, ...]] = {}
    for n, run in enumerate(happened):
        names = {"profit": ("wait_for_rates",), "early": ("wait_for_rates", "publish")}.get(run.dag_id, ())
        assert run.start_date is not None
        ended = run.start_date + timedelta(minutes=7 * (n % 5)) if n % 3 else run.end_date
        tasks[run.dag_id, run.run_id] = tuple(
            TaskState(
                dag_id=run.dag_id,
                run_id=run.run_id,
                task_id=name,
                state="success" if ended else "running",
                start_date=run.start_date,
                end_date=ended,
                operator="UpstreamReadySensor" if name.startswith("wait") else "PythonOperator",
            )
            for name in names
        )
    return History(happened, tasks, killed(happened))


def found(result: Replay) -> list[tuple[object, ...]]:
    """All that is told of an occurrence; ``at`` and what is counted from it are the tick's, and ticks differ."""
    return [said(one) for one in result.occurrences]


def said(one: Judgement) -> tuple[object, ...]:
    return (one.occurrence, one.state, one.reason, one.since, one.ready_at, one.run_id, one.failures, one.usual)


def watched(watch: Watch, tick: timedelta, *, every: bool) -> Watch:
    now = START
    while True:
        watch.tick(now)
        if now >= END:
            return watch
        following: datetime = now + tick
        while not every and following < watch.matters_next(now):
            following += tick
        now = min(following, END)


@MORNINGS
@given(happened=runs(), minutes=st.sampled_from([1, 7, 45]))
def test_looking_at_what_is_touched_is_looking_at_everything(happened: tuple[Run, ...], minutes: int) -> None:
    tick = timedelta(minutes=minutes)
    full = watched(Watch(REGISTRY, history(happened), begins=START), tick, every=True)
    sparing = watched(TouchedWatch(REGISTRY, history(happened), START, END), tick, every=False)
    assert sparing.notifications == full.notifications
    assert list(sparing.incidents.items()) == list(full.incidents.items())
    assert sparing.recorded == full.recorded
    assert found(sparing.result(START, END)) == found(full.result(START, END))
    assert len(full.notifications) > 5, "a morning on which nothing happens shows nothing"
