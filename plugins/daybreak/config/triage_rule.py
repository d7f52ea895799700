"""One rule of triage, and what it is held against."""

from __future__ import annotations

import re
from dataclasses import dataclass

_MESSAGE_LIMIT = 20_000  # characters that rules look at: an exception may carry a whole data set


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
