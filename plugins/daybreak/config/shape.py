"""What pydantic finds wrong with a file's shape, in words that somebody who never saw pydantic can act on."""

from __future__ import annotations

import re
import types
import typing
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from pydantic import BaseModel, ValidationError

from daybreak.config.problems import Finding, Path, known, quoted
from daybreak.config.reading import Document
from daybreak.config.spec import FileSpec

_SHORT_CLOCK = re.compile(r"\d:\d\d")
_MISREAD = ("string_type", "value_error", "list_type")
_DURATIONS = frozenset({"after", "at_risk", "every", "notice", "handoff_meeting"})
_CLOCKS = frozenset({"due", "expected_by", "opens"})
_EXPECTED = {
    "string_type": "must be text",
    "bool_type": "must be true or false",
    "int_type": "must be a whole number",
    "list_type": "must be a list",
    "dict_type": "must be a mapping of keys to values",
    "model_type": "must be a mapping of keys to values",
    "model_attributes_type": "must be a mapping of keys to values",
    "string_too_short": "must not be empty",
    "string_pattern_mismatch": "must not be blank",
    "too_short": "must not be empty",
}


def shape_findings(error: ValidationError, document: Document) -> list[Finding]:
    """One finding a place, in the order of the file's keys."""
    found: dict[Path, Finding] = {}
    for detail in error.errors(include_url=False):
        path = real_path(document.data, detail["loc"], missing=detail["type"] == "missing")
        found.setdefault(path, Finding(path, _message(detail, path, document)))
    return list(found.values())


def real_path(data: Any, loc: Iterable[str | int], *, missing: bool = False) -> Path:
    """``loc`` as a path of the file: without the names of types that pydantic puts in between."""
    path: list[str | int] = []
    parts = list(loc)
    held = False
    for part in parts:
        held = _holds(data, part)
        if held:
            data = data[part]
            path.append(part)
    # A required key that is there, with nothing after the colon, is missing as well: its path ends in it already.
    return (*path, parts[-1]) if missing and not held else tuple(path)


def _holds(data: Any, part: str | int) -> bool:
    if isinstance(data, list):
        return isinstance(part, int) and part < len(data)
    return isinstance(data, dict) and part in data


def _message(detail: Mapping[str, Any], path: Path, document: Document) -> str:
    kind = detail["type"]
    if kind == "missing":
        return "is required and empty" if document.holds(path) else "is required and not there"
    if kind == "extra_forbidden":
        return f"unknown key; {known(fields_at(path[:-1]), str(path[-1]))}"
    misread = document.misread(path) if kind in _MISREAD else None
    if misread is not None:
        value = detail["input"]
        read_as = str(value).lower() if isinstance(value, bool) else f"the number {value}"
        return f"YAML reads unquoted {quoted(misread)} as {read_as}: write {_as_meant(misread, path)}"
    if kind == "literal_error":
        values = [value.strip("'") for value in detail["ctx"]["expected"].replace(" or ", ", ").split(", ")]
        if isinstance(detail["input"], str) and detail["input"] not in values:
            return f"{quoted(detail['input'])} is not possible here; {known(values, detail['input'])}"
        return f"must be {' or '.join(values)}"
    if kind == "value_error":
        return str(detail["ctx"]["error"])
    if kind == "string_pattern_mismatch" and path[-1:] == ("base_url",):
        return f'{quoted(detail["input"])} is not an address: write "https://..."'
    return _EXPECTED.get(kind, str(detail["msg"]))


def _as_meant(misread: str, path: Path) -> str:
    """What to write for ``misread``, a number or a boolean where text belongs."""
    if misread.isdecimal() and path[-1] in _DURATIONS:
        return f"{misread[:60]}m, or with h, d or w"
    if misread.isdecimal() and path[-1] in _CLOCKS:
        return '"09:00", in quotes'
    return f'"0{misread}"' if _SHORT_CLOCK.fullmatch(misread) else f'"{misread[:60]}"'


@lru_cache(maxsize=256)
def fields_at(path: Path) -> tuple[str, ...]:
    """The keys that the mapping at ``path`` may have; empty where they are free."""
    annotation: Any = FileSpec
    for part in path:
        model, inner = _unwrap(annotation)
        if model is not None:
            field = model.model_fields.get(str(part))
            if field is None:
                return ()
            annotation = field.annotation
        elif inner is not None:
            annotation = inner
        else:
            return ()
    model, _ = _unwrap(annotation)
    return tuple(model.model_fields) if model else ()


def _unwrap(annotation: Any) -> tuple[type[BaseModel] | None, Any]:
    """(the model, None), or (None, what a list or mapping holds) behind Annotated and Optional."""
    while True:
        origin, args = typing.get_origin(annotation), typing.get_args(annotation)
        if origin is typing.Annotated:
            annotation = args[0]
        elif origin in (typing.Union, types.UnionType):
            annotation = next(arg for arg in args if arg is not type(None))
        elif origin in (list, dict):
            return None, args[-1]
        elif isinstance(annotation, type) and issubclass(annotation, BaseModel):
            return annotation, None
        else:
            return None, None
