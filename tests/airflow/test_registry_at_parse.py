"""The registry while dags are parsed: unreadable, no file, or rewritten meanwhile. Every dag imports all the same."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.sdk import DAG
from airflow.serialization.serialized_objects import DagSerialization
from hypothesis import given, settings
from hypothesis import strategies as st

from daybreak.surfaces import policy
from daybreak.surfaces.cards import Cards
from tests.support.rewriting import rewritten
from tests.support.surfaces import growth, make_site, registry

REGISTRY = """
version: 1
people: {{de-1: {{name: Engineer A, opsgenie: a@example.com}}}}
on_call: {{layers: {{primary: {{start: 2026-01-05T09:00, every: 1w, members: [de-1]}}}}}}
defaults: {{owner: de-1}}
pipelines:
  growth: {{dags: ["*"], area: {area}, audience: {area}, owners: {{primary: de-1}}, deadline: {{due: "09:00"}}}}
"""
DAG_FILE = """
from airflow.sdk import DAG
from airflow.providers.standard.operators.empty import EmptyOperator
with DAG("growth_{number}", tags=["mine"]):
    EmptyOperator(task_id="only")
"""
NOBODY = 65534


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder that others may read as well, with three dags in it and the registry's file named in it."""
    folder = Path(tempfile.mkdtemp(prefix="daybreak-parse-"))
    folder.chmod(0o777)
    (folder / "dags").mkdir()
    for number in range(3):
        (folder / "dags" / f"growth_{number}.py").write_text(DAG_FILE.format(number=number))
    monkeypatch.setenv("AIRFLOW_HOME", str(folder))
    monkeypatch.setenv("AIRFLOW__DAYBREAK__OWNERSHIP_FILE", str(folder / "ownership.yaml"))
    monkeypatch.setattr(policy, "_latest", None)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def tags(place: Path) -> list[set[str]]:
    """Parse all three; their tags, but the author's own."""
    bag = DagBag(str(place / "dags"))
    assert not bag.import_errors
    assert len(bag.dags) == 3
    assert all("mine" in dag.tags for dag in bag.dags.values())
    return [set(dag.tags) - {"mine"} for dag in bag.dags.values()]


def of_area(area: str) -> set[str]:
    return {"owner:de-1", f"area:{area}", f"audience:{area}", "sla:09:00Z"}


@contextmanager
def as_nobody() -> Iterator[None]:
    """Root may read everything: be somebody else for a while."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.mark.parametrize("known", [False, True], ids=["never read", "read before"])
def test_a_registry_that_may_not_be_read(place: Path, known: bool) -> None:
    path = place / "ownership.yaml"
    assert tags(place) == [set()] * 3  # and everything is imported, while that is allowed
    path.write_text(REGISTRY.format(area="a"))
    if known:
        assert tags(place) == [of_area("a")] * 3
        for kept in (place / "daybreak").rglob("*"):
            kept.chmod(0o755 if kept.is_dir() else 0o644)
        (place / "daybreak").chmod(0o755)
    path.chmod(0)
    with as_nobody():
        with pytest.raises(PermissionError):
            path.read_bytes()
        assert tags(place) == [of_area("a") if known else set()] * 3


@pytest.mark.parametrize(
    "made",
    [
        lambda path: path.mkdir(),
        lambda path: path.symlink_to(path),
        lambda path: path.symlink_to(path.parent / "gone"),
        lambda path: os.truncate(os.open(path, os.O_CREAT | os.O_WRONLY), 6_000_000),
    ],
    ids=["a folder", "a link to itself", "a dangling link", "six million zeros"],
)
def test_a_registry_that_is_no_file_or_no_registry(place: Path, made: Callable[[Path], None]) -> None:
    made(place / "ownership.yaml")
    assert tags(place) == [set()] * 3


def test_a_registry_that_changes_while_dags_are_parsed(place: Path) -> None:
    """It is written in place, in two halves, removed, and broken, as editors and careless deployments do."""
    path = place / "ownership.yaml"
    path.write_text(REGISTRY.format(area="a"))
    assert tags(place) == [of_area("a")] * 3
    with rewritten(path, REGISTRY.format(area="b"), REGISTRY.format(area="a")):
        seen = [found for _ in range(40) for found in tags(place)]
    strange = [found for found in seen if found not in (of_area("a"), of_area("b"))]
    assert not strange, "one registry or the other, whole"
    assert tags(place) == [of_area("a")] * 3  # what was written last counts


words = st.text(st.characters(exclude_categories=["Cs"]), max_size=80)
callback = st.sampled_from([print, len, repr])


@st.composite
def real_dags(draw: st.DrawFn) -> DAG:
    """A dag as Airflow accepts it, with whatever its author may set."""
    from airflow.providers.standard.operators.empty import EmptyOperator

    dag = DAG(
        dag_id="growth",
        tags=draw(st.sets(words.filter(bool), max_size=4)),
        doc_md=draw(st.none() | words),
        description=draw(st.none() | words),
        owner_links=draw(
            st.dictionaries(words, st.sampled_from(["https://a.example", "mailto:a@b.example"]), max_size=2)
        ),
        on_failure_callback=draw(st.none() | callback | st.lists(callback, max_size=2)),
        default_args=draw(st.sampled_from([{}, {"owner": "alice"}, {"retries": 2, "on_failure_callback": print}])),
    )
    for number in range(draw(st.integers(0, 4))):
        more = draw(st.fixed_dictionaries({}, optional={"owner": words, "doc_md": words}))
        if draw(st.booleans()):
            EmptyOperator(task_id=f"t{number}", dag=dag, on_failure_callback=draw(st.none() | callback), **more)
        else:
            EmptyOperator.partial(task_id=f"t{number}", dag=dag, **more).expand_kwargs([{"doc": "a"}, {"doc": "b"}])
    return dag


@settings(max_examples=60)
@given(dag=real_dags(), claimed=st.booleans(), native=st.booleans())
def test_random_dags_keep_what_they_had_and_serialize(dag: Any, claimed: bool, native: bool) -> None:
    pipeline = growth(dags=("growth" if claimed else "other",), native_deadline=native)
    site = make_site(Path(tempfile.gettempdir()) / "daybreak-random-dags", registry(pipeline))
    before = set(dag.tags), dict(dag.owner_links), [task.owner for task in dag.tasks]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("daybreak.surfaces.cards.current_cards", lambda: Cards.of(site))
        patch.setattr(policy, "_latest", None)
        once = dressed(dag)
        assert dressed(dag) == once
    assert before[0] <= dag.tags
    assert before[1].items() <= dag.owner_links.items()
    assert ("owner:de-1" if claimed else "owner:unclaimed") in dag.tags
    assert dag.has_on_failure_callback or not claimed
    DagSerialization.from_dict(once)


def dressed(dag: Any) -> dict[str, Any]:
    """The serialized dag after our hooks."""
    policy.dag_policy(dag)
    for task in dag.tasks:
        policy.task_policy(task)
    found: dict[str, Any] = DagSerialization.to_dict(dag)
    return found
