"""Laws of the stand-in's world that hold after any sequence of requests, whatever its clock does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from daybreak.sandbox import actions
from daybreak.sandbox.alerts import AlertBook
from daybreak.sandbox.channels import Channels
from daybreak.sandbox.rates import Buckets, Rate, Spacing
from daybreak.sandbox.rules import cut_details

START = datetime(2026, 2, 3, 9, tzinfo=UTC)
ALIASES = st.sampled_from(["a", "A", "b", "a "])
STEPS = st.lists(
    st.tuples(st.sampled_from(["create", "close", "acknowledge", "unacknowledge", "notes", "delete"]), ALIASES),
    max_size=40,
)


@given(steps=STEPS)
def test_one_alias_is_never_two_open_alerts(steps: list[tuple[str, str]]) -> None:
    book, created, deleted = AlertBook(), 0, 0
    for number, (action, alias) in enumerate(steps):
        now = START + timedelta(seconds=number)
        if action == "create":
            created += 1
            assert actions.create(book, {"message": "x", "alias": alias}, "opsgenie")(now).success
        else:
            known = book.find(alias, "alias")
            count = known.count if known else 0
            outcome = actions.act(book, action, alias, "alias", {"note": "n"})(now)
            deleted += count if action == "delete" and outcome.success else 0
        open_aliases = [alert.alias for alert in book.alerts if alert.status == "open"]
        assert len(open_aliases) == len(set(open_aliases))
    # No raise is lost: each either made an alert or was counted on one.
    assert sum(alert.count for alert in book.alerts) + deleted == created
    assert len({alert.tiny for alert in book.alerts}) == len({alert.id for alert in book.alerts}) == len(book.alerts)
    for alert in book.alerts:
        assert (alert.closed_at is not None) == (alert.status == "closed")
        assert [row["at"] for row in alert.log] == sorted(row["at"] for row in alert.log)


@given(gaps=st.lists(st.floats(min_value=0, max_value=3), max_size=200))
def test_a_bucket_never_gives_more_than_it_holds(gaps: list[float]) -> None:
    buckets, now, taken = Buckets({"x": Rate(burst=5, per_second=2.0)}), START, 0
    for gap in gaps:
        now += timedelta(seconds=gap)
        wait = buckets.take("x", now)
        taken += wait == 0
        assert taken <= 5 + 2.0 * (now - START).total_seconds() + 1e-6
        if wait:
            assert buckets.take("x", now + timedelta(seconds=wait + 0.001)) == 0
            now += timedelta(seconds=wait + 0.001)
            taken += 1


@given(gaps=st.lists(st.floats(min_value=0, max_value=2), min_size=1, max_size=50))
def test_who_waits_as_long_as_told_may_go(gaps: list[float]) -> None:
    spacing, now = Spacing(), START
    for gap in gaps:
        now += timedelta(seconds=gap)
        wait = spacing.take("#growth", 1.0, now)
        if wait:
            now += timedelta(seconds=wait)
            assert spacing.take("#growth", 1.0, now) == 0
        assert spacing.take("#growth", 1.0, now) == 1
        assert spacing.take("#other", 0, now) == 0


@given(jumps=st.lists(st.integers(min_value=-5_000_000, max_value=5_000_000), max_size=60))
def test_a_messages_name_is_new_even_if_the_clock_goes_back(jumps: list[int]) -> None:
    channels, now, names = Channels(), START, []
    for jump in jumps:
        now += timedelta(microseconds=jump)
        names.append(channels.next_ts(now))
    assert names == sorted(set(names))


@given(details=st.dictionaries(st.text(max_size=3000), st.text(max_size=6000), max_size=6))
def test_details_that_are_kept_are_a_beginning_of_those_sent(details: dict[str, str]) -> None:
    kept = cut_details(details)
    assert sum(len(key) + len(value) for key, value in kept.items()) <= 8000
    assert list(kept) == list(details)[: len(kept)]
    assert all(details[key].startswith(value) for key, value in kept.items())
    if sum(len(key) + len(value) for key, value in details.items()) < 8000:
        assert kept == details
