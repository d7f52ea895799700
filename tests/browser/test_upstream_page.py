"""The page of an upstream's delay in Debian's Chromium: readable on a phone at night, in light and dark."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from daybreak.domain.incident import Occurrence, Recorded, State
from daybreak.domain.occurrence import occurrences_between
from daybreak.monitor.upstream_report import Telling, UpstreamReport, Way
from daybreak.surfaces.web.page import CONTENT_SECURITY_POLICY
from daybreak.surfaces.web.upstream_page import upstream_page
from tests.browser.test_runbook_page import contrast
from tests.support.surfaces import growth, registry

EXPECTED = datetime(2026, 2, 2, 5, tzinfo=UTC)
NOW = EXPECTED + timedelta(minutes=65)
LONG = "#a-channel-with-a-very-long-name-that-somebody-made-for-all-teams-at-once-in-one-word"
NAME = "Aggregate growth (investors) of every region, product line and business unit"

pytestmark = pytest.mark.browser


def page_of(browser: Any, *, width: int, scheme: str = "light", ready: timedelta | None = None) -> Any:
    """The page as the API server sends it, its policy included; late unless ``ready`` says after how long it came."""
    known = registry(growth(name=NAME))
    upstream = known.upstreams["sales_force"]
    occurrence: Occurrence = occurrences_between(known, upstream, EXPECTED, NOW)[0]
    state = State.MISSED if ready is None else State.LATE if ready > timedelta() else State.MET
    record = Recorded(occurrence=occurrence, state=state, ready_at=None if ready is None else EXPECTED + ready)
    ways = tuple(Way(place=place, state="sent", at=EXPECTED) for place in ("Opsgenie", LONG))
    told = (
        Telling(at=EXPECTED, kind="ticket", event="upstream_late", to=("sales-force",), pipelines=(), ways=ways),
        Telling(at=NOW, kind="page", event="missed", to=("de-1", "de-2"), pipelines=("growth",), ways=ways),
    )
    step = upstream.on_delay[1]
    report = UpstreamReport(
        upstream=upstream, business_date=date(2026, 2, 2), occurrence=occurrence, record=record, told=told,
        coming=((EXPECTED + timedelta(hours=2), step),) if ready is None else (),
    )  # fmt: skip
    html = upstream_page(
        report, known, waiting=tuple(known.pipelines.values()), now=NOW, trouble=None, airflow_home="/"
    )
    context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)
    headers = {"Content-Security-Policy": CONTENT_SECURITY_POLICY, "Content-Type": "text/html; charset=utf-8"}
    context.route("**/*", lambda route: route.fulfill(status=200, headers=headers, body=html))
    page = context.new_page()
    page.goto("http://airflow.example.com/daybreak/upstreams/sales_force")
    return page


@pytest.mark.parametrize("width", [320, 390, 1440])
def test_nothing_is_wider_than_the_screen(browser: Any, width: int) -> None:
    page = page_of(browser, width=width)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate("parseFloat(getComputedStyle(document.body).fontSize)") >= 16


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("ready", [None, timedelta(minutes=40), -timedelta(minutes=4)], ids=["late", "came", "in time"])
def test_the_text_stands_out(browser: Any, scheme: str, ready: timedelta | None) -> None:
    page = page_of(browser, width=390, scheme=scheme, ready=ready)
    text, ground = page.evaluate("(s => [s.color, s.backgroundColor])(getComputedStyle(document.body))")
    assert contrast(text, ground) >= 7
    small = page.evaluate("getComputedStyle(document.querySelector('ul.told small')).color")
    assert contrast(small, ground) >= 4.5
    pill = page.evaluate("(s => [s.color, s.backgroundColor])(getComputedStyle(document.querySelector('.state')))")
    assert contrast(*pill) >= 4.5


def test_what_a_woken_person_looks_for_is_on_the_first_screen(browser: Any) -> None:
    page = page_of(browser, width=390)
    assert page.locator(".state").inner_text() == "late since Mon 02 Feb 05:00 UTC, 1 h 5 min"
    assert page.evaluate("document.querySelector('ul.told li').getBoundingClientRect().bottom") <= 800
    assert "Ticket to Sales Force DE" in page.locator("ul.told li").first.inner_text()
    assert "Mon 02 Feb 07:00 UTC" in page.locator("#coming + ul").inner_text()
