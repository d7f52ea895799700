"""YAML bytes → plain values, with the line of each, and without any of YAML's traps.

Built on libyaml's events rather than on PyYAML's loader: that is the only way to know the line of every key, to see
duplicate keys, to bound what anchors expand to, and to refuse nesting that would overflow the C stack. It is faster
than ``yaml.load``, too. Dates and times stay text: which time zone they mean is known only later.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from daybreak.config.problems import Finding, Path, quoted
from daybreak.config.yaml_scalars import AS_TEXT, CONVERTED, MERGE, PREFIX, TEXT, convert, resolve

try:
    from yaml import CSafeLoader as _Loader
except ImportError:  # a PyYAML built without libyaml: slower, otherwise the same
    from yaml import SafeLoader as _Loader  # type: ignore[assignment]

LARGEST = 5_000_000
"""Bytes. A thousand pipelines take some 400,000."""
_MOST_VALUES = 500_000
_DEEPEST = 40


class Unreadable(Exception):
    """The bytes are no YAML that can be looked into any further."""

    def __init__(self, message: str, line: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.line = line


@dataclass(slots=True)
class Document:
    """The values of one file, the line of each, and what was wrong with it as YAML.

    ``lines`` and ``raw`` go by the id of the mapping or list and the key or index in it; ``raw`` holds the text of
    unquoted scalars that YAML reads as something else (``10:00``, ``NO``).
    """

    data: Any
    lines: dict[int, dict[str | int, int]] = field(default_factory=dict)
    raw: dict[tuple[int, str | int], str] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)

    def line(self, path: Path) -> int:
        """The line of the value at ``path``, or of the nearest that encloses it."""
        value, line = self.data, 1
        for part in path:
            line = self.lines.get(id(value), {}).get(part, line)
            value = _child(value, part)
        return line

    def holds(self, path: Path) -> bool:
        """Whether a key is written at ``path``, whatever its value."""
        value = self.data
        for part in path[:-1]:
            value = _child(value, part)
        return isinstance(value, dict) and bool(path) and path[-1] in value

    def misread(self, path: Path) -> str | None:
        """The unquoted text at ``path`` that YAML read as a number or a boolean, if it did."""
        value = self.data
        for part in path[:-1]:
            value = _child(value, part)
        return self.raw.get((id(value), path[-1])) if path else None


def read(data: bytes) -> Document:
    """Read one YAML document. Raises Unreadable; what can be passed over is in ``findings``."""
    if len(data) > LARGEST:
        raise Unreadable(f"the file has {len(data):,} bytes, more than {LARGEST:,}: is it a registry?")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise Unreadable(f"byte {error.start} is not UTF-8: save the file as UTF-8", line) from None
    try:
        document = _Builder().build(_events(text))
    except yaml.YAMLError as error:
        raise _unreadable(error, text) from None
    if document.data is None:
        raise Unreadable("the file is empty: it needs at least version, people, on_call, defaults and pipelines")
    if not isinstance(document.data, dict):
        raise Unreadable("the file must be a mapping (`version: 1`, `people:`, ...)", 1)
    return document


def _events(text: str) -> Iterator[yaml.Event]:
    loader = _Loader(text)
    following = loader.get_event
    try:
        while (event := following()) is not None:
            yield event
    finally:
        loader.dispose()


class _Frame:
    """A mapping or list that is being read. ``before``: how many values had been read when it began."""

    __slots__ = ("anchor", "before", "is_mapping", "key", "key_line", "lines", "merges", "path", "repeated", "value")

    def __init__(self, value: dict[str, Any] | list[Any], path: Path, anchor: str | None, before: int) -> None:
        self.value = value
        self.is_mapping = value.__class__ is dict
        self.path = path
        self.anchor = anchor
        self.before = before
        self.key: str | None = None  # of the value that comes next, in a mapping
        self.key_line = 0
        self.lines: dict[str | int, int] = {}
        self.merges: list[tuple[Any, int]] = []  # what `<<` brings in, and its line
        self.repeated = False


class _Builder:
    def __init__(self) -> None:
        self.document = Document(None)
        self.stack: list[_Frame] = []
        self.anchors: dict[str, tuple[Any, int]] = {}  # name → value, and how many values it holds
        self.count = 0
        self.documents = 0

    def build(self, events: Iterator[yaml.Event]) -> Document:
        for event in events:
            kind = event.__class__
            if kind is yaml.ScalarEvent:
                self._scalar(event)
            elif kind is yaml.MappingStartEvent:
                self._open({}, event)
            elif kind is yaml.SequenceStartEvent:
                self._open([], event)
            elif kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
                self._close()
            elif kind is yaml.AliasEvent:
                self._alias(event)
            elif kind is yaml.DocumentStartEvent:
                self.documents += 1
                if self.documents > 1:
                    raise Unreadable("the file holds a second document after `---`: keep one", _line(event))
        return self.document

    def _open(self, value: dict[str, Any] | list[Any], event: Any) -> None:
        if event.tag not in (None, "!", PREFIX + "map", PREFIX + "seq"):
            raise Unreadable(f"the tag {quoted(event.tag)} is not allowed", _line(event))
        if len(self.stack) >= _DEEPEST:
            raise Unreadable(f"nested more than {_DEEPEST} levels deep", _line(event))
        path: Path = ()
        if self.stack:
            above = self.stack[-1]
            where = above.key if isinstance(above.value, dict) else len(above.value)
            if where is None:
                raise Unreadable("a key must be text, not a list or a mapping", _line(event))
            path = (*above.path, where)
        frame = _Frame(value, path, event.anchor, self.count)
        self._place(value, event)
        self.stack.append(frame)

    def _close(self) -> None:
        frame = self.stack.pop()
        value = frame.value
        for merged, line in frame.merges:
            self._merge(frame, merged, line)
        self.document.lines[id(value)] = frame.lines
        if frame.anchor:
            self.anchors[frame.anchor] = value, self.count - frame.before

    def _alias(self, event: Any) -> None:
        if event.anchor not in self.anchors:
            raise Unreadable(
                f"the alias {quoted(event.anchor)} stands before or inside its anchor, or has none", _line(event)
            )
        value, size = self.anchors[event.anchor]
        self.count += size
        if self.stack and isinstance(self.stack[-1].value, dict) and self.stack[-1].key is None:
            raise Unreadable("a key must be text, not an alias", _line(event))
        self._place(value, event)

    def _scalar(self, event: Any) -> None:
        text: str = event.value
        tag = event.tag
        if event.implicit[0]:
            tag = resolve(text)
        elif tag is None:
            tag = TEXT
        frame = self.stack[-1] if self.stack else None
        if frame is not None and frame.key is None and frame.is_mapping:
            self._key(frame, text, tag, event)
            return
        if tag in AS_TEXT:
            value: Any = text
        elif tag in CONVERTED:
            value = convert(CONVERTED[tag], text)
            if frame is not None and value is not None and not frame.repeated:
                where = frame.key if isinstance(frame.value, dict) else len(frame.value)
                self.document.raw[id(frame.value), where] = text  # type: ignore[index]
        else:
            raise Unreadable(f"the tag {quoted(tag)} is not allowed", _line(event))
        if event.anchor:
            self.anchors[event.anchor] = value, 1
        self._place(value, event)

    def _key(self, frame: _Frame, text: str, tag: str, event: Any) -> None:
        frame.key_line = _line(event)
        if tag == MERGE:
            frame.key = "<<"
            return
        if tag in CONVERTED:
            read_as = {"int": "a number", "float": "a number", "bool": "true or false", "null": "nothing"}
            message = f"YAML reads the key {quoted(text)} as {read_as[CONVERTED[tag]]}: write it in quotes"
            self._find((*frame.path, text), message, frame.key_line)
        frame.repeated = text in frame.lines
        if frame.repeated:
            message = f"the key stands here twice (first on line {frame.lines[text]}): keep one"
            self._find((*frame.path, text), message, frame.key_line)
        frame.key = text

    def _place(self, value: Any, event: Any) -> None:
        self.count += 1
        if self.count > _MOST_VALUES:
            raise Unreadable(f"more than {_MOST_VALUES:,} values: do its anchors multiply?", _line(event))
        if not self.stack:
            self.document.data = value
            return
        frame = self.stack[-1]
        into: Any = frame.value
        if not frame.is_mapping:
            frame.lines[len(into)] = event.start_mark.line + 1
            into.append(value)
            return
        key = frame.key
        assert key is not None
        if key == "<<":
            # A list that is written here is still empty: it is looked into when the mapping around it is complete.
            frame.merges.append((value, frame.key_line))
        elif not frame.repeated:  # of two, the first is looked into further
            frame.lines[key] = frame.key_line
            into[key] = value
        frame.key, frame.repeated = None, False

    def _merge(self, frame: _Frame, merged: Any, line: int) -> None:
        for each in merged if isinstance(merged, list) else [merged]:
            if not isinstance(each, dict):
                message = "`<<` takes a mapping, or a list of mappings, by their anchors"
                self._find((*frame.path, "<<"), message, line)
                return
            assert isinstance(frame.value, dict)
            for key, value in each.items():
                if key not in frame.value:  # what is written here, or merged before, counts
                    frame.value[key] = value
                    frame.lines[key] = self.document.lines[id(each)][key]

    def _find(self, path: Path, message: str, line: int) -> None:
        self.document.findings.append(Finding(path, message, line=line))


def _line(event: Any) -> int:
    return int(event.start_mark.line) + 1


def _child(value: Any, part: str | int) -> Any:
    if isinstance(value, dict):
        return value.get(part)
    if isinstance(value, list) and isinstance(part, int) and 0 <= part < len(value):
        return value[part]
    return None


def _unreadable(error: yaml.YAMLError, text: str) -> Unreadable:
    mark = getattr(error, "problem_mark", None)
    problem = str(getattr(error, "problem", None) or getattr(error, "reason", None) or error).splitlines()[0]
    if mark is None:
        return Unreadable(f"not YAML: {problem}")
    lines = text.splitlines()
    if mark.line < len(lines) and lines[mark.line].lstrip(" ").startswith("\t"):
        problem = "the line is indented with a tab: use spaces"
    return Unreadable(f"not YAML: {problem}", mark.line + 1)
