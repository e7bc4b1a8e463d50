"""The file itself: a first line, four parts, a last line.

    tracker bundle 1
    manifest 512 <sha256>       what it holds, as JSON
    seals 900 <sha256>          the seals of the log, as MessagePack
    digests 4096 <sha256>       digests of events that are not in it, 32 bytes each
    events 51234 <sha256>       its events, each after its length, packed by zlib
    end <sha256>                of all bytes before this line

Each part's bytes follow its line. Every byte is covered by a hash, and only one encoding of each
value is accepted, so that any changed byte is detected. Sizes are checked before anything is kept.
"""

import hashlib
import re
import zlib
from collections.abc import Iterable, Iterator
from typing import IO

import msgspec

from tracker.bundles.damage import UNREADABLE, BundleDamagedError, Place
from tracker.errors import BadInputError
from tracker.log.rows import StoredEvent

FORMAT = 1
KIND = b"tracker bundle "
FIRST_LINE = KIND + b"%d\n" % FORMAT
PARTS = ("manifest", "seals", "digests", "events")
MOST_BYTES = {"manifest": 65_536, "seals": 64 << 20, "digests": 64 << 20, "events": 512 << 20}
MOST_UNPACKED_BYTES = 512 << 20
MOST_EVENT_BYTES = 64 << 20
_PIECE = 1 << 16
_TOO_LARGE_HINT = "tracker bundle does not write such a bundle; ask its author"
_LEVEL = 6


class Manifest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a bundle contains: which incident, of which log, as of which position.

    `last_event`, `last_digest` and `head` are those in the footer of its report at that position.
    """

    incident: str
    log: str
    position: int
    last_event: str
    last_digest: str
    head: str
    events: int
    events_bytes: int
    seals: int
    written_by: str

    def encoded(self) -> bytes:
        """Return the only accepted encoding."""
        return msgspec.json.format(msgspec.json.encode(self), indent=2) + b"\n"


# ── writing ──────────────────────────────────────────────────────────────────


def pack(events: Iterable[StoredEvent]) -> tuple[bytes, int]:
    """Return events as a part, and their length before compression."""
    packer = zlib.compressobj(_LEVEL)
    pieces, length = [], 0
    for event in events:
        record = msgspec.msgpack.encode(event)
        length += 4 + len(record)
        pieces += [packer.compress(len(record).to_bytes(4) + record)]
    return b"".join([*pieces, packer.flush()]), length


def whole_file(parts: dict[str, bytes]) -> bytes:
    pieces = [FIRST_LINE]
    for name in PARTS:
        data = parts[name]
        pieces += [f"{name} {len(data)} {hashlib.sha256(data).hexdigest()}\n".encode(), data]
    whole = b"".join(pieces)
    return whole + b"end %b\n" % hashlib.sha256(whole).hexdigest().encode()


# ── reading ──────────────────────────────────────────────────────────────────


class Reader:
    """Reads a bundle from its first byte to its last, part by part."""

    def __init__(self, stream: IO[bytes], name: str) -> None:
        self.name = name
        self._stream = stream
        self._whole = hashlib.sha256()
        self._file = hashlib.sha256()
        self._open()

    @property
    def sha256(self) -> bytes:
        """The hash of all bytes read; at the end that of `sha256sum`."""
        return self._file.digest()

    def damaged(self, place: Place, what: str) -> BundleDamagedError:
        return BundleDamagedError(self.name, place, what)

    def _open(self) -> None:
        first = self._line()
        if first == FIRST_LINE:
            return
        number = re.fullmatch(rb"tracker bundle ([1-9]\d{0,5})\n", first)
        if number:
            raise BadInputError(
                f"{self.name} is a bundle of format {int(number[1])}; this tracker reads format {FORMAT}",
                hint="It was written by a newer tracker: upgrade this one",
            )
        if first and (FIRST_LINE.startswith(first) or first.startswith(KIND)):
            raise self.damaged(Place("first line"), "it does not name the format")
        raise BadInputError(f"{self.name} is not a bundle", hint="Write one with: tracker bundle INC -o FILE")

    def _line(self, most: int = 200) -> bytes:
        line = self._stream.readline(most)
        self._whole.update(line)
        self._file.update(line)
        return line

    def _part_header(self, name: str) -> tuple[int, str]:
        line = self._line()
        header = re.fullmatch(rb"([a-z]+) (0|[1-9]\d{0,11}) ([0-9a-f]{64})\n", line)
        if not line:
            raise self.damaged(Place(name), "the file ends before this part")
        if header is None or header[1].decode() != name:
            raise self.damaged(Place(name), "this part does not begin where it should")
        length = int(header[2])
        if length > MOST_BYTES[name]:
            raise BadInputError(
                f"{self.name}: its part {name} has {length} bytes; the limit is {MOST_BYTES[name]}",
                hint=_TOO_LARGE_HINT,
            )
        return length, header[3].decode()

    def _pieces(self, name: str) -> Iterator[bytes]:
        """Yield a part's bytes in pieces; at the end they are compared with its hash."""
        left, wanted = self._part_header(name)
        hashed = hashlib.sha256()
        while left:
            piece = self._stream.read(min(left, _PIECE))
            if not piece:
                raise self.damaged(Place(name), f"the file ends {left} bytes before the end of this part")
            left -= len(piece)
            for running in (hashed, self._whole, self._file):
                running.update(piece)
            yield piece
        if hashed.hexdigest() != wanted:
            raise self.damaged(Place(name), "its bytes do not match its hash")

    def part(self, name: str) -> bytes:
        return b"".join(self._pieces(name))

    def manifest(self) -> Manifest:
        data = self.part("manifest")
        try:
            manifest = msgspec.json.decode(data, type=Manifest)
        except UNREADABLE as wrong:
            raise self.damaged(Place("manifest"), f"it cannot be decoded: {wrong}") from wrong
        if manifest.encoded() != data:
            raise self.damaged(Place("manifest"), "it is not encoded as a manifest")
        if not 0 <= manifest.events_bytes <= MOST_UNPACKED_BYTES:
            raise BadInputError(
                f"{self.name} declares {manifest.events_bytes} bytes of events; the limit is {MOST_UNPACKED_BYTES}",
                hint=_TOO_LARGE_HINT,
            )
        return manifest

    def seals(self, expected: int) -> list[bytes]:
        """Return the seals as they are stored."""
        data = self.part("seals")
        try:
            states = msgspec.msgpack.decode(data, type=list[bytes])
        except UNREADABLE as wrong:
            raise self.damaged(Place("seals"), f"they cannot be decoded: {wrong}") from wrong
        if len(states) != expected or msgspec.msgpack.encode(states) != data:
            raise self.damaged(Place("seals"), "they are not those that the manifest counts")
        return states

    def events(self, manifest: Manifest) -> Iterator[StoredEvent]:
        """Yield the events one by one; no more is unpacked than one of them needs."""
        records = _Records(self, manifest)
        pieces = self._pieces("events")
        while True:
            try:
                piece = next(pieces, None)
            except BundleDamagedError as damaged:
                raise records.damaged(damaged.what) from damaged
            if piece is None:
                break
            yield from records.unpack(piece)
        records.end()

    def end(self) -> None:
        """Check the last line, and that nothing follows it."""
        wanted = b"end %b\n" % self._whole.hexdigest().encode()
        line = self._line()
        if line != wanted:
            what = "the file ends before it" if not line else "it does not match the bytes before it"
            raise self.damaged(Place("last line"), what)
        if self._stream.read(1):
            raise self.damaged(Place("last line"), "something follows it")


class _Records:
    """Unpacks the events of a bundle from the pieces of its part."""

    def __init__(self, reader: Reader, manifest: Manifest) -> None:
        self._reader, self._manifest = reader, manifest
        self._unpacker = zlib.decompressobj()
        self._buffer = bytearray()
        self._length = self._count = 0
        self._last = Place("events")
        self._decoder = msgspec.msgpack.Decoder(StoredEvent)

    def unpack(self, piece: bytes) -> Iterator[StoredEvent]:
        """Yield the events that are complete with this piece."""
        while piece:
            if self._unpacker.eof:
                raise self.damaged("something follows the last event")
            try:
                unpacked = self._unpacker.decompress(piece, _PIECE)
            except zlib.error as wrong:
                raise self.damaged("its bytes cannot be decompressed") from wrong
            piece = self._unpacker.unconsumed_tail or self._unpacker.unused_data
            self._length += len(unpacked)
            if self._length > self._manifest.events_bytes:
                raise self.damaged("there is more than the manifest counts")
            self._buffer += unpacked
            yield from self._complete()

    def _complete(self) -> Iterator[StoredEvent]:
        while len(self._buffer) >= 4:
            length = int.from_bytes(self._buffer[:4])
            if length > MOST_EVENT_BYTES:
                raise self.damaged(f"the length of an event is {length} bytes")
            if len(self._buffer) < 4 + length:
                return
            record = bytes(self._buffer[4 : 4 + length])
            del self._buffer[: 4 + length]
            try:
                event = self._decoder.decode(record)
            except UNREADABLE as wrong:
                raise self.damaged(f"an event cannot be decoded: {wrong}") from wrong
            if msgspec.msgpack.encode(event) != record:
                raise self.damaged("an event is not encoded as an event")
            self._count += 1
            self._last = Place("events", event.position, event.id)
            yield event

    def end(self) -> None:
        """Check that all events were read."""
        if not self._unpacker.eof or self._buffer or self._length != self._manifest.events_bytes:
            raise self.damaged("the part ends within an event")
        if self._count != self._manifest.events:
            raise self.damaged(f"there are {self._count} events; the manifest counts {self._manifest.events}")

    def damaged(self, what: str) -> BundleDamagedError:
        """Return the error for what follows the last complete event."""
        if self._last.position is None:
            return self._reader.damaged(self._last, what)
        after = f"after the event at position {self._last.position} ({self._last.event}) "
        return self._reader.damaged(Place("events"), after + what)
