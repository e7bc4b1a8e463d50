"""An event as the rows that the store keeps, made before any transaction begins."""

import hashlib
from collections.abc import Callable, Iterable
from typing import NamedTuple

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

    Of a hole, state and salt are None, and `body_sha256` is its whole digest.
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


class Hole(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """An event that comes without its content: another log removed it, and says so in an event that comes along.

    `redacted_digest` is the proof of what stood there, as that redaction names it; `left` what it left.
    """

    id: str
    topic: str
    left: Event
    arrival: Arrival
    redacted_digest: bytes


def hole_row(hole: Hole, version: int = 1) -> Row:
    """Encode an event of which there is nothing but what its redaction left."""
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
        body_sha256=brought_hole(hole.redacted_digest, arrival),
        places=hole.left.index_rows(),
        payload=b"",
    )


def brought_hole(redacted_digest: bytes, arrival: bytes) -> bytes:
    """Return the digest of an event that came as a hole: of what was removed, and of how that came here."""
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
    """Return the stream that an event is a step of, or None where it stands alone."""
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

    Of a payload its hash counts: `payload_sha256` stands for one that is not at hand. Each part is preceded by its length, so that no two events share their bytes.
    """
    sizes = (len(salt), len(originator), version, len(topic), len(state), len(arrival))
    parts = (salt, originator.encode(), topic.encode(), state, arrival)
    hashed = hashlib.sha256(b"%d %d %d %d %d %d %b%b%b%b%b" % (*sizes, *parts))
    if payload_sha256 is not None:
        hashed.update(payload_sha256)
    elif payload:
        hashed.update(hashlib.sha256(payload).digest())
    return hashed.digest()


def digest_of(body: bytes, position: int, recorded_us: int) -> bytes:
    """Return the proof of one event where it stands and when it was recorded."""
    return hashlib.sha256(body + position.to_bytes(8) + recorded_us.to_bytes(8, signed=True)).digest()


def rows_of(events: Iterable[Event | Incoming], salts: Callable[[Event], bytes]) -> list[Row]:
    """Encode facts; an event without an arrival gets an empty one."""
    return [
        row_of(each, salts(each.event))
        if isinstance(each, Incoming)
        else _row(each, b"", b"", salts(each), 1)
        for each in events
    ]
