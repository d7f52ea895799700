"""How long what went wrong is waited for: a day's data that nobody has made for a fortnight will not come."""

from __future__ import annotations

from datetime import datetime, timedelta

from daybreak.domain.incident import Judgement, State

GIVE_UP = timedelta(days=14)
"""After so long an incident ends by itself. Less than the store remembers an unsettled occurrence (LOOK_BACK), so that
it is still judged by then."""
_WRONG = (State.FAILED, State.MISSED)


def gives_up_at(judgement: Judgement) -> datetime | None:
    """When the incident of ``judgement`` ends though nothing was made ready; None for what is not wrong."""
    if judgement.state not in _WRONG:
        return None
    return (judgement.since or judgement.occurrence.due_at) + GIVE_UP


def is_given_up(judgement: Judgement, now: datetime) -> bool:
    """Whether ``judgement`` speaks of something that nobody waits for any more."""
    at = gives_up_at(judgement)
    return at is not None and now >= at
