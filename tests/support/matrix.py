"""The pipelines of the matrix: one a way in which a run can go, side by side in one Airflow."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml

ROOM = timedelta(seconds=20)  # from the registry that names the due instant to it: a tick comes every ten at least
DUE = (
    "never_created", "missing", "paused", "unparsable", "broken", "backfilled", "queued", "running", "stuck", "rerun",
    "settled",
)  # fmt: skip
"""Pipelines that are due while the tests run; what happens to the others happens before they are due."""
LATER = ("failed", "killed", "cleared", "by_hand", "asset_run", "unwatched")
CLOSED = "closed"  # a pool without slots: a run whose task waits in it is running, and costs nothing
ASSET = "x://shop/orders"
UNPARSABLE = "from airflow.sdk import DAG\nimport a_module_that_nobody_has\n"
COMPLAINT = "tax_model knows digital_levy, the transformation does not"
OWNERS = ("ada", "bob", "cyn")

_DAG = """
import time
from datetime import datetime, timezone
from pathlib import Path
from airflow.sdk import DAG, Asset, task

with DAG({dag!r}, {arguments}):
    @task{options}
    def work():
        match Path({knob!r}).read_text():
            case "fail":
                raise ValueError({complaint!r})
            case "hang":
                print("about to hang")
                time.sleep(600)
    work()
"""


def sources(knobs: Path) -> dict[str, str]:
    """File stem → source of the dags. ``knobs``: a folder whose files say what a dag's task does (:func:`turn`)."""
    long_ago = datetime.now(UTC) - timedelta(days=10)
    hour = (datetime.now(UTC) - timedelta(hours=1)).hour  # today's is in the current cycle, which opened at midnight
    # Its end lies in the past: the scheduler makes no run of it, a backfill does.
    ended = f"schedule='0 {hour} * * *', start_date={_code(long_ago)}, end_date={_code(long_ago + timedelta(days=1))}"
    arguments = {
        "backfilled": f"{ended}, catchup=False",
        "queued": "schedule=None, max_active_runs=1",
        "paused": "schedule=None, is_paused_upon_creation=True",
        "asset_run": f"schedule=[Asset({ASSET!r})]",
    }
    found = {}
    for dag in (*DUE, *LATER):
        turn(knobs, dag, "succeed")
        options = f"(pool={CLOSED!r})" if dag in ("queued", "running", "stuck") else ""
        found[dag] = _DAG.format(
            dag=dag, arguments=arguments.get(dag, "schedule=None"), options=options, knob=str(knobs / dag),
            complaint=COMPLAINT,
        )  # fmt: skip
    del found["missing"]
    found["unparsable"] = UNPARSABLE
    return found


def turn(knobs: Path, dag: str, what: str) -> None:
    """What the task of ``dag`` does from now on: ``succeed``, ``fail`` or ``hang``."""
    knobs.mkdir(exist_ok=True)
    (knobs / dag).write_text(what)


def registry(zone: str, due: str, *, later: str = "23:00") -> str:
    """The registry, with clock times in ``zone``. Every pipeline has a channel of its own, its owner is paged."""
    people = {one: _person(one, number) for number, one in enumerate(OWNERS)}
    found: dict[str, Any] = {
        "version": 1,
        "timezone": zone,
        "people": people,
        "on_call": {"layers": {"primary": {"start": "2026-01-05T09:00", "every": "1w", "members": ["ada"]}}},
        "defaults": {"owner": "ada", "slack_channel": "#data-alerts", "escalation": "owner"},
        "escalations": {"owner": [{"after": "0m", "page": "owner"}]},
        "pipelines": dict(_pipelines(due, later)),
    }
    return yaml.safe_dump(found, sort_keys=False)


def owner_of(pipeline: str) -> str:
    """Spread, so that nobody gets so many pages that the rest of them are summed up in one."""
    return OWNERS[(*DUE, *LATER).index(pipeline) % len(OWNERS)]


def _pipelines(due: str, later: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for pipeline in (*DUE, *LATER):
        clock = due if pipeline in DUE else later
        yield (
            pipeline,
            {
                "dags": [pipeline],
                "owners": {"primary": owner_of(pipeline)},
                "priority": "P2",
                "slack_channel": f"#{pipeline.replace('_', '-')}",
                "deadline": {"due": clock, "at_risk": "1m"},
            },
        )


def _person(one: str, number: int) -> dict[str, str]:
    return {"name": one.capitalize(), "opsgenie": f"{one}@example.com", "slack": f"U{one.upper()}{number:05}"}


def _code(at: datetime) -> str:
    return f"datetime({at.year}, {at.month}, {at.day}, tzinfo=timezone.utc)"
