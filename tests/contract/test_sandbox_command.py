"""``daybreak sandbox`` as people and programs start it: its line, its file, its end, and what it says to a mistake."""

from __future__ import annotations

import io
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from daybreak.cli import main

COMMAND = [sys.executable, "-c", "from daybreak.cli import main; main()", "sandbox"]
REGISTRY = """
people:
  de-1: {name: Engineer A, opsgenie: a@example.com, slack: U0AAAAAAA}
teams:
  da: {name: DA leadership, slack_usergroup: S0DALEADS, slack_channel: "#investor-metrics"}
  sf: {name: Sales Force, opsgenie_team: Sales Force DE}
paging: {schedules: {primary: Data primary}}
defaults: {slack_channel: "#data-alerts"}
pipelines:
  growth: {slack_channel: "#growth"}
"""


@contextmanager
def started(tmp_path: Path, *arguments: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    """A sandbox process, once it is ready, with what its ready file says. It is ended in any case."""
    ready = tmp_path / "ready.json"
    command = [*COMMAND, "--port", "0", "--ready-file", str(ready), *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        end = time.monotonic() + 30
        while not ready.exists():
            assert process.poll() is None, process.stderr.read() if process.stderr else ""
            assert time.monotonic() < end, "not ready in time"
            time.sleep(0.02)
        yield process, json.loads(ready.read_text())
    finally:
        process.kill()
        process.wait()


@dataclass(frozen=True, kw_only=True)
class Finished:
    returncode: int
    stdout: str
    stderr: str


def finished(*arguments: str) -> Finished:
    """A command that ends by itself, run in this process: starting one for each takes seconds."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err), pytest.raises(SystemExit) as ended:
        main(["sandbox", *arguments])
    return Finished(returncode=int(ended.value.code or 0), stdout=out.getvalue(), stderr=err.getvalue())


def page(facts: dict[str, Any], **fields: Any) -> int:
    headers = {"Authorization": f"GenieKey {facts['opsgenie_key']}"}
    body = {"message": "late", "alias": "k", **fields}
    return httpx.post(facts["url"] + "/v2/alerts", json=body, headers=headers, trust_env=False).status_code


def state(facts: dict[str, Any]) -> dict[str, Any]:
    return dict(httpx.get(facts["url"] + "/sandbox/state", trust_env=False).json())


def test_what_was_taken_outlives_the_process(tmp_path: Path) -> None:
    data = tmp_path / "data.json"
    arguments = ("--data", str(data), "--key", "mine", "--json", "--apply-delay", "30")
    with started(tmp_path, *arguments) as (process, facts):
        assert facts["opsgenie_key"] == "mine"
        assert facts["pid"] == process.pid
        assert page(facts) == 202
        headers = {"Authorization": f"Bearer {facts['slack_token']}"}
        form = {"channel": "#growth", "text": "late"}
        sent = httpx.post(facts["url"] + "/api/chat.postMessage", data=form, headers=headers, trust_env=False).json()
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=30)
        assert (process.returncode, err) == (0, "")
        assert json.loads(out) == facts
        assert not (tmp_path / "ready.json").exists()
    with started(tmp_path, *arguments) as (_, facts):
        kept = state(facts)
        assert [(alert["alias"], alert["tinyId"], alert["status"]) for alert in kept["alerts"]] == [("k", "1", "open")]
        (channel,) = kept["slack"]["channels"]
        assert [message["ts"] for message in channel["messages"]] == [sent["ts"]]


def test_a_hanging_request_does_not_hold_the_end_up(tmp_path: Path) -> None:
    with started(tmp_path, "--fault", "opsgenie=hang") as (process, facts):
        with socket.create_connection(("127.0.0.1", int(facts["url"].rpartition(":")[2]))) as waiting:
            waiting.sendall(b"GET /v2/alerts HTTP/1.1\r\nHost: x\r\n\r\n")
            while not state(facts)["requests"]:
                time.sleep(0.01)
            process.send_signal(signal.SIGINT)
            _, err = process.communicate(timeout=30)
        assert (process.returncode, err) == (0, "")


def test_faults_are_switched_by_command_line(tmp_path: Path) -> None:
    with started(tmp_path, "--fault", "opsgenie=503:1", "--apply-delay", "0") as (_, facts):
        assert [page(facts), page(facts)] == [503, 202]
        on = finished("fault", "--url", facts["url"], "opsgenie=429:2@alerts", "--retry-after", "3")
        assert (on.returncode, on.stdout.strip()) == (0, "opsgenie=429 on alerts: 2 left, met 0 times")
        assert page(facts) == 429
        assert finished("fault", "--url", facts["url"], "--clear").stdout == ""
        assert page(facts) == 202
        assert finished("reset", "--url", facts["url"]).returncode == 0
        assert state(facts)["alerts"] == []


def test_a_registry_says_who_exists(tmp_path: Path) -> None:
    registry = tmp_path / "ownership.yaml"
    registry.write_text(REGISTRY)
    with started(tmp_path, "--strict-known-users", str(registry), "--apply-delay", "0") as (_, facts):
        known = state(facts)["directory"]
        assert known["users"] == {"a@example.com": "Engineer A"}
        assert known["teams"] == ["Sales Force DE"]
        assert known["schedules"] == {"Data primary": []}
        assert known["slack_groups"] == {"S0DALEADS": "DA leadership"}
        assert known["channels"] == ["#data-alerts", "#growth", "#investor-metrics"]
        page(facts, responders=[{"type": "user", "username": "typo@example.com"}])
        assert [row["rule"] for row in state(facts)["violations"]] == ["unknown_responder"]


def test_a_taken_port_is_one_clear_line() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        result = finished("--port", str(port))
    assert result.returncode == 1
    (line,) = result.stderr.splitlines()
    assert f"127.0.0.1:{port}" in line
    assert "--port" in line


@pytest.mark.parametrize(
    ("arguments", "status", "says"),
    [
        (("--fault", "opsgenie"), 1, "write service=mode"),
        (("--fault", "pagerduty=503"), 1, "service is one of"),
        (("--strict-known-users", "nowhere.yaml"), 1, "nowhere.yaml"),
        (("--port", "99999"), 2, "--port"),
        (("fault", "--url", "http://127.0.0.1:9"), 1, "no sandbox answers there"),
    ],
)
def test_mistakes_are_named(arguments: tuple[str, ...], status: int, says: str) -> None:
    result = finished(*arguments)
    assert result.returncode == status
    assert says in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize("content", ["no json", "[]", '{"version": 9}', '{"version": 1, "alerts": [{"id": 1}]}'])
def test_a_data_file_that_is_none_is_refused_and_left_alone(tmp_path: Path, content: str) -> None:
    data = tmp_path / "data.json"
    data.write_text(content)
    result = finished("--port", "0", "--data", str(data))
    assert result.returncode == 1
    assert str(data) in result.stderr
    assert "Traceback" not in result.stderr
    assert data.read_text() == content


def test_nothing_is_left_when_its_port_was_refused(tmp_path: Path) -> None:
    ready = tmp_path / "ready.json"
    result = finished("--host", "203.0.113.1", "--ready-file", str(ready))
    assert result.returncode == 1
    assert os.listdir(tmp_path) == []
