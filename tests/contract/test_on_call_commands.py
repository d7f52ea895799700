"""`oncall`, `schedule`, `fairness` and `timeoff` as other programs call them (design §5): output, status, errors."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

import pytest
from icalendar import Calendar

from daybreak.cli import main

YAML = """
version: 1
people:
  de-1: {name: "Engineer A", opsgenie: a@example.com}
  de-2: {name: "Engineer B [bold]", opsgenie: b@example.com}
  de-3: {name: Engineer C, opsgenie: c@example.com}
  boss: {name: DE manager, opsgenie: m@example.com}
teams:
  devops: {name: DevOps, opsgenie_team: DevOps, slack_channel: "#devops"}
on_call:
  timezone: America/Chicago
  layers:
    primary: {start: 2026-03-02T09:00, every: 1w, members: [de-1, de-2]}
    secondary: {start: 2026-03-02T09:00, every: 1w, members: [de-2, de-1]}
  overrides:
    - {layer: primary, person: de-3, start: 2026-03-04T09:00, end: 2026-03-05T09:00}
  time_off:
    - {person: de-1, start: 2026-03-06, end: 2026-03-07, requested: 2026-01-01}
    - {person: de-2, start: 2026-03-10, end: 2026-03-11, requested: 2026-01-01}
    - {person: de-1, start: 2026-03-10, end: 2026-03-11, requested: 2026-01-01}
  cover: [secondary, pipeline_secondary]
  manager: boss
  handoff_meeting: 30m
defaults: {owner: de-1, escalation: standard}
escalations:
  standard:
    - {after: 0m, page: on_call}
    - {after: 2h, page: secondary}
    - {after: 4h, page: [manager, devops]}
pipelines:
  growth: {dags: [growth], owners: {primary: de-1, secondary: de-3}}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "ownership.yaml"
    path.write_text(YAML)
    return path


class Run:
    """One call of the command."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self.capsys = capsys

    def __call__(self, *args: object) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main([str(arg) for arg in args])
        out, err = self.capsys.readouterr()
        return int(ended.value.code or 0), out, err


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    return Run(capsys)


def test_oncall_json(run: Run, file: Path) -> None:
    status, out, err = run("oncall", "--file", file, "--at", "2026-03-04T12:00", "--json")
    assert (status, err) == (0, "")
    assert json.loads(out) == {
        "at": "2026-03-04T12:00:00-06:00",
        "layers": {
            "primary": {
                "person": "de-3",
                "start": "2026-03-04T09:00:00-06:00",
                "end": "2026-03-05T09:00:00-06:00",
                "reason": "override",
            },
            "secondary": {
                "person": "de-2",
                "start": "2026-03-02T09:00:00-06:00",
                "end": "2026-03-09T09:00:00-05:00",  # a week of 167 hours
                "reason": "rotation",
            },
        },
        "page": ["de-3", "de-2", "boss", "devops"],
    }


@pytest.mark.parametrize(
    "text", ["2026-03-04T18:00Z", "2026-03-04T18:00:00+00:00", "2026-03-04T12:00", "2026-03-05T01:00+07:00"]
)
def test_an_instant_with_an_offset_and_without(run: Run, file: Path, text: str) -> None:
    found = json.loads(run("oncall", "--file", file, "--at", text, "--json")[1])
    assert datetime.fromisoformat(found["at"]) == datetime.fromisoformat("2026-03-04T18:00Z")


def test_nobody_on_primary_is_status_1(run: Run, file: Path) -> None:
    status, out, _ = run("oncall", "--file", file, "--at", "2026-03-10T12:00", "--json")
    found = json.loads(out)
    assert status == 1
    assert found["layers"] == {"primary": None, "secondary": None}
    assert found["page"] == ["boss", "devops"]


def test_a_pipelines_secondary_owner_covers(run: Run, file: Path) -> None:
    args = ("oncall", "--file", file, "--at", "2026-03-10T12:00", "--pipeline", "growth", "--json")
    status, out, _ = run(*args)
    found = json.loads(out)
    assert status == 0
    assert (found["layers"]["primary"]["person"], found["layers"]["primary"]["reason"]) == ("de-3", "cover")


def test_oncall_in_words(run: Run, file: Path) -> None:
    status, out, _ = run("oncall", "--file", file, "--at", "2026-03-06T12:00", "--explain")
    assert status == 0
    assert out.splitlines() == [
        "Fri 2026-03-06 12:00 CST",
        "  primary    Engineer B [bold] (de-2) until Sat 2026-03-07 00:00 CST, cover",
        "               rotation: shift 0 (from Mon 2026-03-02 09:00 to Mon 2026-03-09 09:00, turn 0) is de-1's",
        "               time off: de-1 is off from Fri 2026-03-06 00:00 to Sat 2026-03-07 00:00",
        "               cover: secondary is de-2, who is available",
        "  secondary  Engineer B [bold] (de-2) until Mon 2026-03-09 09:00 CDT, rotation",
        "               rotation: shift 0 (from Mon 2026-03-02 09:00 to Mon 2026-03-09 09:00, turn 0) is de-2's",
        "a page reaches: Engineer B [bold] (de-2), then DE manager (boss), then DevOps (devops)",
    ]
    status, out, _ = run("oncall", "--file", file, "--at", "2026-03-10T12:00")
    assert status == 1
    assert "  primary    nobody" in out


def test_schedule_json(run: Run, file: Path) -> None:
    args = ("schedule", "--file", file, "--from", "2026-03-03", "--to", "2026-03-10T18:00", "--layer", "primary")
    status, out, err = run(*args, "--json")
    assert (status, err) == (0, "")
    found = json.loads(out)
    assert [(s["person"], s["reason"], s["start"][5:16], s["end"][5:16]) for s in found["shifts"]] == [
        ("de-1", "rotation", "03-02T09:00", "03-04T09:00"),
        ("de-3", "override", "03-04T09:00", "03-05T09:00"),
        ("de-1", "rotation", "03-05T09:00", "03-06T00:00"),
        ("de-2", "cover", "03-06T00:00", "03-07T00:00"),
        ("de-1", "rotation", "03-07T00:00", "03-09T09:00"),
        ("de-2", "rotation", "03-09T09:00", "03-10T00:00"),
    ]
    assert found["gaps"] == [
        {"layer": "primary", "start": "2026-03-10T00:00:00-05:00", "end": "2026-03-10T18:00:00-05:00"}
    ]
    assert set(found["shifts"][0]) == {"layer", "person", "start", "end", "reason"}
    assert json.loads(run(*args, "--format", "json")[1]) == found
    both = json.loads(run(*args[:-2], "--json")[1])
    assert {shift["layer"] for shift in both["shifts"]} == {"primary", "secondary"}


def test_oncall_is_the_schedules_stretch(run: Run, file: Path) -> None:
    found = json.loads(run("oncall", "--file", file, "--at", "2026-03-08T12:00", "--json")[1])["layers"]["primary"]
    shifts = json.loads(run("schedule", "--file", file, "--from", "2026-03-08", "--to", "2026-03-09", "--json")[1])[
        "shifts"
    ]
    assert {"layer": "primary", **found} in shifts


def test_schedule_for_people(run: Run, file: Path) -> None:
    status, out, _ = run("schedule", "--file", file, "--from", "2026-03-03", "--to", "2026-03-11")
    assert status == 0
    assert "Engineer B [bold] (de-2)" in out
    assert "nobody" in out
    status, out, _ = run("schedule", "--file", file, "--month", "2026-03")
    assert status == 0
    assert "March 2026, America/Chicago" in out
    assert "09:00 de-3" in out
    assert "(override)" in out
    assert "nobody" in out


def test_schedule_ics(run: Run, file: Path, tmp_path: Path) -> None:
    args = ("schedule", "--file", file, "--from", "2026-03-03", "--to", "2026-03-17", "--format", "ics")
    status, out, _ = run(*args)
    assert status == 0
    assert len(Calendar.from_ical(out).walk("VEVENT")) > 5
    alone = Calendar.from_ical(run(*args, "--person", "de-3")[1]).walk("VEVENT")
    assert [str(event["summary"]) for event in alone if "Handoff" not in event["summary"]] == [
        "On call (primary): Engineer C"
    ]
    status, out, _ = run(*args, "--directory", tmp_path / "calendars")
    assert status == 0
    assert sorted(path.name for path in (tmp_path / "calendars").iterdir()) == [
        "boss.ics", "de-1.ics", "de-2.ics", "de-3.ics", "team.ics"
    ]  # fmt: skip
    assert len(out.splitlines()) == 5


def test_fairness(run: Run, file: Path) -> None:
    args = ("fairness", "--file", file, "--from", "2026-03-02T09:00", "--to", "2026-03-30T09:00")
    status, out, _ = run(*args, "--json")
    found = json.loads(out)
    assert status == 0
    assert {person["person"] for person in found["people"]} == {"de-1", "de-2", "de-3"}
    first = next(person for person in found["people"] if person["person"] == "de-2")
    assert first["covers_given"] == 1
    assert first["shifts"] == {"primary": 2, "secondary": 2}
    status, out, _ = run(*args)
    assert status == 0
    assert "spread" in out


def test_timeoff_import(run: Run, file: Path, tmp_path: Path) -> None:
    calendar = tmp_path / "away.ics"
    events = [
        "SUMMARY:de-1 away\r\nDTSTART;VALUE=DATE:20260401\r\nDTEND;VALUE=DATE:20260408\r\nCREATED:20260301T120000Z",
        "SUMMARY:de-2 in lieu\r\nDTSTART:20260501T120000Z\r\nDTEND:20260501T200000Z",
        "SUMMARY:de-3 away\r\nDTSTART:20261101T073000Z\r\nDTEND:20261101T200000Z",  # 01:30 for the second time
        "SUMMARY:party\r\nDTSTART:20260501T120000Z\r\nDTEND:20260501T200000Z",
    ]
    body = "".join(f"BEGIN:VEVENT\r\nUID:{n}\r\n{event}\r\nEND:VEVENT\r\n" for n, event in enumerate(events))
    calendar.write_text(f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\n{body}END:VCALENDAR\r\n", newline="")
    status, out, err = run("timeoff", "import", calendar, "--file", file)
    assert status == 0
    assert out.splitlines()[1:] == [
        "    - {person: de-1, start: 2026-04-01, end: 2026-04-08, requested: 2026-03-01}",
        "    - {person: de-2, start: 2026-05-01T07:00, end: 2026-05-01T15:00, in_lieu: true}",
        '    - {person: de-3, start: "2026-11-01T01:30:00-06:00", end: 2026-11-01T14:00}',
    ]
    assert err == "left out: party: it names nobody of the registry: give --person\n"
    found = json.loads(run("timeoff", "import", calendar, "--file", file, "--json")[1])
    assert [entry["person"] for entry in found["time_off"]] == ["de-1", "de-2", "de-3"]
    # What is proposed is what the registry then reads: pasted in, the import finds nothing new.
    file.write_text(YAML.replace("  cover:", "\n".join(out.splitlines()[1:]) + "\n  cover:"))
    status, out, err = run("timeoff", "import", calendar, "--file", file)
    assert out == "# nothing to add\n"
    assert err.count("the registry has it already") == 3


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (("oncall", "--at", "soon"), "--at: 'soon' is not a time"),
        (("oncall", "--at", ""), "--at: '' is not a time"),
        (("oncall", "--at", "9999-12-31T12:00"), "--at: 9999-12-31T12:00 is too near"),
        (("oncall", "--at", "0001-01-01T00:00+14:00"), "--at:"),
        (("oncall", "--pipeline", "grwth"), "did you mean 'growth'?"),
        (("schedule",), "give --from and --to, or --month"),
        (("schedule", "--from", "2026-03-01"), "give --from and --to"),
        (("schedule", "--from", "2026-03-02", "--to", "2026-03-02"), "--to: 2026-03-02 is not after --from"),
        (("schedule", "--from", "2026-03-02", "--to", "2026-03-03", "--layer", "third"), "has no layer 'third'"),
        (("schedule", "--from", "2026-03-02", "--to", "9999-12-31T12:00"), "too near the ends of the calendar"),
        (("schedule", "--month", "2026-3"), "--month: '2026-3' is not a month"),
        (("schedule", "--month", "2026-03", "--json"), "--month goes with neither"),
        (("schedule", "--from", "2026-03-02", "--to", "2026-03-03", "--person", "de-1"), "go with --format ics"),
        (("schedule", "--month", "2026-03", "--person", "de-9"), "has no person 'de-9'"),
        (("fairness", "--from", "2026-03-02", "--to", "2026-03-01"), "is not after --from"),
        (("timeoff", "import", "x.ics", "--person", "de-9"), "has no person 'de-9'"),
    ],
)
def test_wrong_usage_is_status_2_and_one_line(run: Run, file: Path, args: tuple[str, ...], says: str) -> None:
    status, out, err = run(*args, "--file", file)
    assert (status, out) == (2, "")
    assert says in err
    assert err.count("\n") == 1


def test_a_file_that_cannot_be_used_is_status_1_and_one_line(run: Run, tmp_path: Path) -> None:
    for command in (("oncall",), ("schedule", "--from", "2026-03-02", "--to", "2026-03-03")):
        status, out, err = run(*command, "--file", tmp_path / "none.yaml")
        assert (status, out) == (1, "")
        assert "none.yaml" in err
        assert err.count("\n") == 1


def test_the_file_comes_from_the_environment(run: Run, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__DAYBREAK__OWNERSHIP_FILE", str(file))
    assert json.loads(run("oncall", "--at", "2026-03-04T12:00", "--json")[1])["page"][0] == "de-3"


def test_a_folder_that_cannot_be_written(run: Run, file: Path) -> None:
    args = ("schedule", "--file", file, "--from", "2026-03-02", "--to", "2026-03-03", "--format", "ics")
    status, _, err = run(*args, "--directory", file)
    assert status == 2
    assert "name a folder that can be written" in err
