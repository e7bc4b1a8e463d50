"""What is known of a log's history as of a position, and whether two such states are of one history.

A log only ever grows. So of two states of one log the seals of the earlier are the first seals of the
later, and a position has one digest.
"""

import hashlib
from typing import Annotated

import msgspec

from tracker.bundles.damage import UNREADABLE
from tracker.events.bundles import BundleImported

DIGEST_BYTES = 32
_Position = Annotated[int, msgspec.Meta(ge=0, lt=2**62)]


class Span(msgspec.Struct, frozen=True, array_like=True):
    """The digests of the positions after `after`, one after the other."""

    after: _Position
    digests: bytes

    @property
    def positions(self) -> range:
        return range(self.after + 1, self.after + 1 + len(self.digests) // DIGEST_BYTES)

    def digest(self, position: int) -> bytes:
        at = (position - self.after - 1) * DIGEST_BYTES
        return self.digests[at : at + DIGEST_BYTES]


class SealedSpan(msgspec.Struct, frozen=True, array_like=True):
    """A seal says that the digests of the positions (after, through] have this hash."""

    after: _Position
    through: _Position
    digests_sha256: bytes


class History(msgspec.Struct, frozen=True, array_like=True):
    """A log as of a position; an empty head is not known. `seals` are all by then, or None if they are not known."""

    position: _Position
    head: str
    seals: tuple[SealedSpan, ...] | None
    spans: tuple[Span, ...]

    def encoded(self) -> bytes:
        """Return it as it is stored with the event that records the import of a bundle."""
        return msgspec.msgpack.encode(self)


def history_of(imported: BundleImported, payload: bytes) -> History:
    """Return what an imported bundle proved of its log; of imports before 0.3.0, its head and last event only."""
    try:
        history = msgspec.msgpack.decode(payload, type=History)
        if (history.position, history.head) == (imported.position, imported.head):
            return history
    except UNREADABLE:
        pass
    last = Span(imported.position - 1, bytes.fromhex(imported.last_digest))
    return History(imported.position, imported.head, None, (last,))


def contradiction(one: History, other: History) -> int | None:
    """Return a position at which two states of one log differ for certain; None if nothing is known to differ."""
    lower, higher = sorted((one, other), key=lambda state: state.position)
    known: dict[int, bytes] = {}
    for span in lower.spans:
        known |= {position: span.digest(position) for position in span.positions}
    for span in higher.spans:
        for position in span.positions:
            if known.get(position, digest := span.digest(position)) != digest:
                return position
    if lower.position == higher.position and lower.head and higher.head and lower.head != higher.head:
        return lower.position
    if higher.seals is None:
        return None
    common = len(lower.seals or ())
    for number, seal in enumerate(lower.seals or ()):
        if higher.seals[number : number + 1] != (seal,):
            return seal.through
    for seal in higher.seals[common:]:
        if seal.through > lower.position:
            break
        digests = [known[at] for at in range(seal.after + 1, seal.through + 1) if at in known]
        is_complete = len(digests) == seal.through - seal.after
        if is_complete and hashlib.sha256(b"".join(digests)).digest() != seal.digests_sha256:
            return seal.through
    return None
