"""What a callback asks Airflow before it pages: bounded, since a page must not wait for an answer.

In the dag processor such a question goes to the process that manages it, which builds its API on the first one: on a
busy machine that took 34 s. So all questions of one callback share two seconds; what is not answered by then counts
as not known, and the page goes out all the same.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from daybreak.domain.runs import EVIDENCE_KEY, Run

log = logging.getLogger(__name__)

PATIENCE = 2.0  # seconds for all questions of one callback
T = TypeVar("T")


class Questions:
    """Asks about one run. Every answer may be missing: empty, or the value given."""

    def __init__(self, run: Run, *, patience: float = PATIENCE) -> None:
        self._run = run
        self._patience = patience
        self._until: float | None = None  # counts from the first question

    def task_states(self) -> dict[str, str]:
        """Task id → state now."""
        return self._ask("task states", lambda: _task_states(self._run), {})

    def run_state(self) -> str:
        """The run's state now, else as it was handed over."""
        return self._ask("state", lambda: _run_state(self._run), self._run.state)

    def evidence(self, task_id: str, map_index: int) -> dict[str, Any]:
        """What the failed task left behind (:mod:`daybreak.surfaces.evidence`)."""
        return self._ask("evidence", lambda: _evidence(self._run, task_id, map_index), {})

    def _ask(self, what: str, question: Callable[[], T], otherwise: T) -> T:
        """The answer, if it comes in time. The thread is left behind if not: a question cannot be taken back."""
        answers: list[T] = []

        def ask() -> None:
            try:
                answers.append(question())
            except Exception as error:  # noqa: BLE001 - the page goes out without it
                log.info("daybreak: the %s of %s %s: %s", what, self._run.dag_id, self._run.run_id, error)
                answers.append(otherwise)

        if self._until is None:
            self._until = time.monotonic() + self._patience
        left = self._until - time.monotonic()
        if left <= 0:
            return otherwise
        asking = threading.Thread(target=ask, name="daybreak-question", daemon=True)
        asking.start()
        asking.join(left)
        if answers:
            return answers[0]
        log.warning("daybreak: no answer in time for the %s of %s %s", what, self._run.dag_id, self._run.run_id)
        return otherwise


def _task_states(run: Run) -> dict[str, str]:
    from airflow.sdk.execution_time.task_runner import RuntimeTaskInstance

    states = RuntimeTaskInstance.get_task_states(dag_id=run.dag_id, run_ids=[run.run_id])
    return {task: str(getattr(state, "value", state)) for task, state in states.get(run.run_id, {}).items()}


def _run_state(run: Run) -> str:
    from airflow.sdk.execution_time.task_runner import RuntimeTaskInstance

    return str(RuntimeTaskInstance.get_dagrun_state(dag_id=run.dag_id, run_id=run.run_id))


def _evidence(run: Run, task_id: str, map_index: int) -> dict[str, Any]:
    from airflow.sdk.execution_time.xcom import XCom

    left = XCom.get_one(key=EVIDENCE_KEY, dag_id=run.dag_id, task_id=task_id, run_id=run.run_id, map_index=map_index)
    return dict(left) if isinstance(left, Mapping) else {}
