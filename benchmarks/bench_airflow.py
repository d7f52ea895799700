"""What the plugin costs Airflow: a DagBag over many files, and one file in a fresh process, each with and without it.

Fresh processes count most: the dag processor parses each file in one, and every task start parses its dag again.
Both sides run in turn, so that a busy machine slows them alike.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
FILES = 300
ROUNDS = 7
RATIO_BAR = 1.05
FRESH_BAR = 40.0  # ms

_DAG = """
from airflow.sdk import DAG
from airflow.providers.standard.operators.bash import BashOperator

with DAG("dag_{n}", schedule="0 3 * * *", catchup=False):
    first = BashOperator(task_id="first", bash_command="true")
    for index in range(5):
        first >> BashOperator(task_id=f"then_{{index}}", bash_command="true")
"""
# Both sides have Airflow and the provider imported before the clock starts; what is timed is what a parse adds.
_BAG = """
import json, sys, time, logging
logging.disable(logging.CRITICAL)
from airflow.dag_processing.dagbag import DagBag
from airflow import plugins_manager
import airflow.providers.standard.operators.bash
started = time.perf_counter()
bag = DagBag(sys.argv[1])
took = time.perf_counter() - started
tags = sum(1 for dag in bag.dags.values() if "owner:de-0" in dag.tags)
print(json.dumps({"seconds": took, "dags": len(bag.dags), "tagged": tags, "errors": len(bag.import_errors)}))
"""


def run() -> list[dict[str, Any]]:
    """Rows for ``make bench``: name, value, unit, bar, ok."""
    with tempfile.TemporaryDirectory(prefix="daybreak-bench-") as folder:
        home = Path(folder)
        many, one = home / "many", home / "one"
        many.mkdir()
        one.mkdir()
        for number in range(FILES):
            (many / f"dag_{number}.py").write_text(_DAG.format(n=number))
        (one / "dag_0.py").write_text(_DAG.format(n=0))
        registry = home / "ownership.yaml"
        registry.write_text(_registry(FILES))
        bags = _alternate(home, registry, many, rounds=3)
        fresh = _alternate(home, registry, one, rounds=ROUNDS)
    ratio = min(bags[True]) / min(bags[False])
    more = 1000 * (statistics.median(fresh[True]) - statistics.median(fresh[False]))
    return [
        _row(f"DagBag over {FILES} files without the plugin", min(bags[False]), "s"),
        _row(f"DagBag over {FILES} files with the plugin", min(bags[True]), "s"),
        _row("ratio", ratio, "x", bar=f"≤ {RATIO_BAR}", ok=ratio <= RATIO_BAR),
        _row(
            f"one file in a fresh process, {FILES} pipelines: more by",
            more,
            "ms",
            bar=f"≤ {FRESH_BAR:g} ms",
            ok=more <= FRESH_BAR,
        ),
    ]


def _alternate(home: Path, registry: Path, dags: Path, *, rounds: int) -> dict[bool, list[float]]:
    """Seconds of each round, with (True) and without (False) the plugin; the first pair warms up and is dropped."""
    found: dict[bool, list[float]] = {True: [], False: []}
    for number in range(rounds + 1):
        for with_plugin in (True, False):
            seconds = _measure(home, registry, dags, with_plugin=with_plugin)
            if number:
                found[with_plugin].append(seconds)
    return found


def _measure(home: Path, registry: Path, dags: Path, *, with_plugin: bool) -> float:
    """Seconds of one parse of ``dags`` in a fresh process. Without the plugin its entry points are hidden as well."""
    hide = "" if with_plugin else _HIDE
    kept = {key: value for key, value in os.environ.items() if not key.startswith("AIRFLOW")}
    environment = {
        **kept,
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(ROOT / "plugins" if with_plugin else home / "none"),
        "AIRFLOW__DAYBREAK__OWNERSHIP_FILE": str(registry),
    }
    done = subprocess.run(
        [sys.executable, "-c", hide + _BAG, str(dags)],
        env=environment,
        cwd=home,
        capture_output=True,
        text=True,
        check=True,
    )
    found = json.loads(done.stdout.strip().splitlines()[-1])
    if found["errors"] or bool(found["tagged"]) is not with_plugin:
        raise RuntimeError(f"the benchmark did not measure what it says: {found}")
    return float(found["seconds"])


_HIDE = """
import importlib.metadata, importlib_metadata, sys
sys.path[:] = [folder for folder in sys.path if not folder.endswith("/plugins")]  # an editable install's
for module in (importlib.metadata, importlib_metadata):
    several = module.distributions
    module.distributions = lambda several=several, **kw: (d for d in several(**kw) if d.metadata["Name"] != "daybreak")
"""


def _registry(pipelines: int) -> str:
    people = "\n".join(f"  de-{n}: {{name: Engineer {n}, opsgenie: e{n}@example.com}}" for n in range(100))
    claimed = "\n".join(
        f"  p{n}: {{dags: [dag_{n}], area: a{n % 9}, audience: investors, "
        f"owners: {{primary: de-0, secondary: de-{n % 100}}}, "
        f'purpose: Number {n}, deadline: {{due: "0{n % 9}:30"}}}}'
        for n in range(pipelines)
    )
    return (
        f"version: 1\npeople:\n{people}\n"
        "on_call: {layers: {primary: {start: 2026-01-05T09:00, every: 1w, members: [de-0, de-1]}}}\n"
        f"defaults: {{owner: de-0}}\npipelines:\n{claimed}\n"
    )


def _row(name: str, value: float, unit: str, *, bar: str | None = None, ok: bool = True) -> dict[str, Any]:
    return {"name": name, "value": round(value, 3), "unit": unit, "bar": bar, "ok": ok}


if __name__ == "__main__":
    for line in run():
        print(line)
