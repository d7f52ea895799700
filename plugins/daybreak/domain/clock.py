"""Wall clock to instant. The one place that knows about daylight saving.

A local time that does not exist (spring forward) is the first instant after the gap; one that exists twice (fall
back) is the first of the two. All instants that leave this module are in UTC.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo


def wall_instant(local: datetime, zone: ZoneInfo) -> datetime:
    """The instant (UTC) at which the clocks of ``zone`` show ``local`` (naive); see the module for gaps and repeats."""
    instant = local.replace(tzinfo=zone, fold=0).astimezone(UTC)
    if instant.astimezone(zone).replace(tzinfo=None) == local:
        return instant
    return _gap_end(local, zone)


def wall_time(day: date, at: time, zone: ZoneInfo) -> datetime:
    """The instant (UTC) of the local time ``at`` on ``day`` in ``zone``."""
    return wall_instant(datetime.combine(day, at), zone)


def local_date(instant: datetime, zone: ZoneInfo) -> date:
    """The date that the calendars of ``zone`` show at ``instant`` (aware)."""
    return instant.astimezone(zone).date()


def _gap_end(local: datetime, zone: ZoneInfo) -> datetime:
    """The first instant after the gap that swallows ``local``."""
    # Read with the offset of before the gap (fold=0) it lies after the gap's end; with that of after (fold=1), before.
    above = local.replace(tzinfo=zone, fold=0).astimezone(UTC)
    below = local.replace(tzinfo=zone, fold=1).astimezone(UTC)
    new_offset = above.astimezone(zone).utcoffset()
    while above - below > timedelta(seconds=1):
        middle = below + (above - below) / 2
        if middle.astimezone(zone).utcoffset() == new_offset:
            above = middle
        else:
            below = middle
    return above.replace(microsecond=0)
