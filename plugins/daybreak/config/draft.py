"""What can be understood of a file that has mistakes, so that one mistake does not hide the others.

Each section is read on its own. What is wrong in it is taken out, piece by piece, until the rest has the right shape:
the key at fault if it can be left out, else the entry that needs it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path as FilePath
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import TypeAdapter, ValidationError

from daybreak.config import spec as s
from daybreak.config.problems import Path
from daybreak.config.shape import real_path

_ROUNDS = 8
_SECTIONS = (
    "timezone", "paging", "people", "teams", "on_call", "defaults", "silences", "tickets", "escalations", "upstreams",
)  # fmt: skip


@dataclass(kw_only=True)
class Draft:
    """The sections of a file, as far as they could be understood. Rules are checked against this."""

    timezone: ZoneInfo = s.UTC_ZONE
    paging: s.PagingSpec = field(default_factory=s.PagingSpec)
    people: dict[str, s.PersonSpec] = field(default_factory=dict)
    teams: dict[str, s.TeamSpec] = field(default_factory=dict)
    on_call: s.OnCallSpec | None = None
    defaults: s.DefaultsSpec | None = None
    silences: list[s.SilenceSpec] = field(default_factory=list)
    tickets: s.TicketsSpec = field(default_factory=s.TicketsSpec)
    escalations: dict[str, list[s.StepSpec]] = field(default_factory=dict)
    upstreams: dict[str, s.UpstreamSpec] = field(default_factory=dict)
    pipelines: dict[str, s.PipelineSpec] = field(default_factory=dict)
    runbooks: FilePath | None = None  # the folder, where it is to be looked into
    kept: dict[Path, list[int]] = field(default_factory=dict)  # lists that lost entries: which of the file's stayed
    wrong: frozenset[Path] = frozenset()  # where the shape was wrong

    def path(self, path: Path) -> Path:
        """A path within this draft as a path of the file."""
        found: list[str | int] = []
        for i, part in enumerate(path):
            indices = self.kept.get(path[:i])
            found.append(indices[part] if indices is not None and isinstance(part, int) else part)
        return tuple(found)

    def damaged(self, path: Path) -> bool:
        """Whether something at, in or around ``path`` could not be understood: then nothing is known to be absent."""
        return any(wrong[: len(path)] == path or path[: len(wrong)] == wrong for wrong in self.wrong)


def draft_of(file: s.FileSpec, runbooks: FilePath | None) -> Draft:
    """The whole of a file whose shape is right."""
    sections = {name: getattr(file, name) for name in (*_SECTIONS, "pipelines")}
    return Draft(**sections, runbooks=runbooks)


def salvage(data: dict[str, Any], wrong: Iterable[Path], runbooks: FilePath | None) -> Draft:
    """What can be understood of ``data``, whose shape is wrong at the paths ``wrong``."""
    draft = Draft(runbooks=runbooks, wrong=frozenset(wrong))
    for name in (*_SECTIONS, "pipelines"):
        if data.get(name) is None:
            continue
        value, kept = _salvage_section(name, data[name])
        if value is not None:
            setattr(draft, name, value)
            draft.kept.update({(name, *path): indices for path, indices in kept.items()})
    return draft


@lru_cache(maxsize=32)
def _adapter(section: str) -> TypeAdapter[Any]:
    field = s.FileSpec.model_fields[section]
    annotation: Any = field.annotation
    for extra in field.metadata:
        annotation = Annotated[annotation, extra]
    return TypeAdapter(annotation)


def _salvage_section(section: str, data: Any) -> tuple[Any, dict[Path, list[int]]]:
    holder, kept = _copied({"section": data})
    for _ in range(_ROUNDS):
        if "section" not in holder:
            break
        try:
            return _adapter(section).validate_python(holder["section"]), dict(_losses(holder["section"], kept))
        except ValidationError as error:
            wrong = set()
            for detail in error.errors(include_url=False, include_context=False, include_input=False):
                path = real_path(holder["section"], detail["loc"])
                wrong.add(("section", *path))  # of something missing, what it is missing from
            for path in sorted(wrong, key=_deepest_last_first):
                _remove(holder, path, kept)
    return None, {}


def _deepest_last_first(path: Path) -> tuple[int, list[int]]:
    return -len(path), [-part if isinstance(part, int) else 0 for part in path]


def _remove(value: Any, path: Path, kept: dict[int, list[int]]) -> None:
    for part in path[:-1]:
        try:
            value = value[part]
        except (KeyError, IndexError):
            return  # taken out already, with what held it
    last = path[-1]
    if isinstance(value, list):
        if isinstance(last, int) and last < len(value):
            del value[last]
            del kept[id(value)][last]
    else:
        value.pop(last, None)


def _copied(value: Any) -> tuple[Any, dict[int, list[int]]]:
    """A copy that can be cut, and for each of its lists which of the original's items it holds."""
    kept: dict[int, list[int]] = {}

    def copy(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: copy(item) for key, item in value.items()}
        if isinstance(value, list):
            items = [copy(item) for item in value]
            kept[id(items)] = list(range(len(items)))
            return items
        return value

    return copy(value), kept


def _losses(value: Any, kept: dict[int, list[int]], path: Path = ()) -> Iterator[tuple[Path, list[int]]]:
    if isinstance(value, list):
        if kept[id(value)] != list(range(len(value))):
            yield path, kept[id(value)]
        for i, item in enumerate(value):
            yield from _losses(item, kept, (*path, i))
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _losses(item, kept, (*path, key))
