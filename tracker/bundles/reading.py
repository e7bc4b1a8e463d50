"""Checking a bundle: every event against its digest, the digests against the head of the log it came from."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import IO

from tracker.bundles.container import Manifest, Reader
from tracker.bundles.damage import UNREADABLE, Place
from tracker.bundles.events_check import EventCheck
from tracker.errors import StoreError
from tracker.events.base import Event
from tracker.events.corrections import EventRedacted
from tracker.log.extract import LOG_ID_DIGITS, StoredEvent, read_seals, spans
from tracker.log.seals import GENESIS, chained

_DIGEST_BYTES = 32


@dataclass(frozen=True)
class Bundle:
    """A bundle that is whole. A redacted event has no state: it is what its redaction left of it.

    `redactions` are those that explain these, by the id of what they removed.
    """

    manifest: Manifest
    events: tuple[tuple[StoredEvent, Event], ...]
    sha256: bytes
    redactions: Mapping[str, tuple[str, EventRedacted]]


def read(stream: IO[bytes], name: str, *, progress: Callable[[int, int], None] | None = None) -> Bundle:
    """Read a bundle from its first byte to its last, and check all of it.

    Raises:
        BundleDamagedError: If it is not what was written.
        BadInputError: If it is no bundle, or one that only a newer tracker reads.
    """
    reader = Reader(stream, name)
    manifest = reader.manifest()
    states = reader.seals(manifest.seals)
    digests = reader.part("digests")
    held: list[StoredEvent] = []
    check = EventCheck(reader, manifest)
    for each in reader.events(manifest):
        held.append(each)
        check.event(each)
        if progress:
            progress(len(held), manifest.events)
    reader.end()
    check.end()
    _check_proof(reader, manifest, states, digests, held)
    events = tuple((each, check.events[each.id]) for each in held)
    return Bundle(manifest, events, reader.sha256, check.redactions)


def _check_proof(
    reader: Reader, manifest: Manifest, states: Sequence[bytes], digests: bytes, held: Sequence[StoredEvent]
) -> None:
    """Hold digests and seals against the head."""
    try:
        seals = read_seals(states)
    except (StoreError, *UNREADABLE) as wrong:
        raise reader.damaged(Place("seals"), "one of them cannot be read") from wrong
    head, through = GENESIS, 0
    for number, seal in enumerate(seals, 1):
        fits = seal.head == chained(head, seal.after, seal.through, seal.count, seal.digests_sha256)
        follows = (seal.previous_head, seal.after) == (head, through) and seal.count == seal.through - through
        if not fits or not follows or not through < seal.through <= manifest.position:
            raise reader.damaged(Place("seals"), f"seal {number} does not follow the seal before it")
        head, through = seal.head, seal.through
    mine = {each.position: each.digest for each in held}
    wanted = spans(seals, mine, manifest.position)
    needed = sum(end - after for after, end in wanted) - len(mine)
    if len(digests) != needed * _DIGEST_BYTES:
        raise reader.damaged(
            Place("digests"), f"{len(digests)} bytes are not the {needed} digests that prove these events"
        )
    walk = _Walk(mine, digests)
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


class _Walk:
    """Goes through the positions whose digests are known: of the bundle's own events, and of those beside them."""

    def __init__(self, mine: dict[int, bytes], others: bytes) -> None:
        self._mine, self._others, self._at = mine, others, 0
        self.first = b""

    def hashed(self, into: "hashlib._Hash", after: int, through: int) -> bytes:
        """Hash the digests of a span."""
        for position in range(after + 1, through + 1):
            digest = self._mine.get(position)
            if digest is None:
                digest = self._others[self._at : self._at + _DIGEST_BYTES]
                self._at += _DIGEST_BYTES
            self.first = self.first or digest
            into.update(digest)
        return into.digest()
