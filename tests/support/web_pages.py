"""The plugin's pages as a signed-in user asks for them, with a stand-in for Airflow's auth manager."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.testclient import TestClient

from daybreak.surfaces.web import access
from daybreak.surfaces.web.app import create_app


class Manager:
    """An auth manager that lets everybody read the dags of ``readable``. As FAB's, it answers yes to whoever may read
    one dag when it is asked of dags in general."""

    readable: set[str] | None = None  # None: all

    def is_authorized_dag(self, *, method: str, user: Any, details: Any = None) -> bool:
        if self.readable is None:
            return True
        return bool(self.readable) if details is None or details.id is None else details.id in self.readable

    def get_authorized_dag_ids(self, *, user: Any, method: str = "GET") -> set[str]:
        return set(self.readable or ())


def mounted() -> tuple[FastAPI, FastAPI]:
    """Airflow's application with ours mounted, as its own ``init_plugins`` does. Our lifespan does not run."""
    parent, app = FastAPI(), create_app()
    parent.mount("/daybreak", app)
    return parent, app


def visitor(user: str | None) -> TestClient:
    """A client of the pages: signed in as ``user``, or nobody."""
    parent, app = mounted()
    if user is not None:
        app.dependency_overrides[access.signed_in] = lambda: user
    return TestClient(parent, follow_redirects=False)
