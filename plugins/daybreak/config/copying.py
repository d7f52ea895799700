"""A registry as JSON and back, exactly: what the copy of the last good one holds.

Goes by the fields and type hints of the domain's dataclasses, so that a process which finds a copy needs neither YAML
nor the models of the file's shape: every task that Airflow starts pays for what is imported here.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from datetime import date, datetime, time
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from daybreak.config.holiday_dates import holiday_dates
from daybreak.domain.registry import Registry

_HOLIDAYS = "holiday_dates"  # a function: the same in every process
_Decoder = Callable[[Any], Any]


def to_json(value: Any) -> Any:
    """``value`` (of the domain) as what :mod:`json` can write."""
    if is_dataclass(value):
        return {field.name: to_json(getattr(value, field.name)) for field in fields(value) if field.name != _HOLIDAYS}
    if isinstance(value, Mapping):
        return {key: to_json(item) for key, item in value.items()}
    if isinstance(value, tuple):
        return [to_json(item) for item in value]
    if isinstance(value, frozenset):
        return sorted(value)
    if isinstance(value, ZoneInfo):
        return value.key
    if isinstance(value, date | time):  # a datetime is a date
        return value.isoformat()
    return value


def from_json(value: Any) -> Registry:
    """The registry that :func:`to_json` was given. For anything else it raises whatever comes of it."""
    registry = _decoder(Registry)(value)
    assert isinstance(registry, Registry)
    return registry


@lru_cache(maxsize=256)
def _decoder(hint: Any) -> _Decoder:
    """What turns JSON into a value of the type ``hint``."""
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if is_dataclass(hint):
        return _dataclass(typing.cast("type[Any]", hint))
    if hint in _SCALARS:
        return _SCALARS[hint]
    if origin in (typing.Union, types.UnionType):
        (inner,) = (_decoder(arg) for arg in args if arg is not type(None))
        return lambda value: None if value is None else inner(value)
    if origin is tuple:
        item = _decoder(args[0])
        return lambda value: tuple([item(each) for each in value])
    if origin is frozenset:
        return frozenset
    if origin in (Mapping, dict):
        item = _decoder(args[1])
        return lambda value: {key: item(each) for key, each in value.items()}
    if origin is typing.Literal or hint in (str, int, float, bool):
        return _as_it_is
    raise TypeError(f"no way to copy a {hint}")


def _dataclass(kind: type[Any]) -> _Decoder:
    hints = typing.get_type_hints(kind)
    parts = {field.name: _decoder(hints[field.name]) for field in fields(kind) if field.name != _HOLIDAYS}
    fixed = {_HOLIDAYS: holiday_dates} if len(parts) < len(hints) else {}

    def decode(values: Any) -> Any:
        if values.keys() != parts.keys():
            raise ValueError(f"the copy of a {kind.__name__} is of another version")
        return kind(**fixed, **{name: parts[name](value) for name, value in values.items()})

    return decode


def _as_it_is(value: Any) -> Any:
    return value


_SCALARS: dict[Any, _Decoder] = {
    ZoneInfo: ZoneInfo,
    datetime: datetime.fromisoformat,
    date: date.fromisoformat,
    time: time.fromisoformat,
}
