"""What every event has in common: two clocks, an identity made of content, a topic.

An *observation* is a statement by a source. A *decision* is one by a person, or by a rule of
ours. Both are frozen, made of plain values, and complete enough to be read alone.
"""

import hashlib
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import ClassVar, Protocol, TypeVar

import msgspec

from tracker.errors import StoreError
from tracker.times import from_us, to_us

_MAX_MS = (1 << 48) - 1
_MAP_16, _FIXMAP, _SMALL_MAP = 0xDE, 0x80, 16
_LONGEST_SCOPE = 300

REGISTRY: dict[str, type["Event"]] = {}
"""The class of each topic; only these can be decoded."""

UPCASTERS: dict[str, Callable[[bytes], "Event"]] = {}
"""For topics that older versions stored: bytes as stored → today's event."""

# Deterministic: the same labels in another order must be the same bytes.
_ENCODER = msgspec.msgpack.Encoder(order="deterministic")
_DECODERS: dict[str, Callable[[bytes], "Event"]] = {}
_FLOATS: dict[type["Event"], tuple[str, ...]] = {}


HANDLE_LENGTH = 7


def handle_of(identity: str) -> str:
    """Return the short name of an event: the last characters of its id."""
    return identity[-HANDLE_LENGTH:]


def place(scope: str) -> str:
    """Return a scope as the index stores it: as a hash if it is too long, or not valid in every store.

    Payloads name services as they like; PostgreSQL accepts no NUL and no index row above 2.7 kB.
    """
    if len(scope) <= _LONGEST_SCOPE and "\0" not in scope:
        return scope
    return f"{scope.partition(':')[0]}:#{hashlib.sha256(scope.encode('utf-8', 'surrogatepass')).hexdigest()}"


# gc=False: plain values hold no cycles, so the collector need not walk over a million events.
class Event(msgspec.Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True):
    """Something that happened.

    `occurred_at` is the world's clock, in UTC. `precision_seconds` says how exactly the
    source knew it (60 for a time typed as 14:45) and `utc_offset_minutes` which offset it
    used. When it was recorded is in the log, not in the event.
    """

    TOPIC: ClassVar[str] = ""
    RANK: ClassVar[int] = 50
    """The order of two events of one instant; smaller is earlier."""
    TURN: ClassVar[int | None] = None
    """The rank that kinds share whose order is the one in which they were told, where that is known."""
    PUSHED_IN_ORDER: ClassVar[bool] = False
    """Whether a source that pushes this kind names instants that several have in common: the order of receipt is theirs."""
    GREW: ClassVar[bool] = False
    """Whether this kind had fewer than 16 fields when it was first stored, and has more now.

    msgspec writes a longer header for a struct that could have 16 fields; the bytes, and so the
    ids, of what was stored earlier must not change.
    """

    occurred_at: datetime
    precision_seconds: float = 0.001
    utc_offset_minutes: int = 0

    def subject(self) -> tuple[object, ...]:
        """Return what in the world this is about, to find repeated statements about it."""
        return (self.TOPIC, event_id(self))

    def scopes(self) -> tuple[str, ...]:
        """Return the places of the index under which this is found."""
        return ()

    def index_rows(self) -> list[tuple[str, int]]:
        """Return each place with the instant (µs since 1970) under which this is found there."""
        at = to_us(self.occurred_at)
        return [(place(scope), at) for scope in self.scopes()]


class Observation(Event, frozen=True, kw_only=True, omit_defaults=True):
    """A statement by a source.

    `service` is None if the source named none that is configured: that is recorded, not refused.
    """

    source: str
    service: str | None = None

    def scopes(self) -> tuple[str, ...]:
        return (f"service:{self.service or ''}",)


IMPORTED = "import"
"""How the history of another tool arrives."""
BY_ITSELF = "tracker"
"""The author of what the tracker decides by itself."""


class Decision(Event, frozen=True, kw_only=True, omit_defaults=True):
    """A statement by a person, or by a rule of ours.

    With an incident it is one step of that incident's stream; without one it belongs to no stream.
    """

    TURN = 71

    decided_by: str
    incident: str | None = None

    def scopes(self) -> tuple[str, ...]:
        return (f"incident:{self.incident}",) if self.incident else ()


class Origin(msgspec.Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True):
    """Where an imported event was recorded first.

    `log` is the id of that log. `event` is its id there, if that differs because its incident
    has another number here.
    """

    log: str
    position: int
    recorded_at: datetime
    digest: str
    event: str | None = None


class Arrival(msgspec.Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True):
    """How a fact reached the log. It is stored and sealed, but is not part of the fact's identity.

    `via` is webhook, poll, file, typed, run, spool or import; `reported_by` the person who typed it.
    An imported event keeps both, and has its `origin`, too.
    """

    via: str = ""
    received_at: datetime | None = None
    reported_by: str | None = None
    origin: Origin | None = None


class Incoming(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """An event to be appended, with its arrival and the bytes that it was parsed from.

    `updated_at`, which is not stored, is when a source that was polled last knew this to be so, by its own clock.
    """

    event: Event
    arrival: Arrival = Arrival()
    payload: bytes = b""
    updated_at: datetime | None = None


class Redaction(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """Who removed an event's text for good, when, and why; `event` is the redaction's id."""

    event: str
    by: str
    at: datetime
    why: str


class Recorded(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """An event as the log holds it.

    `version` counts within the incident's stream (1 for a fact).
    `digest` is the log's proof of the stored bytes. If `redacted` is set, `event` is what the
    redaction left of it, at any earlier position, too. `recorded_us` of an imported event is when
    its first log recorded it; `position` is always this log's.
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
        """When the log recorded it, in UTC; of an imported event, when its first log did."""
        return from_us(self.recorded_us)

    @property
    def told(self) -> tuple[int, int]:
        """Its place in the order in which things were told; (0, 0) where its source has no order.

        What people decide, type and run is recorded as they do it. A feed may be read in any order, and again.
        An imported event keeps the instant at which its first log recorded it.
        """
        if isinstance(self.event, Decision) or (self.arrival_state and self.arrival.via in _TYPED):
            return self.recorded_us, self.position
        if self.event.PUSHED_IN_ORDER and (arrival := self.arrival).via == "webhook" and arrival.received_at:
            return to_us(arrival.received_at), self.position
        return 0, 0

    @property
    def arrival(self) -> Arrival:
        return _ARRIVAL.decode(self.arrival_state) if self.arrival_state else Arrival()


class HasEvent(Protocol):
    """What holds an event: as it is recorded, or with its corrections applied."""

    @property
    def event(self) -> Event: ...


H = TypeVar("H", bound=HasEvent)


def of_kinds(held: Iterable[H], *kinds: type) -> list[H]:
    """Keep the events of these kinds, in their order. A hundred thousand have a dozen kinds: each is looked at once."""
    held = held if isinstance(held, list) else list(held)
    wanted = {kind for kind in {type(each.event) for each in held} if issubclass(kind, kinds)}
    return [each for each in held if type(each.event) in wanted] if wanted else []


class Window(msgspec.Struct, frozen=True, gc=False):
    """One place of the index, from `start` to before `end`; None is open. With `topics` events of these kinds only."""

    scope: str
    start: datetime | None = None
    end: datetime | None = None
    topics: tuple[str, ...] = ()


_ARRIVAL = msgspec.msgpack.Decoder(Arrival)
_TYPED = ("typed", "run", "spool")
_ORIGIN_KEY = msgspec.msgpack.encode("origin")

E = TypeVar("E", bound=Event)


def topic(name: str, *, rank: int = 50) -> Callable[[type[E]], type[E]]:
    """Register an event under its name in storage, which outlives renames and moves."""

    def register(cls: type[E]) -> type[E]:
        if name in REGISTRY:
            raise TypeError(f"topic {name!r} is taken by {REGISTRY[name].__name__}")
        cls.TOPIC = name
        cls.RANK = rank
        REGISTRY[name] = cls
        return cls

    return register


def encode(event: Event) -> bytes:
    """Return the bytes of an event as it is stored; equal events have equal bytes."""
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
    """Return where an event was recorded first; None if that is this log. Most have no such bytes at all."""
    return _ARRIVAL.decode(arrival_state).origin if _ORIGIN_KEY in arrival_state else None


def encode_arrival(arrival: Arrival) -> bytes:
    """Return the bytes of an arrival as it is stored; none for an empty one."""
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
            hint="Find it with: tracker verify",
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
    keyed = _KEYED.get(name)
    if keyed is None:
        keyed = _KEYED[name] = hashlib.blake2b(digest_size=9, key=name.encode())
    copied = keyed.copy()  # half the time of a new one with its key
    copied.update(state)
    hashed = copied.digest()
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


_KEYED: "dict[str, hashlib.blake2b]" = {}
_DIGITS = "0123456789abcdefghijklmnopqrstuv"
_PAIRS = [first + second for first in _DIGITS for second in _DIGITS]
_LOW_HALF = (1 << 60) - 1
