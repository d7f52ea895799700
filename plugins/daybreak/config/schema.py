"""The JSON Schema of ``ownership.yaml``, made from the models, for editors."""

from __future__ import annotations

import json
from typing import Any

from daybreak.config.spec import FileSpec


def schema() -> dict[str, Any]:
    """The schema as JSON values. An empty key counts as left out, so every optional value may be null too."""
    found = FileSpec.model_json_schema(mode="validation")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Daybreak's ownership.yaml, version 1",
        **{key: _without_titles(value) for key, value in found.items() if key not in ("title", "description")},
    }


def schema_text() -> str:
    """The schema as the file that is committed: ``include/ownership.schema.json``."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"


def _without_titles(value: Any, *, names: bool = False) -> Any:
    """``value`` without the titles that repeat the names of keys. ``names``: its keys are the registry's own."""
    if isinstance(value, dict):
        return {
            key: _without_titles(item, names=not names and key in ("properties", "$defs"))
            for key, item in value.items()
            if names or key not in ("title",) or not isinstance(item, str)
        }
    if isinstance(value, list):
        return [_without_titles(item) for item in value]
    return value
