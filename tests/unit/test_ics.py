"""The calendar that people subscribe to."""

from __future__ import annotations

from icalendar import Calendar

from daybreak.config.ics import calendar
from daybreak.domain.duration import Duration
from daybreak.domain.schedule import schedule
from tests.support.on_call import at, layer, off, on_call, override, registry

NOW = at("2026-01-01")
MEETING = Duration(30, "m")


def events(source, *, person: str | None = None, start: str = "2026-01-05T09:00", end: str = "2026-01-26T09:00"):
    text = calendar(source, schedule(source, at(start), at(end)), now=NOW, person=person)
    assert text.endswith(b"END:VCALENDAR\r\n")
    return Calendar.from_ical(text).walk("VEVENT")


def test_one_event_a_stretch_with_its_times_in_utc() -> None:
    source = registry(on_call(layer("a b"), zone="America/Chicago"))
    found = events(source, start="2026-01-05T15:00", end="2026-01-19T15:00")
    assert [str(event["summary"]) for event in found] == [
        "On call (primary): Engineer A",
        "On call (primary): Engineer B",
    ]
    first = found[0]
    assert (first.decoded("dtstart"), first.decoded("dtend")) == (at("2026-01-05T15:00"), at("2026-01-12T15:00"))
    assert str(first["attendee"]) == "mailto:a@example.com"
    assert str(first["transp"]) == "TRANSPARENT"


def test_an_event_keeps_its_uid_whoever_holds_the_shift() -> None:
    plain = events(registry(on_call(layer("a b"))))
    covered = events(registry(on_call(layer("a b"), backup="x", time_off=(off("a", "2026-01-05", "2026-01-13"),))))
    assert [event["uid"] for event in plain] == [event["uid"] for event in covered]
    assert plain[0]["uid"] == "shift-primary-20260105T090000Z@daybreak"
    assert plain[0]["summary"] != covered[0]["summary"]


def test_uids_are_unique_and_the_same_file_comes_out_twice() -> None:
    rota = on_call(
        layer("a b"),
        layer("b a", name="secondary"),
        handoff_meeting=MEETING,
        overrides=(override("c", "2026-01-07", "2026-01-08"),),
        time_off=(off("a", "2026-01-09", "2026-01-10"), off("b", "2026-01-09", "2026-01-10")),
    )
    source = registry(rota)
    uids = [event["uid"] for event in events(source)]
    assert len(set(uids)) == len(uids) > 10
    span = schedule(source, at("2026-01-05"), at("2026-02-05"))
    assert calendar(source, span, now=NOW) == calendar(source, span, now=NOW)


def test_gaps_are_events_of_the_team_alone() -> None:
    source = registry(on_call(layer("a b"), time_off=(off("a", "2026-01-06", "2026-01-07"),)))
    assert "Nobody on call: primary" in [str(event["summary"]) for event in events(source)]
    assert "Nobody on call: primary" not in [str(event["summary"]) for event in events(source, person="a")]


def test_the_handoff_meeting_ends_the_shift_and_is_of_both_people() -> None:
    source = registry(on_call(layer("a b c"), handoff_meeting=MEETING))
    meetings = [event for event in events(source) if "Handoff" in event["summary"]]
    assert [str(event["summary"]) for event in meetings] == [
        "Handoff (primary): Engineer A to Engineer B",
        "Handoff (primary): Engineer B to Engineer C",
    ]
    first = meetings[0]
    assert (first.decoded("dtstart"), first.decoded("dtend")) == (at("2026-01-12T08:30"), at("2026-01-12T09:00"))
    assert [str(address) for address in first["attendee"]] == ["mailto:a@example.com", "mailto:b@example.com"]
    assert sum("Handoff" in event["summary"] for event in events(source, person="b")) == 2
    assert sum("Handoff" in event["summary"] for event in events(source, person="a")) == 1


def test_no_meeting_of_somebody_with_themselves_or_after_a_gap() -> None:
    alone = registry(on_call(layer("a"), handoff_meeting=MEETING))
    assert not [event for event in events(alone) if "Handoff" in event["summary"]]
    rota = on_call(layer("a b"), handoff_meeting=MEETING, time_off=(off("a", "2026-01-11", "2026-01-12T09:00"),))
    found = events(registry(rota), end="2026-01-19T09:00")
    assert not [event for event in found if "Handoff" in event["summary"]]


def test_a_persons_file_holds_that_persons_shifts() -> None:
    source = registry(on_call(layer("a b")))
    assert [str(event["summary"]) for event in events(source, person="b")] == ["On call (primary): Engineer B"]
