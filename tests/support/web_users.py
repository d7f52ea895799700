"""Users of a real API server, by Airflow's own two auth managers; and tokens that it must not believe."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Mapping
from typing import Any

import httpx
import jwt

from tests.support.whole_airflow import WholeAirflow

FAB = "airflow.providers.fab.auth_manager.fab_auth_manager.FabAuthManager"
PASSWORD = "not a secret"  # of users that live as long as one test
_MAKE_FAB_USERS = """
import json, sys
from airflow.providers.fab.auth_manager.cli_commands.utils import get_application_builder
from airflow.providers.fab.auth_manager.models.db import FABDBManager
from airflow.utils.session import create_session

users, roles, password = json.loads(sys.argv[1])
with create_session() as session:
    FABDBManager(session).initdb()
with get_application_builder() as builder:
    manager = builder.sm
    manager.sync_roles()
    for name, dags in roles.items():
        role = manager.add_role(name)
        for action, resource in [("can_read", "Website"), *(("can_read", f"DAG:{dag}") for dag in dags)]:
            manager.add_permission_to_role(role, manager.create_permission(action, resource))
    for name, role in users.items():
        assert manager.add_user(name, name, name, f"{name}@example.com", manager.find_role(role), password), name
"""


def make_fab_users(up: WholeAirflow, users: Mapping[str, str], roles: Mapping[str, list[str]]) -> None:
    """FAB's own roles, further ``roles`` (name → the only dags that they may read), and ``users`` (name → role)."""
    done = subprocess.run(
        [sys.executable, "-c", _MAKE_FAB_USERS, json.dumps([users, roles, PASSWORD])],
        env=up.env, capture_output=True, text=True, timeout=240,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]


def simple_passwords(up: WholeAirflow) -> dict[str, str]:
    """What the simple auth manager made up for its users when the server started."""
    path = up.place.airflow_home / "simple_auth_manager_passwords.json.generated"
    return dict(json.loads(path.read_text()))


def token_of(http: httpx.Client, user: str, password: str) -> str:
    """A token as the login gives it."""
    answer = http.post("/auth/token", json={"username": user, "password": password})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["access_token"])


def signed(claims: Mapping[str, Any], secret: str | None, like: str) -> str:
    """``claims`` signed with ``secret`` (None: not at all, algorithm "none"), with the header of the token ``like``."""
    header = {"kid": kid} if (kid := jwt.get_unverified_header(like).get("kid")) else None
    return jwt.encode(dict(claims), secret or "", algorithm="HS512" if secret else "none", headers=header)


def unbelievable(token: str, secret: str, other_user: str) -> dict[str, str]:
    """What is wrong with it → a token that nobody may come in with. ``token`` is a good one, signed with ``secret``."""
    claims = jwt.decode(token, options={"verify_signature": False})
    past = {"iat": time.time() - 7200, "nbf": time.time() - 7200, "exp": time.time() - 3600}
    head, _, signature = token.split(".")
    swapped = signed({**claims, "sub": other_user}, secret, token).split(".")[1]
    return {
        "another secret": signed(claims, "0" * 64, token),
        "no signature": signed(claims, None, token),
        "its signature cut off": token.rsplit(".", 1)[0] + ".",
        "the claims of somebody else": f"{head}.{swapped}.{signature}",
        "expired": signed({**claims, **past}, secret, token),
        "no expiry": signed({name: claims[name] for name in claims if name != "exp"}, secret, token),
        "not a token": "admin",
    }
