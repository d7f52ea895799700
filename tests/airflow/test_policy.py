"""The policy through real parsing: what a dag gets, what its author keeps, and that nothing can break a dag."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.serialization.serialized_objects import DagSerialization

from daybreak.surfaces import callbacks, evidence, policy
from daybreak.surfaces.cards import Cards
from tests.support.surfaces import growth, make_site, registry

PLAIN = """
from airflow.sdk import DAG
from airflow.providers.standard.operators.empty import EmptyOperator

with DAG("growth"):
    EmptyOperator(task_id="first") >> EmptyOperator(task_id="second")
"""
AUTHORED = """
from airflow.sdk import DAG, task
from airflow.providers.standard.operators.empty import EmptyOperator

def own(context): ...
def own_too(context): ...

with DAG(
    "growth",
    tags=["mine"],
    owner_links={"alice": "mailto:alice@example.com"},
    doc_md="# What I wrote",
    on_failure_callback=own,
    default_args={"owner": "alice", "on_failure_callback": [own, own_too]},
):
    EmptyOperator(task_id="first")
    EmptyOperator.partial(task_id="mapped").expand_kwargs([{"doc": "a"}])
"""
UNCLAIMED = PLAIN.replace('"growth"', '"nobodys"')


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The policy uses cards of this site; assign ``site.value`` to change it."""

    class Holder:
        value: Any = make_site(tmp_path)

    def current() -> Cards | None:
        return Cards.of(Holder.value) if Holder.value else None

    monkeypatch.setattr("daybreak.surfaces.cards.current_cards", current)
    monkeypatch.setattr(policy, "_latest", None)
    return Holder


def parse(tmp_path: Path, *sources: str) -> DagBag:
    folder = tmp_path / "dags"
    folder.mkdir(exist_ok=True)
    for index, source in enumerate(sources):
        (folder / f"dag_{index}.py").write_text(source)
    return DagBag(str(folder))


def parse_one(tmp_path: Path, source: str) -> Any:
    bag = parse(tmp_path, source)
    assert not bag.import_errors
    (dag,) = bag.dags.values()
    return dag


def test_a_claimed_dag_gets_everything_the_registry_knows(tmp_path: Path, site: Any) -> None:
    dag = parse_one(tmp_path, PLAIN)
    assert dag.tags == {"owner:de-1", "area:growth", "audience:investors", "sla:09:00Z"}
    assert dag.owner == "de-1"
    assert dag.owner_links == {"de-1": "https://airflow.example.com/daybreak/runbooks/growth"}
    assert dag.on_failure_callback == [callbacks.dag_failed]
    assert dag.has_on_failure_callback
    assert all(task.on_failure_callback == [evidence.leave_evidence] for task in dag.tasks)
    for known in ("Engineer A", "09:00 UTC, daily", "Sales Force", r"Investor \| dashboard", "a@example.com"):
        assert known in dag.doc_md
    assert "#### First five minutes" in dag.doc_md
    assert "\n# not a heading\n" in dag.doc_md  # a comment inside a fence stays one


def test_what_the_author_set_is_kept_and_added_to(tmp_path: Path, site: Any) -> None:
    dag = parse_one(tmp_path, AUTHORED)
    assert "mine" in dag.tags
    assert "owner:de-1" in dag.tags
    assert dag.owner_links["alice"] == "mailto:alice@example.com"
    assert "de-1" in dag.owner_links
    assert dag.doc_md.startswith("# What I wrote\n")
    assert [each.__name__ for each in dag.on_failure_callback] == ["own", "dag_failed"]
    for task in dag.tasks:
        assert task.owner == "alice, de-1"
        assert [each.__name__ for each in task.on_failure_callback] == ["own", "own_too", "leave_evidence"]


def test_running_the_hooks_twice_changes_nothing(tmp_path: Path, site: Any) -> None:
    site.value = make_site(tmp_path, registry(growth(native_deadline=True)))
    dag = parse_one(tmp_path, AUTHORED)
    once = json.dumps(DagSerialization.to_dict(dag), sort_keys=True, default=str)
    policy.dag_policy(dag)
    for task in dag.tasks:
        policy.task_policy(task)
    assert json.dumps(DagSerialization.to_dict(dag), sort_keys=True, default=str) == once
    assert len(dag.on_failure_callback) == 2


def test_the_serialized_dag_keeps_it_and_reparsing_makes_no_new_version(tmp_path: Path, site: Any) -> None:
    from airflow.models.serialized_dag import SerializedDagModel
    from airflow.serialization.serialized_objects import LazyDeserializedDAG

    site.value = make_site(tmp_path, registry(growth(native_deadline=True)))
    hashes = set()
    for _ in range(3):
        dag = parse_one(tmp_path, AUTHORED)
        data = DagSerialization.to_dict(dag)
        hashes.add(SerializedDagModel.hash(data))
        LazyDeserializedDAG.from_dag(dag)
    assert len(hashes) == 1
    back = DagSerialization.from_dict(data)
    assert "sla:09:00Z" in back.tags
    assert back.owner_links["de-1"].endswith("/daybreak/runbooks/growth")
    assert back.has_on_failure_callback
    assert back.doc_md == dag.doc_md


def test_a_zone_other_than_utc_is_named_in_the_tag(tmp_path: Path, site: Any) -> None:
    from datetime import time
    from zoneinfo import ZoneInfo

    from daybreak.domain.registry import Deadline

    deadline = Deadline(due=time(6), zone=ZoneInfo("Europe/Berlin"))
    site.value = make_site(tmp_path, registry(growth(deadline=deadline)))
    assert "sla:06:00 Europe/Berlin" in parse_one(tmp_path, PLAIN).tags


@pytest.mark.parametrize("mode", ["tag", "ignore", "refuse", "nonsense"])
def test_dags_that_nobody_claims(tmp_path: Path, site: Any, monkeypatch: pytest.MonkeyPatch, mode: str) -> None:
    monkeypatch.setenv("AIRFLOW__DAYBREAK__UNCLAIMED", mode)
    bag = parse(tmp_path, UNCLAIMED)
    if mode == "refuse":
        (error,) = bag.import_errors.values()
        assert "no pipeline in Daybreak's registry claims the dag 'nobodys'" in error
        return
    dag = bag.dags["nobodys"]
    tagged = mode in ("tag", "nonsense")
    assert dag.tags == ({"owner:unclaimed"} if tagged else set())
    assert dag.owner == ("de-2" if tagged else "airflow")
    assert not dag.has_on_failure_callback


def test_without_a_registry_dags_are_left_alone(tmp_path: Path, site: Any) -> None:
    site.value = None
    dag = parse_one(tmp_path, PLAIN)
    assert dag.tags == set()
    assert dag.owner == "airflow"
    assert dag.doc_md is None


def test_an_error_of_ours_never_breaks_a_dag(tmp_path: Path, site: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("a defect of ours")

    monkeypatch.setattr("daybreak.surfaces.ownership.tags_of", broken)
    monkeypatch.setattr("daybreak.surfaces.ownership.own_task", broken)
    bag = parse(tmp_path, PLAIN)
    assert not bag.import_errors
    assert "growth" in bag.dags


@pytest.mark.parametrize("content", [None, b"", b"\xff\xfe\x00", b"version: 1", b"{", b"a: &a [*a]", b"- 1\n- 2"])
def test_a_registry_that_is_missing_or_broken_breaks_no_dag(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes | None
) -> None:
    path = tmp_path / "ownership.yaml"
    if content is not None:
        path.write_bytes(content)
    monkeypatch.setenv("AIRFLOW_HOME", str(tmp_path))
    monkeypatch.setenv("AIRFLOW__DAYBREAK__OWNERSHIP_FILE", str(path))
    bag = parse(tmp_path, PLAIN, AUTHORED.replace('"growth"', '"growth_2"'))
    assert not bag.import_errors
    assert bag.dags["growth"].tags == set()
    assert bag.dags["growth_2"].tags == {"mine"}


def test_random_bytes_as_registry_break_no_dag(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "ownership.yaml"
    monkeypatch.setenv("AIRFLOW_HOME", str(tmp_path))
    monkeypatch.setenv("AIRFLOW__DAYBREAK__OWNERSHIP_FILE", str(path))
    dag = parse_one(tmp_path, PLAIN)
    chance = random.Random(20260202)
    for _ in range(200):
        path.write_bytes(chance.randbytes(chance.randrange(400)))
        policy.dag_policy(dag)
        for task in dag.tasks:
            policy.task_policy(task)
    assert dag.tags == set()
