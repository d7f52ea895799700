"""What Daybreak's own tables tell a drill: who acts, when it last ticked, what it recorded of its pages."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine, select

from daybreak.errors import StoreError
from daybreak.sql.database import reading
from daybreak.store.schema import delivery, lease


@dataclass(frozen=True)
class Store:
    """A look from outside; the monitors know nothing of it."""

    engine: Engine

    def holder(self) -> int | None:
        """The process id of whoever holds the lease and has ticked since it took it; None while there is none."""
        try:
            with reading(self.engine) as connection:
                row = connection.execute(select(lease.c.holder, lease.c.ticked_at, lease.c.acquired_at)).first()
        except StoreError:
            return None
        ticked = row is not None and row.ticked_at is not None and row.ticked_at >= row.acquired_at
        return int(row.holder.split("/")[1]) if row is not None and ticked else None

    def ticked(self) -> datetime | None:
        """The instant of the last tick that is recorded; None while that cannot be told."""
        try:
            with reading(self.engine) as connection:
                return connection.execute(select(lease.c.ticked_at)).scalar()
        except StoreError:
            return None

    def pages(self, pipeline: str) -> list[tuple[str, str, int]]:
        """(state, operation, attempts) of the pages of ``pipeline`` in the outbox, in order."""
        columns = (delivery.c.state, delivery.c.operation, delivery.c.attempts)
        chosen = select(*columns).where(
            delivery.c.dedup_key.startswith(f"daybreak:v1:{pipeline}:", autoescape=True),
            delivery.c.channel == "opsgenie",
            delivery.c.kind == "page",
        )
        with reading(self.engine) as connection:
            return [
                (row.state, row.operation, row.attempts) for row in connection.execute(chosen.order_by(delivery.c.id))
            ]
