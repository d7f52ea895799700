"""What a woken person asks, sentence by sentence, in the page and in the Slack message."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from daybreak.delivery.facts import Facts, gather
from daybreak.delivery.message import parent
from daybreak.delivery.page import alert, description
from daybreak.delivery.phrases import what_is_left
from daybreak.delivery.scenes import scenes
from daybreak.domain.incident import Event, Notification, Reason
from daybreak.domain.registry import Registry
from daybreak.domain.runs import Evidence
from tests.support.delivery import START, Life, context_at, registry_of

LATER = START + timedelta(minutes=37)
RUNBOOK = """# Growth

## First five minutes

1. **Read** the log
2. Clear `load`

## Run failed

- **Fix**: clear `load`, see [how](https://x.example/how)
"""


@pytest.fixture
def registry() -> Registry:
    found = registry_of()
    growth = replace(found.pipelines["growth"], runbook="growth.md", downstream="Investor dashboard")
    return replace(found, pipelines={**found.pipelines, "growth": growth})


def facts_of(registry: Registry, folder: Path, reason: Reason, **changes: Any) -> Facts:
    (folder / "growth.md").write_text(RUNBOOK, encoding="utf-8")
    life = Life(registry)
    failure = Evidence(dag_id="growth", run_id="r", task_id="load", try_number=2, exception="KeyError: 'x'")
    judgement = life.judgement(
        LATER,
        reason=reason,
        late_upstreams=("feed",) if reason is Reason.UPSTREAM_LATE else (),
        failures=(failure,) if reason is Reason.RUN_FAILED else (),
        **{"usual": timedelta(minutes=25), "earliest_ready": LATER + timedelta(minutes=25), **changes},
    )
    incident = life.incident(reason=reason, paged=("b", "a"), told=("leads",), upstream=None)
    told = life.told(LATER, "page", Event.MISSED, ("b",), 0)
    return gather(registry, context_at(LATER, folder), told, incident, judgement)


def test_the_page_answers_what_a_woken_person_asks(registry: Registry, tmp_path: Path) -> None:
    text = description(facts_of(registry, tmp_path, Reason.RUN_FAILED))
    for sentence in (
        "Growth (investors): missed. Due Mon 02 Mar 09:00 UTC, 37 min late.",
        "Why: Task load of growth failed (try 2): KeyError: 'x'",
        "Since: Mon 02 Mar 09:00 UTC",
        "Left to do: the failed task and what follows it (a whole run usually takes 25 min). "
        "Can be ready at 10:02 UTC at the earliest.",
        "Waits on it: Investor dashboard",
        "Owners: Ann and Ben",
        "Questions about the numbers: Ann",
        "On call: Ann and Ben",
        "Told as well: Ann and Leads",
        "Also in Slack: #growth, where the owners are mentioned",
        "Also know this area: Cat",
        "Runbook: https://airflow.example.com/daybreak/runbooks/growth#run-failed",
        "Logs: https://airflow.example.com/dags/growth/runs/r/tasks/load?try_number=2",
        "Board: https://airflow.example.com/daybreak/board",
        "What to do first:",
        "1. Read the log",
        "2. Clear load",
        "- Fix: clear load, see how: https://x.example/how",
    ):
        assert sentence in text.splitlines()


def test_the_message_says_it_too(registry: Registry, tmp_path: Path) -> None:
    shown = parent(facts_of(registry, tmp_path, Reason.RUN_FAILED))
    fields = {field["text"] for block in shown["blocks"] for field in block.get("fields", ())}
    assert "*Questions about the numbers*\nAnn" in fields
    assert "*Also know this area*\nCat" in fields
    todo, section = (block["text"]["text"] for block in shown["attachments"][0]["blocks"])
    assert todo == "*What to do first*\n1. *Read* the log\n2. Clear `load`"
    assert section == (
        "*<https://airflow.example.com/daybreak/runbooks/growth#run-failed|Runbook: Run failed>*\n"
        "- *Fix*: clear `load`, see <https://x.example/how|how>"
    )


@pytest.mark.parametrize(
    ("reason", "left"),
    [
        (Reason.UPSTREAM_LATE, "the rest of the run, once The feed is there (a whole run usually takes 25 min)"),
        (Reason.RUN_FAILED, "the failed task and what follows it (a whole run usually takes 25 min)"),
        (Reason.RUNNING, "the rest of the run"),
        (Reason.STUCK, "the rest of the run"),
        (Reason.NO_RUN, "a whole run, usually 25 min"),
        (Reason.DAG_PAUSED, "a whole run, usually 25 min"),
    ],
)
def test_what_is_left_goes_by_the_cause(registry: Registry, tmp_path: Path, reason: Reason, left: str) -> None:
    facts = facts_of(registry, tmp_path, reason)
    assert what_is_left(facts) == f"Left to do: {left}. Can be ready at 10:02 UTC at the earliest."
    assert what_is_left(replace(facts, earliest_ready=LATER)) == f"Left to do: {left}."
    assert what_is_left(replace(facts, resolved=True)) == ""


def test_airflow_itself_has_no_numbers_to_ask_about(registry: Registry) -> None:
    key = "daybreak:v1:system:scheduler:2026-03-02"
    told = Notification(
        at=LATER, kind="page", event=Event.SCHEDULER_DOWN, subject=None, business_date=START.date(), step=0, to=("a",),
        priority="P1", dedup_key=key, group=("growth",),
    )  # fmt: skip
    facts = gather(registry, context_at(LATER), told, None, None)
    assert facts.answers == ()
    assert facts.channel == "#alerts"
    assert alert(facts, [], source="test")["message"].endswith("1 pipeline at stake")


def test_a_group_of_one_is_called_by_its_name_and_of_two_by_their_number(registry: Registry) -> None:
    life = Life(registry)
    key = "daybreak:v1:group:feed:2026-03-02"
    for ids, name, who in (
        (("growth",), "Growth (investors) MISSED 09:00 UTC: waits for The feed", "Ann"),
        (("growth", "profit"), "2 pipelines MISSED 09:00 UTC: wait for The feed", "Ann and Ben"),
    ):
        incident = life.incident(dedup_key=key, kind="group", subject=None, group=ids)
        told = Notification(
            at=START, kind="page", event=Event.MISSED, subject=None, business_date=START.date(), step=0, to=("b",),
            priority="P1", dedup_key=key, group=ids,
        )  # fmt: skip
        body = alert(gather(registry, context_at(START), told, incident, None), [], source="test")
        assert body["message"] == name
        assert f"Questions about the numbers: {who}" in body["description"].splitlines()


def test_a_preview_links_no_run_where_there_is_none(registry: Registry) -> None:
    found = {scene.title: scene for scene in scenes(registry, context_at(START), registry.pipelines["growth"])}
    for reason in Reason:
        scene = found.get(f"Missed: {reason.value}")
        if scene is None:
            continue
        details = next(row.payload["body"]["details"] for row in scene.rows if "body" in row.payload)
        without = reason.value in ("no_run", "dag_missing", "dag_paused", "import_error", "scheduler_down")
        assert ("run_id" not in details) is without
        assert details["dag_run"].endswith("/dags/growth") is without
