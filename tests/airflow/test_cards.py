"""The cards that a parse takes from disk: the same as those made anew, and never those of another registry."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daybreak.config import lastgood
from daybreak.config.files import digest
from daybreak.surfaces import cards, site
from daybreak.surfaces.cards import Cards, current_cards
from tests.support.surfaces import growth, make_site, registry

TEXT = """
version: 1
people: {de-1: {name: Engineer A, opsgenie: a@example.com}, de-2: {name: Engineer B, opsgenie: b@example.com}}
on_call: {layers: {primary: {start: 2026-01-05T09:00, every: 1w, members: [de-1, de-2]}}}
defaults: {owner: de-2}
pipelines:
  growth:
    dags: [growth, "growth_*"]
    owners: {primary: de-1}
    runbook: growth.md
    native_deadline: true
    deadline: {due: "06:00", timezone: Europe/Berlin, days: weekdays}
  profit: {dags: [profit], owners: {primary: de-2}, area: "Gewinn – profit"}
"""


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A registry in production, with its runbook, in an $AIRFLOW_HOME of its own."""
    (tmp_path / "runbooks").mkdir()
    (tmp_path / "runbooks" / "growth.md").write_text("# Growth\n")
    path = tmp_path / "ownership.yaml"
    path.write_text(TEXT)
    monkeypatch.setenv("AIRFLOW_HOME", str(tmp_path))
    monkeypatch.setenv("AIRFLOW__DAYBREAK__OWNERSHIP_FILE", str(path))
    new_process()
    return path


def new_process() -> None:
    cards.forget()
    lastgood.forget()


def found() -> Cards:
    new_process()
    taken = current_cards()
    assert taken is not None
    return taken


def file_of(path: Path) -> Path:
    (file,) = (path.parent / "daybreak").glob("cards-*.json")
    return file


def no_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    """From here on a registry that is made fails the test."""
    monkeypatch.setattr(site, "current_site", lambda: pytest.fail("the registry was made"))


def test_the_next_process_takes_the_same_cards_and_makes_no_registry(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = found()
    no_registry(monkeypatch)
    taken = found()
    assert taken.cards == made.cards
    assert (taken.owner, taken.url, taken.runbooks) == (made.owner, made.url, made.runbooks)
    assert [card.pipeline for card in taken.cards] == ["growth", "profit"]
    assert taken.cards[0].native is not None
    assert taken.cards[0].native["days"] == [0, 1, 2, 3, 4]


def test_another_registry_counts_at_the_next_parse_even_with_the_same_time_and_size(path: Path) -> None:
    found()
    looked = path.stat()
    path.write_text(TEXT.replace('due: "06:00"', 'due: "07:00"'))
    os.utime(path, ns=(looked.st_atime_ns, looked.st_mtime_ns))
    assert "sla:07:00 Europe/Berlin" in found().cards[0].tags


def test_in_one_process_a_changed_registry_counts_at_once(path: Path) -> None:
    first = found()
    assert current_cards() is first
    new = path.with_suffix(".new")
    new.write_text(TEXT.replace("area:", "audience:"))
    new.replace(path)
    again = current_cards()
    assert again is not None
    assert "audience:Gewinn – profit" in again.cards[1].tags


def test_another_address_of_airflow_counts(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found()
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", "https://elsewhere.example.com")
    assert (found().cards[0].url or "").startswith("https://elsewhere.example.com/")


def test_other_code_of_ours_counts(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found()
    before = file_of(path).read_bytes()
    monkeypatch.setattr(cards, "__version__", "another")
    found()
    assert file_of(path).read_bytes() != before


def test_the_files_that_make_cards_are_there() -> None:
    package = Path(cards.__file__).parents[1]
    assert [name for name in cards._MAKERS if not (package / name).is_file()] == []


def test_a_broken_registry_leaves_the_last_good_cards_and_is_told_by_each_process(
    path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = found()
    path.write_text(TEXT.replace("primary: de-1", "primary: nobody"))
    assert found().cards == good.cards
    caplog.clear()
    with monkeypatch.context() as later, caplog.at_level(logging.ERROR):
        no_registry(later)  # the next process need not find the mistake again
        assert found().cards == good.cards
    assert "nobody" in caplog.text
    path.unlink()
    assert found().cards == good.cards
    path.write_text(TEXT.replace("Engineer A", "Engineer Z"))
    assert "Engineer Z" in found().cards[0].head
    caplog.clear()
    assert "Engineer Z" in found().cards[0].head
    assert caplog.text == ""


def test_a_runbook_that_was_missing_puts_the_registry_right(path: Path) -> None:
    found()
    path.write_text(TEXT.replace("runbook: growth.md", "runbook: new.md"))
    for _ in range(2):
        assert found().cards[0].runbook == "growth.md"
    (path.parent / "runbooks" / "new.md").write_text("# New\n")
    assert found().cards[0].runbook == "new.md"


@pytest.mark.parametrize("change", ["cut", "bit", "empty", "words", "head"])
def test_cards_that_were_spoilt_are_made_anew(path: Path, change: str) -> None:
    good = found()
    file = file_of(path)
    data = file.read_bytes()
    middle = len(data) // 2
    file.write_bytes(
        {
            "cut": data[:middle],
            "bit": data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :],
            "empty": b"",
            "words": b"not\nwhat was written",
            "head": data.partition(b"\n")[0],
        }[change]
    )
    assert found().cards == good.cards


def forged(file: Path) -> bytes:
    """Cards with another owner, under the right key and with the right checksum: nothing about them is secret."""
    head, _, body = file.read_bytes().partition(b"\n")
    body = body.replace(b"owner:de-1", b"owner:evil")
    return head.split(b" ")[0] + b" " + digest(body).encode() + b"\n" + body


@pytest.mark.parametrize("change", ["writable", "folder", "link", "pipe"])
def test_what_a_stranger_may_have_written_is_not_taken(path: Path, change: str) -> None:
    good = found()
    file = file_of(path)
    file.write_bytes(forged(file))
    assert "owner:evil" in found().cards[0].tags  # so the forgery is one
    if change == "writable":
        file.chmod(0o666)
    elif change == "folder":
        file.parent.chmod(0o777)
    elif change == "link":
        elsewhere = path.with_name("elsewhere")
        file.replace(elsewhere)
        file.symlink_to(elsewhere)
    else:
        file.unlink()
        os.mkfifo(file)
    assert found().cards == good.cards
    assert file.is_file()
    assert not file.is_symlink()


def test_a_registry_that_breaks_while_it_is_read_is_not_held_against_what_it_was_before(
    path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    found()
    new = TEXT.replace("Engineer A", "Engineer Z")
    real = site.current_site

    def broken_meanwhile() -> Any:
        path.write_text("version: 0")
        return real()

    path.write_text(new)
    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(site, "current_site", broken_meanwhile)
        assert "Engineer A" in found().cards[0].head  # the last good one
    path.write_text(new)
    caplog.clear()
    assert "Engineer Z" in found().cards[0].head
    assert caplog.text == ""


def test_a_file_of_another_user_is_not_taken(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found()
    if os.geteuid() != 0:
        pytest.skip("only root can give a file away")
    os.chown(file_of(path), 12345, 12345)
    made: list[bool] = []
    real = site.current_site
    monkeypatch.setattr(site, "current_site", lambda: made.append(True) or real())
    found()
    assert made == [True]
    assert file_of(path).stat().st_uid == 0


def test_tasks_of_another_user_can_read_what_is_kept(path: Path) -> None:
    found()
    assert {file.stat().st_mode & 0o777 for file in (path.parent / "daybreak").iterdir()} == {0o644}


def test_a_home_that_cannot_be_written_costs_only_the_copy(path: Path) -> None:
    (path.parent / "daybreak").write_text("a file where the folder belongs")
    assert [card.owner for card in found().cards] == ["de-1", "de-2"]


def test_the_runbook_is_read_at_each_parse(path: Path) -> None:
    from daybreak.surfaces.documentation import section_of

    taken = found()
    card = taken.cards[0]
    assert "### Growth\n" in section_of(card.head, taken.runbooks, card.runbook)
    (path.parent / "runbooks" / "growth.md").write_text("# Growth, as it is since today\n")
    assert "### Growth, as it is since today\n" in section_of(card.head, taken.runbooks, card.runbook)


names = st.text("ab_*?[]", min_size=1, max_size=4)


@given(patterns=st.lists(st.lists(names, min_size=1, max_size=3, unique=True), max_size=4), dag_id=names)
def test_a_card_is_found_as_its_pipeline_is(tmp_path_factory: Any, patterns: list[list[str]], dag_id: str) -> None:
    pipelines = [growth(id=f"p{n}", name=f"p{n}", dags=tuple(dags)) for n, dags in enumerate(patterns)]
    known = registry(*pipelines)
    made = make_site(tmp_path_factory.getbasetemp() / "cards", known)
    expected = known.pipeline_of(dag_id)
    card = Cards.of(made).of_dag(dag_id)
    assert (card.pipeline if card else None) == (expected.id if expected else None)


def in_a_new_process(code: str, home: Path, **environment: str) -> Any:
    kept = {key: value for key, value in os.environ.items() if not key.startswith("AIRFLOW")}
    env = {**kept, "AIRFLOW_HOME": str(home), "AIRFLOW__CORE__PLUGINS_FOLDER": PLUGINS, "PYTHONPATH": PLUGINS}
    done = subprocess.run(
        [sys.executable, "-c", code], env=env | environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.strip().splitlines()[-1])


PLUGINS = str(Path(__file__).resolve().parents[2] / "plugins")
FIRST = """
import json, logging, sys
import daybreak.surfaces.MODULE
import airflow.settings
hooks = airflow.settings.get_policy_plugin_manager().hook
named = sorted({each.function.__module__ for each in hooks.dag_policy.get_hookimpls()})
print(json.dumps({"hooks": named, "loaded": "airflow_local_settings" in sys.modules}))
"""


@pytest.mark.parametrize("module", ["policy", "plugin", "sensors"])
def test_our_modules_may_be_imported_before_airflow(module: str, tmp_path: Path) -> None:
    answer = in_a_new_process(FIRST.replace("MODULE", module), tmp_path)
    assert "daybreak.surfaces.policy" in answer["hooks"]
    assert answer["loaded"]
