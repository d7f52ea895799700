"""From ``ownership.yaml`` to the domain's registry: reading, shape, names, rules, advice, last good.

load_registry(path)                      the registry, or RegistryMissing / RegistryError
parse_registry(data, source=...)         the same from bytes
load_with_last_good(path, cache_dir)     for parse time: never raises
check_file(path, now)                    every problem of a file
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from daybreak.config.lastgood import Loaded, load_with_last_good
    from daybreak.config.load import check_file, load_registry, parse_registry
    from daybreak.config.problems import Problem

__all__ = ["Loaded", "Problem", "check_file", "load_registry", "load_with_last_good", "parse_registry"]


_HOME = {"Loaded": "lastgood", "load_with_last_good": "lastgood", "Problem": "problems"}


def __getattr__(name: str) -> Any:
    """Import what is asked for: a process that parses a dag takes a light module of this package, and no other."""
    import importlib

    if name in __all__:
        return getattr(importlib.import_module(f"{__name__}.{_HOME.get(name, 'load')}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
