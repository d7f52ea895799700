"""A small registry and the means to have the surfaces use it, for tests of what stands inside Airflow."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from datetime import datetime, time
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from daybreak.config.links import Links
from daybreak.config.runbooks import Shelf
from daybreak.domain.duration import Duration
from daybreak.domain.registry import (
    Deadline,
    Defaults,
    DelayStep,
    Layer,
    OnCall,
    Person,
    Pipeline,
    ReadyWhen,
    Registry,
    Team,
    Upstream,
)
from daybreak.surfaces.site import Site

UTC_ZONE = ZoneInfo("UTC")
RUNBOOK = """# Aggregate growth

## First five minutes

1. Look at the board.
2. Look at the failed task.

```sh
# not a heading
daybreak status
```

## Upstream late

Ask Sales Force. <script>alert(1)</script>

## Upstream late

Twice on purpose.
"""


def growth(**changes: Any) -> Pipeline:
    """The pipeline ``growth``, which claims the dag ``growth`` and is due at 09:00 UTC."""
    base = Pipeline(
        id="growth",
        name="Aggregate growth (investors)",
        dags=("growth", "growth_*"),
        primary_owner="de-1",
        secondary_owner="de-2",
        area="growth",
        audience="investors",
        purpose="Growth that investors read every morning",
        downstream="Investor | dashboard",
        upstreams=("sales_force",),
        runbook="growth.md",
        priority="P1",
        deadline=Deadline(due=time(9), zone=UTC_ZONE),
    )
    return dataclasses.replace(base, **changes)


def registry(*pipelines: Pipeline, **changes: Any) -> Registry:
    """Two people, one rotation, one upstream, and the pipelines (``growth()`` if none is given)."""
    people = {
        "de-1": Person(id="de-1", name="Engineer A", opsgenie="a@example.com", slack="U0AAAAAAA"),
        "de-2": Person(id="de-2", name="Engineer B", opsgenie="b@example.com"),
    }
    layer = Layer(name="primary", start=datetime(2026, 1, 5, 9), every=Duration(1, "w"), members=("de-1", "de-2"))
    upstream = Upstream(
        id="sales_force",
        name="Sales Force",
        team="sales-force",
        expected=Deadline(due=time(5), zone=UTC_ZONE),
        ready_when=ReadyWhen(kind="dag", value="sales_force_load"),
        on_delay=(
            DelayStep(after=Duration(0, "m"), do="ticket", to=("sales-force",)),
            DelayStep(after=Duration(2, "h"), do="thread", to=("da-leadership",)),
        ),
    )
    values: Mapping[str, Any] = {
        "zone": UTC_ZONE,
        "people": people,
        "teams": {
            "sales-force": Team(id="sales-force", name="Sales Force DE", opsgenie_team="Sales Force DE"),
            "da-leadership": Team(id="da-leadership", name="DA leadership", slack_channel="#investor-metrics"),
        },
        "on_call": OnCall(zone=UTC_ZONE, layers={"primary": layer}),
        "defaults": Defaults(owner="de-2", slack_channel="#data-alerts"),
        "upstreams": {"sales_force": upstream},
        "pipelines": {pipeline.id: pipeline for pipeline in (pipelines or (growth(),))},
    }
    return Registry(**{**values, **changes})


def make_site(folder: Path, found: Registry | None = None) -> Site:
    """A site whose runbooks lie in ``folder``/runbooks; ``growth.md`` is written there."""
    runbooks = folder / "runbooks"
    runbooks.mkdir(parents=True, exist_ok=True)
    (runbooks / "growth.md").write_text(RUNBOOK, encoding="utf-8")
    chosen = found or registry()
    links = Links.of(chosen, "https://airflow.example.com")
    return Site(registry=chosen, shelf=Shelf(folder=runbooks), links=links)
