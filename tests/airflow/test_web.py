"""The plugin's pages: who gets in, what a runbook becomes, and the one answer that needs no user."""

from __future__ import annotations

from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from daybreak.surfaces.web import access, health, runbooks
from daybreak.surfaces.web.render import render
from tests.support.surfaces import growth, make_site, registry
from tests.support.web_pages import Manager, mounted, visitor

NEED_A_USER = ("/board", "/runbooks", "/runbooks/", "/runbooks/{name}", "/upstreams/{name}")


@pytest.fixture
def manager(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Manager:
    found = Manager()
    site = make_site(
        tmp_path, registry(growth(), growth(id="other", name="Other", dags=("other",), runbook="other.md"))
    )
    (tmp_path / "runbooks" / "other.md").write_text("No heading, <b>bold</b>.")
    (tmp_path / "secret.md").write_text("# outside")
    (tmp_path / "runbooks" / "link.md").symlink_to(tmp_path / "secret.md")
    monkeypatch.setattr(access, "get_auth_manager", lambda: found)
    monkeypatch.setattr(runbooks, "current_site", lambda: site)
    monkeypatch.setattr(health, "_kept", None)
    return found


@pytest.fixture
def anonymous(manager: Manager) -> TestClient:
    return visitor(None)


@pytest.fixture
def signed_in(manager: Manager) -> TestClient:
    return visitor("vera")


def test_every_route_needs_a_user_but_health(anonymous: TestClient) -> None:
    app = mounted()[1]
    paths = [route.path for route in app.routes]
    assert set(paths) == {"/health", *NEED_A_USER}
    for path in NEED_A_USER:
        path = f"/daybreak{path.format(name='growth')}"
        assert anonymous.get(path).status_code == 401
        browser = anonymous.get(path, headers={"Accept": "text/html"})
        assert browser.status_code == 302
        assert browser.headers["location"].startswith("/api/v2/auth/login?next=%2Fdaybreak%2F")
    delay = anonymous.get("/daybreak/upstreams/sales?date=2026-02-02", headers={"Accept": "text/html"})
    assert delay.headers["location"].endswith("next=%2Fdaybreak%2Fupstreams%2Fsales%3Fdate%3D2026-02-02")  # not today's
    for path in ("/daybreak/docs", "/daybreak/openapi.json", "/daybreak/redoc", "/daybreak/"):
        assert anonymous.get(path).status_code == 404


@pytest.mark.parametrize(("age", "status"), [(3.14159, 200), (61.0, 503), (None, 503)])
def test_health_tells_the_pulse_and_nothing_else(
    anonymous: TestClient, monkeypatch: pytest.MonkeyPatch, age: float | None, status: int
) -> None:
    monkeypatch.setattr("daybreak.monitor.health.last_tick_age", lambda now: age)
    answer = anonymous.get("/daybreak/health")
    assert answer.status_code == status
    assert answer.json() == {"ok": status == 200, "last_tick_age_seconds": None if age is None else round(age, 1)}


def test_a_store_that_is_away_is_an_answer_too(anonymous: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(now: object) -> float:
        raise OSError("the database is away")

    monkeypatch.setattr("daybreak.monitor.health.last_tick_age", away)
    assert anonymous.get("/daybreak/health").json() == {"ok": False, "last_tick_age_seconds": None}


def test_the_runbook_page(signed_in: TestClient) -> None:
    answer = signed_in.get("/daybreak/runbooks/growth")
    assert answer.status_code == 200
    assert 'id="first-five-minutes"' in answer.text
    assert 'id="upstream-late-1"' in answer.text
    assert "<script" not in answer.text
    assert "Engineer A" in answer.text
    assert "script-src" not in answer.headers["content-security-policy"]
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    assert signed_in.get("/daybreak/runbooks/growth.md").text == answer.text


def test_the_list_without_its_slash(signed_in: TestClient) -> None:
    assert signed_in.get("/daybreak/runbooks").headers["location"] == "/daybreak/runbooks/"


def test_only_files_of_the_folder(signed_in: TestClient) -> None:
    for name in ("absent", "..%2Fsecret", "%2e%2e%2fsecret.md", "link", ".hidden", "growth%00", "a" * 500):
        assert signed_in.get(f"/daybreak/runbooks/{name}").status_code == 404
    assert "<h1>other</h1>" in signed_in.get("/daybreak/runbooks/other").text


def test_only_what_the_user_may_read(signed_in: TestClient, manager: Manager) -> None:
    manager.readable = {"other"}
    assert signed_in.get("/daybreak/runbooks/other").status_code == 200
    assert signed_in.get("/daybreak/runbooks/growth").status_code == 403
    listed = signed_in.get("/daybreak/runbooks/").text
    assert 'href="other"' in listed
    assert 'href="growth"' not in listed


HOSTILE = """
# <img src=x onerror=alert(1)> Title

<script>alert(1)</script> <iframe src="https://evil.example"></iframe>

[a](javascript:alert(1)) [b](data:text/html;base64,xx) [c](vbscript:x) [d](https://ok.example "t")

![e](javascript:alert(1)) ![f](https://ok.example/x.png)

<a href="javascript:alert(1)" onclick="x()">g</a> <style>*{display:none}</style>

| a | b |
|---|---|
| <b onmouseover=x>1</b> | 2 |
"""


def test_hostile_markdown_becomes_harmless_html() -> None:
    import re

    html = render(HOSTILE).html
    tags = re.findall(r"<(\\w+)([^>]*)>".replace("\\\\", "\\"), html)
    assert {name for name, _ in tags} <= {"h1", "p", "a", "img", "div", "table", "thead", "tbody", "tr", "th", "td"}
    assert not [attributes for _, attributes in tags if " on" in attributes or "script:" in attributes]
    assert '<div class="table"><table>' in html.replace("\n", "")
    assert 'href="https://ok.example"' in html
