"""Whole mornings as tables: what happened, minute by minute, and who was told.

A morning is lines of ``[+day] HH:MM run what``; a run is ``dag`` or ``dag#2`` for its second. ``what`` is ``queued``,
``starts``, ``succeeds``, ``fails``; words after it are ``manual``, ``backfill``, ``asset_triggered``, ``killed`` (it
fails for want of memory) and ``for=[+day]HH:MM`` (the effective date, else when the run was first heard of). All in
UTC, on MORNING and after.

``watch`` answers lines of ``[+day] HH:MM kind subject [step n] -> who`` and, for the end, ``subject state reason``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from daybreak.domain.incident import Notification
from daybreak.domain.registry import Registry
from daybreak.domain.runs import Evidence, Run, TaskState
from daybreak.monitor.history import History
from daybreak.monitor.replay import Replay, replay

MORNING = datetime(2026, 2, 4, tzinfo=UTC)  # a Wednesday; ann is on call, ben is secondary, handoff on Monday 09:00
_TYPES = ("manual", "backfill", "asset_triggered", "scheduled")


def at(text: str) -> datetime:
    """``"09:00"`` of the morning, ``"+1 09:00"`` of the day after."""
    day, _, clock = text.strip().rpartition(" ")
    return MORNING.replace(hour=int(clock[:2]), minute=int(clock[3:5]), second=int(clock[6:] or 0)) + timedelta(
        days=int(day or 0)
    )


def clock(moment: datetime) -> str:
    """The other way round."""
    days = (moment - MORNING) // timedelta(days=1)
    text = moment.strftime("%H:%M:%S" if moment.second else "%H:%M")
    return f"+{days} {text}" if days > 0 else f"{days} {text}" if days else text


def runs_of(table: str) -> tuple[Run, ...]:
    """The runs of a morning, as they ended up."""
    runs: dict[str, Run] = {}
    for line in filter(None, map(str.strip, table.splitlines())):
        day, rest = line.split(maxsplit=1) if line[0] in "+-" else ("", line)
        moment_text, name, what, *options = rest.split()
        moment = at(f"{day} {moment_text}")
        run = runs.get(name)
        if run is None:
            dag = name.partition("#")[0]
            run = Run(dag_id=dag, run_id=name, run_type="scheduled", state="queued", run_after=moment)
            run = replace(run, data_interval_end=moment, logical_date=moment)
        for option in options:
            if option in _TYPES:
                run = replace(run, run_type=option)
                if option == "asset_triggered":
                    run = replace(run, data_interval_end=None, logical_date=None)
            elif option == "killed":
                continue  # see killed_in
            elif option.startswith("for="):
                effective = at(option.removeprefix("for=").replace("_", " "))
                run = replace(run, data_interval_end=effective, logical_date=effective)
            else:
                raise ValueError(f"{line!r}: {option!r}?")
        runs[name] = _happen(run, what, moment)
    return tuple(runs.values())


def killed_in(table: str) -> dict[tuple[str, str], tuple[Evidence, ...]]:
    """What is known of the runs that were killed."""
    names = [line.split() for line in table.splitlines() if line.split()[-1:] == ["killed"]]
    runs = {run.run_id: run for run in runs_of(table)}
    found = [runs[name] for words in names for name in words if name in runs]
    return {(run.dag_id, run.run_id): (killed_task(run),) for run in found}


def killed_task(run: Run) -> Evidence:
    return Evidence(dag_id=run.dag_id, run_id=run.run_id, task_id="build", try_number=1, killed=True, host="w1")


def _happen(run: Run, what: str, moment: datetime) -> Run:
    match what:
        case "queued":
            return replace(run, queued_at=moment)
        case "starts":
            return replace(run, state="running", queued_at=run.queued_at or moment, start_date=moment)
        case "succeeds":
            return replace(run, state="success", end_date=moment)
        case "fails":
            return replace(run, state="failed", end_date=moment)
    raise ValueError(f"{what!r} is nothing that a run does")


def usual_days(dag: str, minutes: int, *, days: int = 5, start: str = "02:00") -> str:
    """A table of ``days`` earlier days on which ``dag`` took ``minutes``."""
    lines = []
    for n in range(1, days + 1):
        begin = at(f"-{n} {start}")
        end = begin + timedelta(minutes=minutes)
        lines += [f"-{n} {begin:%H:%M} {dag}#d{n} starts", f"-{n} {end:%H:%M} {dag}#d{n} succeeds"]
    return "\n".join(lines)


@dataclass
class Told:
    """What came of a morning."""

    result: Replay
    lines: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)  # addressed to nobody: said in the thread

    def state(self, pipeline: str, day: int = 0) -> str:
        """``"late upstream_late 37"``: the state, reason and minutes late at the end."""
        date = (MORNING + timedelta(days=day)).date()
        one = next(
            o for o in self.result.occurrences if (o.occurrence.subject, o.occurrence.business_date) == (pipeline, date)
        )
        parts = [one.state.value, one.reason.value if one.reason else None, one.minutes_late]
        return " ".join(str(part) for part in parts if part is not None)


def watch(
    registry: Registry,
    table: str,
    *,
    since: str = "00:00",
    until: str = "18:00",
    tick: str = "1m",
    tasks: Iterable[TaskState] = (),
    every_tick: bool = False,
) -> Told:
    """Watch the morning in ``table`` from ``since`` to ``until``."""
    by_run: dict[tuple[str, str], tuple[TaskState, ...]] = {}
    for task in tasks:
        by_run[task.dag_id, task.run_id] = (*by_run.get((task.dag_id, task.run_id), ()), task)
    seconds = int(tick[:-1]) * {"s": 1, "m": 60, "h": 3600}[tick[-1]]
    history = History(runs_of(table), by_run, killed_in(table))
    every = timedelta(seconds=seconds)
    result = replay(registry, history, at(since), at(until), every, every_tick=every_tick)
    notes = [f"{clock(one.at)} {one.text}" for one in result.notifications if not one.to and one.text]
    return Told(result, [line(one) for one in result.notifications if one.to], notes)


def line(one: Notification) -> str:
    """``09:00 page growth step 0 -> ann``."""
    who = one.subject or "+".join(one.group)
    step = f" step {one.step}" if one.step is not None else ""
    return f"{clock(one.at)} {one.kind} {who}{step} -> {', '.join(one.to)}"


def lines(table: str) -> list[str]:
    """The non-empty lines of an expected table, with single blanks."""
    return [" ".join(text.split()) for text in table.splitlines() if text.strip()]


@dataclass(frozen=True)
class Morning:
    """One morning: what happened, what was told, and how it ended for one pipeline."""

    registry: Registry
    happened: str
    told: str
    ends: str
    pipeline: str = "growth"
    until: str = "18:00"
    since: str = "00:00"
    notes: str | None = None  # said in the thread, to nobody

    def check(self, day: int = 0) -> None:
        """Everybody was told what ``told`` says, and ``pipeline`` ended on ``day`` as ``ends`` says."""
        told = watch(self.registry, self.happened, since=self.since, until=self.until)
        assert told.lines == lines(self.told)
        if self.notes is not None:
            assert told.notes == lines(self.notes)
        if self.ends:
            assert told.state(self.pipeline, day) == self.ends

    def check_idle_ticks(self) -> None:
        """Passing over the ticks at which nothing can have changed is the same."""
        span = {"since": self.since, "until": self.until}
        every = watch(self.registry, self.happened, every_tick=True, **span)
        assert watch(self.registry, self.happened, **span).result == every.result
