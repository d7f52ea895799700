"""The processes a demo starts, and their end: each in a group of its own, each marked, none left behind.

Airflow's children (task runners, parsers) may leave their group, and a demo may be killed before it can clean up. So
every process inherits an environment variable that names this demo's folder; whoever carries it is ours to end. The
groups are also written to a file, for systems without ``/proc``.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from daybreak.errors import DaybreakError

MARK = "DAYBREAK_DEMO_HOME"
GRACE_SECONDS = 8.0


class ProcessEnded(DaybreakError):
    """A process that the demo needs has ended; the text names it and its log."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One started process, the leader of its group."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path


@dataclass(slots=True, kw_only=True)
class Household:
    """Started processes. :meth:`end_all` ends them and whatever they started."""

    home: Path
    pids: Path
    logs: Path
    members: list[Member] = field(default_factory=list)

    def start(self, name: str, argv: Sequence[str], env: Mapping[str, str]) -> Member:
        """Start ``argv`` with ``env`` in a new process group; its output goes to ``<logs>/<name>.log``."""
        log = self.logs / f"{name}.log"
        with log.open("ab") as output:
            process = subprocess.Popen(
                list(argv),
                env={**env, MARK: str(self.home)},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        member = Member(name=name, process=process, log=log)
        self.members.append(member)
        self._remember()
        return member

    def check(self) -> None:
        """Raise ProcessEnded if a process has ended by itself."""
        for member in self.members:
            status = member.process.poll()
            if status is not None:
                raise ProcessEnded(f"{member.name} ended with status {status}: {last_line(member.log)} ({member.log})")

    def end(self, name: str) -> None:
        """End the members of that name, with their groups."""
        gone = [member for member in self.members if member.name == name]
        _end_groups([member.process.pid for member in gone])
        for member in gone:
            member.process.wait()
            self.members.remove(member)
        self._remember()

    def send(self, name: str, number: signal.Signals) -> None:
        """Send a signal to the groups of that name. Whom it ends is ended by :meth:`end`, or fails :meth:`check`."""
        for member in self.members:
            if member.name == name:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.killpg(member.process.pid, number)

    def end_all(self) -> None:
        """End every group, then whoever still carries the mark. Returns when nobody is left."""
        for member in self.members:
            member.process.poll()
        _end_groups([member.process.pid for member in self.members])
        for member in self.members:
            member.process.wait()
        self.members.clear()
        sweep(self.home)
        self.pids.unlink(missing_ok=True)

    def end_stale(self) -> int:
        """End what an earlier demo, that was itself killed, left running. → how many processes that were."""
        count = sweep(self.home)
        with contextlib.suppress(OSError, ValueError):
            known = json.loads(self.pids.read_text())
            groups = [int(row["pid"]) for row in known if _identity(int(row["pid"])) == row["identity"]]
            _end_groups(groups)
            count += len(groups)
        self.pids.unlink(missing_ok=True)
        return count

    def _remember(self) -> None:
        rows = [
            {"name": member.name, "pid": member.process.pid, "identity": _identity(member.process.pid)}
            for member in self.members
        ]
        self.pids.write_text(json.dumps(rows))


def sweep(home: Path) -> int:
    """End every process that carries the mark of ``home`` in its environment. → how many there were."""
    found = marked(home)
    for number in (signal.SIGTERM, signal.SIGKILL):
        for pid in marked(home):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, number)
        until = time.monotonic() + GRACE_SECONDS / 2
        while marked(home) and time.monotonic() < until:
            time.sleep(0.1)
    return len(found)


def marked(home: Path) -> list[int]:
    """Ids of the living processes with the mark of ``home``, this one aside. Empty where there is no ``/proc``."""
    wanted = f"{MARK}={home}".encode()
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            pid = int(folder.name)
            if pid != os.getpid() and wanted in (folder / "environ").read_bytes().split(b"\0"):
                found.append(pid)
    return found


def last_line(log: Path) -> str:
    """The last line of a log that says something, shortened; the reason of an end is mostly there."""
    with contextlib.suppress(OSError):
        lines = [line.strip() for line in log.read_text(errors="replace").splitlines() if line.strip()]
        if lines:
            return lines[-1][:300]
    return "it wrote nothing"


def _end_groups(pids: Sequence[int]) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGTERM)
    until = time.monotonic() + GRACE_SECONDS
    while any(_group_alive(pid) for pid in pids) and time.monotonic() < until:
        time.sleep(0.1)
    for pid in pids:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)


def _group_alive(pid: int) -> bool:
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)  # a zombie would keep its group alive for ever
    try:
        os.killpg(pid, 0)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def _identity(pid: int) -> str:
    """Something that no other process of the same id will have: when it started."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return "gone" if fields[0] == "Z" else fields[19]  # a zombie only waits to be taken note of
    except (OSError, IndexError):
        with contextlib.suppress(OSError, subprocess.SubprocessError):
            seen = subprocess.run(["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, timeout=5)
            return seen.stdout.strip() or "gone"
    return "gone"
