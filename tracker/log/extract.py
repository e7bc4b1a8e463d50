"""Reading events as they are stored, with what proves that they stood in the log at a position.

The head at a position is a hash over seals, and a seal one over the digests of its events. So the
seals, and the digests of those events that stand under one seal with an event that is taken out,
prove that event: nothing else is needed, and nothing of the others is told.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from tracker.events.base import decode
from tracker.events.housekeeping import LogSealed
from tracker.log.erasure import shared_files
from tracker.log.holes import kept_by_hash
from tracker.log.recorder import Transaction, chunks

LOG_ID_DIGITS = 16
_PAGE = 2_000


class StoredEvent(NamedTuple):
    """One row of the log, with the bytes beside it; state and salt of a redacted one are None.

    Bytes of a file that is kept once are given with the first event of it that is taken out.
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
        """Its identity, as the log has it."""
        return self.decision_id or self.originator_id


class Proof(NamedTuple):
    """All seals by a position as they are stored, and the digests that nobody can compute who has only the events taken out."""

    seals: list[bytes]
    digests: bytes


def log_id(transaction: Transaction) -> str | None:
    """Return what a log is called: the first digits of the digest of its first event. An empty one has no name."""
    found = transaction.rows("SELECT digest FROM stored_events WHERE position=1")
    return bytes(found[0][0]).hex()[:LOG_ID_DIGITS] if found else None


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
            fixed = [bytes(value) if isinstance(value, memoryview) else value for value in row]
            each = StoredEvent._make([*fixed[:10], fixed[10] or files.get(row[0], b"")])
            sha256 = kept_by_hash(each.topic, each.state)
            yield each._replace(payload=b"") if sha256 in given else each
            if sha256 is not None:
                given.add(sha256)


def proof(transaction: Transaction, positions: Sequence[int], position: int) -> Proof:
    """Return what proves that these events stood in the log when its last position was `position`."""
    rows = transaction.rows(
        "SELECT state FROM stored_events WHERE originator_id='seals' AND position<=? ORDER BY originator_version",
        (position,),
    )
    states = [bytes(row[0]) for row in rows]
    held = set(positions)
    parts = []
    for after, through in spans(read_seals(states), held, position):
        while after < through:
            found = transaction.rows(
                "SELECT position, digest FROM stored_events WHERE position>? AND position<=? ORDER BY position LIMIT ?",
                (after, through, _PAGE),
            )
            if not found:
                break
            parts += [bytes(row[1]) for row in found if row[0] not in held]
            after = found[-1][0]
    return Proof(states, b"".join(parts))


def read_seals(states: Iterable[bytes]) -> list[LogSealed]:
    """Return seals from their stored bytes."""
    seals = []
    for state in states:
        seal = decode(LogSealed.TOPIC, state)
        assert isinstance(seal, LogSealed)
        seals.append(seal)
    return seals


def spans(seals: Sequence[LogSealed], held: Iterable[int], position: int) -> list[tuple[int, int]]:
    """Return the spans (after, through] whose digests prove these events, and the log's first one: it names the log.

    The last span is what lies open at the position.
    """
    wanted = sorted({1, *held})
    found: list[tuple[int, int]] = []
    at = 0
    for seal in seals:
        while at < len(wanted) and wanted[at] <= seal.after:
            at += 1
        if at < len(wanted) and wanted[at] <= seal.through:
            found.append((seal.after, seal.through))
    return [*found, (seals[-1].through if seals else 0, position)]
