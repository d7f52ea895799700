"""Durations as the registry writes them: ``30m``, ``2h``, ``1d``, ``1w``.

Minutes and hours are exact. Days and weeks are wall-clock: one day after 09:00 is 09:00 of the next day, be it
23, 24 or 25 hours later (docs/registry.md, "Durations").
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from daybreak.domain.clock import wall_instant

Unit = Literal["m", "h", "d", "w"]
_SECONDS: dict[Unit, int] = {"m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_FORM = re.compile(r"([0-9]{1,6})([mhdw])")


@dataclass(frozen=True, slots=True)
class Duration:
    """A count of one unit. ``str()`` gives the registry's form back."""

    count: int
    unit: Unit

    @classmethod
    def parse(cls, text: str) -> Duration:
        """``"30m"`` → 30 minutes. Raises ValueError on any other form."""
        match = _FORM.fullmatch(text.strip())
        if match is None:
            raise ValueError(f"{text!r} is not a duration: write 30m, 2h, 1d or 1w")
        return cls(int(match[1]), match[2])  # type: ignore[arg-type]

    def __str__(self) -> str:
        return f"{self.count}{self.unit}"

    @property
    def nominal(self) -> timedelta:
        """The length with days of 24 hours: for comparing and sorting, not for adding to an instant."""
        return timedelta(seconds=self.count * _SECONDS[self.unit])

    def after(self, instant: datetime, zone: ZoneInfo) -> datetime:
        """The instant this much after ``instant`` (aware), in UTC; days and weeks by the wall clock of ``zone``."""
        return self._shift(instant, zone, 1)

    def before(self, instant: datetime, zone: ZoneInfo) -> datetime:
        """The instant this much before ``instant`` (aware), in UTC; days and weeks by the wall clock of ``zone``."""
        return self._shift(instant, zone, -1)

    def _shift(self, instant: datetime, zone: ZoneInfo, sign: int) -> datetime:
        if self.unit in ("m", "h"):
            return instant.astimezone(UTC) + sign * self.nominal
        local = instant.astimezone(zone).replace(tzinfo=None, fold=0) + sign * self.nominal
        return wall_instant(local, zone)
