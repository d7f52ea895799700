"""Who is on call at an instant: the one look-up that the rest of the house uses."""

from __future__ import annotations

from datetime import datetime

from daybreak.domain.cover import Gap, Holder, Roster
from daybreak.domain.registry import OnCall, Pipeline, Registry

__all__ = ["Gap", "Holder", "on_call_at", "roster_of"]

_RECENT: dict[int, tuple[Registry | OnCall, Roster]] = {}
_KEPT = 8  # registries whose look-up tables are kept: the one in force, its last good, and what a test makes


def roster_of(source: Registry | OnCall) -> Roster:
    """The look-up tables of ``source``, made once a value. With an OnCall alone nobody has holidays of their own."""
    kept = _RECENT.get(id(source))
    if kept is not None and kept[0] is source:
        return kept[1]
    if isinstance(source, Registry):
        roster = Roster(source.on_call, source.people)
    else:
        roster = Roster(source, {})
    while len(_RECENT) >= _KEPT:
        _RECENT.pop(next(iter(_RECENT), 0), None)
    _RECENT[id(source)] = (source, roster)
    return roster


def on_call_at(source: Registry | OnCall, layer: str, t: datetime, pipeline: Pipeline | None = None) -> Holder | None:
    """Who is on call on ``layer`` at ``t`` (aware), with the stretch and the reason; None for nobody.

    ``pipeline`` matters where its secondary owner may cover. Raises KeyError for a layer that the registry lacks.
    """
    return roster_of(source).at(layer, t, pipeline.secondary_owner if pipeline else None)
