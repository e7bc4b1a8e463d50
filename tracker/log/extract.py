"""Extracting events as they are stored, with the proof that the log held them at a position.

The head at a position is a hash over seals, and a seal is one over the digests of its events. So the
seals, and the digests of the other events under the same seals, prove an extracted event: nothing
else is needed, and nothing of the other events is disclosed.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from tracker.events.base import decode
from tracker.events.housekeeping import LogSealed
from tracker.log.erasure import shared_files
from tracker.log.holes import shared_file_hash
from tracker.log.recorder import Transaction, chunks
from tracker.log.rows import STORED_SQL, StoredEvent, stored_of

LOG_ID_DIGITS = 16
_PAGE = 2_000


class Proof(NamedTuple):
    """The stored seals up to a position, and the digests of events that an extract does not contain."""

    seals: list[bytes]
    digests: bytes


def log_id(transaction: Transaction) -> str | None:
    """Return a log's id, the first digits of the digest of its first event; None if it is empty."""
    rows = transaction.rows("SELECT digest FROM stored_events WHERE position=1")
    return bytes(rows[0][0]).hex()[:LOG_ID_DIGITS] if rows else None


def stored(transaction: Transaction, positions: Iterable[int]) -> Iterator[StoredEvent]:
    """Return the rows at these positions, in their order."""
    given: set[bytes] = set()
    for chunk in chunks(sorted(set(positions)), 100):
        marks = ",".join("?" * len(chunk))
        events = [
            stored_of(row)
            for row in transaction.rows(
                f"{STORED_SQL} WHERE e.position IN ({marks}) ORDER BY e.position", chunk
            )
        ]
        files = shared_files(transaction, [event.position for event in events if not event.payload])
        for event in events:
            if event.position in files:
                event = event._replace(payload=files[event.position])
            sha256 = shared_file_hash(event.topic, event.state)
            yield event._replace(payload=b"") if sha256 in given else event
            if sha256 is not None:
                given.add(sha256)


def proof(transaction: Transaction, positions: Sequence[int], position: int) -> Proof:
    """Return what proves that the log held these events when its last position was `position`."""
    states = seal_states(transaction, position)
    extracted = set(positions)
    others = [
        digest
        for after, through in spans(read_seals(states), extracted, position)
        for at, digest in digests(transaction, after, through)
        if at not in extracted
    ]
    return Proof(states, b"".join(others))


def digests(transaction: Transaction, after: int, through: int) -> Iterator[tuple[int, bytes]]:
    """Yield the positions (after, through] with their digests."""
    while after < through:
        rows = transaction.rows(
            "SELECT position, digest FROM stored_events WHERE position>? AND position<=? ORDER BY position LIMIT ?",
            (after, through, _PAGE),
        )
        if not rows:
            return
        for position, digest in rows:
            yield position, bytes(digest)
        after = rows[-1][0]


def seal_states(transaction: Transaction, position: int) -> list[bytes]:
    """Return the seals that were recorded by a position, as they are stored."""
    rows = transaction.rows(
        "SELECT state FROM stored_events WHERE originator_id='seals' AND position<=? ORDER BY originator_version",
        (position,),
    )
    return [bytes(row[0]) for row in rows]


def read_seals(states: Iterable[bytes]) -> list[LogSealed]:
    """Decode stored seals."""
    seals = []
    for state in states:
        seal = decode(LogSealed.TOPIC, state)
        assert isinstance(seal, LogSealed)
        seals.append(seal)
    return seals


def spans(seals: Sequence[LogSealed], extracted: Iterable[int], position: int) -> list[tuple[int, int]]:
    """Return the spans (after, through] whose digests prove these events and the log's id (its first event).

    The last span is what is not sealed at the position.
    """
    wanted = sorted({1, *extracted})
    sealed: list[tuple[int, int]] = []
    at = 0
    for seal in seals:
        while at < len(wanted) and wanted[at] <= seal.after:
            at += 1
        if at < len(wanted) and wanted[at] <= seal.through:
            sealed.append((seal.after, seal.through))
    return [*sealed, (seals[-1].through if seals else 0, position)]
