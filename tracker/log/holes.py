"""How `verify` checks redacted events and attached files: nothing may be missing without a recorded reason."""

import hashlib

from tracker.errors import StoreError
from tracker.events.base import UPCASTERS, Event, decode, handle_of, origin_of
from tracker.events.corrections import EventRedacted
from tracker.events.incidents import FileAttached
from tracker.log.recorder import Transaction, redactions
from tracker.log.rows import StoredEvent, body_sha256, digest_of, imported_hole_digest, stream_of

CONTENT_MISSING = "its content is missing and no sealed redaction names it"


class HoleCheck:
    """Checks that each event without content has a sealed redaction that names its digest."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction
        self._explained: list[tuple[int, str, int]] = []

    def check(self, hole: StoredEvent) -> tuple[Event | None, str | None]:
        """Return what is left of an event, or what is wrong."""
        recorded = redactions(self._transaction, [hole.id]).get(hole.id)
        if recorded is None:
            return None, CONTENT_MISSING
        left, problem = left_by(recorded.event, handle_of(recorded.id), hole)
        if left is not None:
            self._explained.append((hole.position, hole.id, recorded.position))
        return left, problem

    def not_removed(self, event: Event) -> str | None:
        """Return what is wrong with a redaction whose target still has its content."""
        if not isinstance(event, EventRedacted):
            return None
        rows = self._transaction.rows(
            "SELECT 1 FROM stored_events WHERE originator_id=? AND decision_id IS NULL AND state IS NOT NULL "
            "UNION ALL SELECT 1 FROM stored_events WHERE decision_id=? AND state IS NOT NULL",
            (event.target, event.target),
        )
        handle = handle_of(event.target)
        return f"it redacts {handle}, which still has its content: tracker redact {handle}" if rows else None

    def unsealed(self, sealed_through: int) -> tuple[int, str, str] | None:
        """Return the first hole whose redaction no seal covers, and what is wrong with it."""
        for position, identity, redacted_at in self._explained:
            if redacted_at > sealed_through:
                problem = (
                    f"{CONTENT_MISSING}: the one at position {redacted_at} is not sealed; "
                    f"tracker redact {handle_of(identity)}"
                )
                return position, identity, problem
        return None


def left_by(redaction: EventRedacted, handle: str, hole: StoredEvent) -> tuple[Event | None, str | None]:
    """Return what a redaction left of the event that it names, or what does not match.

    The event was redacted in this log, whose row keeps the digest that the redaction names; or it
    was imported as a hole, and its digest is made of that one and of its arrival.
    """
    arrival = hole.arrival
    body = imported_hole_digest(redaction.digest, arrival)
    # Before 0.3.0 the digest of an imported hole was that body itself.
    imported = origin_of(arrival) is not None and hole.digest in (
        body,
        digest_of(body, hole.position, hole.recorded_us),
    )
    if redaction.digest != hole.digest and not imported:
        return None, f"its content is missing, and its redaction {handle} names another digest"
    own = redaction.body if not imported else b""
    if own and digest_of(own, hole.position, hole.recorded_us) != hole.digest:
        return None, f"its position or recording time does not match its redaction {handle}"
    if hole.salt is not None or hole.payload:
        return (
            None,
            f"it was redacted by {handle}, but not all of it was removed: tracker redact {handle_of(hole.id)}",
        )
    if redaction.arrival != arrival and not imported:
        return None, f"its arrival does not match its redaction {handle}"
    if hole.topic != redaction.target_topic and hole.topic not in UPCASTERS:
        return None, f"its kind does not match its redaction {handle}"
    try:
        left = decode(redaction.target_topic, redaction.left)
    except StoreError:
        return None, f"what its redaction {handle} left of it cannot be decoded"
    if (stream_of(left) or hole.id) != hole.originator_id:
        return None, "it is in another incident's stream"
    return left, None


def shared_file_hash(topic: str, state: bytes | None) -> bytes | None:
    """Return the hash of an attached file whose content is stored once; None of anything else."""
    if topic != FileAttached.TOPIC or state is None:
        return None
    try:
        event = decode(topic, state)
    except StoreError:
        return None
    return event.sha256 if isinstance(event, FileAttached) and event.by_hash else None


def stored_digest(stored: StoredEvent) -> bytes:
    """Return the digest over an event's stored bytes; it must have its content."""
    return digest_of(stored_body(stored), stored.position, stored.recorded_us)


def stored_body(stored: StoredEvent) -> bytes:
    """Return the hash over an event's stored bytes but for its position and recording time."""
    assert stored.state is not None and stored.salt is not None  # noqa: PT018
    return body_sha256(
        stored.originator_id,
        stored.originator_version,
        stored.topic,
        stored.state,
        stored.arrival,
        stored.salt,
        stored.payload,
        None if stored.payload else shared_file_hash(stored.topic, stored.state),
    )


class FileCheck:
    """Checks attached files: each content is stored once, with one of the events that attached it."""

    def __init__(self) -> None:
        self._stored: set[bytes] = set()
        self._wanted: dict[bytes, tuple[int, str]] = {}

    def check(self, event: Event, stored: StoredEvent) -> str | None:
        """Compare a file's bytes with its hash, or remember that they must be stored with another event."""
        if not isinstance(event, FileAttached) or not event.by_hash:
            return None
        if not stored.payload:
            self._wanted.setdefault(event.sha256, (stored.position, stored.id))
        elif hashlib.sha256(stored.payload).digest() != event.sha256:
            return "the bytes of its file do not match its hash"
        else:
            self._stored.add(event.sha256)
        return None

    def missing(self) -> tuple[int, str, str] | None:
        """Return the first file whose bytes are not stored, and what is wrong with it."""
        lost = [where for sha256, where in self._wanted.items() if sha256 not in self._stored]
        return (*min(lost), "the bytes of its file are missing") if lost else None
