"""From a file to a registry: what is read, what is refused, what is used while the file is broken."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from datetime import UTC, date, datetime, time
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from daybreak import __version__
from daybreak.config import Loaded, check_file, lastgood, load, load_registry, load_with_last_good, parse_registry
from daybreak.config.reading import LARGEST
from daybreak.domain.duration import Duration
from daybreak.domain.registry import DEFAULT_STEPS, HolidayPlace, ReadyWhen, Step
from daybreak.errors import RegistryError, RegistryMissing

ROOT = Path(__file__).parents[2]
NOW = datetime(2026, 3, 1, tzinfo=UTC)
SMALLEST = """
version: 1
people: {ann: {name: Ann, opsgenie: ann@example.com}}
on_call: {layers: {primary: {start: 2026-01-05T09:00, every: 1w, members: [ann]}}}
defaults: {owner: ann}
pipelines: {growth: {dags: [growth], owners: {primary: ann}}}
"""
DESIGN = """
version: 1
timezone: Asia/Bangkok
airflow: {base_url: "https://airflow.example.com/"}
runbooks: {base_url: "https://git.example.com/runbooks"}
paging:
  mode: shadow
  dialect: jsm
  connection: pager
  respond_with: schedule
  schedules: {primary: Data primary, secondary: Data secondary}
  heartbeat: daybreak
  jsm: {connection: jsm_ops, cloud_id: "11", team: "22"}
slack: {connection: slack_other}
people:
  de-1: {name: Engineer A, opsgenie: a@example.com, slack: U0AAAAAAA, skills: [profit]}
  de-2: {name: Engineer B, opsgenie: b@example.com, slack: U0BBBBBBB, holidays: {country: DE, subdivision: BY}}
  de-manager: {name: DE manager, opsgenie: m@example.com, slack: U0MMMMMMM}
teams:
  devops: {name: DevOps, opsgenie_team: DevOps, slack_channel: "#devops"}
  da-leadership: {name: DA leadership, slack_usergroup: S0DALEADS, slack_channel: "#investor-metrics"}
  sales-force: {name: Sales Force DE, opsgenie_team: Sales Force DE, slack_channel: "#sales-force-de"}
on_call:
  timezone: America/Los_Angeles
  layers:
    primary: {start: 2026-01-05T10:30, every: 1w, members: [de-1, de-2]}
    secondary: {start: 2026-01-05T18:30Z, every: 1w, members: [de-2, de-1]}
  overrides:
    - {layer: primary, person: de-2, start: 2026-02-03T09:00, end: 2026-02-05T09:00}
    - {layer: primary, person: de-1, start: 2026-02-05T09:00, end: 2026-02-06T09:00}
  swaps:
    - {layer: primary, a: {person: de-1, at: 2026-03-03}, b: {person: de-2, at: 2026-03-10}}
  time_off:
    - {person: de-1, start: 2026-04-01, end: 2026-04-08, requested: 2026-03-10, in_lieu: true}
  holidays: {country: US, subdivision: CA}
  notice: 2w
  cover: [secondary, pipeline_secondary, backup]
  backup: de-2
  manager: de-manager
  compensation: {after_turns: 2}
  handoff_meeting: 30m
defaults: {owner: de-1, escalation: standard, priority: P4, slack_channel: "#data-alerts"}
silences:
  - {pipeline: aggregate_growth, start: 2026-05-01, end: 2026-05-04, why: experiment platform frozen}
escalations:
  standard:
    - {after: 0m, page: on_call}
    - {after: 15m, page: secondary, unless: acknowledged}
    - {after: 2h, page: [secondary, owner], tell: [da-leadership]}
    - {after: 4h, page: manager}
upstreams:
  sales_force:
    name: Sales Force
    team: sales-force
    expected_by: "05:00"
    timezone: UTC
    opens: "-1d 20:00"
    ready_when: {object: "s3://bucket/{business_date}/_SUCCESS", conn: aws_default}
    on_delay:
      - {after: 0m, do: ticket, to: sales-force}
      - {after: 2h, do: thread, to: da-leadership}
  erp: {team: devops, expected_by: "05:00"}
pipelines:
  aggregate_growth:
    name: Aggregate growth (investors)
    dags: [aggregate_growth, "growth_*"]
    area: growth
    audience: investors
    owners: {primary: de-1, secondary: de-2}
    purpose: Growth that investors read every morning
    upstream_owner: sales-force
    downstream: Investor dashboard
    upstreams: [sales_force]
    escalation: standard
    priority: P1
    slack_channel: "#growth"
    on_failure: notice
    native_deadline: true
    deadline: {due: "09:00", timezone: UTC, days: weekdays, opens: "-1d 20:00", task: null, at_risk: 45m}
  other:
    dags: [other]
    owners: {primary: de-2}
    deadline: {due: 05:30, days: [mon, sun], skip_holidays: true}
"""


def parsed(text: str):
    return parse_registry(text.encode(), source="test")


def test_the_smallest_file_has_the_documented_defaults() -> None:
    registry = parsed(SMALLEST)
    assert registry.zone == registry.on_call.zone == ZoneInfo("UTC")
    assert registry.on_call.cover == ("secondary", "pipeline_secondary", "backup")
    pipeline = registry.pipelines["growth"]
    assert (pipeline.name, pipeline.priority, pipeline.deadline) == ("growth", "P3", None)
    assert registry.steps_of(pipeline) == DEFAULT_STEPS
    assert registry.paging.mode == "live"
    assert registry.slack_connection == "slack_api_default"
    assert len(registry.digest) == 64


def test_every_key_of_the_format_reaches_the_domain() -> None:
    registry = parsed(DESIGN)
    growth, other = registry.pipelines["aggregate_growth"], registry.pipelines["other"]
    assert registry.airflow_base_url == "https://airflow.example.com"
    assert registry.runbooks_base_url == "https://git.example.com/runbooks"
    assert (registry.paging.mode, registry.paging.dialect, registry.paging.respond_with) == (
        "shadow",
        "jsm",
        "schedule",
    )
    assert registry.paging.schedules == {"primary": "Data primary", "secondary": "Data secondary"}
    assert registry.paging.jsm is not None
    assert (registry.paging.jsm.cloud_id, registry.paging.jsm.team) == ("11", "22")
    assert registry.people["de-2"].holidays == HolidayPlace(country="DE", subdivision="BY")
    assert registry.people["de-1"].skills == ("profit",)
    assert registry.teams["da-leadership"].slack_usergroup == "S0DALEADS"

    on_call = registry.on_call
    assert on_call.layers["primary"].start == datetime(2026, 1, 5, 10, 30)
    assert on_call.layers["secondary"].start == datetime(2026, 1, 5, 10, 30)  # 18:30 UTC, by Los Angeles' clocks
    assert on_call.layers["primary"].every == Duration(1, "w")
    assert on_call.overrides[0].start == datetime(2026, 2, 3, 17, tzinfo=UTC)
    assert on_call.swaps[0].a.at == datetime(2026, 3, 3, 8, tzinfo=UTC)
    assert on_call.time_off[0].requested == date(2026, 3, 10)
    assert on_call.time_off[0].in_lieu
    assert on_call.notice == Duration(2, "w")
    assert (on_call.backup, on_call.manager) == ("de-2", "de-manager")
    assert (on_call.compensation_after_turns, on_call.handoff_meeting) == (2, Duration(30, "m"))
    assert date(2026, 7, 4) in on_call.holiday_dates(HolidayPlace(country="US", subdivision="CA"), 2026)

    assert registry.escalations["standard"][2] == Step(
        after=Duration(2, "h"), page=("secondary", "owner"), tell=("da-leadership",)
    )
    assert registry.escalations["standard"][1].unless_acknowledged
    upstream = registry.upstreams["sales_force"]
    assert upstream.ready_when == ReadyWhen(
        kind="object", value="s3://bucket/{business_date}/_SUCCESS", conn="aws_default"
    )
    assert (upstream.expected.due, upstream.expected.opens, upstream.expected.opens_day_before) == (
        time(5),
        time(20),
        True,
    )
    assert [step.do for step in upstream.on_delay] == ["ticket", "thread"]
    assert registry.upstreams["erp"].name == "erp"

    assert growth.dags == ("aggregate_growth", "growth_*")
    assert (growth.on_failure, growth.native_deadline, growth.priority) == ("notice", True, "P1")
    assert growth.deadline is not None
    assert growth.deadline.days == frozenset(range(5))
    assert (growth.deadline.zone, growth.deadline.at_risk) == (ZoneInfo("UTC"), Duration(45, "m"))
    assert growth.deadline.opens_day_before
    assert growth.deadline.task is None
    assert other.deadline is not None
    assert (other.deadline.due, other.deadline.zone) == (time(5, 30), ZoneInfo("Asia/Bangkok"))
    assert (other.deadline.days, other.deadline.skip_holidays) == (frozenset({0, 6}), True)
    assert other.priority == "P4"  # defaults.priority
    # A silence's days are those of its pipeline's deadline, not of the file.
    assert registry.silences[0].start == datetime(2026, 5, 1, tzinfo=UTC)


def test_every_mistake_is_found_at_once(tmp_path: Path) -> None:
    file = tmp_path / "ownership.yaml"
    file.write_text(
        DESIGN.replace("every: 1w, members: [de-1, de-2]}", "every: 1w, members: [de-1, de-9]}", 1)
        .replace("start: 2026-02-05T09:00, end: 2026-02-06T09:00", "start: 2026-02-04T09:00, end: 2026-02-06T09:00")
        .replace("person: de-1, start: 2026-04-01", "persn: de-1, start: 2026-04-01")
        .replace("    area: growth\n", "    area: growth\n    prioritty: P1\n")
        .replace('due: "09:00", timezone: UTC', "due: 10:00, timezone: Europe/Berln")
        .replace("dags: [other]", "dags: [other, growth_daily]")
        .replace("- {after: 4h, page: manager}", "- {after: 1h, page: manger}")
    )
    found = {(problem.path, problem.line is not None) for problem in check_file(file, NOW)}
    assert found == {
        ("on_call.layers.primary.members[1]", True),
        ("on_call.overrides[1]", True),
        ("on_call.time_off[0].person", True),
        ("on_call.time_off[0].persn", True),
        ("pipelines.aggregate_growth.prioritty", True),
        ("pipelines.aggregate_growth.deadline.due", True),
        ("pipelines.aggregate_growth.deadline.timezone", True),
        ("pipelines.other.dags[1]", True),
        ("escalations.standard[3].after", True),
        ("escalations.standard[3].page", True),
    }


def test_entries_keep_their_numbers_when_one_before_them_cannot_be_read(tmp_path: Path) -> None:
    file = tmp_path / "ownership.yaml"
    file.write_text(
        DESIGN.replace(
            "  overrides:\n", "  overrides:\n    - {layer: primary, person: de-2, start: soon, end: 2026-02-05}\n"
        ).replace("start: 2026-02-05T09:00, end: 2026-02-06T09:00", "start: 2026-02-04T09:00, end: 2026-02-06T09:00")
    )
    problems = {problem.path: problem.message for problem in check_file(file, NOW)}
    assert set(problems) == {"on_call.overrides[0].start", "on_call.overrides[2]"}
    assert "on_call.overrides[1]" in problems["on_call.overrides[2]"]


def test_a_chain_of_swaps_names_who_has_the_shift_by_then() -> None:
    swaps = """
  swaps:
    - {layer: primary, a: {person: de-1, at: 2026-03-03}, b: {person: de-2, at: 2026-03-10}}
    - {layer: primary, a: {person: de-2, at: 2026-03-03}, b: {person: de-1, at: 2026-03-17}}
"""
    text = DESIGN.replace(
        "\n  swaps:\n    - {layer: primary, a: {person: de-1, at: 2026-03-03}, b: {person: de-2, at: 2026-03-10}}\n",
        swaps,
    )
    assert len(parsed(text).on_call.swaps) == 2
    with pytest.raises(RegistryError, match=r"on_call\.swaps\[1\]\.a\.person"):
        parsed(text.replace("a: {person: de-2, at: 2026-03-03}", "a: {person: de-1, at: 2026-03-03}"))


@pytest.mark.parametrize(
    ("old", "new", "needed"),
    [
        ("on_call: {", "paging: {respond_with: schedule, schedules: {primary: Data}}\non_call: {", False),
        ("on_call: {", "on_call: {manager: boss, ", True),  # a page in a gap goes to the manager
    ],
)
def test_who_needs_an_opsgenie_user(old: str, new: str, needed: bool) -> None:
    text = SMALLEST.replace("}}\non_call", "}, boss: {name: Boss}}\non_call", 1).replace(old, new, 1)
    if needed:
        with pytest.raises(RegistryError, match=r"people\.boss\.opsgenie"):
            parsed(text)
    else:
        assert parsed(text).people["boss"].opsgenie is None


def test_primary_owners_alone_are_not_paged_and_secondary_ones_can_be() -> None:
    people = SMALLEST.replace("}}\non_call", "}, bob: {name: Bob}}\non_call", 1)
    assert parsed(people.replace("owners: {primary: ann}", "owners: {primary: bob}"))
    with pytest.raises(RegistryError, match=r"people\.bob\.opsgenie"):
        parsed(people.replace("owners: {primary: ann}", "owners: {primary: ann, secondary: bob}"))
    assert parsed(
        people.replace("owners: {primary: ann}", "owners: {primary: ann, secondary: bob}").replace(
            "on_call: {", "on_call: {cover: [backup], "
        )
    )


def test_anchors_and_merges_are_read() -> None:
    registry = parsed(
        SMALLEST.replace("{growth: {dags: [growth], owners: {primary: ann}}}", "")
        + "  a: &a {dags: [a], owners: &who {primary: ann}, area: x}\n"
        + "  b: {<<: *a, dags: [b]}\n  c: {dags: [c], owners: *who}\n"
        + "  d: {<<: [{dags: [d]}, {area: y}, *a]}\n"
    )
    assert [(p.id, p.dags, p.area) for p in registry.pipelines.values()] == [
        ("a", ("a",), "x"),
        ("b", ("b",), "x"),
        ("c", ("c",), None),
        ("d", ("d",), "y"),
    ]


def test_json_is_a_registry_too() -> None:
    assert parsed(
        json.dumps(
            {
                "version": 1,
                "people": {"ann": {"name": "Ann", "opsgenie": "ann@example.com"}},
                "on_call": {"layers": {"primary": {"start": "2026-01-05", "every": "1w", "members": ["ann"]}}},
                "defaults": {"owner": "ann"},
                "pipelines": {},
            }
        )
    ).on_call.layers["primary"].start == datetime(2026, 1, 5)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "empty"),
        (b"# only a comment\n", "empty"),
        (b"\xff\xfea\x00", "not UTF-8"),
        ("é".encode("latin-1"), "not UTF-8"),
        (b"just text", "must be a mapping"),
        (b"a: \x00", "not YAML"),
        (b"[" * 100_000, "levels deep"),
        (b"- " * 100_000, "levels deep"),
        (b"a: " + b"9" * 10_000, "version: is required"),
        (b"version: " + b"9" * 10_000, "version: must be 1"),
        (b"version: .nan", "version: must be 1"),
        (b"? [a]\n: b", "a key must be text"),
        (b'"a\\nb\\e[31m": 1', "version: is required"),
        (b"x: " + b"y" * (LARGEST + 1), "is it a registry?"),
        (
            b"a: &a [x,x,x,x,x,x,x,x,x,x]\n"
            + b"".join(b"%c: &%c [%s]\n" % (n, n, b",".join([b"*%c" % (n - 1)] * 10)) for n in range(98, 108)),
            "anchors multiply",
        ),
    ],
    ids=lambda value: repr(value)[:20],
)
def test_what_is_no_registry_is_one_clear_line(data: bytes, message: str) -> None:
    with pytest.raises(RegistryError) as caught:
        parse_registry(data, source="here.yaml")
    text = str(caught.value)
    assert text.startswith("here.yaml:")
    assert message in text
    assert "\n" not in text
    assert len(text) < 400


def test_what_could_break_a_line_or_a_terminal_is_escaped(tmp_path: Path) -> None:
    file = tmp_path / "ownership.yaml"
    file.write_text(SMALLEST + '"up\\ndown\\e[31m": 1\n' + "teams: {t: {name: T, slack_chanel: x}}\n")
    problems = check_file(file, NOW)
    assert {problem.path for problem in problems} == {r"up\ndown\x1b[31m", "teams.t.slack_chanel"}
    assert all(str(problem).isprintable() for problem in problems)


def test_a_missing_file_says_how_to_name_one(tmp_path: Path) -> None:
    with pytest.raises(RegistryMissing, match="--file"):
        load_registry(tmp_path / "nothing.yaml")
    with pytest.raises(RegistryMissing, match="cannot be read"):
        load_registry(tmp_path)


class TestLastGood:
    def test_a_good_file_is_used_and_kept(self, tmp_path: Path) -> None:
        file = write(tmp_path, SMALLEST)
        loaded = load_with_last_good(file, tmp_path / "copies")
        assert loaded.registry == load_registry(file)
        assert (loaded.problem, loaded.from_last_good) == (None, False)

    def test_an_unchanged_file_is_not_read_again(self, tmp_path: Path) -> None:
        file = write(tmp_path, SMALLEST)
        first = load_with_last_good(file, tmp_path / "copies")
        assert load_with_last_good(file, tmp_path / "copies") is first

    def test_another_process_takes_the_copy_and_reads_no_yaml(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        file = write(tmp_path, DESIGN)
        first = load_with_last_good(file, tmp_path / "copies")
        lastgood.forget()
        monkeypatch.setattr(load, "read", pytest.fail)
        assert load_with_last_good(file, tmp_path / "copies").registry == first.registry

    def test_taking_the_copy_imports_neither_yaml_nor_models(self, tmp_path: Path) -> None:
        file = write(tmp_path, DESIGN)
        load_with_last_good(file, tmp_path / "copies")
        code = (
            "import sys; from pathlib import Path; from daybreak.config import load_with_last_good; "
            "loaded = load_with_last_good(Path(sys.argv[1]), Path(sys.argv[2])); "
            "print(len(loaded.registry.pipelines), {'yaml', 'pydantic', 'holidays'} & set(sys.modules))"
        )
        result = subprocess.run(
            [sys.executable, "-c", code, file, tmp_path / "copies"], capture_output=True, text=True, check=True
        )
        assert result.stdout.strip() == "2 set()"

    def test_a_mistake_leaves_the_last_good_one_in_force(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        file = write(tmp_path, SMALLEST)
        good = load_with_last_good(file, tmp_path / "copies").registry
        write(tmp_path, SMALLEST.replace("owner: ann", "owner: zoe"))
        lastgood.forget()
        with caplog.at_level(logging.ERROR):
            loaded = load_with_last_good(file, tmp_path / "copies")
            load_with_last_good(file, tmp_path / "copies")
        assert loaded.registry == good
        assert loaded.from_last_good
        assert loaded.problem is not None
        assert "defaults.owner" in loaded.problem
        assert len(caplog.records) == 1  # once, not at every look

    def test_a_file_that_was_put_right_counts_again(self, tmp_path: Path) -> None:
        file = write(tmp_path, "version: [")
        assert load_with_last_good(file, tmp_path / "copies").registry is None
        write(tmp_path, SMALLEST)
        assert load_with_last_good(file, tmp_path / "copies") == Loaded(registry=load_registry(file))

    def test_a_file_that_vanished_leaves_the_last_good_one(self, tmp_path: Path) -> None:
        file = write(tmp_path, SMALLEST)
        good = load_with_last_good(file, tmp_path / "copies").registry
        file.unlink()
        loaded = load_with_last_good(file, tmp_path / "copies")
        assert loaded.registry == good
        assert loaded.problem is not None
        assert "no such file" in loaded.problem

    @pytest.mark.parametrize(
        "content",
        [
            "",
            "{",
            "[]",
            '{"daybreak": "0.0.0"}',
            '{"registry": {}}',
            json.dumps({"daybreak": __version__, "registry": {}}),
        ],
    )
    def test_a_spoilt_copy_is_no_copy(self, tmp_path: Path, content: str) -> None:
        file = write(tmp_path, SMALLEST)
        load_with_last_good(file, tmp_path / "copies")
        (copy,) = (tmp_path / "copies").iterdir()
        copy.write_text(content)
        lastgood.forget()
        assert load_with_last_good(file, tmp_path / "copies").registry == load_registry(file)
        copy.write_text(content)
        write(tmp_path, "version: [")
        lastgood.forget()
        assert load_with_last_good(file, tmp_path / "copies").registry is None

    @pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
    def test_a_folder_that_cannot_be_written_costs_only_the_copy(self, tmp_path: Path) -> None:
        file = write(tmp_path, SMALLEST)
        tmp_path.chmod(0o555)
        try:
            assert load_with_last_good(file, tmp_path / "copies").registry == load_registry(file)
        finally:
            tmp_path.chmod(0o755)

    def test_a_folder_that_is_a_file_costs_only_the_copy(self, tmp_path: Path) -> None:
        file = write(tmp_path, SMALLEST)
        assert load_with_last_good(file, file).registry == load_registry(file)

    def test_no_surprise_escapes(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(load, "read", lambda data: 1 / 0)
        loaded = load_with_last_good(write(tmp_path, SMALLEST), tmp_path / "copies")
        assert loaded.registry is None
        assert loaded.problem is not None
        assert "ZeroDivisionError" in loaded.problem


def write(folder: Path, text: str) -> Path:
    """Write as an editor does: a new file in place of the old one."""
    new = folder / "ownership.yaml.new"
    new.write_text(text)
    return new.replace(folder / "ownership.yaml")
