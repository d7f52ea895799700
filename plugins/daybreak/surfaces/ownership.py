"""What the registry knows about a dag, put onto the dag: owner, links, tags, documentation, callbacks, deadline.

Adds and never replaces, and does nothing the second time, so that the hooks may run twice (a plugins folder and an
installed package at once). The same registry always gives the same dag: no on-call name and no time is written, for
a changed serialized dag is a new dag version.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from daybreak.surfaces import callbacks, evidence
from daybreak.surfaces.documentation import documented, section_of

if TYPE_CHECKING:
    from daybreak.domain.registry import Deadline, Pipeline
    from daybreak.surfaces.cards import Card, Cards

AIRFLOWS_OWNER = "airflow"  # what Airflow writes where the author named no owner ([operators] default_owner)
TAG_LIMIT = 100
LINK_LIMIT = 500
UNCLAIMED_TAG = "owner:unclaimed"
_UTC = frozenset({"UTC", "Etc/UTC", "GMT", "Etc/GMT", "Zulu", "Etc/Zulu", "UCT", "Universal", "Z"})


def claim_dag(dag: Any, cards: Cards, card: Card) -> None:
    """Give ``dag`` what its pipeline's ``card`` says of it. The tasks get theirs in :func:`claim_task`."""
    dag.tags.update(card.tags)
    _link_owner(dag, card.owner, card.url)
    dag.doc_md = documented(dag.doc_md, section_of(card.head, cards.runbooks, card.runbook))
    dag.on_failure_callback = _with(dag.on_failure_callback, callbacks.dag_failed)
    dag.has_on_failure_callback = True
    if card.native is not None:
        from daybreak.surfaces.deadlines import add_native_deadline

        add_native_deadline(dag, card.pipeline, card.native)


def claim_task(task: Any, card: Card) -> None:
    """Owner and evidence for one task of a claimed dag, mapped ones included."""
    own_task(task, card.owner)
    present = task.on_failure_callback
    if not isinstance(present, list) or evidence.leave_evidence not in present:  # assigning to an operator is dear
        task.on_failure_callback = _with(present, evidence.leave_evidence)


def adopt_dag(dag: Any, cards: Cards) -> None:
    """The catch-all for a dag that no pipeline claims: it is tagged, and the default owner stands on it."""
    dag.tags.add(UNCLAIMED_TAG)
    _link_owner(dag, cards.owner, cards.url)


def own_task(task: Any, owner: str) -> None:
    """``owner`` in place of Airflow's default; an author's own owner stays and ``owner`` stands after it."""
    present = task.owner
    if present == owner:
        return
    if present == _default_owner():
        task.owner = owner
        return
    named = [part.strip() for part in str(present or "").split(",") if part.strip()]
    if named in ([], [_default_owner()]):
        task.owner = owner
    elif owner not in named:
        task.owner = ", ".join([*named, owner])


def tags_of(pipeline: Pipeline) -> frozenset[str]:
    """``owner:``, ``area:``, ``audience:`` and ``sla:``, each at most 100 characters, as far as known."""
    named = {"owner": pipeline.primary_owner, "area": pipeline.area, "audience": pipeline.audience}
    tags = [f"{key}:{value}" for key, value in named.items() if value]
    if pipeline.deadline is not None:
        tags.append(f"sla:{clock_text(pipeline.deadline)}")
    return frozenset(tag if len(tag) <= TAG_LIMIT else tag[: TAG_LIMIT - 1] + "…" for tag in tags)


def clock_text(deadline: Deadline) -> str:
    """``06:00Z``, or ``06:00 Europe/Berlin`` where the zone is not UTC."""
    at = deadline.due.strftime("%H:%M:%S" if deadline.due.second else "%H:%M")
    return f"{at}Z" if deadline.zone.key in _UTC else f"{at} {deadline.zone.key}"


def _link_owner(dag: Any, owner: str, url: str | None) -> None:
    """The owner's name in the dag page's header leads to the runbook: one click, and no permission is needed."""
    if url is not None and owner not in dag.owner_links:
        dag.owner_links = {**dag.owner_links, owner: url}


def link_of(url: str | None) -> str | None:
    """``url`` if Airflow takes it for an owner's link. Asked once a registry, not for every dag."""
    if url is None or len(url) > LINK_LIMIT:
        return None
    parts = urlsplit(url)
    return url if parts.scheme in ("http", "https") and parts.netloc else None


def _with(present: Any, ours: Any) -> Any:
    """The author's callbacks, one or many, with ours after them."""
    several = list(present) if isinstance(present, (list, tuple)) else [present] if present else []
    return several if ours in several else [*several, ours]


@cache
def _default_owner() -> str:
    """Looked up once, not for every task: it costs more than all else that is done for one."""
    from airflow.configuration import conf

    return str(conf.get("operators", "default_owner", fallback=AIRFLOWS_OWNER))
