"""Airflow for tests in this process: a home of its own, set before anything imports Airflow."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest

_home = Path(tempfile.mkdtemp(prefix="daybreak-airflow-"))
os.environ.setdefault("AIRFLOW_HOME", str(_home))
os.environ.setdefault("AIRFLOW__CORE__LOAD_EXAMPLES", "False")
os.environ.setdefault("AIRFLOW__CORE__PLUGINS_FOLDER", str(Path(__file__).resolve().parents[2] / "plugins"))
os.environ.setdefault("AIRFLOW__CORE__UNIT_TEST_MODE", "False")

# Airflow first, as in every process of its own: it loads our policy while it starts, not the other way round.
import airflow  # noqa: E402, F401, I001

from tests.support.shipped_dags import DAYS, ShippedDags  # noqa: E402


@pytest.fixture(scope="session")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> ShippedDags:
    """The shipped dags after three mornings, one after the other."""
    made = ShippedDags(tmp_path_factory.mktemp("shipped"))
    done = made.run(*({"day": day} for day in DAYS))
    assert [row for row in done if row["state"] != "success"] == []
    assert len(done) == 11 * len(DAYS)
    return made
