"""What every event has in common: two clocks, an identity made of content, a topic.

An *observation* is something that a source told us. A *decision* is something that a
person, or a rule of ours, decided. Both are frozen, made of plain values, and complete
enough to be read alone.
"""

import hashlib
from collections.abc import Callable
from datetime import datetime
from typing import ClassVar, TypeVar

import msgspec

from tracker.errors import StoreError
from tracker.times import from_us, to_us

_MAX_MS = (1 << 48) - 1
_MAP_16, _FIXMAP, _SMALL_MAP = 0xDE, 0x80, 16
_LONGEST_SCOPE = 300

REGISTRY: dict[str, type["Event"]] = {}
"""The class of each topic; only what is named here can be read back."""

UPCASTERS: dict[str, Callable[[bytes], "Event"]] = {}
"""For topics that older versions stored: bytes as stored → today's event."""

# Deterministic: labels in another order are the same labels, and must be the same bytes.
_ENCODER = msgspec.msgpack.Encoder(order="deterministic")
_DECODERS: dict[str, Callable[[bytes], "Event"]] = {}
_FLOATS: dict[type["Event"], tuple[str, ...]] = {}


HANDLE_LENGTH = 7


def handle_of(identity: str) -> str:
    """Return the short name of an event: the last characters of its id."""
    return identity[-HANDLE_LENGTH:]


def place(scope: str) -> str:
    """Return a scope as the index keeps it: what is too long, or no text for every store, as its hash.

    Payloads name services as they like; PostgreSQL takes no NUL and no index row above 2.7 kB.
    """
    if len(scope) <= _LONGEST_SCOPE and "\0" not in scope:
        return scope
    return f"{scope.partition(':')[0]}:#{hashlib.sha256(scope.encode('utf-8', 'surrogatepass')).hexdigest()}"


# gc=False: plain values hold no cycles, so the collector need not walk over a million events.
class Event(msgspec.Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True):
    """Something that happened.

    `occurred_at` is the world's clock, in UTC. `precision_seconds` says how exactly the
    source knew it (60 for a time typed as 14:45) and `utc_offset_minutes` which offset it
    wrote. When it was recorded is the log's to say, not the event's.
    """

    TOPIC: ClassVar[str] = ""
    RANK: ClassVar[int] = 50
    """Which of two events of one instant reads first; smaller is earlier."""
    GREW: ClassVar[bool] = False
    """Whether this kind had fewer than 16 fields when it was first stored, and has more now.

    msgspec writes the longer header for whatever could have 16 fields; the bytes, and so the
    ids, of what was stored before have to stay.
    """

    occurred_at: datetime
    precision_seconds: float = 0.001
    utc_offset_minutes: int = 0

    def subject(self) -> tuple[object, ...]:
        """Say which thing in the world this is about, for choosing among restatements."""
        return (self.TOPIC, event_id(self))

    def scopes(self) -> tuple[str, ...]:
        """Name the places of the index under which this is found."""
        return ()

    def index_rows(self) -> list[tuple[str, int]]:
        """Give each place with the instant (µs since 1970) at which it is found there."""
        at = to_us(self.occurred_at)
        return [(place(scope), at) for scope in self.scopes()]


class Observation(Event, frozen=True, kw_only=True, omit_defaults=True):
    """Something that a source told us.

    `service` is None where the source named none that we know: that is kept, not refused.
    """

    source: str
    service: str | None = None

    def scopes(self) -> tuple[str, ...]:
        """An observation is found under its service."""
        return (f"service:{self.service or ''}",)


BY_ITSELF = "tracker"
"""Who decides what the tracker decides by itself; that is no word of a person."""


class Decision(Event, frozen=True, kw_only=True, omit_defaults=True):
    """Something that a person, or a rule of ours, decided.

    With an incident it is one step of that incident's stream; without one it stands alone.
    """

    decided_by: str
    incident: str | None = None

    def scopes(self) -> tuple[str, ...]:
        """A decision is found under its incident."""
        return (f"incident:{self.incident}",) if self.incident else ()


class Origin(msgspec.Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True):
    """Where an event that came in a bundle was recorded first.

    `log` is the id of that log. `event` is the id that it had there, where it has another here:
    its incident has another number.
    """

    log: str
    position: int
    recorded_at: datetime
    digest: str
    event: str | None = None


class Arrival(msgspec.Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True):
    """How a fact reached us. It is kept and sealed, but is no part of what the fact is.

    `via` is webhook, poll, file, typed, run or spool; `reported_by` the person who typed it.
    What came in a bundle keeps both, and has its `origin` besides.
    """

    via: str = ""
    received_at: datetime | None = None
    reported_by: str | None = None
    origin: Origin | None = None


class Incoming(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """An event on its way into the log, with how it came and the bytes it was read from."""

    event: Event
    arrival: Arrival = Arrival()
    payload: bytes = b""


class Redaction(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """Who removed an event's text for good, when, and why; `event` says so in the log."""

    event: str
    by: str
    at: datetime
    why: str


class Recorded(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """An event as the log holds it.

    `version` counts within the incident's stream (1 for a fact that stands alone).
    `digest` is the log's proof of the stored bytes. Where `redacted` says that its text was
    removed, `event` is what is left of it, however early in the log one looks. `recorded_us` of
    an event that came in a bundle is when its first log learned of it; `position` is always
    this log's.
    """

    id: str
    event: Event
    position: int
    recorded_us: int
    version: int = 1
    digest: bytes = b""
    arrival_state: bytes = b""
    redacted: Redaction | None = None

    @property
    def handle(self) -> str:
        """The short name that people type."""
        return handle_of(self.id)

    @property
    def recorded_at(self) -> datetime:
        """When the log recorded it, in UTC; of what came in a bundle, when its first log did."""
        return from_us(self.recorded_us)

    @property
    def arrival(self) -> Arrival:
        """How it reached us."""
        return _ARRIVAL.decode(self.arrival_state) if self.arrival_state else Arrival()


class Window(msgspec.Struct, frozen=True, gc=False):
    """One place of the index, from `start` up to but not including `end`; None is open."""

    scope: str
    start: datetime | None = None
    end: datetime | None = None


_ARRIVAL = msgspec.msgpack.Decoder(Arrival)
_ORIGIN_KEY = msgspec.msgpack.encode("origin")

E = TypeVar("E", bound=Event)


def topic(name: str, *, rank: int = 50) -> Callable[[type[E]], type[E]]:
    """Give an event its name in storage, which outlives renames and moves."""

    def register(cls: type[E]) -> type[E]:
        if name in REGISTRY:
            raise TypeError(f"topic {name!r} is taken by {REGISTRY[name].__name__}")
        cls.TOPIC = name
        cls.RANK = rank
        REGISTRY[name] = cls
        return cls

    return register


def encode(event: Event) -> bytes:
    """Return the bytes under which an event is stored; equal events have equal bytes."""
    kind = type(event)
    floats = _FLOATS.get(kind)
    if floats is None:
        fields = msgspec.structs.fields(kind)
        floats = _FLOATS[kind] = tuple(f.name for f in fields if f.type in (float, float | None))
    for name in floats:
        if type(value := getattr(event, name)) is int:
            event = msgspec.structs.replace(event, **{name: float(value)})
    state = _ENCODER.encode(event)
    if kind.GREW and state[0] == _MAP_16 and state[1] == 0 and state[2] < _SMALL_MAP:
        return bytes((_FIXMAP | state[2],)) + state[3:]
    return state


def origin_of(arrival_state: bytes) -> Origin | None:
    """Return where an event was recorded first; None where that is this log. Most have no such bytes at all."""
    return _ARRIVAL.decode(arrival_state).origin if _ORIGIN_KEY in arrival_state else None


def encode_arrival(arrival: Arrival) -> bytes:
    """Return the bytes under which an arrival is stored; none for an empty one."""
    return b"" if arrival == _NO_ARRIVAL else _ENCODER.encode(arrival)


_NO_ARRIVAL = Arrival()


def decode(name: str, state: bytes) -> Event:
    """Read back what `encode` wrote, or what an older version of it wrote.

    Raises:
        StoreError: If the topic is unknown or the bytes are not such an event.
    """
    read = UPCASTERS.get(name) or _DECODERS.get(name)
    if read is None:
        if name not in REGISTRY:
            raise StoreError(
                f"the log holds an event of kind {name!r}, which this version does not know",
                hint="It was written by a newer tracker: upgrade this one",
            )
        read = _DECODERS[name] = msgspec.msgpack.Decoder(REGISTRY[name]).decode
    try:
        return read(state)
    except msgspec.MsgspecError as broken:
        raise StoreError(
            f"an event of kind {name!r} in the log cannot be read: {broken}",
            hint="See where it stands with: tracker verify",
        ) from broken


def event_id(event: Event, state: bytes | None = None, stored_topic: str | None = None) -> str:
    """Return the identity of an event: a function of its content alone.

    24 characters: the source's own instant in milliseconds (48 bits), then 72 bits of
    BLAKE2b over topic and content, in the "extended hex" alphabet of RFC 4648, which sorts
    as its bytes do. The time prefix keeps the store's unique index growing at its end;
    random ids were measured five times slower at a million rows. An event that an older
    version stored keeps the id of what was stored: give its bytes and its topic.
    """
    state = encode(event) if state is None else state
    name = stored_topic or event.TOPIC
    milliseconds = to_us(event.occurred_at) // 1000
    if not 0 <= milliseconds <= _MAX_MS:
        milliseconds = min(max(milliseconds, 0), _MAX_MS)
    hashed = hashlib.blake2b(state, digest_size=9, key=name.encode()).digest()
    return _b32hex(
        milliseconds << 12 | hashed[0] << 4 | hashed[1] >> 4, int.from_bytes(hashed[1:]) & _LOW_HALF
    )


def _b32hex(high: int, low: int) -> str:
    """Write two halves of 60 bits as `base64.b32hexencode` would, in lower case, three times as fast."""
    pairs = _PAIRS
    return (
        f"{pairs[high >> 50]}{pairs[high >> 40 & 1023]}{pairs[high >> 30 & 1023]}"
        f"{pairs[high >> 20 & 1023]}{pairs[high >> 10 & 1023]}{pairs[high & 1023]}"
        f"{pairs[low >> 50]}{pairs[low >> 40 & 1023]}{pairs[low >> 30 & 1023]}"
        f"{pairs[low >> 20 & 1023]}{pairs[low >> 10 & 1023]}{pairs[low & 1023]}"
    )


_DIGITS = "0123456789abcdefghijklmnopqrstuv"
_PAIRS = [first + second for first in _DIGITS for second in _DIGITS]
_LOW_HALF = (1 << 60) - 1
