"""Reading the part of the log that a question needs, and nothing else.

A selection takes the rows of its windows from the index, then the corrections of what it
found and their targets. Its cost follows what it finds, not the length of the log.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from tracker.events.base import Recorded, Redaction, Window, decode, origin_of, place
from tracker.events.corrections import Correction, EventRedacted
from tracker.log.recorder import Transaction, chunks, gone, redactions
from tracker.times import to_us

FOREVER = 2**62
COLUMNS = (
    "e.position, e.originator_id, e.originator_version, e.decision_id, e.topic, e.recorded_us, "
    "e.state, e.arrival, e.digest"
)


def recorded_of(transaction: Transaction, rows: Sequence[Sequence[Any]]) -> list[Recorded]:
    """Turn rows of `COLUMNS` into events as the log holds them.

    A redacted one is what its redaction left of it, however early one looks: what was
    removed cannot be shown as it was then.

    Raises:
        LogNotWholeError: If a content is gone and no redaction says so.
    """
    holes = [row[3] or row[1] for row in rows if row[6] is None]
    said = redactions(transaction, holes) if holes else {}
    return [_recorded(row, said) for row in rows]


def _recorded(row: Sequence[Any], said: dict[str, tuple[Sequence[Any], EventRedacted]]) -> Recorded:
    identity = row[3] or row[1]
    redacted = None
    if row[6] is not None:
        event = decode(row[4], row[6])
    elif identity not in said:
        raise gone(identity)
    else:
        place_of, redaction = said[identity]
        event = decode(redaction.target_topic, redaction.left)
        redacted = Redaction(
            event=place_of[2] or place_of[1],
            by=redaction.decided_by,
            at=redaction.occurred_at,
            why=redaction.why,
        )
    arrival = bytes(row[7])
    origin = origin_of(arrival)
    return Recorded(
        id=identity,
        event=event,
        position=row[0],
        recorded_us=to_us(origin.recorded_at) if origin else row[5],
        version=row[2],
        digest=bytes(row[8]),
        arrival_state=arrival,
        redacted=redacted,
    )


def select(
    transaction: Transaction, windows: Iterable[Window], up_to: int, topics: Sequence[str] = ()
) -> dict[str, Recorded]:
    """Return the windows' events up to a position, of some kinds or of all, with their corrections, by id."""
    found: dict[str, Recorded] = {}
    kinds = f" AND e.topic IN ({','.join('?' * len(topics))})" if topics else ""
    for window in windows:
        rows = transaction.rows(
            f"SELECT {COLUMNS} FROM event_index i JOIN stored_events e ON e.position=i.position "
            f"WHERE i.scope=? AND i.occurred_us>=? AND i.occurred_us<? AND i.position<=?{kinds}",
            (
                place(window.scope),
                -FOREVER if window.start is None else to_us(window.start),
                FOREVER if window.end is None else to_us(window.end),
                up_to,
                *topics,
            ),
        )
        for each in recorded_of(transaction, rows):
            found[each.id] = each
    return close(transaction, found, up_to)


def close(transaction: Transaction, found: dict[str, Recorded], up_to: int) -> dict[str, Recorded]:
    """Add the corrections of what was found, and the targets of corrections."""
    asked: set[str] = set()
    while True:
        targets = {
            each.event.target
            for each in found.values()
            if isinstance(each.event, Correction) and each.event.target not in found
        }
        new = by_ids(transaction, sorted(targets), up_to)
        unasked = sorted((found.keys() | new.keys()) - asked)
        asked.update(unasked)
        for chunk in chunks([f"target:{each}" for each in unasked]):
            marks = ",".join("?" * len(chunk))
            rows = transaction.rows(
                f"SELECT {COLUMNS} FROM event_index i JOIN stored_events e ON e.position=i.position "
                f"WHERE i.scope IN ({marks}) AND i.position<=?",
                (*chunk, up_to),
            )
            for each in recorded_of(transaction, rows):
                new[each.id] = each
        fresh = {identity: each for identity, each in new.items() if identity not in found}
        if not fresh:
            return found
        found.update(fresh)


def by_ids(transaction: Transaction, ids: Sequence[str], up_to: int = FOREVER) -> dict[str, Recorded]:
    """Return the events of these ids that stand at or before a position."""
    found: dict[str, Recorded] = {}
    for column, extra in (("originator_id", "AND e.decision_id IS NULL"), ("decision_id", "")):
        for chunk in chunks([each for each in ids if each not in found]):
            marks = ",".join("?" * len(chunk))
            rows = transaction.rows(
                f"SELECT {COLUMNS} FROM stored_events e "
                f"WHERE e.{column} IN ({marks}) {extra} AND e.position<=?",
                (*chunk, up_to),
            )
            for each in recorded_of(transaction, rows):
                found[each.id] = each
    return found
