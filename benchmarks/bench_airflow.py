"""What the plugin costs Airflow's parsing: a DagBag over many files, and one file in a fresh process, with and without.

Fresh processes count most: the dag processor parses each file in one, and every task start parses its dag again. Both
sides run in turn and each pair gives one ratio or difference, of which the median counts, so that a busy machine slows
both alike; bars are on processor time where a whole process is measured, for the same reason.

"Without" is an Airflow whose plugins folder is empty. On both sides Python sees this environment's packages without
Daybreak's own distribution, so that its entry points are on neither.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
FILES = 300
BAGS = 15  # pairs: of nine the median still wanders by 0.02
PROCESSES = 11  # pairs
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
# Beside parsing one file: a task's start loads the plugins (for macros), the dag processor serializes what it parsed.
# "cpu" and "wall" begin when Airflow is there; "whole" is the process from its start.
_PARSE = """
import json, sys, time, logging
logging.disable(logging.CRITICAL)
from airflow.dag_processing.dagbag import DagBag
from airflow.sdk.plugins_manager import integrate_macros_plugins
from airflow.serialization.serialized_objects import LazyDeserializedDAG
import airflow.providers.standard.operators.bash
wall, cpu = time.perf_counter(), time.process_time()
bag = DagBag(sys.argv[1])
if len(bag.dags) == 1:
    integrate_macros_plugins()
    for dag in bag.dags.values():
        LazyDeserializedDAG.from_dag(dag)
print(json.dumps({
    "wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu, "whole": time.process_time(),
    "dags": len(bag.dags), "tagged": sum("owner:de-0" in dag.tags for dag in bag.dags.values()),
    "errors": len(bag.import_errors), "plugin": "daybreak.surfaces.plugin" in sys.modules,
}))
"""

Pairs = list[tuple[dict[str, float], dict[str, float]]]
"""(with, without) the plugin, what each process printed."""


def run() -> list[dict[str, Any]]:
    """Rows for ``make bench``: name, value, unit, bar, ok."""
    with tempfile.TemporaryDirectory(prefix="daybreak-bench-") as folder:
        home = Path(folder)
        for name, files in (("many", FILES), ("one", 1)):
            (home / name).mkdir()
            for number in range(files):
                (home / name / f"dag_{number}.py").write_text(_DAG.format(n=number))
        (home / "ownership.yaml").write_text(_registry(FILES))
        _packages(home / "packages")
        bags = _pairs(home, "many", BAGS)
        fresh = _pairs(home, "one", PROCESSES)
    ratio = statistics.median(ours["cpu"] / bare["cpu"] for ours, bare in bags)
    by_clock = statistics.median(ours["wall"] / bare["wall"] for ours, bare in bags)
    more, later = (1000 * statistics.median(o[key] - b[key] for o, b in fresh) for key in ("whole", "wall"))
    seconds = [statistics.median(side["cpu"] for side in sides) for sides in zip(*bags, strict=True)]
    alone = [1000 * statistics.median(side["whole"] for side in sides) for sides in zip(*fresh, strict=True)]
    return [
        _row(f"DagBag over {FILES} files with the plugin (processor)", seconds[0], "s"),
        _row(f"DagBag over {FILES} files without the plugin (processor)", seconds[1], "s"),
        _row("DagBag: with, of without (processor)", ratio, "x", bar=f"≤ {RATIO_BAR}", ok=ratio <= RATIO_BAR),
        _row("DagBag: with, of without (clock)", by_clock, "x"),
        _row("one file in a fresh process, without the plugin (processor)", alone[1], "ms"),
        _row(
            f"one file in a fresh process, {FILES} pipelines: more by (processor)", more, "ms",
            bar=f"≤ {FRESH_BAR:g} ms", ok=more <= FRESH_BAR,
        ),
        _row(
            "the same once Airflow is imported: parsing, plugins, serializing (clock)", later, "ms",
            bar=f"≤ {FRESH_BAR:g} ms", ok=later <= FRESH_BAR,
        ),
    ]  # fmt: skip


def _pairs(home: Path, dags: str, count: int) -> Pairs:
    """What ``count`` pairs of processes measured; a pair before them warms up, and keeps what is kept of a registry."""
    found: Pairs = []
    for number in range(count + 1):
        order = (True, False) if number % 2 else (False, True)
        sides = {with_plugin: _parse(home, home / dags, with_plugin=with_plugin) for with_plugin in order}
        if number:
            found.append((sides[True], sides[False]))
    return found


def _parse(home: Path, dags: Path, *, with_plugin: bool) -> dict[str, float]:
    """What a fresh process that parses ``dags`` measured."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("AIRFLOW", "PYTHON"))}
    environment = {
        **kept,
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(ROOT / "plugins" if with_plugin else home / "none"),
        "AIRFLOW__DAYBREAK__OWNERSHIP_FILE": str(home / "ownership.yaml"),
        "PYTHONPATH": str(home / "packages"),
    }
    command = [sys.executable, "-S", "-c", _PARSE, str(dags)]  # without the site's own .pth files
    done = subprocess.run(command, env=environment, cwd=home, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"a process of the benchmark failed: {done.stderr[-2000:]}")
    found: dict[str, float] = json.loads(done.stdout.strip().splitlines()[-1])
    expected = found["dags"] if with_plugin else 0
    if found["errors"] or found["tagged"] != expected or (found["dags"] == 1 and bool(found["plugin"]) != with_plugin):
        raise RuntimeError(f"the benchmark did not measure what it says: {found}")
    return found


def _packages(folder: Path) -> None:
    """Links to all that is installed here but Daybreak."""
    folder.mkdir()
    for entry in Path(sysconfig.get_path("purelib")).iterdir():
        if "daybreak" not in entry.name and entry.suffix != ".pth":
            (folder / entry.name).symlink_to(entry)


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
