"""Raw data arrives: what a team replaces by its own ingestion. Generated here, so that the pipelines do real work."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from datetime import timedelta
from typing import Any

from airflow.sdk import BaseHook, Variable, get_current_context, task

from pipeline_kit import settings
from pipeline_kit.calendar_days import business_date

HISTORY_DAYS = 7  # what the metrics that look back (MAU, growth) need on the first day


@task
def land(tables: Sequence[str]) -> dict[str, int]:
    """Make the schema and land the business date, and the days before it that are absent. → rows added per table.

    A day that has landed is left as it is: sources do not change the past, and people correct it by hand.
    """
    from pipeline_kit.generate import TABLES, rows_of

    hook: Any = BaseHook.get_hook(settings.CONNECTION)
    hook.run((settings.SQL_FOLDER / "schema.sql").read_text(), split_statements=True)
    day = business_date(get_current_context()["dag_run"])
    added: dict[str, int] = {}
    for table in tables:
        columns = TABLES[table].columns
        mark = ", ".join([hook.placeholder] * len(columns))
        insert = f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({mark})"  # noqa: S608 - names are our own
        with closing(hook.get_conn()) as connection, closing(connection.cursor()) as cursor:
            for back in range(HISTORY_DAYS if TABLES[table].dated else 1):
                that_day = day - timedelta(days=back)
                cursor.execute(TABLES[table].present_sql(that_day))
                if cursor.fetchone() is None:
                    rows = rows_of(table, that_day)
                    cursor.executemany(insert, rows)
                    added[table] = added.get(table, 0) + len(rows)
            connection.commit()
    return added


# A load that waits works, from where we stand: it holds its slot, as the other team's job would.
@task.sensor(poke_interval=settings.POKE_SECONDS, mode="poke", timeout=24 * 3600)
def arrived(source: str) -> bool:
    """Whether ``source`` has delivered: at once, unless the Variable ``<source>_arrives_at`` names a later instant.

    The Variable is how a late morning is rehearsed: an ISO instant, or ``never``. It is read at each look, so that
    changing it while the sensor waits is enough.
    """
    import pendulum

    wanted = Variable.get(f"{source}_arrives_at", default="").strip()
    if not wanted:
        return True
    if wanted.lower() == "never":
        return False
    return pendulum.now("UTC") >= pendulum.parse(wanted)
