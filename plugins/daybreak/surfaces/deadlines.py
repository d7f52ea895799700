"""Native deadlines, so that Airflow's own pages show by when a run is due and its own callback pages when it is not.

The reference is evaluated inside ``create_dagrun``, in the scheduler, with its session: an exception there would stop
the scheduler, and again at each restart. So everything is caught; nothing is committed; no Variable, Connection or
registry is read. All that it needs to know is in its own serialized form.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from airflow.sdk.definitions.deadline import BaseDeadlineReference

if TYPE_CHECKING:  # every parse of a dag with such a deadline imports this module
    from daybreak.domain.registry import Deadline, Pipeline, Registry

log = logging.getLogger(__name__)

CALLBACK = "daybreak.surfaces.callbacks.deadline_missed"


@dataclass(eq=False)
class WallClockDeadline(BaseDeadlineReference):
    """The due instant of the occurrence to which a run belongs, by the wall clock of a zone.

    None, which makes no deadline, for backfills, for runs of a cycle whose due has passed, and whenever anything is
    not as expected. Times are ``HH:MM:SS``; ``days`` are weekdays, Monday 0; ``skip`` are ISO dates left out.
    """

    due: str = "00:00:00"
    zone: str = "UTC"
    days: tuple[int, ...] = tuple(range(7))
    opens: str = "00:00:00"
    opens_day_before: bool = False
    country: str | None = None
    subdivision: str | None = None

    required_kwargs = frozenset({"dag_id", "run_id"})  # not annotated: a plain class attribute, no field

    @classmethod
    def of(cls, deadline: Deadline, registry: Registry) -> WallClockDeadline:
        """The reference for a pipeline's deadline."""
        return cls(**_read(_terms(deadline, registry)))

    def due_at(self, instant: datetime) -> datetime | None:
        """Due of the cycle that holds ``instant``, the effective date of a run."""
        from daybreak.domain.registry import Deadline, HolidayPlace
        from daybreak.surfaces.cycles import bare_calendar

        place = HolidayPlace(country=self.country, subdivision=self.subdivision) if self.country else None
        deadline = Deadline(
            due=time.fromisoformat(self.due),
            zone=ZoneInfo(self.zone),
            days=frozenset(self.days),
            skip_holidays=place is not None,
            opens=time.fromisoformat(self.opens),
            opens_day_before=self.opens_day_before,
        )
        cycle = bare_calendar(place).cycle_at(deadline, instant)
        return cycle.due_at if cycle else None

    def _evaluate_with(self, *, session: Any, **kwargs: Any) -> datetime | None:
        """Called by Airflow's scheduler; see the module for what it must not do."""
        try:
            from daybreak.surfaces.facts import is_backfill

            run = _stored_run(session, **kwargs)
            if run is None or is_backfill(run):
                return None
            due_at = self.due_at(run.effective_date)
            return due_at if due_at is not None and due_at > datetime.now(UTC) else None
        except Exception:
            log.exception("daybreak: no native deadline for %s", kwargs)
            return None

    def serialize_reference(self) -> dict[str, Any]:
        return {
            "reference_type": self.reference_name,
            "due": self.due,
            "zone": self.zone,
            "days": list(self.days),
            "opens": self.opens,
            "opens_day_before": self.opens_day_before,
            "country": self.country,
            "subdivision": self.subdivision,
        }

    @classmethod
    def deserialize_reference(cls, reference_data: dict[str, Any]) -> WallClockDeadline:
        """Raises nothing: what cannot be read becomes a reference that never gives a deadline."""
        try:
            known = {key: value for key, value in reference_data.items() if key in cls.__dataclass_fields__}
            return cls(**_read(known))
        except Exception:
            log.exception("daybreak: a stored deadline cannot be read: %s", reference_data)
            return cls(days=())


def native_terms(pipeline: Pipeline, registry: Registry) -> dict[str, Any] | None:
    """The fields of the reference for ``pipeline``, as JSON holds them; None where it is to have no native deadline.

    None also where one task makes the data ready: Airflow's deadlines know runs alone, and would page although it is
    there.
    """
    if not pipeline.native_deadline or pipeline.deadline is None or pipeline.deadline.task is not None:
        return None
    return _terms(pipeline.deadline, registry)


def add_native_deadline(dag: Any, pipeline: str, terms: Mapping[str, Any]) -> None:
    """Give ``dag`` an alert at the due of ``pipeline`` (its id), beside those that its author set; nothing the second
    time. ``terms`` are those of :func:`native_terms`."""
    from airflow.sdk.definitions.callback import AsyncCallback
    from airflow.sdk.definitions.deadline import DeadlineAlert

    present = dag.deadline if isinstance(dag.deadline, list) else [dag.deadline] if dag.deadline else []
    if any(isinstance(alert.reference, WallClockDeadline) for alert in present):
        return
    alert = DeadlineAlert(
        reference=WallClockDeadline(**_read(terms)),
        interval=timedelta(0),
        callback=AsyncCallback(CALLBACK, kwargs={"pipeline": pipeline, "waits": _waits(dag)}),
        name=f"daybreak: {pipeline}",
    )
    dag.deadline = [*present, alert]


def _terms(deadline: Deadline, registry: Registry) -> dict[str, Any]:
    place = registry.on_call.holidays if deadline.skip_holidays else None
    return {
        "due": deadline.due.isoformat("seconds"),
        "zone": deadline.zone.key,
        "days": sorted(deadline.days),
        "opens": deadline.opens.isoformat("seconds"),
        "opens_day_before": deadline.opens_day_before,
        "country": place.country if place else None,
        "subdivision": place.subdivision if place else None,
    }


def _read(terms: Mapping[str, Any]) -> dict[str, Any]:
    return {**terms, "days": tuple(terms.get("days", ()))}


def _waits(dag: Any) -> dict[str, str]:
    """Task id → upstream, for the dag's own sensors: the callback can then tell what the run still waits for."""
    named: dict[str, str] = {}
    for task in dag.tasks:
        upstream = getattr(task, "upstream", None)
        if task.task_type == "UpstreamReadySensor" and isinstance(upstream, str):
            named[task.task_id] = upstream
    return dict(sorted(named.items()))


def _stored_run(session: Any, *, dag_id: str, run_id: str, **_: Any) -> Any:
    """The run that is being made, as it stands in the scheduler's session; flushes nothing and commits nothing."""
    from airflow.models.dagrun import DagRun
    from sqlalchemy import select

    from daybreak.surfaces.facts import run_of

    columns = (DagRun.run_type, DagRun.logical_date, DagRun.data_interval_end, DagRun.run_after)
    with session.no_autoflush:
        row = session.execute(select(*columns).where(DagRun.dag_id == dag_id, DagRun.run_id == run_id)).first()
    return run_of(row._mapping, dag_id=dag_id, run_id=run_id) if row is not None else None
