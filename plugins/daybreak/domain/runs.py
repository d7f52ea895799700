"""What Airflow tells about dags and their runs: the facts that judging starts from.

Made by :mod:`daybreak.airflow_io.reader` from the metadata database and by ``daybreak replay`` from a file; judging
cannot tell which. Instants are aware and in UTC.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

ACTIVE = frozenset({"queued", "running"})
BACKFILL = "backfill"
EVIDENCE_KEY = "daybreak_failure"
"""XCom key under which a failed task leaves its evidence: written by surfaces.evidence, read by airflow_io.reader."""
OUT_OF_MEMORY = "infrastructure.out_of_memory"
"""The triage category (config/triage.yaml) whose failures have a reason, and may have a ticket, of their own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One dag run. ``run_type`` and ``state`` are Airflow's own words."""

    dag_id: str
    run_id: str
    run_type: str  # scheduled | manual | asset_triggered | backfill | ...
    state: str  # queued | running | success | failed
    run_after: datetime
    logical_date: datetime | None = None  # None for asset-triggered and some manual runs
    data_interval_end: datetime | None = None
    queued_at: datetime | None = None
    start_date: datetime | None = None
    end_date: datetime | None = None

    @property
    def effective_date(self) -> datetime:
        """The instant that decides to which cycle the run belongs (design §4, "Which run belongs")."""
        return self.data_interval_end or self.logical_date or self.run_after

    @property
    def counts(self) -> bool:
        """Whether this run can make data ready: backfills never do."""
        return self.run_type != BACKFILL


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskState:
    """One task instance (the latest try) of a run."""

    dag_id: str
    run_id: str
    task_id: str
    state: str | None
    map_index: int = -1
    try_number: int = 0
    start_date: datetime | None = None
    end_date: datetime | None = None
    operator: str | None = None
    hostname: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What a failed task left behind (written in the task's own process), or what could be found out about it."""

    dag_id: str
    run_id: str
    task_id: str
    try_number: int = 0
    map_index: int = -1
    exception: str | None = None  # "ValueError: tax_model knows 'digital_levy', the transformation does not"
    host: str | None = None
    log_url: str | None = None
    log_tail: str | None = None
    category: str | None = None  # triage category (include/triage.yaml)
    anchor: str | None = None  # section of the runbook for that category
    killed: bool = False  # failed without the evidence that a task's callback leaves: out of memory, most likely
    at: datetime | None = None

    @property
    def out_of_memory(self) -> bool:
        """Whether memory ran out: it says so itself, or it was killed without a word."""
        return self.killed or self.category == OUT_OF_MEMORY


@dataclass(frozen=True, slots=True, kw_only=True)
class DagFacts:
    """What Airflow knows of one dag, apart from its runs."""

    dag_id: str
    exists: bool = True
    paused: bool = False
    import_error: str | None = None  # the error's last line
    file: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """One consistent reading. A dag absent from ``dags`` is missing, unless ``dags_known`` is False (replay)."""

    runs: Mapping[str, tuple[Run, ...]] = field(default_factory=dict)  # dag id → runs, newest effective date first
    dags: Mapping[str, DagFacts] = field(default_factory=dict)
    dags_known: bool = False  # whether ``dags`` was read at all
    tasks: Mapping[tuple[str, str], tuple[TaskState, ...]] = field(
        default_factory=dict
    )  # (dag id, run id) → tasks of interest
    evidence: Mapping[tuple[str, str], tuple[Evidence, ...]] = field(
        default_factory=dict
    )  # (dag id, run id) → failures
    usual: Mapping[str, timedelta] = field(
        default_factory=dict
    )  # dag id → median of the last 14 successes, if at least 5
    upstream_ready: Mapping[tuple[str, str], datetime] = field(default_factory=dict)
    """(upstream id, business date in ISO form) → ready at; for kinds that runs do not tell (asset, sql, object)."""
    scheduler_alive: bool = True
    scheduler_due: bool = True
    """Whether a scheduler had the time to beat: not in a monitor's first half minute, for both may have been started
    together. Silence then is no outage yet."""
    finished: Mapping[tuple[str, str], datetime] = field(default_factory=dict)
    """(dag id, run id) of runs that Airflow still calls running though all their tasks are finished → the last end."""
    probed: frozenset[str] = frozenset()
    """Upstreams of the kinds asset, sql and object that were asked at all: of any other nothing is known, so it is
    not called late."""
    unclaimed: tuple[Run, ...] = ()
    """Recent runs that failed, of dags that neither a pipeline nor an upstream of the registry names; a history has
    none."""
