"""Each file of include/examples does what its team's notes ask for (docs/rules.md: the same, sentence by sentence)."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from daybreak.config import check_file, load_registry
from daybreak.domain.duration import Duration
from daybreak.domain.explain import explain
from daybreak.domain.fairness import fairness
from daybreak.domain.oncall import on_call_at
from daybreak.domain.registry import Registry
from daybreak.domain.schedule import schedule
from daybreak.domain.targets import page_order, resolve

EXAMPLES = Path(__file__).parents[2] / "include" / "examples"
FILES = sorted(EXAMPLES.glob("*.yaml"))
MONDAY = datetime(2026, 1, 5, 9)


def load(name: str) -> Registry:
    return load_registry(EXAMPLES / f"{name}.yaml")


def at(text: str, zone: str = "UTC") -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone))


def weeks(registry: Registry, layer: str, count: int) -> list[str | None]:
    """Who is on call in the middle of each of the first weeks, by the on-call's own clocks."""
    middle = MONDAY.replace(tzinfo=registry.on_call.zone) + timedelta(days=3)
    found = [on_call_at(registry, layer, middle + timedelta(weeks=n)) for n in range(count)]
    return [holder.person if holder else None for holder in found]


def owners(registry: Registry) -> dict[str, tuple[str, str | None]]:
    return {name: (each.primary_owner, each.secondary_owner) for name, each in registry.pipelines.items()}


def due(registry: Registry) -> dict[str, tuple[time, str]]:
    return {p.id: (p.deadline.due, p.deadline.zone.key) for p in registry.pipelines.values() if p.deadline}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_example_is_valid_and_anonymous(path: Path) -> None:
    problems = check_file(path, at("2026-11-02T10:00"))
    assert [problem for problem in problems if problem.severity == "error"] == []
    people = load_registry(path).people
    assert all(person.startswith("de-") for person in people)
    assert all(person.name.startswith(("Engineer ", "DE manager")) for person in people.values())


def test_there_is_a_file_for_each_of_the_five_teams() -> None:
    assert len(FILES) == 5


class TestOneAWeek:
    registry = load("one-a-week")

    def test_one_engineer_a_week(self) -> None:
        assert weeks(self.registry, "primary", 5) == ["de-1", "de-2", "de-3", "de-4", "de-1"]

    def test_owners(self) -> None:
        assert owners(self.registry) == {
            "unit_profit": ("de-1", "de-4"),
            "aggregate_profit": ("de-4", "de-1"),
            "daily_growth": ("de-2", "de-3"),
            "aggregate_growth": ("de-4", "de-2"),
            "aggregate_engagement": ("de-4", "de-3"),
        }

    def test_either_owner_can_be_the_one_responsible(self) -> None:
        growth = self.registry.pipelines["aggregate_growth"]
        assert resolve(self.registry, "owner", growth, at("2026-01-06T10:00")) == ("de-4",)
        assert resolve(self.registry, "secondary_owner", growth, at("2026-01-06T10:00")) == ("de-2",)
        assert self.registry.on_call.cover == ("pipeline_secondary",)

    def test_data_is_due_at_six_and_nine(self) -> None:
        assert due(self.registry) == {
            "aggregate_profit": (time(6), "UTC"),
            "aggregate_growth": (time(9), "UTC"),
            "aggregate_engagement": (time(9), "UTC"),
        }

    def test_a_late_sales_force_is_a_ticket_and_after_two_hours_a_thread(self) -> None:
        upstream = self.registry.upstreams["sales_force"]
        assert [(str(step.after), step.do, step.to) for step in upstream.on_delay] == [
            ("0m", "ticket", ("sales-force",)),
            ("2h", "thread", ("da-leadership",)),
        ]
        assert self.registry.pipelines["aggregate_growth"].upstreams == ("sales_force",)

    def test_aggregate_profit_waits_for_product_b_and_the_tax_model(self) -> None:
        assert self.registry.pipelines["aggregate_profit"].upstreams == ("product_b", "tax_model")

    def test_check_sees_that_one_person_owns_all_that_investors_read(self) -> None:
        (problem,) = check_file(EXAMPLES / "one-a-week.yaml", at("2026-11-02T10:00"))
        assert (problem.severity, problem.path) == ("warning", "people.de-4")
        assert "3 of the 3 pipelines for investors" in problem.message


class TestPrimaryAndSecondary:
    registry = load("primary-and-secondary")

    def test_the_first_four_weeks_of_the_table(self) -> None:
        assert weeks(self.registry, "primary", 4) == ["de-1", "de-2", "de-3", "de-4"]
        assert weeks(self.registry, "secondary", 8) == ["de-2", "de-3", "de-4", "de-1"] * 2

    def test_shifts_run_from_monday_to_monday_at_nine_in_utc_plus_seven(self) -> None:
        for shift in schedule(self.registry, at("2026-01-06T00:00"), at("2026-04-01T00:00"), "primary").shifts:
            for instant in (shift.start, shift.end):
                local = instant.astimezone(ZoneInfo("Asia/Bangkok"))
                assert (local.weekday(), local.time(), local.utcoffset()) == (0, time(9), timedelta(hours=7))

    def test_the_secondary_steps_up_for_a_primary_on_holiday(self) -> None:
        holder = on_call_at(self.registry, "primary", at("2026-02-05T12:00"))
        assert holder is not None
        assert (holder.person, holder.reason) == ("de-2", "cover")
        assert any("de-1 is off" in sentence for sentence in explain(self.registry, "primary", at("2026-02-05T12:00")))

    def test_and_gets_a_week_back_two_turns_later(self) -> None:
        # De-2's shift of turn 3 (counted from 0) begins on 6 April; who was covered in turn 1 takes it.
        holder = on_call_at(self.registry, "primary", at("2026-04-08T12:00"))
        assert holder is not None
        assert (holder.person, holder.reason) == ("de-1", "compensation")
        assert weeks(self.registry, "primary", 16)[12:] == ["de-1", "de-1", "de-3", "de-4"]
        (share,) = (
            s
            for s in fairness(self.registry, at("2026-01-05T02:00"), at("2026-04-27T02:00")).shares
            if s.person == "de-2"
        )
        assert (share.credits, share.credits_open) == (1, 0)

    def test_holidays_on_call_are_given_back_in_lieu_the_next_week(self) -> None:
        shares = fairness(self.registry, at("2026-04-13T02:00"), at("2026-04-27T02:00")).shares
        (share,) = (share for share in shares if share.person == "de-3")
        assert (share.lieu_owed, share.lieu_settled, share.lieu_open) == (3, 3, 0)

    def test_the_manager_is_beyond_the_secondary(self) -> None:
        assert page_order(self.registry, at("2026-01-06T12:00")) == ("de-1", "de-2", "de-manager")

    def test_data_is_due_at_five(self) -> None:
        expected = (time(5), "Asia/Bangkok")
        assert due(self.registry) == dict.fromkeys(("profit_base", "engagement_base", "growth_base"), expected)

    def test_owners(self) -> None:
        assert owners(self.registry) == {
            "profit_base": ("de-1", "de-2"),
            "engagement_base": ("de-2", "de-3"),
            "growth_base": ("de-3", "de-4"),
            "unit_profit": ("de-4", "de-2"),
            "daily_growth": ("de-4", "de-3"),
        }


class TestSwapsAndHandoffs:
    registry = load("swaps-and-handoffs")

    def test_a_cycle_of_four_weeks_and_a_swap(self) -> None:
        assert weeks(self.registry, "primary", 8) == [
            *["de-1", "de-2", "de-3", None],  # de-4 is off on the day looked at, and no pipeline is at hand
            *["de-1", "de-3", "de-2", "de-4"],
        ]

    def test_the_secondary_owner_steps_in_for_each_pipeline(self) -> None:
        t = at("2026-01-29T12:00")
        for name, (_, secondary) in owners(self.registry).items():
            holder = on_call_at(self.registry, "primary", t, self.registry.pipelines[name])
            if secondary == "de-4":  # who is away: nobody is left
                assert holder is None
            else:
                assert holder is not None
                assert (holder.person, holder.reason) == (secondary, "cover")

    def test_the_handoff_takes_half_an_hour(self) -> None:
        assert self.registry.on_call.handoff_meeting == Duration(30, "m")

    def test_owners(self) -> None:
        assert owners(self.registry) == FOUR_OWNERS


class TestEverybodySecondary:
    registry = load("everybody-secondary")

    def test_a_week_each_with_the_swap_that_was_agreed(self) -> None:
        assert weeks(self.registry, "primary", 8) == [
            *["de-1", "de-2", "de-4", "de-3"],
            *["de-1", "de-2", "de-3", "de-4"],
        ]

    def test_everybody_is_secondary_once_in_a_turn(self) -> None:
        assert sorted(filter(None, weeks(self.registry, "secondary", 4))) == ["de-1", "de-2", "de-3", "de-4"]

    def test_after_two_hours_the_secondary_owner_is_paged_and_stakeholders_are_told(self) -> None:
        profit = self.registry.pipelines["aggregate_profit"]
        _, second = self.registry.steps_of(profit)
        assert second.after == Duration(2, "h")
        assert [resolve(self.registry, target, profit, at("2026-01-06T12:00")) for target in second.page] == [("de-3",)]
        assert second.tell == ("stakeholders",)

    def test_no_two_investor_pipelines_share_an_owner(self) -> None:
        found = [p.primary_owner for p in self.registry.pipelines.values() if p.audience == "investors"]
        assert len(set(found)) == len(found) == 3
        assert owners(self.registry) == FOUR_OWNERS


class TestMondayWithBackup:
    registry = load("monday-with-backup")

    def test_rotation_happens_on_mondays_at_nine(self) -> None:
        shifts = schedule(self.registry, at("2026-03-02T10:00"), at("2026-04-01T00:00"), "primary").shifts
        handoffs = [shift.start for shift in shifts if shift.reason != "cover"]
        assert all((each.weekday(), each.time()) == (0, time(9)) for each in handoffs)
        assert [shift.person for shift in shifts] == ["de-3", "de-2", "de-1", "de-4", "de-1"]  # swapped: first, third

    def test_the_secondary_owner_takes_over_for_a_vacation(self) -> None:
        profit = self.registry.pipelines["unit_profit"]
        growth = self.registry.pipelines["aggregate_growth"]
        t = at("2026-01-14T12:00")
        assert page_order(self.registry, t, growth) == ("de-4",)
        # De-2 is both on call and the secondary owner here: the backup engineer is next.
        assert page_order(self.registry, t, profit) == ("de-backup",)

    def test_somebody_covers_a_public_holiday(self) -> None:
        # Presidents' Day: de-3 has it not, de-2 has.
        week = on_call_at(self.registry, "primary", at("2026-02-13T12:00"))
        assert week is not None
        assert week.person == "de-2"
        holder = on_call_at(self.registry, "primary", at("2026-02-16T07:00"))
        assert holder is not None
        assert (holder.person, holder.reason) == ("de-backup", "cover")

    def test_time_off_is_requested_two_weeks_ahead(self) -> None:
        assert self.registry.on_call.notice == Duration(2, "w")

    def test_owners(self) -> None:
        assert owners(self.registry) == FOUR_OWNERS


FOUR_OWNERS = {
    "unit_profit": ("de-1", "de-2"),
    "aggregate_profit": ("de-2", "de-3"),
    "aggregate_growth": ("de-3", "de-4"),
    "daily_growth": ("de-4", "de-1"),
    "aggregate_engagement": ("de-1", "de-4"),
}


def test_the_notice_period_is_checked(tmp_path: Path) -> None:
    text = (EXAMPLES / "monday-with-backup.yaml").read_text()
    file = tmp_path / "late.yaml"
    file.write_text(text.replace("requested: 2025-12-20", "requested: 2026-01-02"))
    problems = check_file(file, datetime(2026, 11, 2, 10, tzinfo=UTC))
    assert [(each.severity, each.path) for each in problems] == [("warning", "on_call.time_off[0].requested")]
