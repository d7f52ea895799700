"""What kind of failure it was: rules over a failure's exception, message and task, kept as data.

A rule holds if every key it names holds; the first that holds wins. A team's own rules (``triage.yaml`` beside the
registry) come before the packaged ones (``config/triage.yaml``), so they refine and overrule them. A broken file of
the team's is logged and left out: a failure is never lost over the rules that name it.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from daybreak.errors import RegistryError

log = logging.getLogger(__name__)

PACKAGED = Path(__file__).with_name("triage.yaml")
FILE_NAME = "triage.yaml"
UNKNOWN = "unknown"
_RULE_KEYS = frozenset({"category", "anchor", "exception", "message", "operator", "task", "killed"})
_MESSAGE_LIMIT = 20_000  # characters that rules look at: an exception may carry a whole data set
_GROUP_ANCHORS = {
    "upstream": "upstream-late",
    "quality": "data-quality",
    "infrastructure": "infrastructure",
    "operational": "operational",
    "code": "code-or-configuration",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """What is known of one failed task. ``exceptions`` holds class names, the raised one's first, then its bases' and
    its causes'."""

    message: str = ""
    exceptions: tuple[str, ...] = ()
    operator: str | None = None
    task_id: str | None = None
    killed: bool = False  # ended without leaving an exception


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """``category`` is ``group.kind`` (``quality.nulls``) or ``unknown``; ``anchors``: runbook sections, best first."""

    category: str
    anchors: tuple[str, ...]

    def anchor_in(self, slugs: Collection[str]) -> str | None:
        """The best of ``anchors`` that a runbook with these heading slugs has."""
        return next((anchor for anchor in self.anchors if anchor in slugs), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    category: str
    anchor: str | None = None
    exceptions: frozenset[str] = frozenset()
    message: re.Pattern[str] | None = None
    operators: frozenset[str] = frozenset()
    task: re.Pattern[str] | None = None
    killed: bool | None = None

    def holds(self, failure: Failure) -> bool:
        return (
            (not self.exceptions or not self.exceptions.isdisjoint(failure.exceptions))
            and (self.message is None or bool(self.message.search(failure.message[:_MESSAGE_LIMIT])))
            and (not self.operators or failure.operator in self.operators)
            and (self.task is None or bool(self.task.search(failure.task_id or "")))
            and (self.killed is None or self.killed is failure.killed)
        )


def classify(failure: Failure, rules: Sequence[Rule]) -> Verdict:
    """The verdict of the first rule that holds; ``unknown`` if none does."""
    rule = next((rule for rule in rules if rule.holds(failure)), None)
    if rule is None:
        return Verdict(category=UNKNOWN, anchors=("run-failed",))
    group, _, kind = rule.category.partition(".")
    wanted = (rule.anchor, kind.replace("_", "-"), _GROUP_ANCHORS.get(group), "run-failed")
    return Verdict(category=rule.category, anchors=tuple(dict.fromkeys(anchor for anchor in wanted if anchor)))


def exception_names(error: BaseException) -> tuple[str, ...]:
    """Class names of ``error``, of its bases and of what caused it, nearest first, without repeats."""
    names: dict[str, None] = {}
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen and len(seen) < 10:
        seen.add(id(current))
        names.update(dict.fromkeys(kind.__name__ for kind in type(current).__mro__[:-1]))
        current = current.__cause__ or current.__context__
    return tuple(name for name in names if name not in ("Exception", "BaseException"))


def rules_for(registry_folder: Path | None) -> tuple[Rule, ...]:
    """The team's rules (if ``triage.yaml`` lies in ``registry_folder`` and can be used), then the packaged ones."""
    own: tuple[Rule, ...] = ()
    path = registry_folder / FILE_NAME if registry_folder else None
    if path is not None and path.is_file():
        try:
            own = load_rules(path)
        except RegistryError as error:
            log.error("triage rules are left out: %s", error)
    return own + load_rules(PACKAGED)


def load_rules(path: Path) -> tuple[Rule, ...]:
    """The rules of one file, in order. Raises RegistryError, naming file and rule, on anything amiss."""
    try:
        stamp = path.stat().st_mtime_ns
    except OSError as error:
        raise RegistryError(f"{path}: cannot be read ({error.strerror}); check the path and its permissions") from error
    return _load(path, stamp)


@lru_cache(maxsize=8)
def _load(path: Path, _mtime_ns: int) -> tuple[Rule, ...]:
    import yaml

    try:
        content = yaml.load(path.read_bytes(), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - both are safe loaders
    except (OSError, yaml.YAMLError, ValueError, RecursionError) as error:
        raise RegistryError(f"{path}: is not YAML ({str(error).splitlines()[0]}); see docs/airflow.md") from error
    entries = content.get("rules") if isinstance(content, dict) else None
    if not isinstance(entries, list):
        raise RegistryError(f"{path}: rules: must be a list of rules; see docs/airflow.md")
    return tuple(_rule(entry, f"{path}: rules[{index}]") for index, entry in enumerate(entries))


def _rule(entry: Any, where: str) -> Rule:
    if not isinstance(entry, Mapping) or not isinstance(entry.get("category"), str):
        raise RegistryError(f"{where}: must be a mapping with at least a `category`, as in `category: quality.nulls`")
    unknown = sorted(str(key) for key in entry if key not in _RULE_KEYS)
    if unknown:
        raise RegistryError(f"{where}.{unknown[0]}: is not a key of a rule; known are {', '.join(sorted(_RULE_KEYS))}")
    return Rule(
        category=entry["category"],
        anchor=_text(entry.get("anchor"), f"{where}.anchor"),
        exceptions=_names(entry.get("exception"), f"{where}.exception"),
        message=_pattern(entry.get("message"), f"{where}.message"),
        operators=_names(entry.get("operator"), f"{where}.operator"),
        task=_pattern(entry.get("task"), f"{where}.task"),
        killed=None if entry.get("killed") is None else bool(entry["killed"]),
    )


def _text(value: Any, where: str) -> str | None:
    if value is None or isinstance(value, str):
        return value
    raise RegistryError(f"{where}: must be text")


def _names(value: Any, where: str) -> frozenset[str]:
    names = [value] if isinstance(value, str) else value or []
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise RegistryError(f"{where}: must be a name or a list of names")
    return frozenset(names)


def _pattern(value: Any, where: str) -> re.Pattern[str] | None:
    """One regular expression, or a list of which any may hold; upper and lower case are the same."""
    if value is None:
        return None
    several = sorted(_names(value, where))
    try:
        return re.compile("|".join(f"(?:{one})" for one in several), re.IGNORECASE)
    except re.error as error:
        raise RegistryError(f"{where}: is not a regular expression ({error})") from error
