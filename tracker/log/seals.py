"""How the log proves itself: digests, seals and the head.

A seal names the positions (after, through], their count and the hash of their digests, and
chains to the seal before it. The head at N is the hash of the last seal recorded by N and
of the digests after it. A log whose end was cut off is whole in itself: only a head kept
elsewhere (every report prints one) shows the loss.
"""

import hashlib

from tracker.events.base import decode
from tracker.events.housekeeping import LogSealed
from tracker.log.recorder import Transaction
from tracker.times import from_us

GENESIS = hashlib.sha256(b"tracker log 1").digest()
EVENTS_IN_A_SEAL = 10_000
SEAL_EVERY = 1_000
_PAGE = 2_000


def last_seal(transaction: Transaction, up_to: int) -> tuple[int, LogSealed | None]:
    """Return the version and content of the last seal recorded at or before a position."""
    rows = transaction.rows(
        "SELECT originator_version, state FROM stored_events WHERE originator_id='seals' AND position<=? "
        "ORDER BY originator_version DESC LIMIT 1",
        (up_to,),
    )
    if not rows:
        return 0, None
    seal = decode(LogSealed.TOPIC, bytes(rows[0][1]))
    assert isinstance(seal, LogSealed)
    return rows[0][0], seal


def head_at(transaction: Transaction, position: int) -> str:
    """Return the head hash at a position, 64 hexadecimal digits."""
    _, seal = last_seal(transaction, position)
    hashed = hashlib.sha256(seal.head if seal else GENESIS)
    after = seal.through if seal else 0
    while after < position:
        rows = transaction.rows(
            "SELECT position, digest FROM stored_events WHERE position>? AND position<=? ORDER BY position LIMIT ?",
            (after, position, _PAGE),
        )
        if not rows:
            break
        for row in rows:
            hashed.update(bytes(row[1]))
        after = rows[-1][0]
    return hashed.hexdigest()


def next_seal(transaction: Transaction, now_us: int, minimum: int) -> tuple[int, LogSealed] | None:
    """Make the next seal, with its version; None if fewer than `minimum` events are not sealed."""
    last = transaction.rows("SELECT MAX(position) FROM stored_events")[0][0] or 0
    version, seal = last_seal(transaction, last)
    after = seal.through if seal else 0
    head = seal.head if seal else GENESIS
    seals = transaction.rows(
        "SELECT COUNT(*) FROM stored_events WHERE originator_id='seals' AND position>?", (after,)
    )
    if last - after - seals[0][0] < max(minimum, 1):
        return None
    through = min(last, after + EVENTS_IN_A_SEAL)
    rows = transaction.rows(
        "SELECT digest FROM stored_events WHERE position>? AND position<=? ORDER BY position",
        (after, through),
    )
    count = len(rows)
    digests = hashlib.sha256(b"".join([row[0] for row in rows])).digest()
    return version + 1, LogSealed(
        occurred_at=from_us(now_us),
        after=after,
        through=through,
        count=count,
        digests_sha256=digests,
        previous_head=head,
        head=chained(head, after, through, count, digests),
    )


def chained(head: bytes, after: int, through: int, count: int, digests: bytes) -> bytes:
    """Return the head of a seal: the seal before it, and its own content."""
    return hashlib.sha256(head + f"{after} {through} {count} ".encode() + digests).digest()
