"""Processes that a demo starts end with it, whatever they do."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from daybreak.demo.household import Household, ProcessEnded, marked
from daybreak.demo.place import Place
from daybreak.demo.ports import claim
from daybreak.errors import SettingsError

STUBBORN = (
    "import os, signal, subprocess, sys, time\n"
    "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
    "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'], start_new_session=True)\n"
    "print('up', flush=True)\n"
    "time.sleep(60)\n"
)

linux = pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="there is no /proc here")


@pytest.fixture
def household(tmp_path: Path) -> Household:
    return Household(home=tmp_path, pids=tmp_path / "processes.json", logs=tmp_path)


def until(condition, limit: float = 10.0) -> None:
    end = time.monotonic() + limit
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)


@linux
def test_a_child_in_another_session_ends_too(household: Household, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("daybreak.demo.household.GRACE_SECONDS", 0.6)
    member = household.start("stubborn", [sys.executable, "-c", STUBBORN], dict(os.environ))
    until(lambda: "up" in member.log.read_text())
    assert len(marked(household.home)) == 2
    household.end_all()
    assert marked(household.home) == []
    assert not household.pids.exists()


@linux
def test_what_a_killed_demo_left_is_ended_by_the_next(household: Household, tmp_path: Path) -> None:
    code = (
        "import os, sys\nfrom pathlib import Path\nfrom daybreak.demo.household import Household\n"
        f"home = Path({str(tmp_path)!r})\n"
        "h = Household(home=home, pids=home / 'processes.json', logs=home)\n"
        "h.start('sleeper', ['sleep', '60'], dict(os.environ))\n"
        "os.kill(os.getpid(), 9)\n"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == -signal.SIGKILL
    assert len(marked(tmp_path)) == 1
    assert household.end_stale() == 1
    assert marked(tmp_path) == []


@linux
def test_a_stranger_with_a_remembered_id_is_left_alone(household: Household) -> None:
    stranger = subprocess.Popen(["sleep", "60"], start_new_session=True)
    try:
        household.pids.write_text(f'[{{"name": "x", "pid": {stranger.pid}, "identity": "another start"}}]')
        assert household.end_stale() == 0
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_a_process_that_ends_is_named_with_its_last_words(household: Household) -> None:
    household.start(
        "brief", [sys.executable, "-c", "print('no such table: dag'); raise SystemExit(3)"], dict(os.environ)
    )
    until(lambda: household.members[0].process.poll() is not None)
    with pytest.raises(ProcessEnded, match=r"brief ended with status 3: no such table: dag"):
        household.check()
    household.end_all()


def test_a_taken_port_is_named_with_the_option() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(SettingsError, match=rf"port {port} for Airflow .* --airflow-port"):
            claim(port, what="Airflow", option="--airflow-port")
    assert claim(0, what="Airflow", option="--airflow-port") > 0


def test_two_demos_in_one_checkout_are_refused(tmp_path: Path) -> None:
    place = Place(checkout=tmp_path)
    with place.lock(), pytest.raises(SettingsError, match=f"a demo \\(process {os.getpid()}\\) runs here already"):
        place.lock()
    place.lock().close()


def test_a_fresh_place_keeps_only_the_database_template(tmp_path: Path) -> None:
    place = Place(checkout=tmp_path)
    place.fresh()
    for path in (place.template, place.warehouse, place.database, place.registry, place.logs / "x.log"):
        path.write_text("old")
    place.fresh()
    assert place.template.exists()
    assert not any(path.exists() for path in (place.warehouse, place.database, place.registry, place.logs / "x.log"))
