"""include/ownership.yaml: the eight pipelines, their times, their upstreams, and dags that are really there."""

from __future__ import annotations

from datetime import UTC, datetime, time
from pathlib import Path

import pytest

from daybreak.config import load_registry
from daybreak.domain.targets import page_order

ROOT = Path(__file__).parents[2]
REGISTRY = load_registry(ROOT / "include" / "ownership.yaml")
DAGS = {path.stem for path in (ROOT / "dags").glob("*.py")}


def test_data_is_due_when_readers_need_it() -> None:
    assert {p.id: p.deadline and p.deadline.due for p in REGISTRY.pipelines.values()} == {
        "profit_base": time(5),
        "engagement_base": time(5),
        "growth_base": time(5),
        "unit_profit": time(9),
        "daily_growth": time(9),
        "aggregate_profit": time(6),
        "aggregate_growth": time(9),
        "aggregate_engagement": time(9),
    }
    assert all(p.deadline and p.deadline.zone.key == "UTC" for p in REGISTRY.pipelines.values())


def test_every_dag_that_it_names_is_there_and_claimed_by_nobody_else() -> None:
    for pipeline in REGISTRY.pipelines.values():
        assert pipeline.dags == (pipeline.id,)
        assert pipeline.id in DAGS
    ready = {name: upstream.ready_when for name, upstream in REGISTRY.upstreams.items()}
    assert set(ready) == {"product_b", "sales_force", "tax_model", "web_events", "master_data"}
    assert {each.value for each in ready.values() if each and each.kind == "dag"} <= DAGS


@pytest.mark.parametrize("pipeline", REGISTRY.pipelines.values(), ids=lambda pipeline: pipeline.id)
def test_primary_at_once_then_secondary_and_stakeholders_then_the_manager(pipeline) -> None:
    steps = REGISTRY.steps_of(pipeline)
    assert [(str(step.after), step.page, bool(step.tell)) for step in steps] == [
        ("0m", ("on_call",), False),
        ("2h", ("secondary",), True),
        ("4h", ("manager",), False),
    ]
    assert page_order(REGISTRY, datetime(2026, 1, 6, 12, tzinfo=UTC), pipeline) == ("de-1", "de-2", "de-manager")


def test_owners_are_two_and_one_native_deadline_is_on() -> None:
    for pipeline in REGISTRY.pipelines.values():
        assert pipeline.secondary_owner not in (None, pipeline.primary_owner)
    assert [p.id for p in REGISTRY.pipelines.values() if p.native_deadline] == ["aggregate_growth"]


def test_a_late_sales_force_is_a_ticket_and_after_two_hours_a_thread() -> None:
    assert [(str(step.after), step.do, step.to) for step in REGISTRY.upstreams["sales_force"].on_delay] == [
        ("0m", "ticket", ("sales-force",)),
        ("2h", "thread", ("da-leadership",)),
    ]
