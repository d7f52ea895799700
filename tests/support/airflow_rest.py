"""What tests ask of Airflow's REST API beyond what the demo does: what an operator would do by hand in the UI."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from daybreak.demo.airflow_api import AirflowApi


class Api(AirflowApi):
    """The demo's API and more. Every call raises AirflowUnreadable where Airflow refuses it."""

    def run_now(self, dag_id: str, *, logical_date: datetime | None = None, **body: Any) -> str:
        """Start a manual run, by default of this instant. → its id. ``body``: further fields, as ``conf``."""
        at = logical_date or datetime.now(UTC)
        answer = self._call("POST", f"/dags/{dag_id}/dagRuns", json={"logical_date": at.isoformat(), **body})
        return str(answer["dag_run_id"])

    def beat(self, component: str) -> datetime | None:
        """The last heartbeat of ``scheduler``, ``triggerer`` or ``dag_processor``; None without any."""
        part = self._call("GET", "/monitor/health").get(component) or {}
        at = part.get(f"latest_{component}_heartbeat")
        return datetime.fromisoformat(at) if at else None

    def runs_of(self, dag_id: str) -> list[dict[str, Any]]:
        """All runs of a dag, oldest first."""
        return list(self._call("GET", f"/dags/{dag_id}/dagRuns", params={"order_by": "id", "limit": 100})["dag_runs"])

    def run(self, dag_id: str, run_id: str) -> dict[str, Any]:
        return self._call("GET", f"/dags/{dag_id}/dagRuns/{run_id}")

    def task(self, dag_id: str, run_id: str, task_id: str) -> dict[str, Any]:
        """One task instance: ``state``, ``pid``, ``try_number``, ``hostname``, ..."""
        return self._call("GET", f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}")

    def clear(self, dag_id: str, run_id: str, *, only_failed: bool = False) -> None:
        """Clear a run, as "Clear Run" does: its tasks run again."""
        body = {"dry_run": False, "only_failed": only_failed}
        self._call("POST", f"/dags/{dag_id}/dagRuns/{run_id}/clear", json=body)

    def mark(self, dag_id: str, run_id: str, state: str) -> None:
        """Mark a run ``success``, ``failed`` or ``queued``, as "Mark Run as..." does."""
        self._call("PATCH", f"/dags/{dag_id}/dagRuns/{run_id}", json={"state": state})

    def backfill(self, dag_id: str, first: datetime, last: datetime) -> None:
        """Start a backfill over the logical dates from ``first`` to ``last``, both included."""
        body = {"dag_id": dag_id, "from_date": first.isoformat(), "to_date": last.isoformat()}
        self._call("POST", "/backfills", json=body)

    def asset_event(self, uri: str) -> None:
        """Tell Airflow that the asset was updated: dags scheduled by it get a run without logical date."""
        assets = self._call("GET", "/assets", params={"limit": 100})["assets"]
        (asset,) = [each for each in assets if each["uri"] == uri]
        self._call("POST", "/assets/events", json={"asset_id": asset["id"], "extra": {}})

    def make_pool(self, name: str, slots: int) -> None:
        """Make a pool; of 0 slots nothing in it is ever started, at no cost."""
        self._call("POST", "/pools", json={"name": name, "slots": slots})
