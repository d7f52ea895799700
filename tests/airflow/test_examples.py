"""All of Airflow's own example dags, with the policy on: each still imports, whatever becomes of the registry."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from daybreak.surfaces import policy
from tests.support.rewriting import rewritten

REGISTRY = """
version: 1
people: {de-1: {name: Engineer A, opsgenie: a@example.com}}
on_call: {layers: {primary: {start: 2026-01-05T09:00, every: 1w, members: [de-1]}}}
defaults: {owner: de-1}
pipelines:
  growth: {dags: ["example_*"], owners: {primary: de-1}, native_deadline: true, deadline: {due: "09:00"}}
"""


@pytest.mark.timeout(600)
def test_every_example_dag_imports_as_it_does_without_us(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import airflow.example_dags
    from airflow.dag_processing.dagbag import DagBag
    from airflow.exceptions import SerializationError
    from airflow.serialization.serialized_objects import DagSerialization

    def serializes(dag: Any) -> bool:
        """One of the examples does only where a plugin of theirs was loaded, which a process does once, or not."""
        try:
            DagSerialization.from_dict(DagSerialization.to_dict(dag))
        except SerializationError:
            return False
        return True

    path = tmp_path / "ownership.yaml"
    monkeypatch.setenv("AIRFLOW__CORE__LOAD_EXAMPLES", "True")
    monkeypatch.setenv("AIRFLOW_HOME", str(tmp_path))
    monkeypatch.setenv("AIRFLOW__DAYBREAK__OWNERSHIP_FILE", str(path))
    monkeypatch.setattr(policy, "_latest", None)
    folder = str(next(iter(airflow.example_dags.__path__)))

    bare = DagBag(folder)  # there is no registry yet
    assert len(bare.dags) > 30
    path.write_text(REGISTRY)
    dressed = DagBag(folder)
    with rewritten(path, REGISTRY.replace("09:00", "10:00"), REGISTRY):
        unsettled = DagBag(folder)

    for bag in (dressed, unsettled):
        assert set(bag.dags) == set(bare.dags)
        assert set(bag.import_errors) == set(bare.import_errors)
        for dag_id, dag in bag.dags.items():
            assert "owner:de-1" in dag.tags or "owner:unclaimed" in dag.tags, dag_id
            assert bare.dags[dag_id].tags <= dag.tags
            assert serializes(dag) == serializes(bare.dags[dag_id]), dag_id
    assert sum(map(serializes, bare.dags.values())) > len(bare.dags) - 3
    assert not [dag_id for dag_id, dag in bare.dags.items() if "owner:de-1" in dag.tags]
