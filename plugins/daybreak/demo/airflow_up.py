"""A real Airflow of its own: LocalExecutor, one process a component, everything below the demo's folder."""

from __future__ import annotations

import base64
import json
import os
import secrets
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from importlib.metadata import version
from pathlib import Path

from daybreak.demo.household import last_line
from daybreak.demo.place import Place
from daybreak.errors import DaybreakError

CORE = {
    "api-server": ("api-server", "--workers", "1"),
    "scheduler": ("scheduler", "--skip-serve-logs"),
    "triggerer": ("triggerer", "--skip-serve-logs"),
}
PARSER = {"dag-processor": ("dag-processor",)}


class SetUpFailed(DaybreakError):
    """Airflow could not be set up; the text holds the last line of what it said."""


def environment(
    place: Place,
    *,
    port: int,
    zone: str,
    sandbox: dict[str, str],
    dags: Path,
    retries: int,
    database_url: str | None = None,
) -> dict[str, str]:
    """The environment of every process of this Airflow. Nothing of the caller's own Airflow shines through.

    :param sandbox: what the sandbox's ready file says: url, opsgenie_key, slack_token
    :param database_url: SQLAlchemy's URL of the metadata database; None: SQLite at ``place.database``
    """
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("AIRFLOW", "PIPELINES_", "DAYBREAK")) and name not in ("PYTHONHOME", "PYTHONSTARTUP")
    }
    url = f"http://127.0.0.1:{port}"
    secret = secrets.token_urlsafe(32)
    patience = "daybreak.demo.sqlite_patience.CONNECT_ARGS"
    database: dict[str, str] = {"DATABASE__SQL_ALCHEMY_CONN": database_url or f"sqlite:///{place.database}"}
    if database["DATABASE__SQL_ALCHEMY_CONN"].startswith("sqlite"):
        database |= {
            "DATABASE__SQL_ALCHEMY_CONNECT_ARGS": patience,
            "DATABASE__SQL_ALCHEMY_CONNECT_ARGS_ASYNC": patience,
        }
    settings = {
        **database,
        "CORE__DAGS_FOLDER": dags,
        "CORE__PLUGINS_FOLDER": place.checkout / "plugins",
        "CORE__EXECUTOR": "LocalExecutor",
        "CORE__PARALLELISM": 4,
        "CORE__LOAD_EXAMPLES": False,
        # Without one each process makes its own, and the triggerer dies of a trigger that the scheduler encrypted.
        "CORE__FERNET_KEY": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
        "CORE__DAGS_ARE_PAUSED_AT_CREATION": True,
        "CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": True,
        "CORE__EXECUTION_API_SERVER_URL": f"{url}/execution/",
        "API__BASE_URL": url,
        "API__HOST": "127.0.0.1",
        "API__PORT": port,
        "API__SECRET_KEY": secret,
        "API_AUTH__JWT_SECRET": secret,
        "LOGGING__BASE_LOG_FOLDER": place.logs / "airflow",
        "LOGGING__DAG_PROCESSOR_CHILD_PROCESS_LOG_DIRECTORY": place.logs / "airflow" / "dag_processor",
        "LOGGING__COLORED_CONSOLE_LOG": False,
        "DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": 600,
        "SCHEDULER__ENABLE_HEALTH_CHECK": False,
        "USAGE_DATA_COLLECTION__ENABLED": False,
        "DAYBREAK__OWNERSHIP_FILE": place.registry,
        "DAYBREAK__MONITOR_IN_API_SERVER": False,  # the demo runs `daybreak monitor`, as production does
    }
    return {
        **kept,
        **{f"AIRFLOW__{name}": str(value) for name, value in settings.items()},
        "AIRFLOW_HOME": str(place.airflow_home),
        "AIRFLOW_CONN_WAREHOUSE": json.dumps({"conn_type": "sqlite", "host": str(place.warehouse)}),
        "AIRFLOW_CONN_OPSGENIE_DEFAULT": json.dumps(
            {"conn_type": "opsgenie", "host": sandbox["url"], "password": sandbox["opsgenie_key"]}
        ),
        "AIRFLOW_CONN_SLACK_API_DEFAULT": json.dumps(
            {
                "conn_type": "slack",
                "password": sandbox["slack_token"],
                "extra": {"base_url": f"{sandbox['url']}/api/"},
            }
        ),
        "PIPELINES_SCHEDULE": "none",
        "PIPELINES_TIMEZONE": zone,
        "PIPELINES_RETRIES": str(retries),
        "PIPELINES_RETRY_DELAY_SECONDS": "3",
        "PIPELINES_POKE_SECONDS": "3",
        "NO_PROXY": "127.0.0.1,localhost",
        "no_proxy": "127.0.0.1,localhost",
        "PYTHONUNBUFFERED": "1",
    }


def prepare_database(place: Place, env: dict[str, str]) -> bool:
    """Put a migrated, empty database in place. → whether it had to be migrated (the first time takes longer).

    Raises SetUpFailed.
    """
    stamp = place.template.with_suffix(".version")
    wanted = version("apache-airflow")
    if place.template.exists() and stamp.exists() and stamp.read_text() == wanted:
        shutil.copyfile(place.template, place.database)
        return False
    stamp.unlink(missing_ok=True)  # written last: an interrupted set-up is not taken for a finished one
    migrate(env, place.logs / "migrate.log")
    place.template.unlink(missing_ok=True)
    with closing(sqlite3.connect(place.database)) as made, closing(sqlite3.connect(place.template)) as kept:
        made.backup(kept)  # a plain copy would miss what still stands in the write-ahead log
    stamp.write_text(wanted)
    return True


def migrate(env: dict[str, str], log: Path) -> None:
    """Make Airflow's tables in the database that ``env`` names; what is said on it goes to ``log``.

    Raises SetUpFailed.
    """
    with log.open("wb") as output:
        done = subprocess.run(
            [*airflow("db", "migrate")], env=env, stdout=output, stderr=subprocess.STDOUT, check=False
        )
    if done.returncode:
        raise SetUpFailed(f"`airflow db migrate` ended with status {done.returncode}: {last_line(log)} ({log})")


def airflow(*arguments: str) -> list[str]:
    """The command line of this Python's ``airflow``."""
    return [sys.executable, "-m", "airflow", *arguments]


def daybreak(*arguments: str) -> list[str]:
    """The command line of this Python's ``daybreak``."""
    return [sys.executable, "-c", "from daybreak.cli import main; main()", *arguments]
