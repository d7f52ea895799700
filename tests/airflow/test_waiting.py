"""Sensor and trigger against a stand-in for Airflow's side of the Task SDK: which run counts, who asks how often."""

from __future__ import annotations

import asyncio
import dataclasses
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowSkipException, TaskDeferred

from daybreak.domain.registry import ReadyWhen
from daybreak.surfaces.sensors import UpstreamLate, UpstreamReadySensor
from daybreak.surfaces.triggers import SharedPoll, UpstreamReadyTrigger
from tests.support.surfaces import growth, make_site, registry

DAY = datetime(2026, 2, 2, tzinfo=UTC)


class Airflow:
    """Answers the messages that sensors send, from a list of runs of one dag."""

    def __init__(self) -> None:
        self.runs: list[dict[str, Any]] = []
        self.tasks: dict[str, dict[str, str]] = {}
        self.events: list[datetime] = []
        self.asked: list[str] = []

    def add(self, at: datetime, state: str = "success", *, dated: bool = True, kind: str = "scheduled") -> None:
        run_id = f"{kind}__{at.isoformat()}"
        self.runs.append(
            {
                "dag_id": "sales_force_load",
                "run_id": run_id,
                "logical_date": at if dated else None,
                "data_interval_end": at if dated else None,
                "run_after": at,
                "run_type": kind,
                "state": state,
            }
        )
        self.tasks[run_id] = {"load": state}

    def send(self, message: Any) -> Any:
        kind = type(message).__name__
        self.asked.append(kind)
        if kind == "GetPreviousDagRun":
            found = [
                run
                for run in self.runs
                if run["logical_date"]
                and run["logical_date"] < message.logical_date
                and message.state in (None, run["state"])
            ]
            newest = max(found, key=lambda run: run["logical_date"], default=None)
            return SimpleNamespace(dag_run=SimpleNamespace(**newest) if newest else None)
        if kind == "GetTaskStates":
            wanted = message.run_ids or list(self.tasks)
            return SimpleNamespace(task_states={run_id: self.tasks[run_id] for run_id in wanted})
        if kind == "GetDagRun":
            return SimpleNamespace(**next(run for run in self.runs if run["run_id"] == message.run_id))
        if kind == "GetDRCount":
            return SimpleNamespace(count=sum(run["state"] == "success" for run in self.runs))
        if kind == "GetTICount":
            return SimpleNamespace(count=sum("success" in states.values() for states in self.tasks.values()))
        if kind == "GetAssetEventByAsset":
            return SimpleNamespace(asset_events=[at for at in self.events if message.after <= at < message.before])
        raise AssertionError(kind)

    async def asend(self, message: Any) -> Any:
        return self.send(message)


@pytest.fixture
def airflow(monkeypatch: pytest.MonkeyPatch) -> Airflow:
    side = Airflow()
    monkeypatch.setattr("airflow.sdk.execution_time.task_runner.SUPERVISOR_COMMS", side, raising=False)
    return side


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    class Holder:
        value: Any = make_site(tmp_path)

    monkeypatch.setattr("daybreak.surfaces.site.current_site", lambda: Holder.value)
    return Holder


def context(at: datetime = DAY + timedelta(hours=3), *, dated: bool = False) -> dict[str, Any]:
    run = SimpleNamespace(run_id="r", run_after=at, logical_date=at if dated else None, data_interval_end=None)
    ti = SimpleNamespace(dag_id="growth", get_first_reschedule_date=lambda _: None)
    return {"dag_run": run, "ti": ti, "task_instance": ti}


def sensor(**kwargs: Any) -> UpstreamReadySensor:
    return UpstreamReadySensor(task_id="wait", **{"upstream": "sales_force", **kwargs})


def at_clock(monkeypatch: pytest.MonkeyPatch, now: datetime) -> None:
    class Clock(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> datetime:
            return now

    monkeypatch.setattr("daybreak.surfaces.sensors.datetime", Clock)


@pytest.mark.parametrize("dated", [True, False])
def test_a_success_of_the_same_business_date_is_ready(airflow: Airflow, site: Any, dated: bool) -> None:
    airflow.add(DAY + timedelta(hours=2), dated=dated)
    assert sensor().execute(context()) is None


@pytest.mark.parametrize(
    "run",
    [
        {"at": DAY - timedelta(hours=2)},  # yesterday's
        {"at": DAY + timedelta(hours=2), "state": "failed"},
        {"at": DAY + timedelta(hours=2), "state": "running"},
        {"at": DAY + timedelta(hours=2), "kind": "backfill"},
        {"at": DAY - timedelta(hours=2), "dated": False},
        {"at": DAY + timedelta(hours=26)},  # tomorrow's
    ],
)
def test_no_other_run_is(airflow: Airflow, site: Any, run: dict[str, Any]) -> None:
    airflow.add(**run)
    with pytest.raises(TaskDeferred) as deferred:
        sensor().execute(context())
    trigger = deferred.value.trigger
    assert trigger.value == "sales_force_load"
    assert trigger.business_date == "2026-02-02"


def test_one_task_of_the_dag_is_enough_where_the_registry_says_so(airflow: Airflow, site: Any) -> None:
    airflow.add(DAY + timedelta(hours=2), "running")
    airflow.tasks[airflow.runs[0]["run_id"]] = {"load": "success"}
    assert sensor(ready_when={"dag": "sales_force_load", "task": "load"}).execute(context()) is None


def test_the_trigger_goes_through_its_stored_form(airflow: Airflow, site: Any) -> None:
    with pytest.raises(TaskDeferred) as deferred:
        sensor().execute(context())
    path, arguments = deferred.value.trigger.serialize()
    assert path == f"{UpstreamReadyTrigger.__module__}.{UpstreamReadyTrigger.__qualname__}"
    assert UpstreamReadyTrigger(**arguments).serialize() == (path, arguments)


def test_a_further_success_wakes_the_task_and_nothing_else_does(airflow: Airflow, site: Any) -> None:
    airflow.add(DAY - timedelta(hours=20))
    with pytest.raises(TaskDeferred) as deferred:
        sensor(poke_interval=0.01).execute(context())

    async def wait() -> Any:
        events = deferred.value.trigger.run()
        waiting = asyncio.ensure_future(anext(events))
        await asyncio.sleep(0.05)
        assert not waiting.done()
        airflow.add(DAY + timedelta(hours=2))
        return (await asyncio.wait_for(waiting, 2)).payload

    assert asyncio.run(wait()) == {"status": "changed"}
    assert sensor().look_again(context(), {"status": "changed"}) is None


def test_a_hundred_who_wait_for_the_same_ask_as_often_as_one(airflow: Airflow, site: Any) -> None:
    async def wait() -> int:
        def one() -> UpstreamReadyTrigger:
            return UpstreamReadyTrigger(
                name="Sales Force", kind="dag", value="sales_force_load", business_date="2026-02-02",
                successes=0, poll_interval=0.02,
            )  # fmt: skip

        waiting = [asyncio.ensure_future(anext(one().run())) for _ in range(100)]
        await asyncio.sleep(0.2)
        asked = len(airflow.asked)
        airflow.add(DAY)
        for event in await asyncio.wait_for(asyncio.gather(*waiting), 2):
            assert event.payload == {"status": "changed"}
        await asyncio.sleep(0)
        return asked

    assert asyncio.run(wait()) <= 12
    assert not SharedPoll._running


def test_a_poll_that_fails_is_tried_again_and_told_in_the_end(site: Any) -> None:
    async def wait(failures: int) -> Any:
        trigger = UpstreamReadyTrigger(
            name="x", kind="sql", value="select 1", conn="w", business_date="2026-02-02", poll_interval=0.001
        )
        answers = iter([*[None] * failures, True])

        async def ask() -> bool:
            answer = next(answers)
            if answer is None:
                raise OSError("the warehouse is away")
            return answer

        trigger._ask = ask  # type: ignore[method-assign]
        return (await anext(trigger.run())).payload

    assert asyncio.run(wait(3)) == {"status": "ready"}
    assert asyncio.run(wait(50))["status"] == "error"


@pytest.mark.parametrize(
    ("on_late", "ends"), [("fail", UpstreamLate), ("skip", AirflowSkipException), ("continue", None)]
)
def test_late_at_the_deadline(
    airflow: Airflow, site: Any, monkeypatch: pytest.MonkeyPatch, on_late: Any, ends: Any
) -> None:
    at_clock(monkeypatch, DAY + timedelta(hours=8, minutes=59))
    with pytest.raises(TaskDeferred) as deferred:
        sensor(on_late=on_late).execute(context())
    assert deferred.value.trigger.give_up_at == "2026-02-02T09:00:00+00:00"
    at_clock(monkeypatch, DAY + timedelta(hours=9))
    if ends is None:
        assert sensor(on_late=on_late).look_again(context(), {"status": "late"}) is None
    else:
        with pytest.raises(ends):
            sensor(on_late=on_late).look_again(context(), {"status": "late"})


def test_waiting_on_has_no_end(airflow: Airflow, site: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    at_clock(monkeypatch, DAY + timedelta(hours=10))
    with pytest.raises(TaskDeferred) as deferred:
        sensor().execute(context())
    assert deferred.value.trigger.give_up_at is None


def test_the_log_says_what_is_late_and_who_is_told(airflow: Airflow, site: Any) -> None:
    from daybreak.surfaces.wait import wanted_by

    wanted = wanted_by(
        context(), upstream="sales_force", ready_when=None, expected_by=None, timezone=None, until="deadline"
    )
    early, late = DAY + timedelta(hours=4), DAY + timedelta(hours=6, minutes=5)
    assert "LATE" not in wanted.sentence(early)
    said = wanted.sentence(late)
    assert "LATE since then, 1 h 05 min" in said
    assert "told by Daybreak's monitor: Sales Force DE" in said
    assert "next: DA leadership at 07:00 UTC" in said


def test_asset_events_are_waited_for_in_reschedule_mode(airflow: Airflow, site: Any, tmp_path: Path) -> None:
    from airflow.sdk.exceptions import AirflowRescheduleException

    found = registry(growth())
    upstream = dataclasses.replace(
        found.upstreams["sales_force"], ready_when=ReadyWhen(kind="asset", value="x://orders")
    )
    site.value = make_site(tmp_path, dataclasses.replace(found, upstreams={"sales_force": upstream}))
    with pytest.raises(AirflowRescheduleException):
        sensor().execute(context())
    airflow.events.append(DAY - timedelta(hours=1))
    with pytest.raises(AirflowRescheduleException):
        sensor().execute(context())
    airflow.events.append(DAY + timedelta(hours=1))
    assert sensor().execute(context()) is None


def test_a_triggers_short_interval_is_not_taken_over_where_it_cannot_wait(airflow: Airflow, site: Any) -> None:
    """A task that is queued again before the scheduler heard of its last end would be marked failed."""
    from airflow.sdk.exceptions import AirflowRescheduleException

    before = datetime.now(UTC)
    with pytest.raises(AirflowRescheduleException) as later:
        sensor(upstream=None, ready_when={"asset": "x://orders"}, poke_interval=2).execute(context())
    assert later.value.reschedule_date >= before + timedelta(seconds=30)


def test_without_a_registry_the_arguments_can_say_all(airflow: Airflow, site: Any) -> None:
    site.value = None
    airflow.add(DAY + timedelta(hours=2))
    alone = UpstreamReadySensor(task_id="wait", ready_when={"dag": "sales_force_load"}, expected_by="05:00")
    assert alone.execute(context()) is None


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"upstream": "x", "on_late": "explode"},
        {"upstream": "x", "until": "tomorrow"},
        {"ready_when": {"dag": "a", "asset": "b"}},
        {"ready_when": {"day": "a"}},
    ],
)
def test_wrong_arguments_are_refused_at_parse(arguments: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"write|needs|name exactly"):
        UpstreamReadySensor(task_id="wait", **arguments)
