"""Routes over the undecoded path, so that ``%2F`` inside an alias stays inside its segment and ``//`` is refused."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, unquote

from daybreak.sandbox.answers import Answer, Refused

MAX_DEPTH = 40


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """One request, read completely. Header names are in lower case; ``args`` are the path's ``{names}``, decoded."""

    method: str
    path: str
    segments: tuple[str, ...]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    args: Mapping[str, str]

    def json(self, *, may_be_empty: bool = False) -> dict[str, Any]:
        """The body as an object.

        :raises Refused: 415 for another content type, 400 for what is not a JSON object.
        """
        if not self.body.strip() and may_be_empty:
            return {}
        kind = self.headers.get("content-type", "").split(";")[0].strip().lower()
        if kind != "application/json":
            raise Refused(415, f"Content-Type [{kind}] is not supported. Use application/json", rule="content_type")
        try:
            value = parse_json(self.body)
        except ValueError:
            raise Refused(400, "Could not parse request body", rule="bad_json") from None
        if not isinstance(value, dict):
            raise Refused(400, "Request body should be an object", rule="bad_json")
        return value


def parse_json(raw: bytes | str) -> Any:
    """The value of ``raw``.

    :raises ValueError: not JSON, or nested deeper than any message: what is kept must be told again, and safely.
    """
    try:
        value = json.loads(raw, parse_constant=_no_number, parse_float=_finite)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    level, rows = 0, [value]
    while rows:
        level += 1
        if level > MAX_DEPTH:
            raise ValueError("nested too deeply")
        inner = [list(row.values()) if isinstance(row, dict) else row for row in rows if isinstance(row, dict | list)]
        rows = [item for row in inner for item in row]
    return value


def _no_number(text: str) -> Any:
    raise ValueError(f"{text} is not JSON")


def _finite(text: str) -> float:
    number = float(text)
    return number if math.isfinite(number) else _no_number(text)


Handler = Callable[[Call], Answer]


class Routes:
    """A table of methods and path patterns such as ``/v2/alerts/{identifier}/close``."""

    def __init__(self) -> None:
        self._table: list[tuple[str, tuple[str, ...], Handler]] = []

    def add(self, method: str, pattern: str, handler: Handler) -> None:
        self._table.append((method, tuple(pattern.strip("/").split("/")), handler))

    def find(self, method: str, segments: tuple[str, ...]) -> tuple[Handler, dict[str, str]]:
        """The handler and its ``args``; a literal segment wins over a named one if it was added first.

        :raises Refused: 404 for an unknown path, 405 for a known one with another method.
        """
        allowed = []
        for known, pattern, handler in self._table:
            args = _match(pattern, segments)
            if args is not None and known == method:
                return handler, args
            if args is not None:
                allowed.append(known)
        if allowed:
            headers = {"Allow": ", ".join(sorted(set(allowed)))}
            raise Refused(405, f"Method {method} is not allowed", rule="method_not_allowed", headers=headers)
        raise Refused(404, "Requested resource could not be found", rule="unknown_path")


def split_path(raw: bytes) -> tuple[str, ...] | None:
    """The decoded segments of an undecoded path; None if one is empty (``//``), which no service serves."""
    parts = raw.split(b"?")[0].decode("latin-1").removeprefix("/").removesuffix("/").split("/")
    if parts == [""]:
        return ()
    return None if "" in parts else tuple(unquote(part) for part in parts)


def query(raw: bytes) -> dict[str, str]:
    """The first value of each parameter."""
    return {name: values[0] for name, values in parse_qs(raw.decode("latin-1"), keep_blank_values=True).items()}


def _match(pattern: tuple[str, ...], segments: tuple[str, ...]) -> dict[str, str] | None:
    if len(pattern) != len(segments):
        return None
    args = {}
    for want, have in zip(pattern, segments, strict=True):
        if want.startswith("{"):
            args[want[1:-1]] = have
        elif want != have:
            return None
    return args
