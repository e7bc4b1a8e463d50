"""What is new of an incident since somebody looked: by recording, corrections, retractions and redactions among it."""

from dataclasses import dataclass

from projections.dossier import Dossier
from projections.timeline import Entry, timeline
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
    """One row that was not there, or one that has more to tell: another witness, its end, the same error again."""

    entry: Entry
    is_new: bool


def new_since(dossier: Dossier, position: int) -> list[NewRow]:
    """Return the rows with anything that was recorded after a position, the latest last.

    Each step of sending a message is recorded, and only what became of it is news.
    """
    rows = [row for row in timeline(dossier, order="recorded") if row.last_position > position]
    settled = {
        row.fact.prepared
        for row in rows
        if isinstance(row.fact, MessageSent)
        or (isinstance(row.fact, MessageFailed) and not row.fact.retry_at)
    }
    news = [row for row in rows if not _is_step(row, settled)]
    news.sort(key=lambda row: (row.last_position, row.event))
    return [NewRow(row, row.position > position) for row in news]


def _is_step(row: Entry, settled: set[str | None]) -> bool:
    match row.fact:
        case MessagePosting() | MessagePrinted() | CheckMade():
            return True
        case MessagePrepared():
            return row.event in settled
        case MessageFailed(retry_at=retry_at):
            return retry_at is not None
    return False
