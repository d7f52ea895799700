"""What Opsgenie (and JSM's integration API) accept in a body. Each rule gives a line for the ``errors`` map of a 422.

Lengths count characters. Only ``details`` are cut silently; whatever else is too long is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from daybreak.sandbox.answers import Refused

PRIORITIES = ("P1", "P2", "P3", "P4", "P5")
DETAILS_LIMIT = 8000
UNPROCESSABLE = "Request body is not processable. Please check the errors."

Rule = Callable[[Any], str | None]


def text(limit: int, *, required: bool = False) -> Rule:
    def check(value: Any) -> str | None:
        if not isinstance(value, str):
            return "should be a string"
        if required and not value.strip():
            return "can not be empty"
        return f"should not be longer than {limit} characters (it has {len(value)})" if len(value) > limit else None

    return check


def texts(count: int, limit: int) -> Rule:
    def check(value: Any) -> str | None:
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            return "should be a list of strings"
        if len(value) > count:
            return f"should not have more than {count} items (it has {len(value)})"
        long = [item for item in value if len(item) > limit]
        return f"items should not be longer than {limit} characters: {long[0][:20]}..." if long else None

    return check


def priority(value: Any) -> str | None:
    return None if value in PRIORITIES else f"should be one of {', '.join(PRIORITIES)}"


def details(value: Any) -> str | None:
    if not isinstance(value, dict):
        return "should be an object"
    wrong = [key for key, item in value.items() if not isinstance(item, str)]
    return f"values should be strings: {', '.join(sorted(wrong)[:5])}" if wrong else None


def party(types: tuple[str, ...]) -> Rule:
    """One of the people, teams, ... that an alert is for."""

    def check(value: Any) -> str | None:
        if not isinstance(value, dict):
            return "should be an object"
        if value.get("type") not in types:
            return f"type should be one of {', '.join(types)}"
        names = ("id", "username") if value["type"] == "user" else ("id", "name")
        unknown = set(value) - {"type", "id", "name", "username"}
        if unknown:
            return f"unknown keys: {', '.join(sorted(unknown))}"
        if not any(isinstance(value.get(name), str) and value[name].strip() for name in names):
            return f"a {value['type']} needs {' or '.join(names)}"
        return None

    return check


def parties(count: int, types: tuple[str, ...]) -> Rule:
    one = party(types)

    def check(value: Any) -> str | None:
        if not isinstance(value, list):
            return "should be a list"
        if len(value) > count:
            return f"should not have more than {count} items (it has {len(value)})"
        return next((f"item {n}: {fault}" for n, item in enumerate(value) if (fault := one(item))), None)

    return check


def reference(*names: str) -> Rule:
    """An object that names something by one of ``names``."""

    def check(value: Any) -> str | None:
        if not isinstance(value, dict) or not any(isinstance(value.get(n), str) and value[n] for n in names):
            return f"should be an object with {' or '.join(names)}"
        return f"unknown keys: {', '.join(sorted(set(value) - set(names)))}" if set(value) - set(names) else None

    return check


RESPONDER_TYPES = ("team", "user", "escalation", "schedule")
COMMON: Mapping[str, Rule] = {"user": text(100), "source": text(100), "note": text(25_000)}
CREATE: Mapping[str, Rule] = {
    **COMMON,
    "message": text(130, required=True),
    "alias": text(512),
    "description": text(15_000),
    "responders": parties(50, RESPONDER_TYPES),
    "visibleTo": parties(50, ("team", "user")),
    "actions": texts(10, 50),
    "tags": texts(20, 50),
    "details": details,
    "entity": text(512),
    "priority": priority,
}
ACTIONS: Mapping[str, tuple[Mapping[str, Rule], str | None]] = {
    "acknowledge": (COMMON, None),
    "unacknowledge": (COMMON, None),
    "close": (COMMON, None),
    "notes": ({**COMMON, "note": text(25_000, required=True)}, "note"),
    "responders": ({**COMMON, "responder": party(RESPONDER_TYPES)}, "responder"),
    "details": ({**COMMON, "details": details}, "details"),
    "tags": ({**COMMON, "tags": texts(20, 50)}, "tags"),
    "assign": ({**COMMON, "owner": reference("id", "username")}, "owner"),
    "escalate": ({**COMMON, "escalation": reference("id", "name")}, "escalation"),
    "snooze": ({**COMMON, "endTime": text(40, required=True)}, "endTime"),
}
"""Action of ``POST /v2/alerts/{id}/<action>`` → its keys and the one that must be there."""
CHANGES: Mapping[str, Rule] = {
    "message": text(130, required=True),
    "description": text(15_000),
    "priority": priority,
}
"""Field of ``PUT /v2/alerts/{id}/<field>`` → its rule."""


def check(body: Mapping[str, Any], rules: Mapping[str, Rule], required: Iterable[str] = ()) -> None:
    """Refuse a body that breaks a rule. Keys whose value is null count as left out, as JSON clients send them.

    :raises Refused: 422 with all of the body's faults at once.
    """
    errors = {key: "unknown field" for key in body if key not in rules}
    rule_names = ["unknown_field"] if errors else []
    for key in required:
        if body.get(key) is None:
            errors[key] = "is mandatory"
            rule_names.append("missing_field")
    for key, value in body.items():
        if key in rules and value is not None and (fault := rules[key](value)):
            errors[key] = fault
            rule_names.append("invalid_field")
    if errors:
        raise Refused(422, UNPROCESSABLE, errors=errors, rule=rule_names[0])


def cut_details(given: Mapping[str, str], room: int = DETAILS_LIMIT) -> dict[str, str]:
    """What is kept of ``given``: at most ``room`` characters of keys and values, the rest is lost without a word."""
    kept: dict[str, str] = {}
    for key, value in given.items():
        room -= len(key)
        if room <= 0:
            break
        kept[key] = value[:room]
        room -= len(value)
        if room <= 0:
            break
    return kept
