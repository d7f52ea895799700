"""The registry for parse time: never an exception, never slow, and the last good one while the file is broken.

Airflow parses dags in fresh processes, each of which needs the registry. The copy on disk serves twice: it is what is
left when somebody breaks the file, and it spares every further process the YAML and its checks, since it also holds
what the file looked like when they were made. Hence nothing of them is imported here before it is needed.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from daybreak import __version__
from daybreak.config.copying import from_json, to_json
from daybreak.domain.registry import Registry
from daybreak.errors import RegistryError

log = logging.getLogger(__name__)

Stamp = tuple[int, int, int]
"""(mtime in ns, size, inode) of a file: another stamp, another content."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """What there is to work with. ``problem`` is one line; with ``from_last_good`` the registry is an older one."""

    registry: Registry | None
    problem: str | None = None
    from_last_good: bool = False


_KEPT: dict[tuple[str, str], tuple[Stamp | None, Loaded]] = {}


def load_with_last_good(path: Path, cache_dir: Path) -> Loaded:
    """The registry at ``path``, else the last good one of ``cache_dir``, else none. Never raises.

    An unchanged file costs one ``stat``. A mistake is logged once for each state of the file. Runbooks are not looked
    for again while the file stays as it was.
    """
    try:
        stamp = _stamp(path)
        key = str(path), str(cache_dir)
        kept = _KEPT.get(key)
        if kept is not None and kept[0] == stamp:
            return kept[1]
        loaded = _load(path, cache_dir, stamp)
        _KEPT[key] = stamp, loaded
    except Exception as error:  # nothing here may break a dag
        log.exception("the registry could not be loaded: path=%s", path)
        return Loaded(registry=None, problem=f"{path}: {type(error).__name__} while loading it")
    if loaded.problem:
        log.error("%s; last_good=%s", loaded.problem, loaded.from_last_good)
    return loaded


def forget() -> None:
    """Begin as a new process does."""
    _KEPT.clear()


def _load(path: Path, cache_dir: Path, stamp: Stamp | None) -> Loaded:
    copy = cache_dir / f"registry-{hashlib.sha256(str(path.absolute()).encode()).hexdigest()[:16]}.json"
    kept = _read_copy(copy)
    if kept is not None and stamp is not None and kept.get("stamp") == list(stamp):
        registry = _rebuild(kept)
        if registry is not None:
            return Loaded(registry=registry)
    from daybreak.config.load import load_registry

    try:
        registry = load_registry(path)
    except RegistryError as error:
        last_good = _rebuild(kept) if kept is not None else None
        return Loaded(registry=last_good, problem=str(error), from_last_good=last_good is not None)
    _write_copy(copy, {"daybreak": __version__, "stamp": stamp, "registry": to_json(registry)})
    return Loaded(registry=registry)


def _stamp(path: Path) -> Stamp | None:
    try:
        found = os.stat(path)
    except (OSError, ValueError):
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def _read_copy(copy: Path) -> dict[str, Any] | None:
    try:
        kept = json.loads(copy.read_bytes())
    except (OSError, ValueError):
        return None
    return kept if isinstance(kept, dict) and kept.get("daybreak") == __version__ else None


def _rebuild(kept: dict[str, Any]) -> Registry | None:
    """The registry of a copy; its rules were checked when it was made."""
    try:
        return from_json(kept["registry"])
    except Exception:  # somebody wrote into it: as good as none
        log.warning("the copy of the last good registry cannot be used", exc_info=True)
        return None


def _write_copy(copy: Path, content: dict[str, Any]) -> None:
    """Whole or not at all, since many processes write and read it at once. A full disk costs the copy, no more."""
    try:
        copy.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=copy.parent, prefix=copy.name, suffix=".tmp")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                json.dump(content, file, separators=(",", ":"))
            os.replace(name, copy)
        except BaseException:
            os.unlink(name)
            raise
    except (OSError, TypeError, ValueError) as error:
        log.warning("the copy of the last good registry could not be written: path=%s reason=%s", copy, error)
