"""The demo's clock times and its derived registry."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import yaml

from daybreak.config import load_registry
from daybreak.demo.morning import LATE, Morning, derive, plan, zone_of_nine

SHIPPED = Path(__file__).resolve().parents[2] / "include" / "ownership.yaml"


@pytest.mark.parametrize("hour", range(24))
def test_it_is_morning_at_every_hour_of_the_day(hour: int) -> None:
    now = datetime(2026, 11, 21, hour, 59, 50, tzinfo=UTC)
    local = now.astimezone(ZoneInfo(zone_of_nine(now)))
    assert 9 <= local.hour <= 10


@pytest.mark.parametrize("hour", range(24))
def test_a_morning_never_touches_midnight(hour: int) -> None:
    now = datetime(2026, 12, 31, hour, 58, 30, tzinfo=UTC)
    morning = plan(now, head_start=timedelta(seconds=90))
    instants = [now.astimezone(morning.zone), morning.expected, morning.told, morning.due, morning.quiet_due]
    assert instants == sorted(instants)
    assert len({instant.date() for instant in instants}) == 1
    assert morning.expected - now >= timedelta(seconds=90)
    assert morning.expected - now < timedelta(seconds=150)
    assert all(instant.second == 0 for instant in instants[1:])


@pytest.fixture
def derived(tmp_path: Path) -> tuple[Path, Morning]:
    morning = plan(datetime(2026, 11, 21, 23, 59, tzinfo=UTC), head_start=timedelta(seconds=60))
    target = tmp_path / "include" / "ownership.yaml"
    derive(SHIPPED, target, morning, airflow_url="http://127.0.0.1:8080")
    return target, morning


def test_the_derived_registry_is_the_shipped_one_with_other_times(derived: tuple[Path, Morning]) -> None:
    target, morning = derived
    ours, theirs = load_registry(target), load_registry(SHIPPED)
    assert list(ours.pipelines) == list(theirs.pipelines)
    assert ours.people == theirs.people
    assert ours.on_call.layers == theirs.on_call.layers
    deadline = ours.pipelines[LATE].deadline
    assert deadline is not None
    assert (deadline.due, deadline.zone.key) == (morning.due.time(), morning.zone_name)
    assert ours.pipelines[LATE].native_deadline
    sales_force = ours.upstreams["sales_force"]
    assert sales_force.expected.due == morning.expected.time()
    thread = next(step for step in sales_force.on_delay if step.do == "thread")
    assert thread.after.after(morning.expected, morning.zone) == morning.told


def test_escalation_steps_shrink_but_keep_their_order(derived: tuple[Path, Morning]) -> None:
    steps = yaml.safe_load(derived[0].read_text())["escalations"]
    for policy in steps.values():
        minutes = [int(step["after"].removesuffix("m")) for step in policy]
        assert minutes == sorted(minutes)
        assert minutes[0] == 0
        assert all(after == 0 or after >= 5 for after in minutes)


def test_runbooks_stand_beside_the_derived_registry(derived: tuple[Path, Morning]) -> None:
    shipped = {path.name for path in (SHIPPED.parent / "runbooks").glob("*.md")}
    assert {path.name for path in (derived[0].parent / "runbooks").glob("*.md")} == shipped
