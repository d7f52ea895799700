"""What every test may rely on: no configuration leaks in from the shell that started pytest."""

from __future__ import annotations

import os

import pytest
from hypothesis import settings

for _name in [name for name in os.environ if name.startswith(("AIRFLOW_", "OPSGENIE_", "SLACK_"))]:
    del os.environ[_name]  # before anything imports Airflow, which reads its environment once

# Speed is measured by `make bench`; here a busy machine or a first import must not decide.
# CI tries the same examples each time, so that a change is judged by what it changed; at home they are new each time.
settings.register_profile("daybreak", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "daybreak")


@pytest.fixture(scope="session")
def postgres_url() -> str:
    """The SQLAlchemy URL of a PostgreSQL server whose user may create databases (DAYBREAK_TEST_POSTGRES)."""
    url = os.environ.get("DAYBREAK_TEST_POSTGRES")
    if not url:
        pytest.skip("DAYBREAK_TEST_POSTGRES is not set: NOT tested against PostgreSQL (.ci/run sets it)")
    return url
