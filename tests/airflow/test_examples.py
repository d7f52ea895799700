"""All of Airflow's own example dags, with the policy on: each still imports, claimed or not."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from daybreak.surfaces import policy
from tests.support.surfaces import growth, make_site, registry


@pytest.mark.timeout(600)
def test_every_example_dag_imports_as_it_does_without_us(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import airflow.example_dags
    from airflow.dag_processing.dagbag import DagBag
    from airflow.serialization.serialized_objects import DagSerialization

    folder = Path(next(iter(airflow.example_dags.__path__)))
    holder: dict[str, Any] = {"site": None}
    monkeypatch.setattr("daybreak.surfaces.site.current_site", lambda: holder["site"])
    monkeypatch.setattr(policy, "_latest", None)
    monkeypatch.setitem(os.environ, "AIRFLOW__CORE__LOAD_EXAMPLES", "True")

    bare = DagBag(str(folder))
    holder["site"] = make_site(tmp_path, registry(growth(dags=("example_*",), native_deadline=True)))
    dressed = DagBag(str(folder))

    assert len(bare.dags) > 30
    assert set(dressed.dags) == set(bare.dags)
    assert set(dressed.import_errors) == set(bare.import_errors)
    for dag_id, dag in dressed.dags.items():
        assert "owner:de-1" in dag.tags or "owner:unclaimed" in dag.tags, dag_id
        assert bare.dags[dag_id].tags <= dag.tags
        DagSerialization.from_dict(DagSerialization.to_dict(dag))
