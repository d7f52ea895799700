"""Freshly migrated metadata databases to copy: migrating takes a quarter of a minute, a copy none.

SQLite's is kept in the checkout's ``.build`` for the next time (``make clean`` removes it); PostgreSQL's lives as long
as the test process.
"""

from __future__ import annotations

import atexit
import fcntl
from contextlib import ExitStack
from functools import cache
from pathlib import Path

from daybreak.demo.airflow_up import environment, migrate, prepare_database
from daybreak.demo.place import Place
from tests.support.postgres import own_database

ROOT = Path(__file__).resolve().parents[2]
KEPT = ROOT / ".build" / "airflow-template"
_NO_SANDBOX = {"url": "http://127.0.0.1:9", "opsgenie_key": "none", "slack_token": "none"}


@cache
def sqlite_template() -> Path:
    """A migrated database of SQLite, nobody connected to it: made anew for another version of Airflow."""
    place = Place(checkout=ROOT, folder=KEPT)
    KEPT.mkdir(parents=True, exist_ok=True)
    with (KEPT / "making").open("a") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)  # a second test process waits for the first one's
        place.fresh()
        prepare_database(place, _environment(place, None))
    return place.template


@cache
def postgres_template(server_url: str) -> str:
    """The URL of a migrated database on the server, nobody connected to it; dropped when this process ends."""
    keep = ExitStack()
    atexit.register(keep.close)
    url = keep.enter_context(own_database(server_url))
    place = Place(checkout=ROOT, folder=KEPT / url.rpartition("/")[2])
    place.fresh()
    migrate(_environment(place, url), place.logs / "migrate.log")
    return url


def _environment(place: Place, url: str | None) -> dict[str, str]:
    return environment(place, port=9, zone="UTC", sandbox=_NO_SANDBOX, dags=place.own_dags, retries=0, database_url=url)
