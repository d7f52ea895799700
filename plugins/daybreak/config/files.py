"""The registry's file, and what is kept of it on disk for the next process. Imported at every parse: nothing dear here.

What is kept is JSON and never anything that runs when it is read: tasks of several users may share ``$AIRFLOW_HOME``.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import stat
import tempfile
from pathlib import Path
from typing import Any

from daybreak.errors import RegistryMissing

log = logging.getLogger(__name__)

Stamp = tuple[int, int, int]
"""(mtime in ns, size, inode) of a file: another stamp, another content."""


def stamp_of(path: Path) -> Stamp | None:
    """What the file looks like without reading it; None if it is not there."""
    try:
        found = os.stat(path)
    except (OSError, ValueError):
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def read_bytes(path: Path) -> bytes:
    """The bytes of the registry. Raises RegistryMissing where there are none to be had."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        remedy = "name one with --file or AIRFLOW__DAYBREAK__OWNERSHIP_FILE"
        raise RegistryMissing(f"{path}: there is no such file; {remedy}") from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise RegistryMissing(f"{path}: cannot be read ({reason})") from None


def digest(data: bytes) -> str:
    """What tells one version of a registry from another."""
    return hashlib.sha256(data).hexdigest()


def kept_file(kind: str, registry: Path, folder: Path) -> Path:
    """Where ``kind`` is kept for that registry: two registries of one ``$AIRFLOW_HOME`` do not meet."""
    return folder / f"{kind}-{digest(str(registry.absolute()).encode())[:16]}.json"


def read_kept(path: Path, key: str) -> Any:
    """What :func:`write_kept` wrote there under the same ``key``. None if there is nothing, if it was kept under
    another key, if a bit of it changed since, or if a stranger could have written it."""
    try:
        with open(path, "rb", opener=_open_plain) as file:
            if _foreign(os.stat(path.parent), os.fstat(file.fileno())):  # of what was opened, whatever lies there now
                log.warning("not used, since others may write there: %s", path)
                return None
            head, _, body = file.read().partition(b"\n")
        return json.loads(body) if head == _head(key, body) else None
    except (OSError, ValueError, RecursionError):
        return None


def write_kept(path: Path, key: str, content: Any) -> None:
    """Whole or not at all, since many processes write and read it at once; readable by the tasks of other users, as
    the registry is. A full disk costs the copy, no more."""
    try:
        body = json.dumps(content, separators=(",", ":")).encode()
        path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.name, suffix=".tmp")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(_head(key, body) + b"\n" + body)
                os.fchmod(file.fileno(), 0o644)
            os.replace(name, path)
        except BaseException:
            os.unlink(name)
            raise
    except (OSError, TypeError, ValueError) as error:
        log.warning("nothing could be kept for the next process: path=%s reason=%s", path, error)


def _head(key: str, body: bytes) -> bytes:
    return f"{key} {digest(body)}".encode()


def _open_plain(path: str, flags: int) -> int:
    """We write plain files: through a link one would read what lies elsewhere, and a pipe would never answer."""
    return os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK)


def _foreign(folder: os.stat_result, file: os.stat_result) -> bool:
    """Whether somebody wrote it who has no part in this Airflow: not we, not root, not whose folder it is; or whether
    anybody could have."""
    shared = folder.st_mode & stat.S_IWOTH and not folder.st_mode & stat.S_ISVTX
    ours = file.st_uid in (0, os.geteuid(), folder.st_uid)
    return bool(shared) or bool(file.st_mode & stat.S_IWOTH) or not ours
