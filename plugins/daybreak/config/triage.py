"""What kind of failure it was: rules over a failure's exception, message and task, kept as data.

A rule holds if every key it names holds; the first that holds wins. A team's own rules (``triage.yaml`` beside the
registry) come before the packaged ones (``config/triage.yaml``), so they refine and overrule them. A broken file of
the team's is logged and left out: a failure is never lost over the rules that name it.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from daybreak.config.problems import refusal
from daybreak.config.triage_rule import Failure, Rule
from daybreak.errors import RegistryError

__all__ = ["Failure", "Rule", "Verdict", "classify", "exception_names", "load_rules", "rules_for"]

log = logging.getLogger(__name__)

PACKAGED = Path(__file__).with_name("triage.yaml")
FILE_NAME = "triage.yaml"
UNKNOWN = "unknown"
GROUP_ANCHORS = {
    "upstream": "upstream-late",
    "quality": "data-quality",
    "infrastructure": "infrastructure",
    "operational": "operational",
    "code": "code-or-configuration",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """``category`` is ``group.kind`` (``quality.nulls``) or ``unknown``; ``anchors``: runbook sections, best first."""

    category: str
    anchors: tuple[str, ...]

    def anchor_in(self, slugs: Collection[str]) -> str | None:
        """The best of ``anchors`` that a runbook with these heading slugs has."""
        return next((anchor for anchor in self.anchors if anchor in slugs), None)


def classify(failure: Failure, rules: Sequence[Rule]) -> Verdict:
    """The verdict of the first rule that holds; ``unknown`` if none does."""
    rule = next((rule for rule in rules if rule.holds(failure)), None)
    if rule is None:
        return Verdict(category=UNKNOWN, anchors=("run-failed",))
    group, _, kind = rule.category.partition(".")
    wanted = (rule.anchor, kind.replace("_", "-"), GROUP_ANCHORS.get(group), "run-failed")
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
    """The rules of one file, in order. Raises RegistryError on any error: one line with file, line, rule and remedy."""
    try:
        stamp = path.stat().st_mtime_ns
    except OSError as error:
        raise RegistryError(f"{path}: cannot be read ({error.strerror}); check the path and its permissions") from error
    return _load(path, stamp)


@lru_cache(maxsize=8)
def _load(path: Path, _mtime_ns: int) -> tuple[Rule, ...]:
    from daybreak.config.triage_file import examine_rules

    try:
        data = path.read_bytes()
    except OSError as error:
        raise RegistryError(f"{path}: cannot be read ({error.strerror}); check the path and its permissions") from error
    rules, problems = examine_rules(data)
    errors = [problem for problem in problems if problem.severity == "error"]
    if errors:
        raise RegistryError(refusal(str(path), errors))
    return rules
