"""Absences out of a calendar's export (RFC 5545): proposals for ``on_call.time_off``, for a person to look through.

Nothing is guessed silently: an event that names nobody of the registry, repeats, or has no end that can be read is
listed with the reason why it was left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from icalendar import Calendar

from daybreak.domain.clock import wall_instant, wall_time
from daybreak.domain.registry import Person, Registry, TimeOff
from daybreak.errors import RegistryError

LARGEST = 10 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Proposals:
    """``entries`` by start, without what the registry has already; ``left_out`` is (what, why)."""

    entries: tuple[TimeOff, ...]
    left_out: tuple[tuple[str, str], ...]


def read_absences(registry: Registry, file: Path, *, person: str | None = None) -> Proposals:
    """The absences in ``file``; all are ``person``'s if one is given, else of whom each event names.

    Raises RegistryError for a file that cannot be read as a calendar.
    """
    entries: list[TimeOff] = []
    left_out: list[tuple[str, str]] = []
    known = {(entry.person, entry.start, entry.end) for entry in registry.on_call.time_off}
    for event in _events(file):
        title = str(event.get("summary", "an event without title"))
        try:
            entry = _entry(registry, event, title, person)
        except _LeftOut as reason:
            left_out.append((title, str(reason)))
            continue
        if (entry.person, entry.start, entry.end) in known:
            left_out.append((title, "the registry has it already"))
        else:
            known.add((entry.person, entry.start, entry.end))
            entries.append(entry)
    return Proposals(tuple(sorted(entries, key=lambda entry: (entry.start, entry.person))), tuple(left_out))


class _LeftOut(Exception):
    """Why an event makes no entry."""


def _events(file: Path) -> Iterator[Any]:
    try:
        if file.stat().st_size > LARGEST:
            raise RegistryError(f"{file}: larger than {LARGEST >> 20} MiB; export a shorter span of the calendar")
        calendars = Calendar.from_ical(file.read_bytes(), multiple=True)
    except OSError as error:
        raise RegistryError(f"{file}: {error.strerror}; name a calendar's export (.ics)") from error
    except (ValueError, IndexError, KeyError) as error:
        raise RegistryError(f"{file}: not an iCalendar file ({_line(error)}); export the calendar as .ics") from error
    if not calendars:
        raise RegistryError(f"{file}: no calendar in it; export the calendar as .ics")
    for calendar in calendars:
        yield from calendar.walk("VEVENT")


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:120]


def _entry(registry: Registry, event: Any, title: str, person: str | None) -> TimeOff:
    if str(event.get("status", "")).upper() == "CANCELLED":
        raise _LeftOut("cancelled")
    if "rrule" in event or "rdate" in event:
        raise _LeftOut("it repeats: enter each absence by itself")
    who = person or _person(registry, event, title)
    zone = registry.on_call.zone
    start, end = _span(event, zone)
    return TimeOff(
        person=who, start=start, end=end, requested=_requested(event, zone), in_lieu="in lieu" in title.lower()
    )


def _person(registry: Registry, event: Any, title: str) -> str:
    """By address (attendees, organizer), else by a name or id in the title."""
    attendees = event.get("attendee", [])
    addresses = {
        str(address).lower().removeprefix("mailto:")
        for address in (*(attendees if isinstance(attendees, list) else [attendees]), event.get("organizer", ""))
    }
    found = [one for one in registry.people.values() if one.opsgenie and one.opsgenie.lower() in addresses]
    found = found or [one for one in registry.people.values() if _named(one, title)]
    if not found:
        raise _LeftOut("it names nobody of the registry: give --person")
    if len(found) > 1:
        raise _LeftOut(f"it names {', '.join(one.id for one in found)}: give --person")
    return found[0].id


def _named(person: Person, title: str) -> bool:
    """Whether the id or the name stands in ``title`` as words of their own: `de-1` is not in `de-12 away`."""
    return any(
        re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", title, re.IGNORECASE) for name in (person.id, person.name)
    )


def _span(event: Any, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Whole days are days of ``zone``, and so are times without a zone of their own."""
    if "dtstart" not in event:
        raise _LeftOut("it has no start")
    try:
        begins = event.decoded("dtstart")
        if "dtend" in event:
            ends = event.decoded("dtend")
        elif "duration" in event:
            ends = begins + event.decoded("duration")
        else:
            ends = begins + (timedelta(0) if isinstance(begins, datetime) else timedelta(days=1))
        start, end = _instant(begins, zone), _instant(ends, zone)
    except (ValueError, TypeError, OverflowError) as error:
        raise _LeftOut(f"its times cannot be read ({_line(error)})") from error
    if start >= end:
        raise _LeftOut("it ends when it begins, or before")
    return start, end


def _instant(value: date | datetime, zone: ZoneInfo) -> datetime:
    if not isinstance(value, datetime):
        return wall_time(value, time(0), zone)
    return wall_instant(value, zone) if value.tzinfo is None else value.astimezone(UTC)


def _requested(event: Any, zone: ZoneInfo) -> date | None:
    """The day on which the event was made, for the notice period."""
    try:
        created = event.decoded("created") if "created" in event else None
    except ValueError:
        return None
    return created.astimezone(zone).date() if isinstance(created, datetime) and created.tzinfo else None
