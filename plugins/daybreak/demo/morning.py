"""The clock times of a morning that fits into minutes, and the registry derived from the shipped one.

A fixed-offset zone in which it is about nine o'clock makes the demo independent of when it is run: no deadline, and no
day of a run, ever falls on the other side of midnight.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import yaml

from daybreak.domain.duration import Duration

NINE = 9
EAST, WEST = 14, -12  # the reach of the Etc/GMT zones
LATE_UPSTREAM = "sales_force"
LATE = "aggregate_growth"
BROKEN = "aggregate_profit"
PAUSED = "unit_profit"
MAIN_JOB = frozenset({LATE, BROKEN, PAUSED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """The minutes from a morning's first instant to its others, and how long before due a pipeline is at risk.

    :param whole_minutes: whether the first instant is on a whole minute, as people read it more easily
    """

    told: int = 1
    due: int = 2
    quiet_due: int = 5
    at_risk: str = "1m"
    whole_minutes: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Morning:
    """When things are due. Instants are aware, in ``zone``, on whole minutes or at least on whole seconds.

    :param expected: by when the late upstream is expected: its ticket
    :param told: when leadership is told in a thread (two hours, shortened)
    :param due: by when the pipelines of the story are due
    :param quiet_due: by when all the others are
    """

    zone_name: str
    expected: datetime
    told: datetime
    due: datetime
    quiet_due: datetime
    at_risk: str

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.zone_name)

    @property
    def business_date(self) -> str:
        return self.due.date().isoformat()


UNHURRIED = Pace()
"""For people who watch."""


def zone_of_nine(now: datetime) -> str:
    """The name of a fixed-offset zone in which it is between nine and ten, or as near to it as there is one."""
    offset = NINE - now.astimezone(UTC).hour
    if offset < WEST:
        offset += 24
    offset = min(max(offset, WEST), EAST)
    # POSIX signs: Etc/GMT-9 is nine hours east of Greenwich.
    return "Etc/GMT" if offset == 0 else f"Etc/GMT{'-' if offset > 0 else '+'}{abs(offset)}"


def plan(now: datetime, *, head_start: timedelta, zone_name: str | None = None, pace: Pace = UNHURRIED) -> Morning:
    """A morning whose first instant that matters is at least ``head_start`` from ``now``, on a whole minute or second.

    ``zone_name`` keeps the zone of an earlier plan: an hour may have turned since.
    """
    name = zone_name or zone_of_nine(now)
    first = (now + head_start).astimezone(ZoneInfo(name))
    minute = timedelta(minutes=1)
    if pace.whole_minutes and (first.second or first.microsecond):
        first = first.replace(second=0, microsecond=0) + minute
    elif first.microsecond:
        first = first.replace(microsecond=0) + timedelta(seconds=1)
    return Morning(
        zone_name=name,
        expected=first,
        told=first + pace.told * minute,
        due=first + pace.due * minute,
        quiet_due=first + pace.quiet_due * minute,
        at_risk=pace.at_risk,
    )


def derive(
    shipped: Path, target: Path, morning: Morning, *, airflow_url: str, early: frozenset[str] = MAIN_JOB
) -> None:
    """Write the shipped registry with this morning's clock times to ``target``, its runbooks beside it.

    :param early: pipelines due at ``morning.due``; the others are due at ``morning.quiet_due``
    """
    registry: dict[str, Any] = yaml.safe_load(shipped.read_text(encoding="utf-8"))
    registry["timezone"] = morning.zone_name
    registry["airflow"] = {"base_url": airflow_url}
    registry.pop("runbooks", None)  # the links lead to the plugin's own pages, which this Airflow serves
    registry.pop("silences", None)
    for upstream in registry.get("upstreams", {}).values():
        # What lands within one of our own pipelines comes a little after what others load.
        ours = "task" in upstream.get("ready_when", {})
        _retime(upstream, "expected_by", morning.told if ours else morning.expected, morning)
        for step in upstream.get("on_delay", ()):
            step["after"] = _shortened(step["after"], "1m")
    for name, pipeline in registry["pipelines"].items():
        due = morning.due if name in early else morning.quiet_due
        _retime(pipeline.setdefault("deadline", {}), "due", due, morning)
    registry["pipelines"][LATE]["native_deadline"] = True
    for steps in registry.get("escalations", {}).values():
        for step in steps:
            step["after"] = _shortened(step["after"], "5m")
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copytree(shipped.parent / "runbooks", target.parent / "runbooks", dirs_exist_ok=True)
    triage = shipped.parent / "triage.yaml"
    if triage.exists():
        shutil.copyfile(triage, target.parent / triage.name)
    partial = target.with_suffix(".partial")
    header = (
        "# Derived from include/ownership.yaml by `daybreak demo`: deadlines are minutes away, steps are shortened.\n"
    )
    partial.write_text(header + yaml.safe_dump(registry, sort_keys=False, allow_unicode=True), encoding="utf-8")
    partial.replace(target)


def _retime(clock: dict[str, Any], key: str, at: datetime, morning: Morning) -> None:
    clock.update(
        {
            key: f"{at:%H:%M:%S}" if at.second else f"{at:%H:%M}",
            "timezone": morning.zone_name,
            "days": "daily",
            "opens": "00:00",
        }
    )
    clock["at_risk"] = morning.at_risk
    clock.pop("skip_holidays", None)


def _shortened(after: str, least: str) -> str:
    """A twelfth of ``after`` in whole minutes, at least ``least``; two hours become one minute where that is least."""
    wanted = Duration.parse(after).nominal
    if not wanted:
        return after
    floor = Duration.parse(least).nominal
    minute = timedelta(minutes=1)
    shrunk = wanted / (120 if floor == minute else 12)
    return f"{max(int(shrunk / minute), int(floor / minute))}m"
