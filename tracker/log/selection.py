"""Selecting the part of the log that a question needs, and nothing else.

A selection takes the rows of its windows from the index, then the corrections of what it
selected and their targets. Its cost follows what it selects, not the length of the log.
"""

from collections.abc import Iterable, Mapping, Sequence
from operator import attrgetter
from typing import Any

from tracker.events.base import Event, Recorded, Redaction, Window, decode, of_kinds, origin_of, place
from tracker.events.corrections import Correction
from tracker.events.plausible import EARLIEST_READ, LATEST_PLANNED
from tracker.events.repeats import Repeats
from tracker.log.folding import Folding
from tracker.log.recorder import (
    LOOKUP_SIZE,
    RecordedRedaction,
    Transaction,
    chunks,
    content_missing,
    redactions,
)
from tracker.times import to_us

FOREVER = 2**62
_EARLIEST_US, _LATEST_US = to_us(EARLIEST_READ), to_us(LATEST_PLANNED)
COLUMNS = (
    "e.position, e.originator_id, e.originator_version, e.decision_id, e.topic, e.recorded_us, "
    "e.state, e.arrival, e.digest"
)


def recorded_of(transaction: Transaction, rows: Sequence[Sequence[Any]]) -> list[Recorded]:
    """Turn rows of `COLUMNS` into events as the log holds them.

    A redacted one is what its redaction left of it, at any `up_to`: what was removed cannot
    be shown as it was then.

    Raises:
        LogNotWholeError: If content is missing and no redaction names it.
    """
    ids = [row[3] or row[1] for row in rows if row[6] is None]
    by_target = redactions(transaction, ids) if ids else {}
    found = []
    # Unpacked, not read by name: a storm has more than a hundred thousand.
    for position, stream, version, decision, topic, recorded_us, state, arrival_state, digest in rows:
        identity, arrival, redacted = decision or stream, bytes(arrival_state), None
        if state is not None:
            event = decode(topic, state)
        else:
            event, redacted = _left_of(identity, by_target)
        if (origin := origin_of(arrival)) is not None:
            recorded_us = to_us(origin.recorded_at)
        found.append(
            Recorded(
                id=identity,
                event=event,
                position=position,
                recorded_us=recorded_us,
                version=version,
                digest=bytes(digest),
                arrival_state=arrival,
                redacted=redacted,
            )
        )
    return found


def _left_of(identity: str, by_target: dict[str, RecordedRedaction]) -> tuple[Event, Redaction]:
    if identity not in by_target:
        raise content_missing(identity)
    by, _, redaction = by_target[identity]
    event = decode(redaction.target_topic, redaction.left)
    return event, Redaction(event=by, by=redaction.decided_by, at=redaction.occurred_at, why=redaction.why)


def select(
    transaction: Transaction, windows: Iterable[Window], up_to: int, folding: Folding | None = None
) -> dict[str, Recorded]:
    """Return the windows' events up to a position, with their corrections, by id; errors only without `folding`.

    What an earlier tracker recorded of the year 1 or 9999 is left to `verify` and to its handle: no
    answer can be computed from it.
    """
    events: dict[str, Recorded] = {}
    for window in windows:
        kinds = f" AND e.topic IN ({','.join('?' * len(window.topics))})" if window.topics else ""
        rows = transaction.rows(
            f"SELECT {COLUMNS} FROM event_index i JOIN stored_events e ON e.position=i.position "
            f"WHERE i.scope=? AND i.occurred_us>=? AND i.occurred_us<? AND i.position<=?{kinds}",
            (
                place(window.scope),
                _EARLIEST_US if window.start is None else max(_EARLIEST_US, to_us(window.start)),
                _LATEST_US if window.end is None else min(_LATEST_US, to_us(window.end)),
                up_to,
                *window.topics,
            ),
        )
        # Windows may overlap, and each event is decoded once.
        others = rows if folding is None else folding.without_errors(rows)
        new = [row for row in others if (row[3] or row[1]) not in events]
        events.update((event.id, event) for event in recorded_of(transaction, new))
    return close(transaction, events, up_to)


def select_folded(
    transaction: Transaction, windows: Iterable[Window], up_to: int
) -> tuple[dict[str, Recorded], list[Repeats]]:
    """Return what `select` does, without what is left of errors of which the first and the last are there."""
    folding = Folding()
    events = select(transaction, windows, up_to, folding)
    errors, repeats = folding.folded(_with_corrections(transaction, folding.ids))
    events.update((event.id, event) for event in recorded_of(transaction, errors))
    return close(transaction, events, up_to), repeats


def close(transaction: Transaction, events: dict[str, Recorded], up_to: int) -> dict[str, Recorded]:
    """Add the corrections of these events, and the targets of corrections."""
    looked_up: set[str] = set()
    while True:
        targets = {
            event.event.target
            for event in of_kinds(events.values(), Correction)
            if isinstance(event.event, Correction) and event.event.target not in events
        }
        new = by_ids(transaction, sorted(targets), up_to)
        pending = list((events.keys() | new.keys()) - looked_up if looked_up else {**events, **new})
        looked_up.update(pending)
        for chunk in chunks(_corrected(transaction, pending)):
            marks = ",".join("?" * len(chunk))
            rows = transaction.rows(
                f"SELECT {COLUMNS} FROM event_index i JOIN stored_events e ON e.position=i.position "
                f"WHERE i.scope IN ({marks}) AND i.position<=?",
                (*chunk, up_to),
            )
            new.update((event.id, event) for event in recorded_of(transaction, rows))
        new = {identity: event for identity, event in new.items() if identity not in events}
        if not new:
            return events
        events.update(new)


def _corrected(transaction: Transaction, ids: Sequence[str]) -> list[str]:
    """Return the places of corrections of these events, or all places where they may be.

    Where the log has fewer corrections than there are events, those are read once instead of asking for each event.
    """
    if len(ids) <= LOOKUP_SIZE:
        return [f"target:{identity}" for identity in ids]
    corrections = transaction.rows(
        "SELECT scope FROM event_index WHERE scope>=? AND scope<? LIMIT ?",
        ("target:", "target;", len(ids)),
    )
    if len(corrections) == len(ids):
        return [f"target:{identity}" for identity in ids]
    asked = set(ids)
    return sorted({row[0] for row in corrections if row[0].removeprefix("target:") in asked})


def _with_corrections(transaction: Transaction, ids: Sequence[str]) -> set[str]:
    """Return those of these events of which any correction is in the log."""
    found: set[str] = set()
    for chunk in chunks(_corrected(transaction, ids)):
        marks = ",".join("?" * len(chunk))
        rows = transaction.rows(f"SELECT DISTINCT scope FROM event_index WHERE scope IN ({marks})", chunk)
        found |= {row[0].removeprefix("target:") for row in rows}
    return found


def by_ids(transaction: Transaction, ids: Sequence[str], up_to: int = FOREVER) -> dict[str, Recorded]:
    """Return the events of these ids that were recorded at or before a position."""
    events: dict[str, Recorded] = {}
    for column, extra in (("originator_id", "AND e.decision_id IS NULL"), ("decision_id", "")):
        for chunk in chunks([identity for identity in ids if identity not in events]):
            marks = ",".join("?" * len(chunk))
            rows = transaction.rows(
                f"SELECT {COLUMNS} FROM stored_events e "
                f"WHERE e.{column} IN ({marks}) {extra} AND e.position<=?",
                (*chunk, up_to),
            )
            events.update((event.id, event) for event in recorded_of(transaction, rows))
    return events


def in_order(events: Mapping[str, Recorded]) -> list[Recorded]:
    """Return events in the order of recording."""
    return sorted(events.values(), key=attrgetter("position"))


def last_version(transaction: Transaction, stream: str, up_to: int = FOREVER) -> int:
    """Return the last version of a stream at or before a position; 0 if it is empty."""
    rows = transaction.rows(
        "SELECT MAX(originator_version) FROM stored_events WHERE originator_id=? AND position<=?",
        (stream, up_to),
    )
    return rows[0][0] or 0
