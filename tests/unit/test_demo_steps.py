"""The verdicts of the demo: each step is found in complete records, and named when a piece of them is taken away."""

from __future__ import annotations

import copy
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from daybreak.config import load_registry
from daybreak.demo.morning import Morning, derive, plan
from daybreak.demo.sandbox_view import View
from daybreak.demo.steps import STEPS, Scene
from daybreak.domain.oncall import on_call_at
from daybreak.domain.registry import Registry

SHIPPED = Path(__file__).resolve().parents[2] / "include" / "ownership.yaml"
NOW = datetime(2026, 11, 21, 0, 59, tzinfo=UTC)
RUNBOOK = "http://127.0.0.1:8080/daybreak/runbooks"


@pytest.fixture(scope="module")
def registry_and_morning(tmp_path_factory: pytest.TempPathFactory) -> tuple[Registry, Morning]:
    morning = plan(NOW, head_start=timedelta(seconds=60))
    target = tmp_path_factory.mktemp("registry") / "ownership.yaml"
    derive(SHIPPED, target, morning, airflow_url="http://127.0.0.1:8080")
    return load_registry(target), morning


def alert(alias: str, at: datetime, responder: str, **changes: Any) -> dict:
    return {
        "id": alias, "alias": alias, "message": "a message", "description": "", "createdAt": at.isoformat(),
        "status": "open", "count": 1, "priority": "P1", "tags": [], "details": {}, "notes": [], "source": "monitor",
        "sources": ["monitor"], "responders": [{"type": "user", "username": responder, "id": "x"}], **changes,
    }  # fmt: skip


def message(key: str, at: datetime, text: str, *replies: str, buttons: int = 4, edited: bool = False) -> dict:
    after = f"{at.timestamp() + 1:.6f}"
    elements = [{"type": "button", "text": {"text": f"b{n}"}, "url": "http://x"} for n in range(buttons)]
    return {
        "ts": f"{at.timestamp():.6f}", "text": text, "edited": edited,
        "metadata": {"event_payload": {"dedup_key": key}},
        "blocks": [{"type": "actions", "elements": elements}],
        "replies": [{"ts": after, "text": each, "edited": False, "replies": []} for each in replies],
    }  # fmt: skip


@pytest.fixture
def records(registry_and_morning: tuple[Registry, Morning]) -> dict[str, Any]:
    """What everybody's records hold at the end of a morning that went as it should."""
    registry, morning = registry_and_morning
    due, day = morning.due, morning.business_date
    holder = on_call_at(registry, "primary", due)
    assert holder is not None
    user = registry.people[holder.person].opsgenie
    owners = {
        name: " ".join(
            f"<@{registry.people[who].slack}>" for who in (p.primary_owner, p.secondary_owner) if who is not None
        )
        for name, p in registry.pipelines.items()
    }
    team = registry.teams[registry.upstreams["sales_force"].team].opsgenie_team
    leaders = registry.teams["da-leadership"].slack_usergroup
    key = "daybreak:v1:{}:" + day
    growth_details = {"reason": "upstream_late", "runbook": f"{RUNBOOK}/aggregate_growth#upstream-late"}
    profit_details = {"task": "guard_tax_model", "runbook": f"{RUNBOOK}/aggregate_profit#unknown-reference-value"}
    return {
        "alerts": {
            "ticket": alert(key.format("upstream:sales_force"), morning.expected, str(team), tags=["ticket"]),
            "growth": alert(
                key.format("aggregate_growth"), due, str(user), status="closed", count=2, details=growth_details,
                description="run: http://127.0.0.1:8080/dags/aggregate_growth/runs/r1",
                notes=[{"note": "ready, 1 min late"}], sources=["monitor", "Daybreak callback: deadline missed"],
            ),
            "profit": alert(
                key.format("aggregate_profit"), due, str(user), details=profit_details,
                description="unknown tax in tax_model: digital_levy",
            ),
            "unit": alert(key.format("unit_profit"), due, str(user), details={"reason": "dag_paused"}),
        },
        "messages": {
            "thread": message("x", morning.told, f"<!subteam^{leaders}> Sales Force is late"),
            "growth": message(
                key.format("aggregate_growth"), due, f"{owners['aggregate_growth']} waits for Sales Force",
                "ready, 1 min late", edited=True,
            ),
            "profit": message(key.format("aggregate_profit"), due, owners["aggregate_profit"]),
            "unit": message(key.format("unit_profit"), due, owners["unit_profit"]),
        },
        "dags": {
            name: {
                "tags": [{"name": f"{kind}:x"} for kind in ("owner", "area", "audience", "sla")],
                "owner_links": {"de-1": f"{RUNBOOK}/{name}"},
                "doc_md": "### First five minutes\n1. Look.",
            }
            for name in registry.pipelines
        },
        "runs": [
            {"dag_id": name, "state": "success"} for name in registry.pipelines if name not in ("unit_profit",)
        ],
        "violations": [],
    }  # fmt: skip


def judged(given: tuple[Registry, Morning], records: dict[str, Any]) -> dict[int, str | None]:
    registry, morning = given
    channels = [{"name": "data", "messages": list(records["messages"].values())}]
    raw = {
        "alerts": list(records["alerts"].values()), "slack": {"channels": channels}, "violations": records["violations"]
    }  # fmt: skip
    scene = Scene(registry=registry, morning=morning, view=View(raw), dags=records["dags"], runs=records["runs"])
    return {step.number: step.missing(scene) for step in STEPS}


def test_complete_records_show_every_step(registry_and_morning: Any, records: dict[str, Any]) -> None:
    assert judged(registry_and_morning, records) == dict.fromkeys(range(1, 8))


@pytest.mark.parametrize(
    ("step", "change", "said"),
    [
        (1, lambda r: r["dags"].pop("daily_growth"), "dag daily_growth is not in Airflow"),
        (1, lambda r: r["dags"]["daily_growth"]["tags"].pop(), "no tag sla:"),
        (1, lambda r: r["dags"]["daily_growth"].update(owner_links={}), "no runbook link"),
        (1, lambda r: r["dags"]["daily_growth"].update(doc_md=None), "no runbook in its docs"),
        (2, lambda r: r["alerts"].pop("ticket"), "ticket to Sales Force"),
        (2, lambda r: r["alerts"]["ticket"].update(tags=[]), "ticket to Sales Force"),
        (2, lambda r: r["messages"].pop("thread"), "tags leadership"),
        (3, lambda r: r["alerts"].pop("growth"), "not seen in the records"),
        (3, lambda r: r["alerts"]["growth"].update(responders=[{"username": "z", "id": "z"}]), "person on call"),
        (3, lambda r: r["alerts"]["growth"].update(priority="P5"), "priority P5"),
        (3, lambda r: r["alerts"]["growth"]["details"].update(reason="running"), "'running', not upstream_late"),
        (3, lambda r: r["alerts"]["growth"].update(description=""), "lacks the runbook link or the dag run's"),
        (3, lambda r: r["messages"]["growth"].update(blocks=[]), "no buttons"),
        (3, lambda r: r["messages"]["growth"].update(text="Sales Force"), "does not mention"),
        (4, lambda r: r["alerts"]["profit"]["details"].update(task="publish"), "not guard_tax_model"),
        (4, lambda r: r["alerts"]["profit"].update(description=""), "does not carry the error"),
        (4, lambda r: r["alerts"]["profit"]["details"].update(runbook=RUNBOOK), "section of the runbook"),
        (5, lambda r: r["alerts"]["unit"]["details"].update(reason="no_run"), "not dag_paused"),
        (5, lambda r: r["runs"].append({"dag_id": "unit_profit", "state": "running"}), "unit_profit has a run"),
        (6, lambda r: r["alerts"]["growth"].update(status="open"), "closed alert"),
        (6, lambda r: r["alerts"]["growth"].update(notes=[]), "without a note"),
        (6, lambda r: r["messages"]["growth"].update(replies=[]), "how late it was"),
        (6, lambda r: r["messages"]["growth"].update(edited=False), "not rewritten"),
        (7, lambda r: r["runs"].pop(0), "has not succeeded"),
        (7, lambda r: r["alerts"]["growth"].update(sources=["monitor"]), "deadline callback"),
        (7, lambda r: r["alerts"]["growth"].update(count=1), "deadline callback"),
        (7, lambda r: r["messages"]["unit"].update(text="nobody"), "does not tag its owners"),
        (7, lambda r: r["violations"].append({"service": "slack", "rule": "x", "detail": "y"}), "would refuse"),
    ],
)  # fmt: skip
def test_what_is_missing_is_named(
    registry_and_morning: Any, records: dict[str, Any], step: int, change: Any, said: str
) -> None:
    spoiled = copy.deepcopy(records)
    change(spoiled)
    answer = judged(registry_and_morning, spoiled)[step]
    assert answer is not None
    assert said in answer


def test_a_page_for_a_pipeline_that_was_ready_breaks_the_silence(
    registry_and_morning: Any, records: dict[str, Any]
) -> None:
    morning = registry_and_morning[1]
    alias = f"daybreak:v1:daily_growth:{morning.business_date}"
    records["alerts"]["extra"] = alert(alias, morning.due, "a@example.com")
    assert judged(registry_and_morning, records)[7] == "daily_growth was paged, though it was ready in time"
