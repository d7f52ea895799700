"""The main job, as a user runs it: ``daybreak demo --once`` against a real Airflow, and what it leaves behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from daybreak.demo.household import marked

ROOT = Path(__file__).resolve().parents[2]
HOME = ROOT / ".demo"
DAYBREAK = [sys.executable, "-c", "from daybreak.cli import main; main()"]
PORTS = ["--airflow-port", "0", "--sandbox-port", "0"]

pytestmark = [pytest.mark.airflow, pytest.mark.xdist_group("demo")]


@pytest.mark.timeout(900)
def test_the_main_job_is_found_in_the_records_step_by_step() -> None:
    done = subprocess.run(
        [*DAYBREAK, "demo", "--once", *PORTS], cwd=ROOT, capture_output=True, text=True, timeout=840, check=False
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert "NOT FOUND" not in done.stdout
    assert marked(HOME) == []


@pytest.mark.timeout(300)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_start_leaves_no_process(number: signal.Signals) -> None:
    demo = subprocess.Popen([*DAYBREAK, "demo", "--once", *PORTS], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert demo.stdout is not None
        while "starting Airflow" not in (line := demo.stdout.readline()):
            assert line, "the demo ended before Airflow was started"
        time.sleep(2)
        demo.send_signal(number)
        assert demo.wait(timeout=60) == 128 + number
    finally:
        demo.kill()
        demo.wait()
        demo.stdout.close()
    assert marked(HOME) == []


@pytest.mark.timeout(120)
def test_a_taken_port_is_told_before_anything_starts() -> None:
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        done = subprocess.run(
            [*DAYBREAK, "demo", "--airflow-port", port],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert done.returncode == 1
    assert [line for line in done.stderr.splitlines() if line] == [
        f"daybreak: port {port} for Airflow cannot be used (Address already in use): "
        "name another with --airflow-port (0 takes a free one)"
    ]


def test_an_unknown_scenario_is_wrong_usage() -> None:
    done = subprocess.run([*DAYBREAK, "rehearse", "meteor"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "no scenario 'meteor': one of all_quiet" in done.stderr
    assert os.linesep not in done.stderr.strip()
