"""An event encoded as the rows of the store, before any transaction begins."""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import msgspec

from tracker.events.base import Arrival, Decision, Event, Incoming, encode, encode_arrival, event_id

EVENT_COLUMNS = (
    "position",
    "originator_id",
    "originator_version",
    "decision_id",
    "topic",
    "recorded_us",
    "state",
    "arrival",
    "salt",
    "digest",
)
INDEX_COLUMNS = ("scope", "occurred_us", "position")
PAYLOAD_COLUMNS = ("position", "data")


class Row(NamedTuple):
    """One event, encoded. `decision_id` is None for a fact, whose originator is its id.

    State and salt of a hole are None.
    """

    id: str
    originator_id: str
    originator_version: int
    decision_id: str | None
    topic: str
    state: bytes | None
    arrival: bytes
    salt: bytes | None
    body_sha256: bytes
    places: list[tuple[str, int]]
    payload: bytes


class StoredEvent(NamedTuple):
    """One row of the log, with its payload; state and salt of a redacted one are None.

    Of an extract, a file that is stored once comes with the first event that attached it.
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


STORED_SQL = (
    "SELECT e.position, originator_id, originator_version, decision_id, topic, recorded_us, state, "
    "arrival, salt, digest, data FROM stored_events e LEFT JOIN event_payloads p ON p.position=e.position"
)


def stored_of(row: Sequence[Any]) -> StoredEvent:
    """Turn a row of `STORED_SQL` into an event as it is stored."""
    values = [bytes(value) if isinstance(value, memoryview) else value for value in row]
    values[10] = values[10] or b""
    return StoredEvent._make(values)


class Hole(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """An imported event that was redacted in its own log; the redaction is imported with it.

    `redacted_digest` is the digest of the removed content, as the redaction names it; `left` what it left.
    """

    id: str
    topic: str
    left: Event
    arrival: Arrival
    redacted_digest: bytes


def hole_row(hole: Hole, version: int = 1) -> Row:
    """Encode an event whose content was redacted before it was imported."""
    arrival = encode_arrival(hole.arrival)
    stream = stream_of(hole.left)
    return Row(
        id=hole.id,
        originator_id=stream or hole.id,
        originator_version=version,
        decision_id=hole.id if stream else None,
        topic=hole.topic,
        state=None,
        arrival=arrival,
        salt=None,
        body_sha256=imported_hole_digest(hole.redacted_digest, arrival),
        places=hole.left.index_rows(),
        payload=b"",
    )


def imported_hole_digest(redacted_digest: bytes, arrival: bytes) -> bytes:
    """Return the body of an event that was imported as a hole: over the removed content's digest and its arrival."""
    return hashlib.sha256(b"a hole that came in a bundle" + redacted_digest + arrival).digest()


def row_of(incoming: Incoming, salt: bytes, version: int = 1) -> Row:
    """Encode one event; `version` counts in its incident's stream, and is 1 for a fact."""
    return _row(incoming.event, encode_arrival(incoming.arrival), incoming.payload, salt, version)


def _row(event: Event, arrival: bytes, payload: bytes, salt: bytes, version: int) -> Row:
    state = encode(event)
    identity = event_id(event, state)
    stream = stream_of(event)
    originator = stream or identity
    body = body_sha256(originator, version, event.TOPIC, state, arrival, salt, payload)
    decision = identity if stream else None
    places = event.index_rows()
    # Not Row(…): its generated __new__ takes twice as long, and a million of these are made.
    return tuple.__new__(
        Row,
        (identity, originator, version, decision, event.TOPIC, state, arrival, salt, body, places, payload),
    )


def stream_of(event: Event) -> str | None:
    """Return the stream that an event belongs to; None for a fact."""
    if isinstance(event, Decision):
        return event.incident
    return "seals" if event.TOPIC == "log-sealed" else None


def body_sha256(
    originator: str,
    version: int,
    topic: str,
    state: bytes,
    arrival: bytes,
    salt: bytes,
    payload: bytes,
    payload_sha256: bytes | None = None,
) -> bytes:
    """Hash everything about an event that is known before it is appended.

    A payload counts by its hash; give `payload_sha256` instead if its bytes are stored elsewhere. Each
    part is preceded by its length, so that no two events hash the same bytes.
    """
    sizes = (len(salt), len(originator), version, len(topic), len(state), len(arrival))
    hashed = hashlib.sha256(
        b"%d %d %d %d %d %d %b%b%b%b" % (*sizes, salt, f"{originator}{topic}".encode(), state, arrival)
    )
    if payload_sha256 is not None:
        hashed.update(payload_sha256)
    elif payload:
        hashed.update(hashlib.sha256(payload).digest())
    return hashed.digest()


def digest_of(body: bytes, position: int, recorded_us: int) -> bytes:
    """Return the digest of one event: over its body, its position and when it was recorded."""
    return hashlib.sha256(body + position.to_bytes(8) + recorded_us.to_bytes(8, signed=True)).digest()


def rows_of(events: Iterable[Event | Incoming], salts: Callable[[Event], bytes]) -> list[Row]:
    """Encode facts; an event without an arrival gets an empty one."""
    return [
        row_of(event, salts(event.event))
        if isinstance(event, Incoming)
        else _row(event, b"", b"", salts(event), 1)
        for event in events
    ]
