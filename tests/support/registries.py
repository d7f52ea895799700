"""Small registries, built by hand: four people, two layers, and whatever pipelines a test is about.

ann is on call (primary) in even weeks, ben in odd ones, the other is secondary; olga owns the pipelines, mia manages.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from daybreak.domain.duration import Duration
from daybreak.domain.registry import (
    ALL_DAYS,
    Deadline,
    Defaults,
    DelayStep,
    Layer,
    OnCall,
    Person,
    Pipeline,
    ReadyWhen,
    Registry,
    Step,
    Team,
    Upstream,
)

UTC = ZoneInfo("UTC")
WEEKDAYS = frozenset(range(5))


def clock(text: str) -> time:
    return time.fromisoformat(text)


def duration(text: str) -> Duration:
    return Duration.parse(text)


def step(after: str, *page: str, tell: Sequence[str] = (), unless_acknowledged: bool = False) -> Step:
    return Step(after=duration(after), page=page, tell=tuple(tell), unless_acknowledged=unless_acknowledged)


def deadline(due: str, zone: str = "UTC", **more: Any) -> Deadline:
    """``deadline("09:00", days=WEEKDAYS, at_risk="30m", opens="-1d 20:00")``."""
    opens = more.pop("opens", "00:00")
    day_before = opens.startswith("-1d ")
    return Deadline(
        due=clock(due),
        zone=ZoneInfo(zone),
        days=more.pop("days", ALL_DAYS),
        opens=clock(opens.removeprefix("-1d ")),
        opens_day_before=day_before,
        at_risk=duration(more.pop("at_risk", "30m")),
        **more,
    )


def pipeline(name: str, due: str | None = "09:00", **more: Any) -> Pipeline:
    """A pipeline of one dag of its own name, owned by olga, unless ``more`` says otherwise."""
    clock_keys = ("zone", "days", "opens", "at_risk", "task", "skip_holidays")
    of_clock = {key: more.pop(key) for key in clock_keys if key in more}
    fields = {"name": name, "dags": (name,), "primary_owner": "olga", "priority": "P2", **more}
    return Pipeline(id=name, deadline=deadline(due, **of_clock) if due else None, **fields)


def upstream(name: str, expected: str = "05:00", **more: Any) -> Upstream:
    """An upstream of the team of its own name, ready with the dag <name>_load; a ticket at once, a thread after 2 h."""
    fields = {
        "team": name,
        "ready_when": ReadyWhen(kind="dag", value=f"{name}_load"),
        "on_delay": (
            DelayStep(after=duration("0m"), do="ticket", to=(name,)),
            DelayStep(after=duration("2h"), do="thread", to=("leads",)),
        ),
        **more,
    }
    return Upstream(id=name, name=name, expected=deadline(expected), **fields)


def on_call(**more: Any) -> OnCall:
    start = datetime(2026, 1, 5, 9)  # a Monday
    layers = {
        "primary": Layer(name="primary", start=start, every=duration("1w"), members=("ann", "ben")),
        "secondary": Layer(name="secondary", start=start, every=duration("1w"), members=("ben", "ann")),
    }
    return OnCall(**{"zone": UTC, "layers": layers, "backup": "mia", "manager": "mia", **more})


def registry(*things: Pipeline | Upstream, steps: Sequence[Step] = (), **more: Any) -> Registry:
    """A registry of ``things``; ``steps`` is its one escalation, ``standard`` (default: page on_call at once)."""
    people = {name: Person(id=name, name=name.title(), opsgenie=f"{name}@example.com") for name in PEOPLE}
    upstreams = {one.id: one for one in things if isinstance(one, Upstream)}
    fields: dict[str, Any] = {
        "zone": UTC,
        "people": people,
        "teams": {one: Team(id=one, name=one) for one in ("leads", "devops", *(up.team for up in upstreams.values()))},
        "on_call": on_call(),
        "defaults": Defaults(owner="olga", escalation="standard"),
        "escalations": {"standard": tuple(steps) or (step("0m", "on_call"),)},
        "upstreams": upstreams,
        "pipelines": {one.id: one for one in things if isinstance(one, Pipeline)},
        **more,
    }
    return Registry(**fields)


PEOPLE = ("ann", "ben", "olga", "mia")


def day(text: str) -> date:
    return date.fromisoformat(text)
