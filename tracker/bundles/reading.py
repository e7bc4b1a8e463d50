"""Checking a bundle: every event against its digest, the digests against the head of its log."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import IO

import msgspec

from tracker.bundles.container import Manifest, Reader
from tracker.bundles.damage import UNREADABLE, Place
from tracker.bundles.events_check import EventCheck
from tracker.bundles.history import DIGEST_BYTES, History, SealedSpan, Span
from tracker.errors import StoreError
from tracker.events.base import Arrival, Event
from tracker.events.corrections import EventRedacted
from tracker.log.extract import LOG_ID_DIGITS, read_seals, spans
from tracker.log.rows import StoredEvent
from tracker.log.seals import GENESIS, chained


@dataclass(frozen=True)
class Bundle:
    """A bundle that was checked. A redacted event has no state, and is what its redaction left of it.

    `redactions` are those of these events, by the id of their target.
    """

    manifest: Manifest
    events: tuple[tuple[StoredEvent, Event], ...]
    sha256: bytes
    redactions: Mapping[str, tuple[str, EventRedacted]]
    history: History


def read(stream: IO[bytes], name: str, *, progress: Callable[[int, int], None] | None = None) -> Bundle:
    """Read a bundle from its first byte to its last, and check all of it.

    Raises:
        BundleDamagedError: If it is damaged.
        BadInputError: If it is not a bundle, or one that only a newer tracker reads.
    """
    reader = Reader(stream, name)
    manifest = reader.manifest()
    states = reader.seals(manifest.seals)
    digests = reader.part("digests")
    stored: list[StoredEvent] = []
    check = EventCheck(reader, manifest)
    for event in reader.events(manifest):
        stored.append(event)
        check.event(event)
        if progress:
            progress(len(stored), manifest.events)
    reader.end()
    check.end()
    history = _check_proof(reader, manifest, states, digests, stored)
    events = tuple((event, check.events[event.id]) for event in stored)
    return Bundle(manifest, events, reader.sha256, check.redactions, history)


def arrival_of(stored: StoredEvent) -> Arrival:
    """Return how an event reached the log that it was extracted from."""
    return msgspec.msgpack.decode(stored.arrival, type=Arrival) if stored.arrival else Arrival()


def _check_proof(
    reader: Reader, manifest: Manifest, states: Sequence[bytes], digests: bytes, stored: Sequence[StoredEvent]
) -> History:
    """Check digests and seals against the head; return what they prove."""
    try:
        seals = read_seals(states)
    except (StoreError, *UNREADABLE) as wrong:
        raise reader.damaged(Place("seals"), "one of them cannot be decoded") from wrong
    head, through = GENESIS, 0
    for number, seal in enumerate(seals, 1):
        matches = seal.head == chained(head, seal.after, seal.through, seal.count, seal.digests_sha256)
        follows = (seal.previous_head, seal.after) == (head, through) and seal.count == seal.through - through
        if not matches or not follows or not through < seal.through <= manifest.position:
            raise reader.damaged(Place("seals"), f"seal {number} does not follow the seal before it")
        head, through = seal.head, seal.through
    own = {event.position: event.digest for event in stored}
    wanted = spans(seals, own, manifest.position)
    needed = sum(end - after for after, end in wanted) - len(own)
    if len(digests) != needed * DIGEST_BYTES:
        raise reader.damaged(
            Place("digests"), f"{len(digests)} bytes are not the {needed} digests that prove these events"
        )
    walk = _Walk(own, digests)
    sealed = {seal.through: seal.digests_sha256 for seal in seals}
    for after, end in wanted[:-1]:
        if walk.hashed(hashlib.sha256(), after, end) != sealed[end]:
            raise reader.damaged(
                Place("digests"), f"the events at positions {after + 1} to {end} do not match their seal"
            )
    after, end = wanted[-1]
    if walk.hashed(hashlib.sha256(head), after, end).hex() != manifest.head:
        raise reader.damaged(
            Place("digests"), f"the events at positions {after + 1} to {end} do not match the head of the log"
        )
    if walk.first.hex()[:LOG_ID_DIGITS] != manifest.log:
        raise reader.damaged(Place("manifest"), "the log's id is not that of its first event")
    sealed_spans = tuple(SealedSpan(seal.after, seal.through, seal.digests_sha256) for seal in seals)
    return History(manifest.position, manifest.head, sealed_spans, tuple(walk.spans))


class _Walk:
    """Hashes the digests of positions in order: of the bundle's own events, and of the others in the same spans."""

    def __init__(self, own: dict[int, bytes], others: bytes) -> None:
        self._own, self._others, self._at = own, others, 0
        self.first = b""
        self.spans: list[Span] = []

    def hashed(self, into: "hashlib._Hash", after: int, through: int) -> bytes:
        digests = bytearray()
        for position in range(after + 1, through + 1):
            digest = self._own.get(position)
            if digest is None:
                digest = self._others[self._at : self._at + DIGEST_BYTES]
                self._at += DIGEST_BYTES
            digests += digest
        self.first = self.first or bytes(digests[:DIGEST_BYTES])
        self.spans.append(Span(after, bytes(digests)))
        into.update(digests)
        return into.digest()
