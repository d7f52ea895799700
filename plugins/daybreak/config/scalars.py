"""The registry's scalars: clock times, dates, durations, time zones. Each parser raises ValueError with a remedy."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from difflib import get_close_matches
from functools import lru_cache
from typing import Annotated, Any
from zoneinfo import ZoneInfo, available_timezones

from pydantic import PlainValidator, StringConstraints, WithJsonSchema

from daybreak.config.problems import quoted
from daybreak.domain.clock import wall_instant
from daybreak.domain.duration import Duration

_CLOCK = re.compile(r"(?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d)?")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d(?:[Tt ]\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?(?: ?(?:[Zz]|[+-]\d\d(?::?\d\d)?))?)?")
_FIXED_OFFSET = re.compile(r"(?:UTC|GMT)\s*([+-])\s*(\d{1,2})", re.IGNORECASE)
_LONGEST = timedelta(days=3660)
_YEARS = range(1970, 2200)  # outside, arithmetic with instants would overflow sooner or later


@dataclass(frozen=True, slots=True)
class Opens:
    """When a cycle opens: a local time on the business date, or on the day before."""

    at: time
    day_before: bool = False


@lru_cache(maxsize=512)
def duration(text: str) -> Duration:
    try:
        found = Duration.parse(text)
    except ValueError:
        raise ValueError(f"{quoted(text)} is not a duration: write 30m, 2h, 1d or 1w") from None
    if found.count and found.nominal > _LONGEST:
        raise ValueError(f"{quoted(text)} is longer than ten years")
    return found


@lru_cache(maxsize=512)
def clock(text: str) -> time:
    if not _CLOCK.fullmatch(text):
        raise ValueError(f'{quoted(text)} is not a time of day: write two digits each, "09:00", up to "23:59"')
    return time.fromisoformat(text)


@lru_cache(maxsize=512)
def opens(text: str) -> Opens:
    before, _, rest = text.partition(" ")
    if before == "-1d":
        return Opens(clock(rest.strip()), day_before=True)
    if before.startswith("-"):
        raise ValueError(f'{quoted(text)}: only the day before can be named, "-1d 20:00"')
    return Opens(clock(text))


def moment(text: str) -> datetime:
    """A date (its midnight) or a date and time; naive where no offset is written."""
    try:
        if not _MOMENT.fullmatch(text):
            raise ValueError
        found = datetime.fromisoformat(text.upper().replace(" +", "+").replace(" -", "-").replace(" Z", "Z"))
    except ValueError:
        raise ValueError(f"{quoted(text)} is not a date or time: write 2026-01-05 or 2026-01-05T09:00") from None
    if found.year not in _YEARS:
        raise ValueError(f"the year {found.year} is outside {_YEARS.start} to {_YEARS.stop - 1}")
    return found


def day(text: str) -> date:
    """A date; of a date and time, its date."""
    return moment(text).date()


@lru_cache(maxsize=512)
def zone(text: str) -> ZoneInfo:
    try:
        return ZoneInfo(text)
    except (KeyError, ValueError, OSError):
        raise ValueError(f"{quoted(text)} is not a time zone: {_zone_remedy(text)}") from None


def _zone_remedy(text: str) -> str:
    if offset := _FIXED_OFFSET.fullmatch(text.strip()):
        opposite = {"+": "-", "-": "+"}[offset[1]]
        return f"name a place (Asia/Bangkok), or write Etc/GMT{opposite}{int(offset[2])}, whose sign is reversed"
    names = available_timezones()
    by_lower = {name.lower(): name for name in names}
    near = get_close_matches(text.lower(), by_lower, n=1, cutoff=0.6)
    return f"did you mean {by_lower[near[0]]}?" if near else "write a name of the IANA list, as Europe/Berlin"


def resolve(local: datetime, at: ZoneInfo) -> datetime:
    """The instant (UTC) of a moment: by its own offset, else by the clocks of ``at``."""
    return wall_instant(local, at) if local.tzinfo is None else local.astimezone(UTC)


def _field(parse: Callable[[str], Any], example: str, **schema: Any) -> tuple[PlainValidator, WithJsonSchema]:
    """What makes a key hold what ``parse`` makes of its text."""

    def validate(value: Any) -> Any:
        if not isinstance(value, str):
            raise ValueError(f"must be text such as {example}")
        return parse(value.strip())

    return PlainValidator(validate), WithJsonSchema({"type": "string", "examples": [example], **schema})


Text = Annotated[str, StringConstraints(min_length=1, max_length=10_000, pattern=r"\S")]
DurationField = Annotated[Duration, *_field(duration, "30m", pattern=r"^\d{1,6}[mhdw]$")]
ClockField = Annotated[time, *_field(clock, "09:00", pattern=f"^{_CLOCK.pattern}$")]
OpensField = Annotated[Opens, *_field(opens, "-1d 20:00", pattern=f"^(-1d )?{_CLOCK.pattern}$")]
MomentField = Annotated[datetime, *_field(moment, "2026-01-05T09:00", pattern=r"^\d{4}-\d\d-\d\d")]
DayField = Annotated[date, *_field(day, "2026-01-05", pattern=r"^\d{4}-\d\d-\d\d")]
ZoneField = Annotated[ZoneInfo, *_field(zone, "Europe/Berlin")]
