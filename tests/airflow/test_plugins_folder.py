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
    "aiohttp",
    "sqlalchemy",
    "alembic",
    "jinja2",
    "typer",
    "rich",
    "fastapi",
    "markdown_it",
    "nh3",
    "holidays",
    "icalendar",
    "daybreak.delivery",
    "daybreak.store",
    "daybreak.sql",
    "daybreak.monitor",
    "airflow.providers.slack",
    "airflow.providers.opsgenie",
    "airflow.models",
)
MADE_ONCE = ("yaml", "pydantic", "daybreak.domain", "daybreak.config.load", "daybreak.config.lastgood")
"""What the first parse of a registry may import, and no later one."""
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


ALONE = """
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
"""
"""As on a machine without the package: its distribution is not found."""


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
    found = run(ALONE + f"sys.path.insert(0, {str(plugins)!r})\n" + LOAD, tmp_path, plugins)
    assert found["plugins"] == ["daybreak.surfaces.plugin"]
    assert found["sources"] == ["$PLUGINS_FOLDER/daybreak_plugin.py"]
    assert found["errors"] == {}
    assert found["strays"] == []


def test_the_folder_alone_has_the_command(tmp_path: Path) -> None:
    (tmp_path / "plugins").symlink_to(ROOT / "plugins")
    command = [sys.executable, "-m", "daybreak.cli", "oncall", "--file", "nowhere.yaml"]
    env = {**os.environ, "PYTHONPATH": "plugins"}
    done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("daybreak: nowhere.yaml: there is no such file; name one with --file")


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


WITHOUT_US = """
import importlib.metadata, importlib_metadata, sys
for module in (importlib.metadata, importlib_metadata):  # or the entry points of the package would still be followed
    several = module.distributions
    module.distributions = lambda several=several, **kw: (d for d in several(**kw) if d.metadata["Name"] != "daybreak")
sys.path[:] = [folder for folder in sys.path if not folder.endswith("/plugins")]
"""


def test_a_parse_imports_nothing_dear(home: Path) -> None:
    """Not while the registry is read for the first time, nor by a later process, nor for a dag that nobody claims."""
    (home / "empty").mkdir()
    bare = run(WITHOUT_US + PARSE, home, home / "empty", AIRFLOW__DAYBREAK__OWNERSHIP_FILE=str(home / "ownership.yaml"))
    assert bare["tags"] == []
    assert not [name for name in bare["modules"] if name.startswith("daybreak")]
    path = home / "ownership.yaml"
    for text, tags in (
        (REGISTRY, ["owner:de-1", "sla:09:00Z"]),
        (REGISTRY, ["owner:de-1", "sla:09:00Z"]),
        (REGISTRY.replace("[growth]", "[other]"), ["owner:unclaimed"]),
        (REGISTRY.replace("version: 1", "version: 0"), ["owner:unclaimed"]),  # the last good one
    ):
        later = path.read_text() == text and (home / "daybreak").exists()
        path.write_text(text)
        found = run(PARSE, home, ROOT / "plugins", AIRFLOW__DAYBREAK__OWNERSHIP_FILE=str(path))
        assert found["errors"] == {}
        assert found["tags"] == tags
        added = set(found["modules"]) - set(bare["modules"])
        assert "daybreak.surfaces.policy" in added
        assert not [name for name in added if name.startswith((*DEAR, *(MADE_ONCE if later else ())))]


def test_folder_and_package_at_once_do_nothing_twice(home: Path) -> None:
    found = run(PARSE, home, ROOT / "plugins", AIRFLOW__DAYBREAK__OWNERSHIP_FILE=str(home / "ownership.yaml"))
    assert found["callbacks"] == 1
    assert found["deadlines"] == 1


NO_POLICY_OF_THEIRS = """
from daybreak.surfaces.policy import dag_policy, task_policy
__all__ = ["dag_policy", "task_policy"]
"""
POLICIES_OF_THEIRS = """
import daybreak.surfaces.policy

def dag_policy(dag):
    dag.tags.add("theirs")
    daybreak.surfaces.policy.dag_policy(dag)

def task_policy(task):
    task.owner = "them"
    daybreak.surfaces.policy.task_policy(task)
"""


@pytest.mark.parametrize(
    ("source", "tags", "owner"),
    [
        ("", [], "airflow"),  # without the two lines nothing happens: they are what does it
        (NO_POLICY_OF_THEIRS, ["owner:de-1", "sla:09:00Z"], "de-1"),
        (POLICIES_OF_THEIRS, ["owner:de-1", "sla:09:00Z", "theirs"], "them, de-1"),
    ],
    ids=["without us", "no policies", "policies"],
)
def test_local_settings_of_the_users_own(home: Path, source: str, tags: list[str], owner: str) -> None:
    """The documented lines, in the file that Airflow finds before ours; the package is not installed."""
    (home / "config").mkdir()
    (home / "config" / "airflow_local_settings.py").write_text(source)
    who = PARSE.replace(
        '"tags":', '"owner": dag.owner, "settings": sys.modules["airflow_local_settings"].__file__, "tags":'
    )
    plugins = str(ROOT / "plugins")
    as_deployed = f"sys.path[:] = [each for each in sys.path if each != {plugins!r}]\n"  # Airflow adds it, at the end
    found = run(
        ALONE + as_deployed + who,
        home,
        ROOT / "plugins",
        AIRFLOW__DAYBREAK__OWNERSHIP_FILE=str(home / "ownership.yaml"),
    )
    assert found["settings"] == str(home / "config" / "airflow_local_settings.py")
    assert (found["errors"], found["tags"], found["owner"]) == ({}, tags, owner)
