"""The registry for parse time: never an exception, never slow, and the last good one while the file is broken.

Airflow works in fresh processes, many of which need the registry. The copy on disk serves twice: it is what is left
when somebody breaks the file, and it spares every further process the YAML and its checks, since it also holds the
digest of the bytes of which it was made. Hence nothing of them is imported here before it is needed.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from daybreak import __version__
from daybreak.config.files import Stamp, digest, kept_file, read_bytes, read_kept, stamp_of, write_kept
from daybreak.config.shelf import FOLDER
from daybreak.domain.registry import Registry
from daybreak.errors import RegistryError

log = logging.getLogger(__name__)


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
        stamp = stamp_of(path)
        key = str(path), str(cache_dir)
        kept = _KEPT.get(key)
        if kept is not None and kept[0] == stamp:
            return kept[1]
        loaded = _load(path, cache_dir)
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


def _load(path: Path, cache_dir: Path) -> Loaded:
    copy = kept_file("registry", path, cache_dir)
    kept = read_kept(copy, __version__)
    try:
        data = read_bytes(path)
        if isinstance(kept, dict) and kept.get("digest") == digest(data):
            registry = _rebuild(kept)
            if registry is not None:
                return Loaded(registry=registry)
        from daybreak.config.load import parse_registry

        registry = parse_registry(data, source=str(path), runbooks=path.parent / FOLDER)
    except RegistryError as error:
        last_good = _rebuild(kept) if kept is not None else None
        return Loaded(registry=last_good, problem=str(error), from_last_good=last_good is not None)
    from daybreak.config.copying import to_json

    write_kept(copy, __version__, to_json(registry))
    return Loaded(registry=registry)


def _rebuild(kept: Any) -> Registry | None:
    """The registry of a copy; its rules were checked when it was made."""
    from daybreak.config.copying import from_json

    try:
        return from_json(kept)
    except Exception:  # of another version of ours, or somebody wrote into it: as good as none
        log.warning("the copy of the last good registry cannot be used", exc_info=True)
        return None
