"""Airflow's policy hooks: at parse every dag is given what the registry knows of it, without a line changed in it.

Reached through the ``airflow.policy`` entry point or through ``plugins/airflow_local_settings.py``; through both at
once nothing happens twice. Whatever goes wrong is logged and leaves the dag as its author wrote it: an exception
that left a hook would break the dag. The one exception that leaves on purpose is ``[daybreak] unclaimed = refuse``.
"""

from __future__ import annotations

import logging
import weakref
from functools import cache
from typing import TYPE_CHECKING, Any

import pluggy

if TYPE_CHECKING:
    from daybreak.surfaces.cards import Card, Cards

log = logging.getLogger(__name__)

hookimpl = pluggy.HookimplMarker("airflow.policy")
"""Airflow's own marker (``airflow.policies.hookimpl``) by its name: to import it from there would start Airflow, which
looks for this module while it starts."""

_latest: tuple[weakref.ref[Any], Cards | None, Card | None] | None = None
"""The dag looked at last: Airflow hands over a dag's tasks one by one, right after the dag."""

__all__ = ["dag_policy", "task_policy"]


@hookimpl
def dag_policy(dag: Any) -> None:
    """Owner's link, tags, documentation, failure callback and (where asked for) a native deadline for ``dag``."""
    refused = False
    try:
        cards, card = _look_up(dag)
        if cards is None:
            return
        if card is not None:
            _hands().claim_dag(dag, cards, card)
        elif (mode := _unclaimed()) == "tag":
            _hands().adopt_dag(dag, cards)
        else:
            refused = mode == "refuse"
    except Exception:
        log.exception("daybreak could not dress dag %s; it is left as it is", getattr(dag, "dag_id", "?"))
    if refused:
        from airflow.exceptions import AirflowClusterPolicyViolation

        raise AirflowClusterPolicyViolation(
            f"no pipeline in Daybreak's registry claims the dag {dag.dag_id!r}: add it to a pipeline's `dags`"
        )


@hookimpl
def task_policy(task: Any) -> None:
    """The owner, and the callback that keeps a failure's evidence, for each task of a dag."""
    try:
        cards, card = _look_up(task.dag)
        if cards is None:
            return
        if card is not None:
            _hands().claim_task(task, card)
        elif _unclaimed() == "tag":
            _hands().own_task(task, cards.owner)
    except Exception:
        log.exception("daybreak could not dress task %s; it is left as it is", getattr(task, "task_id", "?"))


def _look_up(dag: Any) -> tuple[Cards | None, Card | None]:
    """The cards in force and the one that claims ``dag``. What held for a dag holds for its tasks, and for the second
    of two hooks: a registry that changes in between leaves no dag dressed by halves."""
    global _latest
    if _latest is not None and _latest[0]() is dag:
        return _latest[1], _latest[2]
    from daybreak.surfaces import cards

    found = cards.current_cards() if dag is not None else None
    card = found.of_dag(dag.dag_id) if found is not None else None
    if dag is not None:
        _latest = (weakref.ref(dag), found, card)
    return found, card


def _unclaimed() -> str:
    from daybreak.airflow_io.settings import unclaimed

    return unclaimed()


@cache
def _hands() -> Any:
    """What dresses dags and tasks: imported with the first one, and not looked up again for every task."""
    from daybreak.surfaces import ownership

    return ownership
