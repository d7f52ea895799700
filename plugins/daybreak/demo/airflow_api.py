"""Airflow's REST API, as far as a demo needs it: what a person would click, and what they would look at."""

from __future__ import annotations

from typing import Any

import httpx

from daybreak.errors import AirflowUnreadable


class AirflowApi:
    """Calls of one Airflow whose every visitor is an admin (loopback only). Raises AirflowUnreadable on refusals."""

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url
        # A proxy has no business between this machine and its own Airflow.
        # On SQLite a request may stand still for as long as Airflow waits for the database (sqlite_patience.py).
        self._client = httpx.Client(base_url=f"{base_url}/api/v2", timeout=60, trust_env=False)

    def close(self) -> None:
        self._client.close()

    def health(self) -> dict[str, str]:
        """Component → its status (``healthy``, ``unhealthy`` or empty); nothing while the server does not answer."""
        try:
            answer = self._client.get("/monitor/health", timeout=5)
            answer.raise_for_status()
        except httpx.HTTPError:
            return {}
        return {name: (part or {}).get("status") or "" for name, part in answer.json().items()}

    def dags(self) -> list[dict[str, Any]]:
        return list(self._call("GET", "/dags", params={"limit": 100})["dags"])

    def details(self, dag_id: str) -> dict[str, Any]:
        return self._call("GET", f"/dags/{dag_id}/details")

    def import_errors(self) -> list[dict[str, Any]]:
        return list(self._call("GET", "/importErrors")["import_errors"])

    def pause(self, dag_id: str, *, paused: bool) -> None:
        self._call("PATCH", f"/dags/{dag_id}", json={"is_paused": paused})

    def trigger(self, dag_id: str, *, logical_date: str | None) -> str:
        """Start a run. → its id."""
        return str(self._call("POST", f"/dags/{dag_id}/dagRuns", json={"logical_date": logical_date})["dag_run_id"])

    def set_variable(self, key: str, value: str) -> None:
        body = {"key": key, "value": value, "description": "set by the demo"}
        try:
            self._call("POST", "/variables", json=body)
        except AirflowUnreadable:  # it is there already
            self._call("PATCH", f"/variables/{key}", json=body)

    def runs(self) -> list[dict[str, Any]]:
        """The newest runs of all dags, oldest first."""
        answer = self._call("POST", "/dags/~/dagRuns/list", json={"page_limit": 100, "order_by": "-run_after"})
        return list(reversed(answer["dag_runs"]))

    def clear(self, dag_id: str, run_id: str) -> None:
        """Clear the failed tasks of a run, and those after them: they run again."""
        body = {"dry_run": False, "dag_run_id": run_id, "only_failed": True, "include_downstream": True}
        self._call("POST", f"/dags/{dag_id}/clearTaskInstances", json=body)

    def forget(self, dag_id: str) -> None:
        """Pause a dag and delete its runs, and what its assets have announced since the last one."""
        self.pause(dag_id, paused=True)
        for run in self._call("GET", f"/dags/{dag_id}/dagRuns", params={"limit": 100})["dag_runs"]:
            self._call("DELETE", f"/dags/{dag_id}/dagRuns/{run['dag_run_id']}")
        try:
            self._call("DELETE", f"/dags/{dag_id}/assets/queuedEvents")
        except AirflowUnreadable as error:
            if " 404 " not in str(error):  # nothing was announced
                raise

    def tasks(self, dag_id: str, run_id: str) -> list[dict[str, Any]]:
        return list(self._call("GET", f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances")["task_instances"])

    def _call(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        try:
            answer = self._client.request(method, path, **options)
        except httpx.HTTPError as error:
            raise AirflowUnreadable(f"{self.base_url}: {method} {path} failed ({type(error).__name__})") from error
        if answer.is_error:
            raise AirflowUnreadable(
                f"{self.base_url}: {method} {path} answered {answer.status_code} {answer.text[:200]}"
            )
        return dict(answer.json()) if answer.content else {}
