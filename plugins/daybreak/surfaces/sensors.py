"""``UpstreamReadySensor``: wait for what somebody else delivers, as the registry describes it.

    UpstreamReadySensor(task_id="wait_for_sales_force", upstream="sales_force")

What "ready" means stands in the registry's ``upstreams`` (or in ``ready_when=`` here): an Airflow dag's run or task of
the same business date, an asset's event, a SQL query that returns a row, an object in storage. The sensor defers by
default and holds no worker slot; sensors of one triggerer that wait for the same thing share its polls. Asset events
cannot be asked from the triggerer: these are waited for in reschedule mode.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from airflow.sdk import BaseSensorOperator
from airflow.sdk.exceptions import AirflowException, AirflowSkipException

from daybreak.surfaces.links import WhoWasToldLink

OnLate = Literal["wait", "fail", "skip", "continue"]
Until = Literal["deadline", "expected"]
Mode = Literal["poke", "reschedule"]

RESCHEDULE_AT_LEAST = 30.0
"""Seconds between two looks where a trigger's short interval falls back to rescheduling: a task that is queued again
before the scheduler has heard of its last end is marked failed (seen with two seconds)."""

ON_LATE: tuple[OnLate, ...] = ("wait", "fail", "skip", "continue")
_READY_KINDS = ("dag", "asset", "sql", "object")
_READY_KEYS = frozenset({*_READY_KINDS, "task", "conn"})


class UpstreamLate(AirflowException):
    """The upstream was not ready when the sensor was to give up (``on_late="fail"``)."""


class UpstreamReadySensor(BaseSensorOperator):
    """Succeeds once the upstream is ready for the business date of this run.

    :param upstream: id of an upstream of the registry; may be left out where ``ready_when`` and ``expected_by`` say all
    :param ready_when: as the registry writes it (``{"dag": "sales_force_load"}``); overrules the registry's
    :param expected_by: ``"05:00"`` in ``timezone``, by when it is expected; overrules the registry's
    :param on_late: what to do once it is late: ``wait`` on (default), ``fail``, ``skip`` (the run then ends as a
        success, which Daybreak does not count as ready), or ``continue`` without it
    :param until: the instant from which ``on_late`` counts: the pipeline's ``deadline`` (default; without one it is
        never reached), or when the upstream was ``expected``
    :param deferrable: wait in the triggerer (default); else as ``mode`` says
    :param poke_interval: seconds between two looks (default 30)
    """

    template_fields: Sequence[str] = ("upstream", "ready_when", "expected_by")
    operator_extra_links = (WhoWasToldLink(),)
    poke_interval: float  # seconds
    ui_color = "#f6d8a8"

    def __init__(
        self,
        *,
        upstream: str | None = None,
        ready_when: Mapping[str, str] | None = None,
        expected_by: str | None = None,
        timezone: str | None = None,
        on_late: OnLate = "wait",
        until: Until = "deadline",
        deferrable: bool = True,
        mode: Mode = "reschedule",
        poke_interval: timedelta | float = 30,
        **kwargs: Any,
    ) -> None:
        super().__init__(mode=mode, poke_interval=poke_interval, **kwargs)
        if upstream is None and ready_when is None:
            raise ValueError("UpstreamReadySensor needs `upstream` (an id of the registry) or `ready_when`")
        if on_late not in ON_LATE:
            raise ValueError(f"on_late is {on_late!r}: write one of {', '.join(ON_LATE)}")
        if until not in ("deadline", "expected"):
            raise ValueError(f"until is {until!r}: write deadline or expected")
        if ready_when is not None:
            _check_ready_when(ready_when)
        self.upstream = upstream
        self.ready_when = dict(ready_when) if ready_when is not None else None
        self.expected_by = expected_by
        self.timezone = timezone
        self.on_late = on_late
        self.until = until
        self.deferrable = deferrable
        self.told_url: str | None = None

    def execute(self, context: Any) -> Any:
        """Look once; then wait in the triggerer, or as ``mode`` says."""
        from daybreak.surfaces.wait import TRIGGERABLE

        wanted = self._wanted(context)
        if not self.deferrable:
            return super().execute(context)
        if wanted.ready_when.kind not in TRIGGERABLE:
            self.poke_interval = max(self.poke_interval, RESCHEDULE_AT_LEAST)
            return super().execute(context)
        return self._look_or_defer(context)

    def look_again(self, context: Any, event: Mapping[str, Any] | None = None) -> Any:
        """Called when the triggerer saw something change, or gave up waiting."""
        event = event or {}
        if event.get("status") == "error":
            raise AirflowException(f"the triggerer could not look for {self._name()}: {event.get('message')}")
        return self._look_or_defer(context, known_ready=event.get("status") == "ready")

    def poke(self, context: Any) -> bool:
        """One look; True also where ``on_late`` says to go on without it."""
        from daybreak.surfaces.wait import Probe

        wanted = self._wanted(context)
        now = datetime.now(UTC)
        self.log.info("%s", wanted.sentence(now))
        return Probe(wanted).look() or self._given_up(wanted, now)

    def _look_or_defer(self, context: Any, *, known_ready: bool = False) -> Any:
        from daybreak.surfaces.triggers import UpstreamReadyTrigger
        from daybreak.surfaces.wait import Probe

        wanted = self._wanted(context)
        now = datetime.now(UTC)
        self.log.info("%s", wanted.sentence(now))
        probe = Probe(wanted)
        successes = probe.successes()  # before the look: what comes between the two is then a change
        if known_ready or probe.look():
            self.log.info("%s is ready for %s", wanted.name, wanted.business_date)
            return None
        if self._given_up(wanted, now):
            return None
        give_up_at = None if self.on_late == "wait" else wanted.late_at
        return self.defer(
            trigger=UpstreamReadyTrigger(
                **wanted.for_trigger(),
                successes=successes,
                poll_interval=self.poke_interval,
                give_up_at=give_up_at.isoformat() if give_up_at else None,
            ),
            method_name="look_again",
            timeout=timedelta(seconds=self.timeout),
        )

    def _given_up(self, wanted: Any, now: datetime) -> bool:
        """Whether to go on without the upstream; raises where ``on_late`` says so."""
        if self.on_late == "wait" or wanted.late_at is None or now < wanted.late_at:
            return False
        text = f"{wanted.name} was not ready for {wanted.business_date} by {wanted.late_at.isoformat()}"
        if self.on_late == "fail":
            raise UpstreamLate(text)
        if self.on_late == "skip":
            raise AirflowSkipException(text)
        self.log.warning("%s; going on without it (on_late=continue)", text)
        return True

    def _wanted(self, context: Any) -> Any:
        from daybreak.surfaces.wait import wanted_by

        wanted = wanted_by(
            context,
            upstream=self.upstream,
            ready_when=self.ready_when,
            expected_by=self.expected_by,
            timezone=self.timezone,
            until=self.until,
        )
        if wanted.told_url != self.told_url:
            self.told_url = wanted.told_url
            self.operator_extra_links[0].publish(self, context["ti"])
        return wanted

    def _name(self) -> str:
        return self.upstream or str(self.ready_when)


def _check_ready_when(ready_when: Mapping[str, str]) -> None:
    unknown = sorted(set(ready_when) - _READY_KEYS)
    kinds = [kind for kind in _READY_KINDS if kind in ready_when]
    if unknown or len(kinds) != 1:
        raise ValueError(
            f"ready_when is {dict(ready_when)!r}: name exactly one of {', '.join(_READY_KINDS)}, "
            "with `task` beside dag, `conn` beside sql and object"
        )
