"""Puts a monitor together from this deployment's settings. The one place that knows which part needs which."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from sqlalchemy import Engine as Database

from daybreak.airflow_io import settings
from daybreak.airflow_io.reader import Reader
from daybreak.monitor.acknowledged import Acknowledgements
from daybreak.monitor.engine import Engine
from daybreak.monitor.handoff import Handoffs
from daybreak.monitor.heartbeat import Heartbeat
from daybreak.monitor.lease import Lease
from daybreak.monitor.loop import Monitor, utc_now
from daybreak.monitor.planning import Planning
from daybreak.monitor.probes import Probes
from daybreak.monitor.registries import RegistrySource
from daybreak.monitor.sending import Sending
from daybreak.sql.database import open_engine


def metadata_engine() -> Database:
    """Airflow's metadata database, through a small pool of our own. Raises SettingsError."""
    return open_engine(settings.metadata_url(), connect_args=settings.metadata_connect_args())


def store_engine() -> Database:
    """Where Daybreak's tables are: ``[daybreak] sql_alchemy_conn``, else Airflow's metadata database."""
    url = settings.store_url()
    return open_engine(url) if url else metadata_engine()


def build_monitor(
    *,
    store: Database | None = None,
    metadata: Database | None = None,
    registry_file: Path | None = None,
    shadow: bool = False,
    clock: Callable[[], datetime] = utc_now,
) -> Monitor:
    """A monitor of this deployment, or of the parts handed in. Connects to nothing yet. Raises SettingsError."""
    store = store or store_engine()
    metadata = metadata or (store if settings.store_url() is None else metadata_engine())
    file = registry_file or settings.ownership_file()
    unclaimed = settings.unclaimed() != "ignore"
    reader = Reader(metadata, scheduler_patience=settings.scheduler_patience(), unclaimed=unclaimed)
    planning = Planning(file, airflow_base_url=settings.airflow_base_url(), shadow=shadow)
    lease = Lease(store)
    engine = Engine(store=store, reader=reader, registries=RegistrySource(file, store), planning=planning, lease=lease)
    sending = Sending(store)
    return Monitor(
        engine,
        sending,
        heartbeat=Heartbeat(sending),
        acknowledgements=Acknowledgements(store, sending),
        handoffs=Handoffs(store, lease, shadow=shadow),
        probes=Probes(store),
        clock=clock,
    )
