"""A PostgreSQL server of a drill's own, made to be stopped: never the one that other tests share."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

PATIENCE = 120.0


def programs() -> Path | None:
    """The folder of the newest PostgreSQL's ``initdb`` and ``pg_ctl``; None where there is none."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]))
    if found:
        return found[-1].parent
    named = shutil.which("initdb")
    return Path(named).resolve().parent if named else None


class OwnPostgres:
    """One server on a free port of this machine. ``url`` is its SQLAlchemy URL, database ``postgres``."""

    def __init__(self, folder: Path, bin_folder: Path) -> None:
        self._folder = folder
        self._bin = bin_folder
        with socket.socket() as held:
            held.bind(("127.0.0.1", 0))
            self.port: int = held.getsockname()[1]
        self.url = f"postgresql+psycopg2://postgres@127.0.0.1:{self.port}/postgres"
        self._run("initdb", "-D", str(folder / "db"), "-A", "trust", "-U", "postgres", "--no-sync")

    def start(self) -> None:
        """Returns when it takes connections."""
        options = f"-p {self.port} -k {self._folder} -c listen_addresses=127.0.0.1 -c fsync=off"
        self._ctl("-o", options, "-l", str(self._folder / "log"), "start")

    @contextmanager
    def away(self, *, kill: bool = False) -> Iterator[None]:
        """Stopped for as long as the block lasts: in order, as a restart of the service does it (whoever is connected
        is cut off), or with ``kill -9`` of its first process, at which the others end."""
        if kill:
            os.kill(int((self._folder / "db" / "postmaster.pid").read_text().split()[0]), signal.SIGKILL)
        else:
            self._ctl("-m", "fast", "stop")
        try:
            yield
        finally:
            self.start()

    @property
    def running(self) -> bool:
        return self._call("pg_ctl", "-D", str(self._folder / "db"), "status").returncode == 0

    def _ctl(self, *arguments: str) -> None:
        self._run("pg_ctl", "-D", str(self._folder / "db"), "-w", "-t", str(int(PATIENCE)), *arguments)

    def _run(self, program: str, *arguments: str) -> None:
        done = self._call(program, *arguments)
        assert done.returncode == 0, f"{program}: {done.stdout[-2000:]}"

    def _call(self, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        # PostgreSQL refuses to run as root; a file takes its output, since the server would keep a pipe open.
        user = ("runuser", "-u", "postgres", "--") if os.getuid() == 0 else ()
        with tempfile.TemporaryFile("w+") as output:
            done = subprocess.run(
                [*user, str(self._bin / program), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd="/",
                timeout=PATIENCE + 30,
                check=False,
            )
            output.seek(0)
            return subprocess.CompletedProcess(done.args, done.returncode, output.read())


@contextmanager
def own_postgres() -> Iterator[OwnPostgres]:
    """A running server, removed with its data at the end; skips where PostgreSQL is not installed."""
    bin_folder = programs()
    if bin_folder is None:
        pytest.skip("PostgreSQL's initdb is not installed: a restart of the database is NOT drilled")
    folder = Path(tempfile.mkdtemp(prefix="daybreak-pg-"))
    if os.getuid() == 0:
        shutil.chown(folder, "postgres")
    server: OwnPostgres | None = None
    try:
        server = OwnPostgres(folder, bin_folder)
        server.start()
        yield server
    finally:
        if server is not None and server.running:
            server._ctl("-m", "immediate", "stop")
        shutil.rmtree(folder, ignore_errors=True)
