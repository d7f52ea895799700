"""The last line of a task's log, where it lies on this machine. Best effort: never raises."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

from daybreak.airflow_io.settings import log_folder

_TAIL = 8192  # bytes
_LONGEST = 300
_KILLED = re.compile(r"signal.{0,40}(-9|SIGKILL)|out of memory|OOM", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class LastWords:
    """``killed``: the supervisor says that a signal ended the process."""

    text: str
    killed: bool


def last_words(dag_id: str, run_id: str, task_id: str, try_number: int, map_index: int) -> LastWords | None:
    """None where there is no such file here (another host, a remote store, another naming)."""
    folder = log_folder()
    if folder is None:
        return None
    place = folder / f"dag_id={dag_id}" / f"run_id={run_id}" / f"task_id={task_id}"
    if map_index >= 0:
        place /= f"map_index={map_index}"
    line = _last_line(place / f"attempt={try_number}.log")
    return None if line is None else read_line(line)


def read_line(line: str) -> LastWords:
    """What the line says: its event, if it is one of Airflow's JSON lines."""
    try:
        entry = json.loads(line)
    except ValueError:
        entry = None
    if not isinstance(entry, dict):
        return LastWords(line[:_LONGEST], bool(_KILLED.search(line)))
    text = str(entry.get("event") or line)[:_LONGEST]
    killed = entry.get("signal") in (-9, 9, "-9", "SIGKILL") or bool(_KILLED.search(text))
    return LastWords(text, killed)


def _last_line(path: Path) -> str | None:
    try:
        with path.open("rb") as file:
            file.seek(0, 2)
            file.seek(max(0, file.tell() - _TAIL))
            lines = [line for line in file.read().decode("utf-8", "replace").splitlines() if line.strip()]
    except (OSError, ValueError):
        return None
    return lines[-1] if lines else None
