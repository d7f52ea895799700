"""What YAML 1.1 makes of an unquoted scalar: numbers, booleans, nothing, and text for the rest."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import yaml

PREFIX = "tag:yaml.org,2002:"
TEXT = PREFIX + "str"
MERGE = PREFIX + "merge"
AS_TEXT = frozenset({TEXT, PREFIX + "timestamp", PREFIX + "value", "!"})
"""Tags whose scalars stay as they are written; of dates and times, the zone is known only later."""
CONVERTED = {PREFIX + kind: kind for kind in ("int", "float", "bool", "null")}
_RESOLVERS = yaml.SafeLoader.yaml_implicit_resolvers
_BOOLEANS = yaml.SafeLoader.bool_values


@lru_cache(8192)  # names and words recur: half of the look-ups of a registry
def resolve(text: str) -> str:
    """The tag that YAML 1.1 gives to an unquoted scalar."""
    for tag, pattern in _RESOLVERS.get(text[:1], ()):
        if pattern.match(text):
            return str(tag)
    return TEXT


def convert(kind: str, text: str) -> Any:
    """What ``text`` stands for as a ``kind`` (int, float, bool, null)."""
    if kind == "null":
        return None
    if kind == "bool":
        return _BOOLEANS.get(text.lower(), text)
    node = yaml.ScalarNode(PREFIX + kind, text)
    maker = yaml.constructor.SafeConstructor()
    try:
        return maker.construct_yaml_int(node) if kind == "int" else maker.construct_yaml_float(node)
    except (ValueError, OverflowError, IndexError):
        return float("nan")  # a number of thousands of digits: no number, and no text either
