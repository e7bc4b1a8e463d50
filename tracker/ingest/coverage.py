"""Which spans a source was asked already, and which of a wanted span it was not: instants only."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from tracker.events.samples import SourceCollected

Span = tuple[datetime, datetime]

HISTORY = ((timedelta(days=8), timedelta(days=1), 60), (timedelta(days=15), timedelta(days=8), 300))
"""Before an incident's start: from, to, and how far apart in seconds samples are at most fetched."""
DETAIL_BEFORE = timedelta(days=1)


def plan(start: datetime, end: datetime, step_seconds: int) -> list[tuple[datetime, datetime, int]]:
    """Return the spans and steps that honest verdicts need: detail around the incident, coarser history before it.

    A day before the start until `end` at the configured step; the week before that at one minute,
    and the week before that at five, or the next multiple of the step. Spans do not overlap.
    """
    spans = [(start - DETAIL_BEFORE, end, step_seconds)]
    for back, until, at_least in HISTORY:
        coarse = step_seconds * -(-at_least // step_seconds)
        spans.append((start - back, start - until, coarse))
    return spans


def lacking(start: datetime, end: datetime, asked: Iterable[Span]) -> list[Span]:
    """Return the parts of a span that none of the others covers, oldest first."""
    found: list[Span] = []
    at = start
    for first, last in sorted(asked):
        if last <= at or first >= end:
            continue
        if first > at:
            found.append((at, first))
        at = max(at, last)
    if at < end:
        found.append((at, end))
    return found


def covered(
    told: Iterable[SourceCollected], *, source: str, what: str, query: str, step_seconds: int
) -> list[Span]:
    """Return the spans that a source answered for this query, at this step or one that divides it."""
    return [
        (each.occurred_at, each.until)
        for each in told
        if (each.source, each.what, each.query, each.problem) == (source, what, query, None)
        and each.step_seconds
        and step_seconds % each.step_seconds == 0
    ]
