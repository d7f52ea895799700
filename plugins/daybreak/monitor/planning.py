"""From decisions to rows of the outbox: the context that rendering needs, and what cannot wait for the store."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection, update

from daybreak.config.links import Links
from daybreak.config.runbooks import Shelf
from daybreak.delivery.facts import PlanContext
from daybreak.delivery.plan import plan
from daybreak.domain.incident import Decisions, Incident
from daybreak.domain.registry import Registry
from daybreak.store.outbox import Delivery
from daybreak.store.schema import delivery as outbox

_AT_ONCE = frozenset({"create", "step"})
"""What wakes people, and is the same however often it is sent: the alias makes one alert of it."""


class Planning:
    """Renders for one deployment. :param shadow: send nothing, whatever the registry's mode."""

    def __init__(self, registry_file: Path, *, airflow_base_url: str | None = None, shadow: bool = False) -> None:
        self._shelf = Shelf.beside(registry_file)
        self._airflow_base_url = airflow_base_url
        self._shadow = shadow

    def context(self, registry: Registry, now: datetime) -> PlanContext:
        """What rendering needs to know besides registry and decisions."""
        links = Links.of(registry, self._airflow_base_url)
        return PlanContext(now=now, links=links, runbooks=self._shelf, shadow=self._shadow)

    def rows(
        self, registry: Registry, decisions: Decisions, before: Mapping[str, Incident], now: datetime
    ) -> tuple[Delivery, ...]:
        """The rows that ``decisions`` ask for. ``before``: incidents as they were before this tick."""
        if not decisions.notifications and not decisions.incidents:
            return ()
        return plan(registry, decisions, before, self.context(registry, now))

    @staticmethod
    def urgent(rows: Iterable[Delivery], sent: Set[str]) -> tuple[Delivery, ...]:
        """What must not wait for the store: pages and tickets of Opsgenie, the most urgent first."""
        found = [
            row
            for row in rows
            if row.channel == "opsgenie" and row.operation in _AT_ONCE and not row.shadow and row.key not in sent
        ]
        return tuple(sorted(found, key=lambda row: row.urgency))

    @staticmethod
    def mark_sent(connection: Connection, keys: Iterable[str], now: datetime) -> None:
        """Rows that were sent before they could be recorded are not sent again."""
        found = list(keys)
        if found:
            chosen = update(outbox).where(outbox.c.key.in_(found), outbox.c.state == "pending")
            connection.execute(chosen.values(state="sent", sent_at=now, attempts=1))
