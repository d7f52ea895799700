"""Every name that stands for something defined elsewhere in the file, and whether that is there.

Works on the plain values, so that a file whose shape is wrong in one place has all its other names checked as well.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from daybreak.config.problems import Finding, Path, known, quoted

ANY = "*"

REFERENCES: tuple[tuple[Path, str], ...] = (
    (("paging", "schedules", ANY), "schedule"),
    (("on_call", "layers", ANY, "members"), "person"),
    (("on_call", "overrides", ANY, "layer"), "layer"),
    (("on_call", "overrides", ANY, "person"), "person"),
    (("on_call", "swaps", ANY, "layer"), "layer"),
    (("on_call", "swaps", ANY, "a", "person"), "person"),
    (("on_call", "swaps", ANY, "b", "person"), "person"),
    (("on_call", "time_off", ANY, "person"), "person"),
    (("on_call", "cover"), "cover"),
    (("on_call", "backup"), "person"),
    (("on_call", "manager"), "person"),
    (("defaults", "owner"), "person"),
    (("defaults", "escalation"), "escalation"),
    (("silences", ANY, "pipeline"), "pipeline"),
    (("tickets", "out_of_memory"), "team"),
    (("escalations", ANY, ANY, "page"), "target"),
    (("escalations", ANY, ANY, "tell"), "target"),
    (("upstreams", ANY, "team"), "team"),
    (("upstreams", ANY, "on_delay", ANY, "to"), "party"),
    (("pipelines", ANY, "owners", "primary"), "person"),
    (("pipelines", ANY, "owners", "secondary"), "person"),
    (("pipelines", ANY, "upstream_owner"), "party"),
    (("pipelines", ANY, "upstreams"), "upstream"),
    (("pipelines", ANY, "escalation"), "escalation"),
)
"""Where a name stands → what it names. ``party`` is a team or a person, ``target`` whatever a step can reach."""

ROLES = ("on_call", "secondary", "owner", "secondary_owner", "backup", "manager")
_WHAT = {
    "person": "a person",
    "team": "a team",
    "party": "a team or a person",
    "layer": "a layer of on_call",
    "schedule": "a layer of on_call",
    "escalation": "an escalation policy",
    "upstream": "an upstream",
    "pipeline": "a pipeline",
    "cover": "something that can cover",
    "target": "somebody whom a step can reach",
}


_SECTIONS = {
    "teams": {"team", "party", "target"},
    "escalations": {"escalation"},
    "upstreams": {"upstream"},
    "pipelines": {"pipeline"},
}


def dangling(data: Mapping[str, Any]) -> Iterator[Finding]:
    """The names of ``data`` that stand for nothing, and the roles that nobody was given."""
    names, unknown = _names(data), _unknown_kinds(data)
    for pattern, kind in REFERENCES:
        if kind in unknown:
            continue
        for path, value in places(data, pattern):
            name = str(path[-1]) if kind == "schedule" else value
            if not isinstance(name, str) or not name.strip():
                continue  # the shape's check says so
            if name not in names[kind]:
                yield Finding(path, f"{quoted(name)} is not {_WHAT[kind]}; {known(names[kind], name)}")
            elif kind == "target" and (role := _unfilled(name, data)):
                yield Finding(path, f"{quoted(name)} reaches nobody: set {role}")


def section(data: Any, *keys: str) -> dict[str, Any]:
    """The mapping at ``keys``; an empty one where there is none."""
    for key in keys:
        data = data.get(key) if isinstance(data, dict) else None
    return data if isinstance(data, dict) else {}


def _names(data: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    people, teams = tuple(section(data, "people")), tuple(section(data, "teams"))
    layers = tuple(section(data, "on_call", "layers"))
    return {
        "person": people,
        "team": teams,
        "party": teams + people,
        "layer": layers,
        "schedule": layers,
        "escalation": tuple(section(data, "escalations")),
        "upstream": tuple(section(data, "upstreams")),
        "pipeline": tuple(section(data, "pipelines")),
        "cover": ("secondary", "pipeline_secondary", "backup", *layers),
        "target": (*ROLES, *layers, *people, *teams),
    }


def _unknown_kinds(data: Mapping[str, Any]) -> set[str]:
    """Kinds whose section is absent or no mapping: the shape's check says so once, not once for each name."""
    found: set[str] = set()
    if not section(data, "people"):
        found |= {"person", "party", "target"}
    if not section(data, "on_call", "layers"):
        found |= {"layer", "schedule", "cover", "target"}
    for key, kinds in _SECTIONS.items():
        if not isinstance(data.get(key) or {}, dict):
            found |= kinds
    return found


def _unfilled(name: str, data: Mapping[str, Any]) -> str | None:
    """The key that is not set and would say who ``name`` is; None where it is known."""
    taken = name in section(data, "on_call", "layers")
    if name in ("backup", "manager") and not taken and not section(data, "on_call").get(name):
        return f"on_call.{name}"
    return None


def places(value: Any, pattern: Path, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """The values at ``pattern``, one by one where a list stands at its end."""
    if not pattern:
        if isinstance(value, list):
            for i, item in enumerate(value):
                yield (*path, i), item
        else:
            yield path, value
        return
    first, rest = pattern[0], pattern[1:]
    if first != ANY:
        if isinstance(value, dict) and first in value:
            yield from places(value[first], rest, (*path, first))
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from places(item, rest, (*path, key))
    elif isinstance(value, list):
        for i, item in enumerate(value):
            yield from places(item, rest, (*path, i))
