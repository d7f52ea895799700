"""The addresses that pages and messages point to: dag run, task log, runbook, board."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from urllib.parse import quote

from daybreak.domain.registry import Registry

RUNBOOK_PAGES = "daybreak/runbooks"  # below Airflow's own address: the plugin's pages
BOARD = "daybreak/board"
UPSTREAMS = "daybreak/upstreams"
LOCAL = "http://localhost:8080"


@dataclass(frozen=True, slots=True, kw_only=True)
class Links:
    """Base addresses. ``airflow`` None: nothing that needs it is linked."""

    airflow: str | None = None
    runbooks: str | None = None  # the team's own site; None: the plugin's runbook page

    @classmethod
    def of(cls, registry: Registry, airflow_base_url: str | None = None) -> Links:
        """:param airflow_base_url: Airflow's ``[api] base_url``, for a registry that names no address."""
        airflow = registry.airflow_base_url or airflow_base_url
        runbooks = registry.runbooks_base_url
        return cls(
            airflow=airflow.rstrip("/") if airflow else None, runbooks=runbooks.rstrip("/") if runbooks else None
        )

    def dag(self, dag_id: str) -> str | None:
        return f"{self.airflow}/dags/{_part(dag_id)}" if self.airflow else None

    def dag_run(self, dag_id: str | None, run_id: str | None) -> str | None:
        """The run's page; the dag's where no run is known."""
        if self.airflow is None or dag_id is None:
            return None
        return f"{self.airflow}/dags/{_part(dag_id)}/runs/{_part(run_id)}" if run_id else self.dag(dag_id)

    def task_log(
        self, dag_id: str, run_id: str, task_id: str, *, map_index: int = -1, try_number: int = 0
    ) -> str | None:
        run = self.dag_run(dag_id, run_id)
        if run is None:
            return None
        mapped = f"/mapped/{map_index}" if map_index >= 0 else ""
        number = f"?try_number={try_number}" if try_number > 0 else ""
        return f"{run}/tasks/{_part(task_id)}{mapped}{number}"

    def runbook(self, file: str | None, anchor: str | None = None) -> str | None:
        """The runbook's page, at ``anchor`` if given; None without a runbook."""
        if not file:
            return None
        name = quote(file)
        if self.runbooks:
            url = f"{self.runbooks}/{name}"
        elif self.airflow:
            url = f"{self.airflow}/{RUNBOOK_PAGES}/{name.removesuffix('.md')}"
        else:
            return None
        return f"{url}#{quote(anchor)}" if anchor else url

    def upstream(self, upstream: str, business_date: date) -> str | None:
        """The page of an upstream's delay on one day."""
        return f"{self.airflow}/{UPSTREAMS}/{_part(upstream)}?date={business_date}" if self.airflow else None

    def board(self) -> str | None:
        return f"{self.airflow}/{BOARD}" if self.airflow else None


def _part(name: str) -> str:
    return quote(name, safe="")
