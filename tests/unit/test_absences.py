"""`daybreak timeoff import`: what a calendar's export proposes, and what it leaves out and why."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from daybreak.config.absences import read_absences
from daybreak.errors import RegistryError
from tests.support.on_call import at, layer, off, on_call, registry

SOURCE = registry(
    on_call(layer("a b"), zone="Asia/Bangkok", time_off=(off("b", "2026-06-01T00:00Z", "2026-06-02T00:00Z"),))
)


def calendar(tmp_path: Path, *events: str) -> Path:
    file = tmp_path / "away.ics"
    body = "".join(f"BEGIN:VEVENT\r\nUID:{n}\r\n{event}\r\nEND:VEVENT\r\n" for n, event in enumerate(events))
    text = f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:test\r\n{body}END:VCALENDAR\r\n"
    file.write_bytes(text.replace("\n", "\r\n").replace("\r\r", "\r").encode())
    return file


def test_whole_days_are_days_of_the_on_call_zone(tmp_path: Path) -> None:
    event = "SUMMARY:Engineer A away\nDTSTART;VALUE=DATE:20260401\nDTEND;VALUE=DATE:20260408\nCREATED:20260309T200000Z"
    (entry,) = read_absences(SOURCE, calendar(tmp_path, event)).entries
    assert (entry.person, entry.start, entry.end) == ("a", at("2026-03-31T17:00"), at("2026-04-07T17:00"))
    assert entry.requested == date(2026, 3, 10)  # already the tenth in Bangkok
    assert not entry.in_lieu


@pytest.mark.parametrize(
    ("times", "start", "end"),
    [
        ("DTSTART:20260401T090000Z\nDTEND:20260401T170000Z", "2026-04-01T09:00", "2026-04-01T17:00"),
        ("DTSTART:20260401T090000\nDTEND:20260401T170000", "2026-04-01T02:00", "2026-04-01T10:00"),
        ("DTSTART:20260401T090000Z\nDURATION:PT2H", "2026-04-01T09:00", "2026-04-01T11:00"),
        ("DTSTART;TZID=Europe/Berlin:20260401T090000\nDURATION:P1D", "2026-04-01T07:00", "2026-04-02T07:00"),
        ("DTSTART;VALUE=DATE:20260401", "2026-03-31T17:00", "2026-04-01T17:00"),
    ],
)
def test_times(tmp_path: Path, times: str, start: str, end: str) -> None:
    (entry,) = read_absences(SOURCE, calendar(tmp_path, f"SUMMARY:x\n{times}"), person="b").entries
    assert (entry.person, entry.start, entry.end) == ("b", at(start), at(end))


@pytest.mark.parametrize(
    "naming",
    [
        "SUMMARY:Leave\nATTENDEE;CN=Somebody:mailto:A@example.com",
        "SUMMARY:Leave\nATTENDEE:mailto:x@example.com\nATTENDEE:mailto:a@example.com",
        "SUMMARY:Leave\nORGANIZER:mailto:a@example.com",
        "SUMMARY:a: in lieu",
        "SUMMARY:Holiday of engineer a",
    ],
)
def test_who_is_meant(tmp_path: Path, naming: str) -> None:
    (entry,) = read_absences(SOURCE, calendar(tmp_path, f"{naming}\nDTSTART;VALUE=DATE:20260401")).entries
    assert entry.person == "a"
    assert entry.in_lieu == ("in lieu" in naming)


@pytest.mark.parametrize(
    ("event", "why"),
    [
        ("SUMMARY:Leave\nDTSTART;VALUE=DATE:20260401", "names nobody of the registry: give --person"),
        ("SUMMARY:a-team outing\nDTSTART;VALUE=DATE:20260401", "names nobody"),
        ("SUMMARY:a and b\nDTSTART;VALUE=DATE:20260401", "it names a, b: give --person"),
        ("SUMMARY:a\nSTATUS:CANCELLED\nDTSTART;VALUE=DATE:20260401", "cancelled"),
        ("SUMMARY:a\nRRULE:FREQ=WEEKLY\nDTSTART;VALUE=DATE:20260401", "it repeats"),
        ("SUMMARY:a", "it has no start"),
        ("SUMMARY:a\nDTSTART:20260401T090000Z", "it ends when it begins"),
        ("SUMMARY:a\nDTSTART:20260401T090000Z\nDTEND:20260331T090000Z", "it ends when it begins, or before"),
        ("SUMMARY:b\nDTSTART:20260601T000000Z\nDTEND:20260602T000000Z", "the registry has it already"),
        ("SUMMARY:a\nDTSTART:soon", "its times cannot be read"),
    ],
)
def test_left_out(tmp_path: Path, event: str, why: str) -> None:
    found = read_absences(SOURCE, calendar(tmp_path, event))
    assert found.entries == ()
    ((_, reason),) = found.left_out
    assert why in reason


def test_the_same_twice_is_proposed_once_and_by_start(tmp_path: Path) -> None:
    later, earlier = "SUMMARY:a\nDTSTART;VALUE=DATE:20260501", "SUMMARY:b\nDTSTART;VALUE=DATE:20260401"
    found = read_absences(SOURCE, calendar(tmp_path, later, earlier, later))
    assert [entry.person for entry in found.entries] == ["b", "a"]
    assert len(found.left_out) == 1


@pytest.mark.parametrize(
    "content", [b"", b"hello", b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\n", b"\xff\xfe\x00", b"END:VEVENT"]
)
def test_what_is_not_a_calendar_is_one_clear_line(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "away.ics"
    file.write_bytes(content)
    with pytest.raises(RegistryError, match=r"away\.ics: .*export") as raised:
        read_absences(SOURCE, file)
    assert "\n" not in str(raised.value)


def test_a_file_that_is_not_there_or_enormous(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(RegistryError, match="No such file"):
        read_absences(SOURCE, tmp_path / "no.ics")
    monkeypatch.setattr("daybreak.config.absences.LARGEST", 10)
    with pytest.raises(RegistryError, match="larger than"):
        read_absences(SOURCE, calendar(tmp_path, "SUMMARY:a"))
