"""Where a demo lives: everything it makes is below ``.demo/`` of the checkout, so that removing it removes all."""

from __future__ import annotations

import fcntl
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import daybreak
from daybreak.errors import SettingsError

NEEDED = ("dags", "plugins", "include/ownership.yaml", "include/runbooks")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """The checkout and, below it, the demo's own folder."""

    checkout: Path
    folder: Path | None = None  # for what is made, instead of the checkout's `.demo`

    @property
    def home(self) -> Path:
        return self.folder or self.checkout / ".demo"

    @property
    def airflow_home(self) -> Path:
        return self.home / "airflow"

    @property
    def database(self) -> Path:
        return self.airflow_home / "airflow.db"

    @property
    def template(self) -> Path:
        """A freshly migrated database, kept so that the next start need not migrate again."""
        return self.home / "template.db"

    @property
    def warehouse(self) -> Path:
        return self.home / "warehouse.db"

    @property
    def registry(self) -> Path:
        return self.home / "include" / "ownership.yaml"

    @property
    def own_dags(self) -> Path:
        """A copy of the dags, for a play that breaks one of them; below it nothing of the checkout is touched."""
        return self.home / "dags"

    @property
    def logs(self) -> Path:
        return self.home / "logs"

    @property
    def pids(self) -> Path:
        return self.home / "processes.json"

    def fresh(self) -> None:
        """Remove what an earlier demo left, but the database template."""
        for stale in (self.airflow_home, self.registry.parent, self.own_dags, self.logs):
            shutil.rmtree(stale, ignore_errors=True)
        for stale in self.home.glob("warehouse.db*"):
            stale.unlink(missing_ok=True)
        for made in (self.airflow_home, self.registry.parent, self.logs):
            made.mkdir(parents=True, exist_ok=True)

    def lock(self) -> IO[str]:
        """Hold the folder for this process; released when the process ends, however it ends.

        Raises SettingsError if another demo holds it.
        """
        self.home.mkdir(parents=True, exist_ok=True)
        handle = (self.home / "lock").open("a+")
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            handle.seek(0)
            pid = handle.read().strip() or "unknown"
            raise SettingsError(f"{self.home}: a demo (process {pid}) runs here already: end it with Ctrl-C") from None
        handle.truncate(0)
        handle.write(str(os.getpid()))
        handle.flush()
        return handle

    def copy_dags(self) -> None:
        """Make :attr:`own_dags`, with the SQL where the copies look for it."""
        shutil.copytree(self.checkout / "dags", self.own_dags, dirs_exist_ok=True)
        shutil.copytree(self.checkout / "include" / "sql", self.registry.parent / "sql", dirs_exist_ok=True)


def find_place(start: Path | None = None) -> Place:
    """The checkout around ``start`` (default: the current folder), else the one this package is installed from.

    Raises SettingsError where there is no checkout with dags, plugins and include.
    """
    here = (start or Path.cwd()).resolve()
    for folder in (here, *here.parents, Path(daybreak.__file__).resolve().parents[2]):
        if all((folder / name).exists() for name in NEEDED):
            return Place(checkout=folder)
    raise SettingsError(f"{here}: no checkout of Daybreak here (it needs {', '.join(NEEDED)}): run this inside one")
