"""The JSON Schema of ``ownership.yaml``, made from the models, for editors."""

from __future__ import annotations

import ast
import inspect
import json
from itertools import pairwise
from typing import Any

from daybreak.config import spec, spec_oncall


def schema() -> dict[str, Any]:
    """The schema as JSON values; the models' and keys' docstrings are its descriptions."""
    found = spec.FileSpec.model_json_schema(mode="validation")
    descriptions = _descriptions()
    for name, model in {**found["$defs"], "FileSpec": found}.items():
        for key, description in descriptions.get(name, {}).items():
            model["properties"][key]["description"] = description
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Daybreak's ownership.yaml, version 1",
        **{key: _without_titles(value) for key, value in found.items() if key not in ("title", "description")},
    }


def schema_text() -> str:
    """The schema as the file that is committed: ``include/ownership.schema.json``."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"


def _descriptions() -> dict[str, dict[str, str]]:
    """Model → key → the string that stands under the key in the source, those of its bases included."""
    found: dict[str, dict[str, str]] = {}
    for module in (spec_oncall, spec):
        tree = ast.parse(inspect.getsource(module))
        for model in tree.body:
            if isinstance(model, ast.ClassDef):
                bases = [found.get(base.id, {}) for base in model.bases if isinstance(base, ast.Name)]
                found[model.name] = {key: text for base in bases for key, text in base.items()} | _documented(model)
    return found


def _documented(model: ast.ClassDef) -> dict[str, str]:
    return {
        field.target.id: str(ast.literal_eval(below.value))
        for field, below in pairwise(model.body)
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name) and isinstance(below, ast.Expr)
    }


def _without_titles(value: Any, *, names: bool = False) -> Any:
    """``value`` without the titles that repeat the names of keys. ``names``: its keys are the registry's own."""
    if isinstance(value, dict):
        return {
            key: _without_titles(item, names=not names and key in ("properties", "$defs"))
            for key, item in value.items()
            if names or key != "title" or not isinstance(item, str)
        }
    if isinstance(value, list):
        return [_without_titles(item) for item in value]
    return value
