"""The runbook page in Debian's Chromium: readable on a phone, in light and dark, anchors work, nobody's script runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from daybreak.surfaces.web.page import CONTENT_SECURITY_POLICY, runbook_page
from tests.support.surfaces import growth, make_site, registry

URL = "http://airflow.example.com/daybreak/runbooks/growth"
WIDE = "| " + " | ".join(f"a long heading {n}" for n in range(12)) + " |\n" + "|---" * 12 + "|\n" + "| x " * 12 + "|\n"

pytestmark = pytest.mark.browser


def opened(browser: Any, folder: Path, *, width: int, scheme: str = "light", anchor: str = "", more: str = "") -> Any:
    """The page as the API server sends it, policy included; whatever it says on the console is kept in ``said``."""
    from daybreak.surfaces.documentation import facts_of

    site = make_site(folder, registry(growth()))
    runbook = site.shelf.get("growth.md")
    assert runbook is not None
    html = runbook_page(
        name="growth",
        text=runbook.text + more,
        facts=facts_of(site.registry, site.registry.pipelines["growth"]),
        airflow_home="/",
    )
    context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)
    page = context.new_page()
    page.said = []
    page.on("console", lambda message: page.said.append(message.text))
    page.on("dialog", lambda dialog: (page.said.append(dialog.message), dialog.dismiss()))
    headers = {"Content-Security-Policy": CONTENT_SECURITY_POLICY, "Content-Type": "text/html; charset=utf-8"}
    context.route("**/*", lambda route: route.fulfill(status=200, headers=headers, body=html))
    page.goto(URL + anchor)
    return page


@pytest.mark.parametrize("width", [320, 390, 1440])
def test_nothing_is_wider_than_the_screen_but_tables_which_scroll(browser: Any, tmp_path: Path, width: int) -> None:
    long = "\n" + WIDE + "\n`" + "x" * 300 + "`\n\n```\n" + "y" * 400 + "\n```\n"
    page = opened(browser, tmp_path, width=width, more=long)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate("parseFloat(getComputedStyle(document.body).fontSize)") >= 16
    table = page.evaluate("(t => [t.scrollWidth, t.clientWidth])(document.querySelector('div.table'))")
    assert width > 1000 or table[0] > table[1]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_text_stands_out_from_its_background(browser: Any, tmp_path: Path, scheme: str) -> None:
    page = opened(browser, tmp_path, width=390, scheme=scheme)
    text, ground = page.evaluate("(s => [s.color, s.backgroundColor])(getComputedStyle(document.body))")
    assert contrast(text, ground) >= 7  # WCAG AAA
    link = page.evaluate("getComputedStyle(document.querySelector('main a')).color")
    assert contrast(link, ground) >= 4.5


def test_a_link_to_a_section_lands_on_it(browser: Any, tmp_path: Path) -> None:
    page = opened(browser, tmp_path, width=390, anchor="#upstream-late", more="\n\n".join(["filler"] * 200))
    assert page.evaluate("document.querySelector(':target').textContent") == "Upstream late"
    top = page.evaluate("document.querySelector(':target').getBoundingClientRect().top")
    assert 0 <= top < 800


def test_owners_and_due_stand_above_the_runbook(browser: Any, tmp_path: Path) -> None:
    page = opened(browser, tmp_path, width=390)
    facts = page.locator("dl.facts").inner_text()
    assert "Engineer A" in facts
    assert "09:00 UTC, daily" in facts
    order = page.evaluate("[...document.querySelectorAll('h1, dl.facts, h2')].map(e => e.tagName)")
    assert order[:3] == ["H1", "DL", "H2"]


def test_nobodys_script_runs(browser: Any, tmp_path: Path) -> None:
    hostile = (
        "\n\n<img src=x onerror=alert(1)><script>alert(2)</script>\n\n[a](javascript:alert(3))\n\n<svg onload=alert(4)>"
    )
    page = opened(browser, tmp_path, width=390, more=hostile)
    assert page.locator("script").count() == 0
    assert page.locator("svg").count() == 0
    assert page.said == []


def contrast(one: str, other: str) -> float:
    """WCAG's contrast ratio of two ``rgb(...)`` colours."""

    def luminance(colour: str) -> float:
        parts = [int(part) / 255 for part in colour[colour.index("(") + 1 : -1].split(",")[:3]]
        r, g, b = (part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
        return 0.2126 * r + 0.7152 * g + 0.0722 * b

    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)
