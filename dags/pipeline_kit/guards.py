"""Guards of our own beside the provider's check operators, which answer yes or no: these name what is wrong.

Whoever is woken reads the first 130 characters of an error, so the name stands first. Nothing is retried: the same
data fails again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import closing
from datetime import date
from typing import Any

from airflow.providers.common.sql.operators.sql import BaseSQLOperator

from pipeline_kit.generate import TABLES, Table, rows_of

SAMPLE = 1000  # rows of a day that are looked at for their types
_LONGEST_LIST = 5


class NoViolations(BaseSQLOperator):
    """Fail if a query answers any row; the error begins with the rows' first column."""

    template_fields = ("sql", *BaseSQLOperator.template_fields)
    template_ext = (".sql",)

    def __init__(self, *, sql: str, error: str, **kwargs: Any) -> None:
        super().__init__(retry_on_failure=False, **kwargs)
        self.sql = sql
        self.error = error

    def execute(self, context: Any) -> None:
        rows = self.get_db_hook().get_records(self.sql)
        if rows:
            self._raise_exception(f"{_listed(str(row[0]) for row in rows)}: {self.error}")
        self.log.info("%s: none", self.error)


class SchemaUnchanged(BaseSQLOperator):
    """Fail if raw tables have other columns, or other types in them, than the transformations were written for.

    A new column is an error too: it may be a new kind of tax or cost, which the figures would lack.
    """

    template_fields = ("day", *BaseSQLOperator.template_fields)

    def __init__(self, *, tables: Sequence[str], **kwargs: Any) -> None:
        super().__init__(task_id="guard_schema", retry_on_failure=False, **kwargs)
        self.tables = list(tables)
        self.day = "{{ business_date(dag_run) }}"

    def execute(self, context: Any) -> None:
        found = [drift for name in self.tables for drift in self._drift(TABLES[name], date.fromisoformat(self.day))]
        if found:
            self._raise_exception(f"{_listed(found)}: schema drift in the sources")
        self.log.info("the columns of %s are as they were", ", ".join(self.tables))

    def _drift(self, table: Table, day: date) -> list[str]:
        where = f"WHERE day = '{day.isoformat()}'" if table.dated else ""
        sql = f"SELECT * FROM {table.name} {where} LIMIT {SAMPLE}"  # noqa: S608 - our own names and an ISO date
        with closing(self.get_db_hook().get_conn()) as connection, closing(connection.cursor()) as cursor:
            cursor.execute(sql)
            names = [column[0] for column in cursor.description]
            rows = cursor.fetchall()
        drift = [f"{table.name}.{name} is new" for name in names if name not in table.columns]
        drift += [f"{table.name}.{name} is missing" for name in table.columns if name not in names]
        for name in whole_numbers(table, day):
            if name in names and any(not isinstance(row[names.index(name)], int | None) for row in rows):
                drift.append(f"{table.name}.{name} holds something else than whole numbers")
        return drift


def whole_numbers(table: Table, day: date) -> list[str]:
    """The columns of ``table`` that hold whole numbers, as its generator makes them."""
    sample = rows_of(table.name, day)
    return [name for place, name in enumerate(table.columns) if any(isinstance(row[place], int) for row in sample)]


def _listed(names: Iterable[str]) -> str:
    ordered = sorted(set(names))
    more = f" and {len(ordered) - _LONGEST_LIST} more" if len(ordered) > _LONGEST_LIST else ""
    return ", ".join(ordered[:_LONGEST_LIST]) + more
