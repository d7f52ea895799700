"""What an answer means: sent, refused for good, or not now."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from daybreak.delivery.limits import DOWN, Gate, Limits, Pace, PageCount, backoff
from daybreak.delivery.wire import HttpRefused, judge, retry_after
from daybreak.errors import DeliveryDelayed

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 409, 415, 422, 428])
def test_4xx_is_final_and_says_what_was_said(status: int) -> None:
    answer = httpx.Response(status, json={"message": "no", "errors": {"priority": "should be one of P1"}})
    with pytest.raises(HttpRefused, match="no; priority: should be one of P1") as caught:
        judge(answer)
    assert caught.value.status == status


@pytest.mark.parametrize("status", [301, 408, 425, 429, 500, 502, 503, 504])
def test_429_5xx_and_the_like_are_for_now(status: int) -> None:
    with pytest.raises(DeliveryDelayed) as caught:
        judge(httpx.Response(status, json={"message": "later"}, headers={"Retry-After": "7"}))
    assert caught.value.retry_after == 7


@pytest.mark.parametrize("status", [200, 403, 502])
def test_a_page_of_html_is_somebody_elses(status: int) -> None:
    with pytest.raises(DeliveryDelayed):
        judge(httpx.Response(status, html="<html>sign in</html>"))


def test_an_empty_202_is_taken_but_an_empty_reading_is_not() -> None:
    assert judge(httpx.Response(202)).body == {}
    with pytest.raises(DeliveryDelayed):
        judge(httpx.Response(200), needs_json=True)


@pytest.mark.parametrize(
    ("given", "expected"),
    [("3", 3.0), ("-1", 0.0), ("99999", 900.0), ("nan", None), ("soon", None), ("Mon, 02 Mar 2026 09:00:30 GMT", 30.0)],
)
def test_retry_after_in_seconds_or_as_a_date(given: str, expected: float | None) -> None:
    assert retry_after(httpx.Headers({"Retry-After": given}), now=NOW) == expected


def test_back_off_doubles_up_to_its_end_and_is_spread() -> None:
    rng, limits = random.Random(1), Limits()
    waits = [backoff(n, limits, rng).total_seconds() for n in range(1, 30)]
    assert 1.5 <= waits[0] <= 2.5
    assert 3 <= waits[1] <= 5
    assert all(225 <= wait <= 375 for wait in waits[8:])


def test_the_gate_closes_after_failures_in_a_row_and_at_once_when_told_to() -> None:
    gate = Gate()
    for _ in range(DOWN - 1):
        gate.failed(NOW)
        assert not gate.closed(NOW)
    gate.failed(NOW)
    assert gate.closed(NOW)
    gate.succeeded()
    assert not gate.closed(NOW)
    gate.failed(NOW, retry_after=60)
    assert gate.closed(NOW + timedelta(seconds=59))
    assert not gate.closed(NOW + timedelta(seconds=61))


def test_slacks_pace_is_one_a_second_and_channel_by_whatever_name() -> None:
    pace = Pace(1.0)
    assert pace.wait("#a", 10.0) == 0
    pace.take("#a", 10.0)
    assert pace.wait("#a", 10.25) == 0.75
    assert pace.wait("#b", 10.25) == 0
    pace.same("#a", "C1")
    assert pace.wait("C1", 10.25) == 0.75
    pace.hold("C1", 10.0, 5.0)
    assert pace.wait("C1", 10.0) == 5.0


def test_beyond_the_cap_pages_are_counted_for_nobody() -> None:
    count = PageCount(2)
    assert count.take(("a",)) == ()
    assert count.take(("a", "b")) == ()
    assert count.take(("a", "b")) == ("a",)
    assert count.counts == {"a": 2, "b": 2}
