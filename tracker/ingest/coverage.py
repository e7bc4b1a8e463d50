"""Which spans a source was asked already, and which of the wanted ones it was not.

Arithmetic on instants only. Every span is half-open, and every span to ask begins and ends
on a multiple of its step, counted from 1970 as range queries are: two spans that meet share
no instant, and none lies between them.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from tracker.events.samples import SourceCollected, covered, lacking
from tracker.times import from_us, to_us

Ask = tuple[datetime, datetime, int]
"""From, to, and how many seconds apart."""

DETAIL_BEFORE = timedelta(days=1)
HISTORY = ((timedelta(days=8), 60), (timedelta(days=15), 300))
"""How far back of an incident's start, and how many seconds apart samples are at least."""
UNSETTLED_STEPS = 2
"""So many steps before now are left for the next time: a scrape may still be on its way."""


def plan(start: datetime, end: datetime, step_seconds: int) -> list[Ask]:
    """Return what honest verdicts need: detail around the incident, coarser history before it.

    A day before the start until `end` at the configured step; the week before that at one minute,
    and the week before that at five. A step is a multiple of the finer one, so that what was asked
    in detail answers the coarser question. Spans lie end to end, newest first; those of the same
    step are one.
    """
    planned = [(floor(start - DETAIL_BEFORE, step_seconds), ceil(end, step_seconds), step_seconds)]
    step = step_seconds
    for back, at_least in HISTORY:
        finer, step = step, step * -(-at_least // step)
        newer_start, newer_end, _ = planned[-1]
        seam, oldest = floor(newer_start, step), floor(start - back, step)
        if step == finer:
            planned[-1] = (oldest, newer_end, step)
        else:
            planned[-1] = (seam, newer_end, finer)
            planned.append((oldest, seam, step))
    return planned


def to_ask(planned: Iterable[Ask], collected: Iterable[SourceCollected]) -> list[Ask]:
    """Return the parts of what is planned that no answer covers.

    `collected` is what one source answered to one query: see `answers`.
    """
    collected = list(collected)
    found = []
    for first, last, step in planned:
        for start, end in lacking(first, last, covered(collected, step)):
            # An answer to a span that a person typed may begin and end anywhere.
            asked = (ceil(start, step), ceil(end, step), step)
            if asked[0] < asked[1]:
                found.append(asked)
    return found


def answers(
    collected: Iterable[SourceCollected], *, source: str, what: str, query: str
) -> list[SourceCollected]:
    """Return what a source answered to this very query; a failure is not an answer, nor is a part of one."""
    wanted = (source, what, query)
    return [each for each in collected if each.is_whole and (each.source, each.what, each.query) == wanted]


def settled(now: datetime, step_seconds: int) -> datetime:
    """Return the end of what can be asked now: the first multiple that is too near."""
    return ceil(now - timedelta(seconds=UNSETTLED_STEPS * step_seconds), step_seconds)


def floor(at: datetime, step_seconds: int) -> datetime:
    """Return the last multiple of the step that is not after this instant."""
    step_us = step_seconds * 1_000_000
    return from_us(to_us(at) // step_us * step_us)


def ceil(at: datetime, step_seconds: int) -> datetime:
    """Return the first multiple of the step that is not before this instant."""
    step_us = step_seconds * 1_000_000
    return from_us(-(-to_us(at) // step_us) * step_us)
