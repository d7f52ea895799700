"""The on-call as an iCalendar file (RFC 5545) that a calendar can subscribe to.

UIDs are made of what an event *is* (layer and start), never of who holds it, so that a swap changes the event in
everybody's calendar rather than adding a second one. Instants are written in UTC: no time-zone tables to go stale.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import pairwise

from icalendar import Calendar, Event, vCalAddress, vText

from daybreak.domain.cover import Holder
from daybreak.domain.registry import Registry
from daybreak.domain.schedule import Schedule

PRODID = "-//Daybreak//On-call schedule//EN"


def calendar(registry: Registry, schedule: Schedule, *, now: datetime, person: str | None = None) -> bytes:
    """The file's bytes, for the team or for ``person`` alone: shifts, gaps (team only) and handoff meetings."""
    found = Calendar()
    found.add("prodid", PRODID)
    found.add("version", "2.0")
    found.add("method", "PUBLISH")
    found.add("x-wr-calname", "On call" if person is None else f"On call: {registry.people[person].name}")
    for shift in schedule.shifts:
        if person in (None, shift.person):
            found.add_component(_shift(registry, shift, now))
    for gap in schedule.gaps if person is None else ():
        found.add_component(_event(f"gap-{gap.layer}", gap.start, gap.end, f"Nobody on call: {gap.layer}", now))
    for outgoing, incoming in _handoffs(schedule):
        if person in (None, outgoing.person, incoming.person) and registry.on_call.handoff_meeting:
            found.add_component(_meeting(registry, outgoing, incoming, now))
    return bytes(found.to_ical())


def _handoffs(schedule: Schedule) -> Iterator[tuple[Holder, Holder]]:
    """The instants at which one person gives a layer to another."""
    for outgoing, incoming in pairwise(schedule.shifts):
        same_place = outgoing.layer == incoming.layer and outgoing.end == incoming.start
        if same_place and outgoing.person != incoming.person:
            yield outgoing, incoming


def _shift(registry: Registry, shift: Holder, now: datetime) -> Event:
    name = registry.people[shift.person].name
    event = _event(f"shift-{shift.layer}", shift.start, shift.end, f"On call ({shift.layer}): {name}", now)
    event.add("description", f"{shift.person}, {shift.reason}")
    event.add("transp", "TRANSPARENT")  # being on call does not make anybody busy
    _attend(registry, event, shift.person)
    return event


def _meeting(registry: Registry, outgoing: Holder, incoming: Holder, now: datetime) -> Event:
    """The meeting at the end of a shift, in which who goes hands over to who comes."""
    length = registry.on_call.handoff_meeting
    assert length is not None
    start = length.before(incoming.start, registry.on_call.zone)
    names = [registry.people[one].name for one in (outgoing.person, incoming.person)]
    title = f"Handoff ({incoming.layer}): {names[0]} to {names[1]}"
    event = _event(f"handoff-{incoming.layer}", start, incoming.start, title, now)
    event.add("description", "Open incidents, known delays, the state of every pipeline, pending actions.")
    for one in (outgoing.person, incoming.person):
        _attend(registry, event, one)
    return event


def _event(kind: str, start: datetime, end: datetime, title: str, now: datetime) -> Event:
    event = Event()
    event.add("uid", f"{kind}-{end if kind.startswith('handoff') else start:%Y%m%dT%H%M%SZ}@daybreak")
    event.add("dtstamp", now.astimezone(UTC))
    event.add("dtstart", start.astimezone(UTC))
    event.add("dtend", end.astimezone(UTC))
    event.add("summary", title)
    return event


def _attend(registry: Registry, event: Event, person: str) -> None:
    address = registry.people[person].opsgenie
    if address and "@" in address:
        attendee = vCalAddress(f"mailto:{address}")
        attendee.params["cn"] = vText(registry.people[person].name)
        event.add("attendee", attendee, encode=False)
