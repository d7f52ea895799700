"""Whatever an author writes into a dag, the policy keeps it, adds to it, can be run again, and raises nothing."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from daybreak.surfaces.cards import Cards
from daybreak.surfaces.ownership import TAG_LIMIT, claim_dag, claim_task, own_task, tags_of
from tests.support.surfaces import growth, make_site, registry

words = st.text(max_size=150)
callback = st.sampled_from([print, len, repr])
callbacks = st.one_of(st.none(), callback, st.lists(callback, max_size=3))


class Dag:
    """As much of a dag as the policy touches."""

    def __init__(self, tags: set[str], links: dict[str, str], doc: str | None, callbacks: Any) -> None:
        self.dag_id = "growth"
        self.tags = set(tags)
        self.owner_links = dict(links)
        self.doc_md = doc
        self.on_failure_callback = callbacks
        self.has_on_failure_callback = bool(callbacks)
        self.deadline: Any = None
        self.tasks: list[Any] = []

    def state(self) -> tuple[Any, ...]:
        return self.tags, self.owner_links, self.doc_md, self.on_failure_callback, self.has_on_failure_callback


class Task:
    def __init__(self, owner: str | None, callbacks: Any) -> None:
        self.owner = owner
        self.on_failure_callback = callbacks


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value] if value else []


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    tags=st.sets(words, max_size=5),
    links=st.dictionaries(words, words, max_size=3),
    doc=st.one_of(st.none(), words),
    before=callbacks,
    owner=st.one_of(st.none(), words),
    area=st.one_of(st.none(), words),
    purpose=st.one_of(st.none(), words),
)
def test_kept_added_to_and_stable(
    tmp_path_factory: Any, tags: set[str], links: dict[str, str], doc: str | None, before: Any, owner: str | None,
    area: str | None, purpose: str | None,
) -> None:  # fmt: skip
    site = make_site(tmp_path_factory.getbasetemp() / "fuzz", registry(growth(area=area, purpose=purpose)))
    cards = Cards.of(site)
    (card,) = cards.cards
    dag, task = Dag(tags, links, doc, before), Task(owner, before)
    claim_dag(dag, cards, card)
    claim_task(task, card)
    assert tags <= dag.tags
    assert links.items() <= dag.owner_links.items()
    assert doc is None or not doc.strip() or dag.doc_md.startswith(doc.rstrip())
    assert dag.on_failure_callback[: len(listed(before))] == listed(before)
    assert "de-1" in [part.strip() for part in task.owner.split(",")]
    once = dag.state(), task.owner, list(task.on_failure_callback)
    claim_dag(dag, cards, card)
    claim_task(task, card)
    assert (dag.state(), task.owner, list(task.on_failure_callback)) == once


@given(area=words, audience=words)
def test_tags_fit_into_airflow(area: str, audience: str) -> None:
    assert all(0 < len(tag) <= TAG_LIMIT for tag in tags_of(growth(area=area, audience=audience)))


@given(owner=words)
def test_an_authors_owner_stays_first(owner: str) -> None:
    task = Task(owner, None)
    own_task(task, "de-1")
    named = [part.strip() for part in owner.split(",") if part.strip()]
    if named not in ([], ["airflow"]):
        assert [part.strip() for part in task.owner.split(",")][: len(named)] == named
