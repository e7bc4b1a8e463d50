"""What is new of an incident since somebody looked: by recording, corrections, retractions and redactions among it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from projections.dossier import Dossier
from projections.timeline import timeline
from projections.timeline_rows import Entry
from tracker.events.messages import (
    MessageFailed,
    MessagePosting,
    MessagePrepared,
    MessagePrinted,
    MessageSent,
)
from tracker.events.verdicts import CheckMade


@dataclass(frozen=True)
class NewRow:
    """A row with news.

    It was recorded since ("new"), has more to tell ("more": another witness, its end, the same error again), or was
    recorded before and belongs to the incident only since ("joined"), as with a service that was added.
    """

    entry: Entry
    news: Literal["new", "more", "joined"]


@dataclass(frozen=True)
class News:
    """What is new behind a position and up to another, the latest last; `left` are the rows that belong to it no longer."""

    after: int
    up_to: int
    rows: Sequence[NewRow]
    left: Sequence[Entry] = ()


def new_since(now: Dossier, before: Dossier | None, *, after: int, up_to: int) -> News:
    """Compare an incident as of `up_to` with what it was as of `after`; `before` is None where there was none.

    Each step of sending a message is recorded, and only what became of it is news.
    """
    rows = timeline(now, order="recorded")
    rows_before = timeline(before, order="recorded") if before is not None else []
    known = {event for row in rows_before for event in row.evidence}
    still = {event for row in rows for event in row.evidence}
    settled = {
        row.fact.prepared
        for row in rows
        if isinstance(row.fact, MessageSent)
        or (isinstance(row.fact, MessageFailed) and not row.fact.retry_at)
    }
    news = []
    for row in rows:
        if _is_step(row, settled):
            continue
        if row.position > after:
            news.append(NewRow(row, "new"))
        elif known.isdisjoint(row.evidence):
            news.append(NewRow(row, "joined"))
        elif row.last_position > after:
            news.append(NewRow(row, "more"))
    news.sort(key=lambda new: (new.entry.last_position, new.entry.event))
    return News(after, up_to, news, [row for row in rows_before if still.isdisjoint(row.evidence)])


def _is_step(row: Entry, settled: set[str | None]) -> bool:
    match row.fact:
        case MessagePosting() | MessagePrinted() | CheckMade():
            return True
        case MessagePrepared():
            return row.event in settled
        case MessageFailed(retry_at=retry_at):
            return retry_at is not None
    return False
