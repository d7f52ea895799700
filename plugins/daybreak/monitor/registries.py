"""The registry in force: the file in production, or while that is broken the last good one (memory, store)."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import Engine

from daybreak.config import parse_registry
from daybreak.domain.registry import Registry
from daybreak.errors import RegistryError, RegistryMissing, StoreError
from daybreak.sql.database import reading, writing
from daybreak.store.memory import KeptRegistry, keep_registry, kept_registry, note_problem

log = logging.getLogger(__name__)

RUNBOOKS = "runbooks"


@dataclass(frozen=True, slots=True, kw_only=True)
class InForce:
    """``problem``: one line on what is wrong with the file in production; ``registry`` is then an older one."""

    registry: Registry
    problem: str | None = None


class RegistrySource:
    """Reads the file again only when it changed. Not thread-safe: one tick at a time asks."""

    def __init__(self, path: Path, store: Engine) -> None:
        self.path = path
        self._store = store
        self._stamp: tuple[int, int, int] | None = None
        self._in_force: InForce | None = None
        self._unkept: KeptRegistry | None = None  # good, and not in the store yet: it was down

    def current(self, now: datetime) -> InForce:
        """The registry in force. Raises RegistryError if there is none: no good file, and no last good one."""
        stamp = self._look()
        if self._in_force is None or stamp != self._stamp:
            self._in_force = self._load(now)
            self._stamp = stamp
        if self._unkept is not None:
            self._keep(self._unkept, now)
        return self._in_force

    def _look(self) -> tuple[int, int, int] | None:
        try:
            found = self.path.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size, found.st_ino

    def _load(self, now: datetime) -> InForce:
        try:
            try:
                data = self.path.read_bytes()
            except OSError as error:
                reason = error.strerror or type(error).__name__
                raise RegistryMissing(
                    f"{self.path}: cannot be read ({reason}); set AIRFLOW__DAYBREAK__OWNERSHIP_FILE to the registry"
                ) from None
            registry = parse_registry(data, source=str(self.path), runbooks=self.path.parent / RUNBOOKS)
        except RegistryError as error:
            return self._fall_back(error, now)
        log.info("registry in force: path=%s pipelines=%d", self.path, len(registry.pipelines))
        self._unkept = KeptRegistry(digest=registry.digest, text=data.decode("utf-8-sig"), source=str(self.path))
        return InForce(registry=registry)

    def _fall_back(self, error: RegistryError, now: datetime) -> InForce:
        """The last good registry: the one in memory, else the store's. Raises ``error`` without either."""
        log.error("the registry in production is invalid, its last good one stays in force: %s", error)
        known = self._in_force.registry if self._in_force is not None else None
        try:
            if known is None:
                with reading(self._store) as connection:
                    kept = kept_registry(connection)
                if kept is None:
                    raise error
                # Its runbooks may be gone from the disk by now: what they held is not worth losing all pages for.
                known = parse_registry(kept.text.encode(), source=f"the last good registry of {kept.source}")
            with writing(self._store) as connection:
                note_problem(connection, str(error), now)
        except StoreError as trouble:
            if known is None:
                raise error from trouble
        self._unkept = None
        return InForce(registry=known, problem=str(error))

    def _keep(self, kept: KeptRegistry, now: datetime) -> None:
        try:
            with writing(self._store) as connection:
                keep_registry(connection, kept, now)
        except StoreError as error:
            log.warning("the last good registry could not be kept: %s", error)
        else:
            self._unkept = None
