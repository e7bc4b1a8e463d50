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

LOG_ID_DIGITS = 16
_PAGE = 2_000


class StoredEvent(NamedTuple):
    """One row of the log, with its payload; state and salt of a redacted one are None.

    A file that is stored once comes with the first extracted event that attached it.
    """

    position: int
    originator_id: str
    originator_version: int
    decision_id: str | None
    topic: str
    recorded_us: int
    state: bytes | None
    arrival: bytes
    salt: bytes | None
    digest: bytes
    payload: bytes

    @property
    def id(self) -> str:
        return self.decision_id or self.originator_id


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
        rows = transaction.rows(
            "SELECT e.position, originator_id, originator_version, decision_id, topic, recorded_us, state, "
            "arrival, salt, digest, data FROM stored_events e LEFT JOIN event_payloads p ON p.position=e.position "
            f"WHERE e.position IN ({marks}) ORDER BY e.position",
            chunk,
        )
        files = shared_files(transaction, [row[0] for row in rows if row[10] is None])
        for row in rows:
            values = [bytes(value) if isinstance(value, memoryview) else value for value in row]
            event = StoredEvent._make([*values[:10], values[10] or files.get(row[0], b"")])
            sha256 = shared_file_hash(event.topic, event.state)
            yield event._replace(payload=b"") if sha256 in given else event
            if sha256 is not None:
                given.add(sha256)


def proof(transaction: Transaction, positions: Sequence[int], position: int) -> Proof:
    """Return what proves that the log held these events when its last position was `position`."""
    rows = transaction.rows(
        "SELECT state FROM stored_events WHERE originator_id='seals' AND position<=? ORDER BY originator_version",
        (position,),
    )
    states = [bytes(row[0]) for row in rows]
    extracted = set(positions)
    digests = []
    for after, through in spans(read_seals(states), extracted, position):
        while after < through:
            rows = transaction.rows(
                "SELECT position, digest FROM stored_events WHERE position>? AND position<=? ORDER BY position LIMIT ?",
                (after, through, _PAGE),
            )
            if not rows:
                break
            digests += [bytes(row[1]) for row in rows if row[0] not in extracted]
            after = rows[-1][0]
    return Proof(states, b"".join(digests))


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
