"""The sandbox's page in Debian's Chromium: shows what arrives, lets a person act, and runs nobody's script."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.sandbox import Sandbox, running_sandbox

HOSTILE = '<img src=x onerror="hit()"><script>hit()</script>"\'><svg onload=hit()>'

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def shared() -> Iterator[Sandbox]:
    with running_sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(shared: Sandbox) -> Sandbox:
    shared.reset()
    return shared


@pytest.fixture
def page(browser: Any, sandbox: Sandbox) -> Iterator[Any]:
    """The page, at 1600 px, failing the test if anything was said on the console or a dialogue opened."""
    context = browser.new_context(viewport={"width": 1600, "height": 1000})
    page = context.new_page()
    trouble: list[str] = []
    page.on("console", lambda message: trouble.append(message.text))
    page.on("pageerror", lambda error: trouble.append(str(error)))
    page.on("dialog", lambda dialog: (trouble.append(dialog.message), dialog.dismiss()))
    page.add_init_script("window.hits = 0; window.hit = () => { window.hits += 1; };")
    page.goto(sandbox.url + "/")
    page.set_default_timeout(15000)
    yield page
    context.close()
    assert trouble == []


def alert(sandbox: Sandbox, **fields: Any) -> None:
    headers = {"Authorization": f"GenieKey {sandbox.key}"}
    sandbox.http.post("/v2/alerts", json={"message": "growth is late", **fields}, headers=headers).raise_for_status()


def say(sandbox: Sandbox, **fields: Any) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {sandbox.token}"}
    answer = sandbox.http.post("/api/chat.postMessage", json={"channel": "#growth", **fields}, headers=headers).json()
    assert answer["ok"], answer
    return dict(answer)


def test_an_alert_appears_by_itself_and_a_person_handles_it(sandbox: Sandbox, page: Any) -> None:
    page.get_by_text("No alert has arrived yet.").wait_for()
    sandbox.people(users={"a@example.com": "Engineer A"})
    alert(
        sandbox,
        alias="k",
        priority="P1",
        tags=["investors"],
        responders=[{"type": "user", "username": "a@example.com"}],
        description="First: https://git.example.com/runbook.md.",
        details={"reason": "upstream_late"},
        note="first page",
    )
    card = page.locator("#alert-1")
    card.wait_for()
    for shown in ("P1", "open", "growth is late", "Engineer A", "investors"):
        assert shown in card.locator("summary").inner_text()
    card.locator("summary").click()
    link = card.get_by_role("link", name="https://git.example.com/runbook.md")
    assert link.get_attribute("href") == "https://git.example.com/runbook.md"
    assert "upstream_late" in card.inner_text()
    assert "first page" in card.locator(".notes").inner_text()

    page.select_option("#person", "a@example.com")
    card.get_by_role("button", name="Acknowledge").click()
    card.locator(".state.acknowledged").wait_for()
    assert sandbox.alert("k")["acknowledgedBy"] == "a@example.com"
    assert card.get_attribute("open") is not None  # what a reader opened stays open when it changes
    card.get_by_role("button", name="Close").click()
    card.locator(".state.closed").wait_for()
    assert sandbox.alert("k")["closedBy"] == "a@example.com"


def test_slack_reads_as_people_see_it(sandbox: Sandbox, page: Any) -> None:
    sandbox.people(slack_users={"U0AAAAAAA": "Engineer A"}, slack_groups={"S0DALEADS": "da-leadership"})
    button = {"type": "button", "text": {"type": "plain_text", "text": "Runbook"}, "url": "https://git.example.com/r"}
    text = "*Due 09:00*, <https://airflow.example.com|the run>, <@U0AAAAAAA> <!subteam^S0DALEADS> &lt;b&gt; `code`"
    parent = say(
        sandbox,
        text="late",
        blocks=[
            {"type": "header", "text": {"type": "plain_text", "text": "Growth is missed"}},
            {"type": "section", "text": {"type": "mrkdwn", "text": text}},
            {"type": "actions", "elements": [button]},
        ],
    )
    say(sandbox, text="ready, 37 min late", thread_ts=parent["ts"])
    post = page.locator(".post")
    post.get_by_text("ready, 37 min late").wait_for()
    assert post.locator(".header").inner_text() == "Growth is missed"
    assert post.locator(".section").inner_text() == "Due 09:00, the run, @Engineer A @da-leadership <b> code"
    assert post.locator(".section strong").inner_text() == "Due 09:00"
    assert post.get_by_role("link", name="the run").get_attribute("href") == "https://airflow.example.com/"
    assert post.get_by_role("link", name="Runbook").get_attribute("rel") == "noopener noreferrer"
    assert "1 reply" in post.locator(".thread").inner_text()


def test_channels_without_messages_are_named_in_one_line(sandbox: Sandbox, page: Any) -> None:
    sandbox.make_channel("empty")
    sandbox.make_channel("old", archived=True)
    page.locator("#channel-old").get_by_text("archived").wait_for()
    say(sandbox, text="late")
    page.locator("#channel-growth").wait_for()
    assert page.locator("#channel-empty").count() == 0
    assert page.locator("#channels-quiet").inner_text() == "Quiet: #empty, #old"


def test_hostile_text_stays_text(sandbox: Sandbox, page: Any) -> None:
    sandbox.people(users={"h@example.com": HOSTILE}, slack_users={"U0HOSTILE": HOSTILE})
    alert(
        sandbox, message=HOSTILE[:130], alias=HOSTILE, description=HOSTILE + " javascript:hit()", tags=[HOSTILE[:50]],
        details={HOSTILE: "javascript:hit()"}, note=HOSTILE, user=HOSTILE, entity=HOSTILE,
        responders=[{"type": "user", "username": "h@example.com"}, {"type": "team", "name": HOSTILE}],
    )  # fmt: skip
    bad = [f"<javascript:hit()|{HOSTILE[:20]}>", "<data:text/html,<script>hit()</script>|x>", "<@U0HOSTILE>", HOSTILE]
    for text in (*bad, "*" + HOSTILE + "*", "```" + HOSTILE, "<!channel|" + "x" * 50, "<|>", "<>", "&lt;img&gt;"):
        say(sandbox, text=text, blocks=[{"type": "section", "text": {"type": "mrkdwn", "text": text}}])
    say(sandbox, text="a", attachments=[{"color": "red;background:url(x)", "text": HOSTILE, "title": HOSTILE}])
    page.locator("#alert-1 > summary").click()
    page.locator(".attachment").wait_for()
    assert page.evaluate("window.hits") == 0
    assert page.locator("main script, main svg, main [onerror], main [onload]").count() == 0
    assert page.locator("main img:not([src='sandbox/static/icon.svg'])").count() == 0
    hrefs = page.eval_on_selector_all("main a", "nodes => nodes.map(node => node.href)")
    assert all(href.startswith(("http://", "https://", "mailto:")) for href in hrefs)
    assert HOSTILE[:130] in page.locator("#alert-1 .message").inner_text()


def test_the_policy_forbids_scripts_of_others(sandbox: Sandbox) -> None:
    headers = sandbox.http.get("/").headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert sandbox.http.get("/sandbox/static/..%2Fpage.py").status_code == 404


def test_filtering_and_anchors(sandbox: Sandbox, page: Any, browser: Any) -> None:
    for name in ("growth", "profit"):
        alert(sandbox, message=f"{name} is late", alias=name)
        say(sandbox, channel=f"#{name}", text=f"{name} is late")
    sandbox.until(lambda state: len(state["alerts"]) == 2)
    sandbox.by_hand("profit", "close")
    page.locator("#alert-2 .state.closed").wait_for()
    page.fill("#filter", "profit")
    assert page.locator(".alert").count() == 1
    assert page.locator(".channel").count() == 1
    page.select_option("#show", "open")
    page.get_by_text("No alert matches.").wait_for()
    page.fill("#filter", "")
    assert page.locator(".alert .message").all_inner_texts() == ["growth is late"]

    other = browser.new_page()
    other.goto(f"{sandbox.url}/#alert-2")
    other.locator("#alert-2[open]").wait_for(timeout=15000)
    other.close()


def test_trouble_is_shown(sandbox: Sandbox, page: Any) -> None:
    sandbox.fault("opsgenie", "503", count=3, match="nowhere")
    headers = {"Authorization": f"GenieKey {sandbox.key}"}
    sandbox.http.post("/v2/alerts", json={"message": "x", "colour": "red"}, headers=headers)
    page.get_by_text("1 rule was broken by a client").click()
    assert "unknown_field (colour: unknown field)" in page.locator(".notice.violations").inner_text()
    page.get_by_text("1 fault is switched on").wait_for()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [380, 1600])
def test_nothing_runs_over_the_edge(sandbox: Sandbox, browser: Any, width: int, scheme: str) -> None:
    alert(sandbox, message="x" * 130, alias="y" * 500, details={"z" * 100: "w" * 1000}, tags=["t" * 50])
    say(sandbox, text="v" * 2000)
    page = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
    page.goto(sandbox.url + "/")
    page.locator("#alert-1 > summary").click()
    page.locator("#alert-1 .history").wait_for()
    if width == 380:
        assert page.locator("#slack").is_hidden()
        page.get_by_role("button", name="Slack").click()
        page.locator(".post").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    page.close()
