"""The plugins folder loaded as Airflow loads it, in a fresh process: once, whole, and without running our package's
files one by one. Also what that costs: every task start pays for each import made here.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
DEAR = (
    "slack_sdk",
    "opsgenie_sdk",
    "httpx",
    "fastapi",
    "markdown_it",
    "nh3",
    "holidays",
    "icalendar",
    "daybreak.delivery",
    "daybreak.store",
    "daybreak.monitor",
    "airflow.providers.slack",
    "airflow.providers.opsgenie",
    "airflow.models.dagrun",
)
DAG = """
from airflow.sdk import DAG
from airflow.providers.standard.operators.empty import EmptyOperator
with DAG("growth", schedule=None):
    EmptyOperator(task_id="only")
"""
REGISTRY = """
version: 1
people: {de-1: {name: Engineer A, opsgenie: a@example.com}}
on_call: {layers: {primary: {start: 2026-01-05T09:00, every: 1w, members: [de-1]}}}
defaults: {owner: de-1}
pipelines:
  growth: {dags: [growth], owners: {primary: de-1}, native_deadline: true, deadline: {due: "09:00"}}
"""


def run(code: str, home: Path, plugins: Path, **environment: str) -> Any:
    """What ``code`` printed last, as JSON, run in a fresh process as Airflow's would be."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("AIRFLOW")}
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={
            **kept,
            "AIRFLOW_HOME": str(home),
            "AIRFLOW__CORE__PLUGINS_FOLDER": str(plugins),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            **environment,
        },
        cwd=home,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.strip().splitlines()[-1])


LOAD = """
import json, sys
from airflow import plugins_manager
plugins, errors = plugins_manager._get_plugins()
import calendar, types
print(json.dumps({
    "plugins": [str(type(p).__module__) for p in plugins if p.name == "daybreak"],
    "sources": [str(p.source) for p in plugins if p.name == "daybreak"],
    "errors": errors,
    "listeners": [str(l) for p in plugins for l in p.listeners],
    "strays": sorted(n for n in sys.modules if n in ("policy", "plugin", "schema", "registry", "clock", "callbacks")),
    "calendar": calendar.__file__,
}))
"""


def test_the_folder_beside_the_installed_package_loads_the_plugin_once(tmp_path: Path) -> None:
    found = run(LOAD, tmp_path, ROOT / "plugins")
    assert found["plugins"] == ["daybreak.surfaces.plugin"]
    assert found["errors"] == {}
    assert found["listeners"] == []
    assert found["strays"] == []
    assert "site-packages" not in found["calendar"]


def test_the_folder_alone_loads_the_plugin_once(tmp_path: Path) -> None:
    plugins = tmp_path / "plugins"
    shutil.copytree(ROOT / "plugins", plugins, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    # As on a machine without the package: its distribution is not found, and the folder's copy is what is imported.
    alone = """
import importlib.metadata, importlib_metadata, sys

def without_daybreak(module):
    several, one = module.distributions, module.distribution
    module.distributions = lambda **kw: (d for d in several(**kw) if d.metadata["Name"] != "daybreak")

    def distribution(name):
        if name == "daybreak":
            raise importlib.metadata.PackageNotFoundError(name)
        return one(name)

    module.distribution = distribution

without_daybreak(importlib.metadata)
without_daybreak(importlib_metadata)
sys.path.insert(0, PLUGINS)
"""
    found = run(alone.replace("PLUGINS", repr(str(plugins))) + LOAD, tmp_path, plugins)
    assert found["plugins"] == ["daybreak.surfaces.plugin"]
    assert found["sources"] == ["$PLUGINS_FOLDER/daybreak_plugin.py"]
    assert found["errors"] == {}
    assert found["strays"] == []


def test_without_the_ignore_file_airflow_would_run_our_files_one_by_one(tmp_path: Path) -> None:
    """The reason why ``plugins/.airflowignore`` is load-bearing."""
    plugins = tmp_path / "plugins"
    shutil.copytree(ROOT / "plugins", plugins, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    (plugins / ".airflowignore").unlink()
    found = run(LOAD, tmp_path, plugins)
    assert "policy" in found["strays"]


PARSE = """
import json, sys, pathlib
before = set(sys.modules)
from airflow.dag_processing.dagbag import DagBag
bag = DagBag(str(pathlib.Path("dags").resolve()))
dag = bag.dags["growth"]
print(json.dumps({
    "errors": bag.import_errors, "tags": sorted(dag.tags), "callbacks": len(dag.on_failure_callback or []),
    "deadlines": len(dag.deadline or []), "modules": sorted(sys.modules),
}))
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "dags").mkdir()
    (tmp_path / "dags" / "growth.py").write_text(DAG)
    (tmp_path / "ownership.yaml").write_text(REGISTRY)
    return tmp_path


def test_a_parse_imports_nothing_dear(home: Path) -> None:
    found = run(PARSE, home, ROOT / "plugins", AIRFLOW__DAYBREAK__OWNERSHIP_FILE=str(home / "ownership.yaml"))
    assert found["errors"] == {}
    assert found["tags"] == ["owner:de-1", "sla:09:00Z"]
    empty = home / "empty"
    empty.mkdir()
    bare = run(PARSE, home, empty, AIRFLOW__DAYBREAK__OWNERSHIP_FILE=str(home / "none.yaml"))
    added = set(found["modules"]) - set(bare["modules"])
    assert not [name for name in added if name.startswith(DEAR)]


def test_folder_and_package_at_once_do_nothing_twice(home: Path) -> None:
    found = run(PARSE, home, ROOT / "plugins", AIRFLOW__DAYBREAK__OWNERSHIP_FILE=str(home / "ownership.yaml"))
    assert found["callbacks"] == 1
    assert found["deadlines"] == 1
