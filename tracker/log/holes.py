"""What the check of the log holds against redactions and against files: nothing is missing without a reason."""

import hashlib
from typing import NamedTuple

from tracker.errors import StoreError
from tracker.events.base import UPCASTERS, Event, decode, handle_of, origin_of
from tracker.events.corrections import EventRedacted
from tracker.events.incidents import FileAttached
from tracker.log.recorder import Transaction, redactions
from tracker.log.rows import brought_hole, stream_of

GONE = "its content is gone and no sealed redaction names it"


class Hollow(NamedTuple):
    """What the store keeps of an event whose content is gone."""

    id: str
    originator_id: str
    topic: str
    digest: bytes
    arrival: bytes
    salt: bytes | None
    payload: bytes


class Holes:
    """Events whose content is gone: each needs a sealed redaction that names its digest."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction
        self._found: list[tuple[int, str, int]] = []

    def check(self, hollow: "Hollow", position: int) -> tuple[Event | None, str | None]:
        """Return what is left of an event, or what is wrong."""
        found = redactions(self._transaction, [hollow.id]).get(hollow.id)
        if found is None:
            return None, GONE
        row, redaction = found
        left, what = left_by(redaction, handle_of(row[2] or row[1]), hollow)
        if left is not None:
            self._found.append((position, hollow.id, row[0]))
        return left, what

    def named_by(self, event: Event) -> str | None:
        """Say what is wrong where a redaction did not remove what it names."""
        if not isinstance(event, EventRedacted):
            return None
        there = self._transaction.rows(
            "SELECT 1 FROM stored_events WHERE originator_id=? AND decision_id IS NULL AND state IS NOT NULL "
            "UNION ALL SELECT 1 FROM stored_events WHERE decision_id=? AND state IS NOT NULL",
            (event.target, event.target),
        )
        handle = handle_of(event.target)
        return (
            f"it redacts {handle}, whose content is still there: tracker redact {handle}" if there else None
        )

    def unsealed(self, sealed_through: int) -> tuple[int, str, str] | None:
        """Return the first hole whose redaction no seal covers, and what to say of it."""
        for position, identity, redaction in self._found:
            if redaction > sealed_through:
                handle = handle_of(identity)
                return (
                    position,
                    identity,
                    f"{GONE}: the one at position {redaction} is open; tracker redact {handle}",
                )
        return None


def left_by(redaction: EventRedacted, handle: str, hollow: Hollow) -> tuple[Event | None, str | None]:
    """Return what a redaction left of the event that it names, or what does not fit.

    The event was redacted in this log, whose row keeps the digest that the redaction names; or it
    came as a hole, and its digest is made of that one and of how it came here.
    """
    arrival = hollow.arrival
    came = hollow.digest == brought_hole(redaction.digest, arrival) and origin_of(arrival) is not None
    if redaction.digest != hollow.digest and not came:
        return None, f"its content is gone, and its redaction {handle} names another digest"
    if hollow.salt is not None or hollow.payload:
        return (
            None,
            f"it was redacted by {handle}, but not all of it is gone: tracker redact {handle_of(hollow.id)}",
        )
    if redaction.arrival != arrival and not came:
        return None, f"how it came does not fit its redaction {handle}"
    if hollow.topic != redaction.target_topic and hollow.topic not in UPCASTERS:
        return None, f"its kind does not fit its redaction {handle}"
    try:
        left = decode(redaction.target_topic, redaction.left)
    except StoreError:
        return None, f"what its redaction {handle} left of it cannot be read"
    if (stream_of(left) or hollow.id) != hollow.originator_id:
        return None, "it stands in another incident's stream"
    return left, None


def kept_by_hash(topic: str, state: bytes | None) -> bytes | None:
    """Return the hash of an attached file that is kept once; None of anything else."""
    if topic != FileAttached.TOPIC or state is None:
        return None
    try:
        event = decode(topic, state)
    except StoreError:
        return None
    return event.sha256 if isinstance(event, FileAttached) and event.by_hash else None


class Files:
    """Attached files: each content is kept once, beside one of the events that attached it."""

    def __init__(self) -> None:
        self._kept: set[bytes] = set()
        self._wanted: dict[bytes, tuple[int, str]] = {}

    def sha256_beside(self, topic: str, state: bytes, payload: bytes) -> bytes | None:
        """Return the hash of bytes that belong to an event and lie beside another; None if they lie here."""
        return None if payload else kept_by_hash(topic, state)

    def check(self, event: Event, payload: bytes, position: int, identity: str) -> str | None:
        """Hold a file's bytes against its hash, or remember that they must lie elsewhere."""
        if not isinstance(event, FileAttached) or not event.by_hash:
            return None
        if not payload:
            self._wanted.setdefault(event.sha256, (position, identity))
        elif hashlib.sha256(payload).digest() != event.sha256:
            return "the bytes of its file do not fit its hash"
        else:
            self._kept.add(event.sha256)
        return None

    def missing(self) -> tuple[int, str, str] | None:
        """Return the first file whose bytes lie nowhere, and what to say of it."""
        lost = [where for sha256, where in self._wanted.items() if sha256 not in self._kept]
        return (*min(lost), "the bytes of its file are gone") if lost else None
