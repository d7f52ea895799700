"""Small pieces of wording: times, lengths of time, lists, and text cut where everybody sees that it was cut."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

ELLIPSIS = "…"
_MOST = 30_000
_UNFIT = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def clean(text: str) -> str:
    """Without control characters, lone surrogates, and the marks that turn the reading direction around for what
    follows: hostile text stays inside its own line. No more of it than any message takes."""
    return _UNFIT.sub(" ", text[:_MOST])


def one_line(text: str) -> str:
    return " ".join(clean(text).split())


def cut(text: str, limit: int) -> str:
    """At most ``limit`` characters; what was left out shows as an ellipsis."""
    if len(text) <= limit:
        return text
    return text[: max(limit - 1, 0)].rstrip() + ELLIPSIS if limit > 0 else ""


def cut_lines(text: str, limit: int, *, remark: str = "(shortened)") -> str:
    """At most ``limit`` characters, cut between lines where that loses little, with a remark that it was."""
    if len(text) <= limit:
        return text
    room = max(limit - len(remark) - 3, 0)
    head = text[:room]
    whole = head.rpartition("\n")[0]
    return f"{whole if len(whole) > room * 2 // 3 else head.rstrip()} {ELLIPSIS}\n{remark}"[:limit]


def clock(instant: datetime, zone: ZoneInfo) -> str:
    """``09:00 UTC``: the wall clock of ``zone``, with the name that people there use for it."""
    local = instant.astimezone(zone)
    name = local.tzname() or zone.key
    return f"{local:%H:%M} {name if name.isalpha() else zone.key}"


def day_and_clock(instant: datetime, zone: ZoneInfo) -> str:
    local = instant.astimezone(zone)
    return f"{local:%a %d %b} {clock(instant, zone)}"


def length(time: timedelta) -> str:
    """``37 min``, ``2 h 5 min``, ``3 d 4 h``; rounded up to whole minutes."""
    minutes = max(-int(-time.total_seconds() // 60), 0)
    days, rest = divmod(minutes, 1440)
    hours, minutes = divmod(rest, 60)
    if days:
        return f"{days} d {hours} h" if hours else f"{days} d"
    if hours:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    return f"{minutes} min"


def listed(names: Sequence[str], most: int = 8) -> str:
    """``a, b and c``; of many the first few, and how many more."""
    names = list(names)
    if len(names) > most:
        return f"{', '.join(names[:most])} and {len(names) - most} more"
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]])) if names else ""
