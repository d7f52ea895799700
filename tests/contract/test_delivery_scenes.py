"""Every kind of page and message, and hostile content in all of them, against the services' own rules."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from daybreak.config import load_registry
from daybreak.config.runbooks import Shelf
from daybreak.delivery.opsgenie import OpsgenieClient
from daybreak.delivery.scenes import Stage, scenes
from daybreak.delivery.slack import SlackClient
from daybreak.domain.registry import Registry
from daybreak.sandbox import rules
from daybreak.sandbox.slack import content
from daybreak.store.outbox import Delivery
from tests.support.delivery import START, chat, context_at, pager, registry_of
from tests.support.sandbox import Sandbox, running_sandbox

HOSTILE = st.one_of(
    st.text(max_size=300),
    st.sampled_from(
        [
            "<!channel> <!here> <@U0A> <https://evil.example|click>",
            "\u202egnp.exe \u2066\u2069",
            "🔥" * 400,
            "x" * 100_000,
            "&lt;" * 2_000,
            "*bold* _it_ `code` ~no~\n> quote",
            "\x00\x07\x1b[31m red \ud800 lone",
            "<script>alert(1)</script>",
            "   ",
            "line\n" * 5_000,
        ]
    ),
)


@pytest.fixture(scope="module")
def box() -> Iterator[Sandbox]:
    with running_sandbox() as found:
        yield found


def send_all(box: Sandbox, rows: list[Delivery], dialect: str = "opsgenie") -> None:
    """Every request as it stands, without outbox; what a service refuses is an error."""

    async def run() -> None:
        async with OpsgenieClient(pager(box, dialect)) as opsgenie, SlackClient(chat(box)) as slack:
            for row in rows:
                if row.channel == "opsgenie":
                    await to_opsgenie(opsgenie, row)
                else:
                    await to_slack(slack, row)

    asyncio.run(run())


async def to_opsgenie(client: OpsgenieClient, row: Delivery) -> None:
    payload = row.payload
    if "body" in payload:
        await client.create({**payload["body"]})
        if client.full:
            await client.update(payload["alias"], "message", payload["body"]["message"])
            await client.update(payload["alias"], "description", payload["body"]["description"])
            await client.add_details(payload["alias"], payload["body"]["details"])
            await client.add_tags(payload["alias"], tuple(payload["body"]["tags"]))
    if payload.get("note"):
        await client.add_note(payload["alias"], payload["note"])
        await client.close(payload["alias"], note=payload["note"])


async def to_slack(client: SlackClient, row: Delivery) -> None:
    posted = await client.post(row.payload["channel"], row.payload["message"], key=row.key)
    if row.payload.get("reply"):
        await client.post(posted.channel_id, row.payload["reply"], key=row.key, thread_ts=posted.ts)
    await client.update(posted, row.payload["message"])


@pytest.mark.parametrize("dialect", ["opsgenie", "jsm"])
def test_every_scene_of_the_real_registry_is_taken(box: Sandbox, dialect: str) -> None:
    box.reset()
    registry = load_registry(Path("include/ownership.yaml"))
    registry = replace(registry, paging=replace(registry.paging, dialect=dialect))
    context = replace(context_at(START), runbooks=Shelf(folder=Path("include/runbooks")))
    found = list(scenes(registry, context))
    assert len(found) >= 25
    send_all(box, [row for scene in found for row in scene.rows], dialect)
    assert box.violations() == []
    assert box.state()["alerts"]


def hostile(registry: Registry, text: str) -> Registry:
    """``registry`` with ``text`` in every place that people fill in freely."""
    people = {key: replace(person, name=text or "-") for key, person in registry.people.items()}
    teams = {key: replace(team, name=text or "-") for key, team in registry.teams.items()}
    upstreams = {key: replace(each, name=text or "-") for key, each in registry.upstreams.items()}
    pipelines = {
        key: replace(each, name=text or "-", area=text, audience=text, downstream=text, purpose=text)
        for key, each in registry.pipelines.items()
    }
    return replace(registry, people=people, teams=teams, upstreams=upstreams, pipelines=pipelines)


def hostile_rows(folder: Path, text: str) -> list[Delivery]:
    """Every kind of page and message of a pipeline whose every word is ``text``."""
    written = text.encode("utf-8", "replace").decode()
    runbook = f"# Runbook\n\n## First five minutes\n\n1. {written}\n\n## Run failed\n\n- **Symptom**: {written}\n"
    (folder / "growth.md").write_text(runbook, encoding="utf-8")
    registry = hostile(registry_of(), text)
    growth = replace(registry.pipelines["growth"], runbook="growth.md")
    registry = replace(registry, pipelines={**registry.pipelines, "growth": growth})
    stage = Stage(registry=registry, context=context_at(START, folder), pipeline=growth, exception=text)
    rows = [row for scene in stage.life() for row in scene.rows]
    rows += [row for scene in stage.upstream(registry.upstreams["feed"]) for row in scene.rows]
    return [*rows, *stage.group(registry.upstreams["feed"], [growth]).rows]


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=HOSTILE)
def test_hostile_content_breaks_no_rule_and_loses_no_link(tmp_path: Path, text: str) -> None:
    for row in hostile_rows(tmp_path, text):
        check_links(row)
        check_rules(row)


@pytest.mark.parametrize("text", ["<!channel> \u202e \x00\ud800 <b>", "🔥" * 400])
def test_hostile_content_over_the_wire(box: Sandbox, tmp_path: Path, text: str) -> None:
    box.reset()
    rows = hostile_rows(tmp_path, text)
    send_all(box, rows[:5] + rows[-4:])
    assert box.violations() == []


def check_rules(row: Delivery) -> None:
    """The sandbox's own rules, without the wire."""
    json.dumps(row.payload, ensure_ascii=False).encode("utf-8", "replace")
    if row.channel == "opsgenie":
        if "body" in row.payload:
            rules.check(row.payload["body"], rules.CREATE, ("message",))
        return
    for name in ("message", "reply"):
        if row.payload.get(name):
            content({**row.payload[name]})


def check_links(row: Delivery) -> None:
    link = "https://airflow.example.com/daybreak/runbooks/growth"
    body: dict[str, Any] | None = row.payload.get("body")
    if body is not None and row.subject == "growth":
        assert link in body["description"]
        assert body["details"]["runbook"].startswith(link)
        assert len(body["message"]) <= 130
    if row.channel == "slack":
        shown = str(row.payload["message"])
        assert "<!channel>" not in shown
        assert "<https://evil" not in shown
