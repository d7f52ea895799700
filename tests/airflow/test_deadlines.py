"""Native deadlines: the right instant, none where none belongs, and never an exception into the scheduler."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from airflow.models.dagrun import DagRun
from sqlalchemy import create_engine, event
from sqlalchemy.orm import Session

from daybreak.domain.registry import Deadline, HolidayPlace
from daybreak.surfaces.deadlines import WallClockDeadline, add_native_deadline, native_terms
from daybreak.surfaces.links import RunbookLink
from tests.support.surfaces import UTC_ZONE, growth, registry

DUE = Deadline(due=time(9), zone=UTC_ZONE)


class Stored:
    """A scheduler's session with one row of dag_run in it, or with what is to go wrong."""

    def __init__(self, error: Exception | None = None, **fields: Any) -> None:
        self._error = error
        self._fields = {"run_type": "scheduled", "logical_date": None, "data_interval_end": None, **fields}

    @property
    def no_autoflush(self) -> Any:
        import contextlib

        return contextlib.nullcontext()

    def execute(self, _: Any) -> Any:
        from types import SimpleNamespace

        if self._error:
            raise self._error
        return SimpleNamespace(first=lambda: SimpleNamespace(_mapping=self._fields))

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        raise AssertionError(f"the reference must not use session.{name}")


def evaluate(reference: WallClockDeadline, session: Any) -> datetime | None:
    return reference._evaluate_with(session=session, dag_id="growth", run_id="r")


def tomorrow(hour: int) -> datetime:
    """An instant of tomorrow: its due is ahead of the real clock, by which the scheduler goes."""
    return datetime.combine(datetime.now(UTC).date() + timedelta(days=1), time(hour), UTC)


@pytest.mark.parametrize("run_type", ["scheduled", "manual", "asset_triggered"])
def test_a_run_of_the_cycle_is_due_at_its_due(run_type: str) -> None:
    reference = WallClockDeadline.of(DUE, registry())
    assert evaluate(reference, Stored(run_type=run_type, run_after=tomorrow(3))) == tomorrow(9)
    dated = Stored(run_type=run_type, run_after=tomorrow(3), data_interval_end=tomorrow(3) + timedelta(days=1))
    assert evaluate(reference, dated) == tomorrow(9) + timedelta(days=1)


@pytest.mark.parametrize(
    "session",
    [
        Stored(run_type="backfill", run_after=tomorrow(3)),
        Stored(run_after=datetime(2026, 2, 2, 3, tzinfo=UTC)),  # its due is long past
        Stored(run_after=None),
        Stored(OSError("the database is away"), run_after=tomorrow(3)),
        None,
    ],
)
def test_no_deadline_and_no_exception(session: Any) -> None:
    assert evaluate(WallClockDeadline.of(DUE, registry()), session) is None


def test_the_wall_clock_of_the_zone_counts_across_a_change() -> None:
    reference = WallClockDeadline.of(Deadline(due=time(6), zone=ZoneInfo("Europe/Berlin")), registry())
    assert reference.due_at(datetime(2026, 3, 28, 3, tzinfo=UTC)) == datetime(2026, 3, 28, 5, tzinfo=UTC)
    assert reference.due_at(datetime(2026, 3, 29, 3, tzinfo=UTC)) == datetime(2026, 3, 29, 4, tzinfo=UTC)


def test_holidays_are_left_out_where_the_registry_says_so() -> None:
    import dataclasses

    found = registry()
    on_call = dataclasses.replace(found.on_call, holidays=HolidayPlace(country="DE"))
    found = dataclasses.replace(found, on_call=on_call)
    reference = WallClockDeadline.of(Deadline(due=time(9), zone=UTC_ZONE, skip_holidays=True), found)
    # Christmas is no day of its own: it belongs to the cycle that opened on the 24th.
    assert reference.due_at(datetime(2026, 12, 25, 12, tzinfo=UTC)) == datetime(2026, 12, 24, 9, tzinfo=UTC)


def test_it_goes_through_airflows_stored_form() -> None:
    reference = WallClockDeadline.of(
        Deadline(due=time(9, 30), zone=ZoneInfo("America/Chicago"), days=frozenset({0, 4}), opens_day_before=True),
        registry(),
    )
    assert WallClockDeadline.deserialize_reference(reference.serialize_reference()) == reference


@pytest.mark.parametrize(
    "data", [{}, {"days": 7}, {"zone": "Nowhere/Land", "due": "25:99", "days": [0]}, {"days": None}]
)
def test_a_stored_form_that_cannot_be_read_gives_no_deadline(data: dict[str, Any]) -> None:
    assert evaluate(WallClockDeadline.deserialize_reference(data), Stored(run_after=tomorrow(3))) is None


def test_a_real_session_is_neither_flushed_nor_committed() -> None:
    engine = create_engine("sqlite://")
    DagRun.__table__.create(engine)
    with Session(engine) as session:
        said: list[str] = []
        event.listen(session, "before_commit", lambda _: said.append("commit"))
        event.listen(session, "before_flush", lambda *_: said.append("flush"))
        session.add(DagRun(dag_id="pending", run_id="p"))
        assert evaluate(WallClockDeadline.of(DUE, registry()), session) is None  # there is no such run
        assert said == []
        session.expunge_all()


class Dag:
    tasks: tuple[Any, ...] = ()

    def __init__(self, deadline: Any = None) -> None:
        self.deadline = deadline


def test_not_where_one_task_makes_the_data_ready() -> None:
    pipeline = growth(native_deadline=True, deadline=Deadline(due=time(9), zone=UTC_ZONE, task="publish"))
    assert native_terms(pipeline, registry(pipeline)) is None
    assert native_terms(growth(), registry()) is None  # nor where nobody asked for one


def test_the_authors_own_deadline_stays() -> None:
    from airflow.sdk.definitions.callback import AsyncCallback
    from airflow.sdk.definitions.deadline import DeadlineAlert, DeadlineReference

    own = DeadlineAlert(DeadlineReference.DAGRUN_LOGICAL_DATE, timedelta(hours=1), AsyncCallback("a.b"))
    dag = Dag(own)
    pipeline = growth(native_deadline=True)
    terms = native_terms(pipeline, registry(pipeline))
    assert terms is not None
    add_native_deadline(dag, pipeline.id, terms)
    add_native_deadline(dag, pipeline.id, terms)
    assert dag.deadline[0] is own
    assert len(dag.deadline) == 2


@pytest.mark.parametrize("key", [None, object()])
def test_the_runbook_link_never_raises(key: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assert RunbookLink().get_link(None, ti_key=key) == ""
