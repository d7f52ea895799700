"""The life of what is due: occurrence → judgement → incident → notification. Values only; the rules are in monitor.

A judgement says what is so at one instant; an incident is what is remembered from one tick to the next; a
notification is one thing that somebody is to be told because of it (the ``notifications`` of ``daybreak replay``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Literal

from daybreak.domain.registry import Priority
from daybreak.domain.runs import Evidence


class State(StrEnum):
    """The state of an occurrence at an instant (design §4)."""

    PENDING = "pending"
    AT_RISK = "at_risk"
    FAILED = "failed"
    MET = "met"
    MISSED = "missed"
    LATE = "late"


class Reason(StrEnum):
    """Why an occurrence is not ready, the first that holds; also how it was met, where that needs a word."""

    DAG_MISSING = "dag_missing"
    IMPORT_ERROR = "import_error"
    DAG_PAUSED = "dag_paused"
    OUT_OF_MEMORY = "out_of_memory"
    RUN_FAILED = "run_failed"
    UPSTREAM_LATE = "upstream_late"
    STUCK = "stuck"
    RUNNING = "running"
    SCHEDULER_DOWN = "scheduler_down"
    QUEUED = "queued"
    NO_RUN = "no_run"
    STALE_INPUT = "stale_input"  # met, but the run began before a named upstream was ready


@dataclass(frozen=True, slots=True, kw_only=True)
class Occurrence:
    """One (pipeline or upstream, due instant). The cycle is [opens_at, closes_at)."""

    subject: str  # pipeline id, or upstream id
    business_date: date  # local date of the due instant
    due_at: datetime
    opens_at: datetime
    closes_at: datetime  # the next occurrence's opens_at
    is_upstream: bool = False
    dedup_key: str = field(init=False, compare=False, repr=False)  # made once: judging looks things up by it

    def __post_init__(self) -> None:
        key = dedup_key(self.subject, self.business_date, upstream=self.is_upstream)
        object.__setattr__(self, "dedup_key", key)


def dedup_key(subject: str, business_date: date, *, upstream: bool = False, group: bool = False) -> str:
    """``daybreak:v1:<pipeline>:<date>``, ``...:upstream:<id>:<date>`` or ``...:group:<upstream>:<date>``."""
    kind = "upstream:" if upstream else "group:" if group else ""
    return f"daybreak:v1:{kind}{subject}:{business_date.isoformat()}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What is so of one occurrence at ``at``."""

    occurrence: Occurrence
    at: datetime
    state: State
    reason: Reason | None = None
    since: datetime | None = None  # the exact instant the state began: due for missed, the run's end for failed
    ready_at: datetime | None = None
    run_id: str | None = None  # newest run of the cycle
    dag_id: str | None = None  # the dag that is at fault, or the slowest
    failures: tuple[Evidence, ...] = ()
    late_upstreams: tuple[str, ...] = ()
    detail: str | None = None  # e.g. the import error's last line, the success that ended just before opens
    usual: timedelta | None = None
    earliest_ready: datetime | None = None  # now or the start, plus the usual duration
    stuck_at: datetime | None = None  # from after this on the run that is running counts as stuck

    @property
    def minutes_late(self) -> int | None:
        """Whole minutes from due to ready, rounded up; None unless late."""
        if self.state is not State.LATE or self.ready_at is None:
            return None
        return -int(-(self.ready_at - self.occurrence.due_at).total_seconds() // 60)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """What the store remembers of one occurrence. ``met`` and ``late`` are final."""

    occurrence: Occurrence
    state: State
    reason: Reason | None = None
    ready_at: datetime | None = None
    run_id: str | None = None
    minutes_late: int | None = None
    waived: str | None = None  # who and why, where somebody declared the day as not needed


def ticket_key(subject: str, business_date: date) -> str:
    """``daybreak:v1:ticket:out_of_memory:<pipeline>:<date>``: the ticket beside the occurrence's own incident."""
    return f"daybreak:v1:ticket:out_of_memory:{subject}:{business_date.isoformat()}"


IncidentKind = Literal["pipeline", "upstream", "group", "system", "ticket"]
NotificationKind = Literal["page", "notice", "ticket", "thread", "resolve"]


class Event(StrEnum):
    """What a notification is about; picks its wording."""

    AT_RISK = "at_risk"
    FAILED = "failed"
    MISSED = "missed"
    STILL_LATE = "still_late"  # a further escalation step
    CAUSE_CHANGED = "cause_changed"  # a note: the reason is another now, or failed became missed
    RESOLVED = "resolved"
    UPSTREAM_LATE = "upstream_late"
    UPSTREAM_ARRIVED = "upstream_arrived"
    STALE_INPUT = "stale_input"
    HANDOFF = "handoff"
    OUT_OF_MEMORY = "out_of_memory"  # a ticket
    RETRIED = "retried"  # what came of running again what had run out of memory
    TICKET_CLOSED = "ticket_closed"
    UNCLAIMED_FAILED = "unclaimed_failed"
    IMPORT_ERROR = "import_error"
    SCHEDULER_DOWN = "scheduler_down"
    REGISTRY_INVALID = "registry_invalid"
    DELIVERY_FAILED = "delivery_failed"
    TEST = "test"


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """One per dedup key, for its whole life. Changed only by making a new value (:func:`dataclasses.replace`)."""

    dedup_key: str
    kind: IncidentKind
    subject: str | None  # pipeline or upstream id; None for a group
    business_date: date
    due_at: datetime
    state: State
    reason: Reason | None
    opened_at: datetime
    group: tuple[str, ...] = ()  # pipelines of a grouped page
    upstream: str | None = None  # what the group, or the upstream's own incident, waits for
    priority: Priority = "P3"
    escalation: str | None = None
    paging_since: datetime | None = None  # steps count from here; None: has not become one that pages
    steps_done: tuple[int, ...] = ()
    paged: tuple[str, ...] = ()  # registry ids, in the order in which they were paged
    told: tuple[str, ...] = ()
    on_call: str | None = (
        None  # who was on call (primary) when it was last looked at: the newcomer is added at a handoff
    )
    acknowledged_at: datetime | None = None
    acknowledged_by: str | None = None
    snoozed_until: datetime | None = None
    run_id: str | None = None
    dag_id: str | None = None
    member_of: str | None = None  # dedup key of the group that speaks for this one
    resolved_at: datetime | None = None
    ready_at: datetime | None = None
    minutes_late: int | None = None
    silenced: bool = False

    @property
    def open(self) -> bool:
        return self.resolved_at is None

    @property
    def pages(self) -> bool:
        """Whether it ever became one that pages."""
        return self.paging_since is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """One thing to tell. ``to`` holds registry ids (people and teams); who they are is frozen here."""

    at: datetime
    kind: NotificationKind
    event: Event
    subject: str | None  # the ``pipeline`` of replay's JSON; None for a group
    business_date: date | None
    step: int | None
    to: tuple[str, ...]
    priority: Priority | None
    dedup_key: str
    group: tuple[str, ...] = ()
    text: str | None = None  # a sentence for the thread or note, where the event alone does not say it


@dataclass(frozen=True, slots=True, kw_only=True)
class Decisions:
    """What one tick decided: incidents as they are now, and what to tell because of it, in order."""

    incidents: tuple[Incident, ...] = ()  # only those that are new or changed
    notifications: tuple[Notification, ...] = ()
    records: tuple[Recorded, ...] = ()  # occurrences whose recorded state changed
    judgements: Mapping[str, Judgement] = field(default_factory=dict)  # dedup key → what the notifications speak of
