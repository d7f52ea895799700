"""The Compose deployment's databases: each for its own user alone, and whole again after the documented restore."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator

import psycopg2
import pytest

from tests.support.compose import DATABASES, ROOT
from tests.support.own_postgres import OwnPostgres, own_postgres, programs

PASSWORDS = {f"{name}_DB_PASSWORD": f"secret-of-{name.lower()}" for name in ("AIRFLOW", "CELERY", "WAREHOUSE")}


@pytest.fixture(scope="module")
def server() -> Iterator[OwnPostgres]:
    with own_postgres() as found:
        yield found


def shell(server: OwnPostgres, command: str, given: bytes = b"", **more: str) -> subprocess.CompletedProcess[bytes]:
    """A command as it runs in the container."""
    env = {"PATH": f"{programs()}:{os.environ['PATH']}", "PGHOST": "127.0.0.1", "PGPORT": str(server.port), **more}
    return subprocess.run(["/bin/sh", "-c", command], env=env, input=given, capture_output=True, check=False)


def connect(server: OwnPostgres, user: str, database: str) -> psycopg2.extensions.connection:
    return psycopg2.connect(host="127.0.0.1", port=server.port, user=user, dbname=database)


def reach(server: OwnPostgres) -> set[tuple[str, str]]:
    """Who may connect where, among the deployment's own. Whoever may not is told that it is not permitted."""
    names, found, refusals = ("airflow", "celery", "warehouse"), set(), []
    for user in names:
        for database in names:
            try:
                connect(server, user, database).close()
            except psycopg2.OperationalError as error:
                refusals.append(str(error))
            else:
                found.add((user, database))
    assert all("permission denied" in each for each in refusals), refusals
    return found


def test_a_missing_password_stops_it(server: OwnPostgres) -> None:
    some = {name: value for name, value in PASSWORDS.items() if name != "AIRFLOW_DB_PASSWORD"}
    assert shell(server, f"psql -U postgres -f {DATABASES}", **some).returncode != 0


def test_each_user_reaches_its_own_database_alone_and_does_so_after_a_restore(server: OwnPostgres) -> None:
    done = shell(server, f"psql -U postgres -f {DATABASES}", **PASSWORDS)
    assert done.returncode == 0, done.stderr
    own = {(name, name) for name in ("airflow", "celery", "warehouse")}
    assert reach(server) == own

    text = (ROOT / "docs" / "deploy.md").read_text()
    dump = re.search(r"exec -T postgres (pg_dump .* airflow) > airflow\.dump", text)
    restore = re.search(r"exec -T postgres (pg_restore .*) < airflow\.dump", text)
    assert dump
    assert restore
    with connect(server, "airflow", "airflow") as connection, connection.cursor() as cursor:
        cursor.execute("CREATE TABLE kept AS SELECT 1 AS one")
    connection.close()
    kept = shell(server, dump[1])
    assert kept.returncode == 0, kept.stderr
    with connect(server, "airflow", "airflow") as connection, connection.cursor() as cursor:
        cursor.execute("DROP TABLE kept; CREATE TABLE of_the_new_version (one int)")
    connection.close()
    done = shell(server, restore[1], kept.stdout)
    assert done.returncode == 0, done.stderr
    with connect(server, "airflow", "airflow") as connection, connection.cursor() as cursor:
        cursor.execute("SELECT tablename, tableowner FROM pg_tables WHERE schemaname = 'public'")
        assert cursor.fetchall() == [("kept", "airflow")]
    connection.close()
    assert reach(server) == own
