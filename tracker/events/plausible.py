"""The one gate for instants and precisions: what nobody can have seen is not recorded.

Something observed lies between 1970 and a day ahead of our clock; the day is for clocks that are
off. What is planned (a promise, a retry, the end of a source's memory), or is only the hour by the
clock of a source that was asked, may lie further ahead, as far as calendars can be trusted to carry
it into every time zone.
"""

import math
import typing
from datetime import UTC, datetime, timedelta
from functools import cache

from tracker.events.base import Event
from tracker.times import utc

EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
AHEAD = timedelta(days=1)
LATEST_PLANNED = datetime(2500, 1, 1, tzinfo=UTC)
EARLIEST_READ = datetime(1900, 1, 1, tzinfo=UTC)
"""Logs that were written before there was a gate hold anything; answers are made of what lies between this and LATEST_PLANNED."""
LARGEST_PRECISION_SECONDS = 100 * 366 * 86_400.0
"""The end of an imported incident may lie anywhere between its last line and its import."""
_PLANNED = frozenset(
    {"asked_at", "due_on", "eta", "until", "retry_at", "promised_at", "expires_at", "missing_until"}
)


def implausible(event: Event, now: datetime) -> str | None:
    """Return what of an event cannot be, in words; None where all can."""
    for name in _instants_of(type(event)):
        at = getattr(event, name)
        if at is None:
            continue
        latest = LATEST_PLANNED if name in _PLANNED else now + AHEAD
        if at < EARLIEST or at > latest:
            where = "before 1970" if at < EARLIEST else "in the future"
            return f"{name} of a {event.TOPIC} event is {_shown(at)}, {where}"
    if not (
        math.isfinite(event.precision_seconds) and 0 <= event.precision_seconds <= LARGEST_PRECISION_SECONDS
    ):
        return f"precision_seconds of a {event.TOPIC} event is {event.precision_seconds!r}"
    return None


def _shown(at: datetime) -> str:
    try:
        return utc(at)
    except OverflowError:
        return at.isoformat()


@cache
def _instants_of(kind: type[Event]) -> tuple[str, ...]:
    """Return the fields of this kind of event that are instants."""
    return tuple(
        name
        for name, hint in typing.get_type_hints(kind).items()
        if hint is datetime or datetime in typing.get_args(hint)
    )
