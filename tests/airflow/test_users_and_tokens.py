"""Every page of ours on a real API server, by Airflow's two auth managers: who gets in, with what, and sees what."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import jwt
import pytest

from daybreak.sql.database import open_engine
from daybreak.surfaces.web.app import create_app
from tests.support.airflow_db import AirflowDb
from tests.support.web_users import (
    FAB,
    PASSWORD,
    make_fab_users,
    signed,
    simple_passwords,
    token_of,
    unbelievable,
)
from tests.support.whole_airflow import WholeAirflow, whole_airflow

pytestmark = [pytest.mark.airflow, pytest.mark.timeout(600), pytest.mark.xdist_group("users")]

SIMPLE_USERS = {"vera": "viewer", "uwe": "user", "otto": "op", "ada": "admin"}
FAB_USERS = {
    "vera": "Viewer",
    "uwe": "User",
    "ada": "Admin",
    "paula": "Public",
    "greta": "only growth",
    "petra": "only profit",
    "nils": "no dag",
}
FAB_ROLES = {"only growth": ["growth"], "only profit": ["profit_eu"], "no dag": []}
REGISTRY = """
version: 1
people: {ada: {name: Ada, opsgenie: ada@example.com, slack: U0AAAAAAA}}
teams: {sales: {name: Sales, opsgenie_team: Sales, slack_channel: "#sales"}}
on_call: {layers: {primary: {start: 2026-01-05T09:00, every: 1w, members: [ada]}}}
defaults: {owner: ada, slack_channel: "#data-alerts"}
upstreams: {orders: {team: sales, expected_by: "05:00", ready_when: {dag: orders_load}}}
pipelines:
  growth:
    dags: [growth]
    owners: {primary: ada}
    upstreams: [orders]
    runbook: growth.md
    deadline: {due: "09:00"}
  profit: {dags: ["profit_*"], owners: {primary: ada}, runbook: profit.md, deadline: {due: "09:00"}}
"""
RUNBOOKS = {"growth.md": "# How growth is run\n", "profit.md": "# How profit is run\n"}
ROUTES = sorted(
    "/daybreak" + route.path.format(name="growth" if "runbooks" in route.path else "orders")
    for route in create_app().routes
)
OPEN = "/daybreak/health"
CLOSED = [route for route in ROUTES if route != OPEN]


@dataclass(kw_only=True)
class Server:
    """A real API server with our pages, and a good token for each of its users."""

    up: WholeAirflow
    http: httpx.Client
    tokens: dict[str, str]

    @property
    def secret(self) -> str:
        return self.up.env["AIRFLOW__API_AUTH__JWT_SECRET"]

    def get(self, path: str, user: str) -> httpx.Response:
        return self.with_token(path, self.tokens[user])

    def with_token(self, path: str, token: str) -> httpx.Response:
        return self.http.get(path, headers={"Authorization": f"Bearer {token}"})

    def with_cookie(self, path: str, token: str, accept: str = "*/*") -> httpx.Response:
        return self.http.get(path, headers={"Cookie": f"_token={token}", "Accept": accept})


@pytest.fixture(scope="module", params=["simple", "fab"])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    settings = {"CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "False", "DAYBREAK__MONITOR_IN_API_SERVER": "True"}
    if request.param == "fab":
        settings["CORE__AUTH_MANAGER"] = FAB
    else:
        settings["CORE__SIMPLE_AUTH_MANAGER_USERS"] = ",".join(f"{name}:{role}" for name, role in SIMPLE_USERS.items())
    folder: Path = tmp_path_factory.mktemp(request.param)
    with whole_airflow(folder, dags={}, registry=REGISTRY, runbooks=RUNBOOKS, settings=settings) as up:
        AirflowDb(open_engine(up.database_url)).dag("profit_eu")
        if request.param == "fab":
            make_fab_users(up, FAB_USERS, FAB_ROLES)
        up.start("api-server")
        with httpx.Client(base_url=up.api.base_url, timeout=60, trust_env=False) as http:
            if request.param == "fab":
                passwords = dict.fromkeys(FAB_USERS, PASSWORD)
            else:
                passwords = simple_passwords(up)
            found = Server(up=up, http=http, tokens={name: token_of(http, name, passwords[name]) for name in passwords})
            # The server's own monitor makes the tables that the board reads.
            up.wait_for(lambda: "cannot be read" not in found.get("/daybreak/board", "ada").text, "a board")
            yield found


def test_the_routes_are_those_that_were_meant() -> None:
    assert [*CLOSED, OPEN] == [
        "/daybreak/board", "/daybreak/runbooks", "/daybreak/runbooks/", "/daybreak/runbooks/growth",
        "/daybreak/upstreams/orders", "/daybreak/health",
    ]  # fmt: skip


def test_without_a_user(server: Server) -> None:
    for path in CLOSED:
        assert server.http.get(path).status_code == 401, path
        browser = server.http.get(path, headers={"Accept": "text/html"})
        assert browser.status_code == 302, path
        assert browser.headers["location"].startswith("/api/v2/auth/login?next=%2Fdaybreak%2F")


def test_no_token_that_is_not_the_servers_own_gets_in(server: Server) -> None:
    good = server.tokens["ada"]
    claims = jwt.decode(good, options={"verify_signature": False})
    assert server.with_token(CLOSED[0], signed(claims, server.secret, good)).status_code == 200  # the means are real
    other = jwt.decode(server.tokens["vera"], options={"verify_signature": False})["sub"]
    for what, token in unbelievable(good, server.secret, other).items():
        for path in CLOSED:
            assert server.with_token(path, token).status_code in (401, 403), (what, path)
            cookie = server.with_cookie(path, token)
            assert cookie.status_code in (401, 403), (what, path)
            assert "Ada" not in cookie.text
            assert server.with_cookie(path, token, "text/html").status_code == 302, (what, path)


def test_health_is_for_everybody_and_says_nothing_more(server: Server) -> None:
    bad = unbelievable(server.tokens["ada"], server.secret, "x")
    for answer in (server.http.get(OPEN), *(server.with_token(OPEN, token) for token in bad.values())):
        assert answer.status_code in (200, 503)
        assert set(answer.json()) == {"ok", "last_tick_age_seconds"}


def test_a_user_who_may_read_dags_sees_their_pages(server: Server) -> None:
    readers = [name for name in ("vera", "uwe", "otto", "ada") if name in server.tokens]
    assert len(readers) >= 3
    for user in readers:
        for path in CLOSED:
            answer = server.get(path, user)
            assert answer.status_code == (307 if path.endswith("/runbooks") else 200), (user, path)
            assert server.with_cookie(path, server.tokens[user]).status_code == answer.status_code, (user, path)
        assert "How growth is run" in server.get("/daybreak/runbooks/growth", user).text
        assert listed(server, user) == {"growth", "profit"}
        assert boarded(server, user) == {"growth", "profit"}


def test_a_user_without_the_dag_does_not(server: Server) -> None:
    if "nils" not in server.tokens:
        pytest.skip("the simple auth manager has no user who may not read every dag")
    for user in ("nils", "paula", "petra"):
        for path in ("/daybreak/runbooks/growth", "/daybreak/runbooks/absent", "/daybreak/upstreams/orders"):
            answer = server.get(path, user)
            assert answer.status_code == 403, (user, path)
            assert "Ada" not in answer.text
    for user in ("nils", "paula"):
        assert (listed(server, user), boarded(server, user)) == (set(), set())


def test_a_user_of_one_dag_sees_its_pages_alone(server: Server) -> None:
    if "greta" not in server.tokens:
        pytest.skip("the simple auth manager has no user who may not read every dag")
    assert "How growth is run" in server.get("/daybreak/runbooks/growth", "greta").text
    assert server.get("/daybreak/upstreams/orders", "greta").status_code == 200
    assert server.get("/daybreak/runbooks/profit", "greta").status_code == 403
    assert (listed(server, "greta"), boarded(server, "greta")) == ({"growth"}, {"growth"})
    # A pipeline that names its dags by a glob is shown to whoever may read one that matches.
    assert "How profit is run" in server.get("/daybreak/runbooks/profit", "petra").text
    assert (listed(server, "petra"), boarded(server, "petra")) == ({"profit"}, {"profit"})


def listed(server: Server, user: str) -> set[str]:
    """The runbooks in the list that the user gets."""
    html = server.get("/daybreak/runbooks/", user).text
    return {name for name in ("growth", "profit") if f'href="{name}"' in html}


def boarded(server: Server, user: str) -> set[str]:
    """The pipelines on the user's board."""
    html = server.get("/daybreak/board", user).text
    return {name for name in ("growth", "profit") if f"<small>{name}</small>" in html}
