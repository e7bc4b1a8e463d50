"""Finding text in stored bytes, in whatever coding they have it.

A body may be compressed, an attached file an archive, a field of JSON base64 or escaped, and each within
another. All of it is undone, up to limits; what could not be undone is said, since the text may be in it.
"""

import base64
import binascii
import bz2
import html
import io
import lzma
import re
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple
from urllib.parse import unquote_to_bytes

MOST_UNPACKED_BYTES = 128 << 20
"""Of one stored value, with all that is within it, in each coding."""
_DEEPEST = 6
_STEP = 1 << 12
_MOST_AT_ONCE = 1 << 20
_MOST_STREAMS = 1_000
_SHORTEST_BASE64 = 16
_STREAM = re.compile(
    rb"\x1f\x8b\x08|x[\x01\x5e\x9c\xda]|\x28\xb5\x2f\xfd|PK\x03\x04|BZh[1-9]1AY&SY|\xfd7zXZ\x00"
)
_BASE64 = re.compile(rb"[A-Za-z0-9+/_-]{%d,}(?:[\r\n]+[A-Za-z0-9+/_-]+)*" % _SHORTEST_BASE64)
_HEXADECIMAL = re.compile(rb"[0-9a-fA-F]+")
_PERCENT = re.compile(rb"%[0-9A-Fa-f]{2}")
_ENTITY = re.compile(rb"&(?:#\d+|#[xX][0-9a-fA-F]+|[a-zA-Z]+);")
_ESCAPE = re.compile(rb"(?:\\u[0-9a-fA-F]{4})+|(?:\\x[0-9a-fA-F]{2})+|\\[^ux]", re.DOTALL)
_CONTROLS = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f"}


class Looked(NamedTuple):
    """Whether the text was found, and otherwise what could not be looked into."""

    found: bool
    unread: str = ""


def look(data: bytes, needles: Sequence[bytes], *, is_packed: bool = True) -> Looked:
    """Search stored bytes for any of these pieces; `is_packed` says that all of it may be one compressed stream."""
    return _Search(needles).look(data, is_packed)


class _Search:
    def __init__(self, needles: Sequence[bytes]) -> None:
        self._needles = needles
        self._left_bytes = MOST_UNPACKED_BYTES
        self._unread = ""

    def look(self, data: bytes, is_packed: bool) -> Looked:
        waiting = [(data, 0)]
        is_readable = not is_packed or _is_text(data)
        looked_at: set[bytes] = set()
        while waiting:
            value, depth = waiting.pop()
            if any(needle in value for needle in self._needles):
                return Looked(True)
            if depth > _DEEPEST:
                self._unread = "it is packed too often"
                continue
            for part in self._parts(value, is_packed or depth > 0):
                is_readable = is_readable or _is_text(part)
                if part not in looked_at:
                    looked_at.add(part)
                    waiting.append((part, depth + 1))
        if not is_readable and not self._unread:
            self._unread = "it is not text"
        return Looked(False, self._unread)

    def _parts(self, data: bytes, is_packed: bool) -> Iterator[bytes]:
        """Yield what data is once a coding is undone, and what is packed in it."""
        for part in _other_codings(data):
            if not self._spend(len(part)):
                return
            yield part
        yield from self._base64(data)
        yield from self._streams(data)
        if is_packed and not _STREAM.match(data) and not _is_text(data):
            yield from self._unframed(data)

    def _base64(self, data: bytes) -> Iterator[bytes]:
        for run in _BASE64.finditer(data):
            text = run[0].translate(_URL_SAFE, b"\r\n")
            for start in range(4):
                whole = text[start : start + (len(text) - start) // 4 * 4]
                rest = text[start + len(whole) :]
                padded = whole + (rest + b"=" * (-len(rest) % 4) if len(rest) > 1 else b"")
                try:
                    decoded = base64.b64decode(padded)
                except binascii.Error:
                    continue
                # Hashes and names are base64, too: what comes of them is nothing.
                if (
                    any(needle in decoded for needle in self._needles)
                    or _STREAM.match(decoded)
                    or _is_text(decoded)
                    or (start == 0 and not _HEXADECIMAL.fullmatch(text))
                ):
                    yield decoded

    def _streams(self, data: bytes) -> Iterator[bytes]:
        for number, match in enumerate(_STREAM.finditer(data)):
            if number >= _MOST_STREAMS:
                self._unread = "it has too many compressed parts"
                return
            start, magic = match.start(), match[0]
            if magic == b"PK\x03\x04":
                if number == 0 or not data.startswith(magic):
                    yield from self._zip(data)
                continue
            is_whole = start == 0
            if magic == b"\x28\xb5\x2f\xfd":
                yield from self._zstd(memoryview(data)[start:], is_whole=is_whole)
                continue
            inflater: Any
            if magic.startswith(b"BZ"):
                inflater = bz2.BZ2Decompressor()
            elif magic.startswith(b"\xfd"):
                inflater = lzma.LZMADecompressor(memlimit=MOST_UNPACKED_BYTES)
            else:
                inflater = zlib.decompressobj(zlib.MAX_WBITS | 32)
            yield from self._inflated(inflater, memoryview(data)[start:], is_whole=is_whole)

    def _unframed(self, data: bytes) -> Iterator[bytes]:
        """Try what has no first bytes to be known by: deflate without its frame, and Brotli."""
        yield from self._inflated(zlib.decompressobj(-zlib.MAX_WBITS), data, is_whole=False)
        import brotli

        inflater = brotli.Decompressor()

        def pieces() -> Iterator[bytes]:
            for start in range(0, len(data), 64):
                yield inflater.process(data[start : start + 64])

        yield from self._joined(pieces(), brotli.error, is_whole=False)

    def _inflated(self, inflater: Any, data: bytes | memoryview, *, is_whole: bool) -> Iterator[bytes]:
        def pieces() -> Iterator[bytes]:
            for at in range(0, len(data), _STEP):
                given = data[at : at + _STEP]
                if not self._spend(len(given)):
                    return
                while not inflater.eof:
                    piece = inflater.decompress(given, _MOST_AT_ONCE)
                    yield piece
                    given = getattr(inflater, "unconsumed_tail", b"")
                    if not given and len(piece) < _MOST_AT_ONCE:
                        break
                if inflater.eof:
                    return
            raise EOFError

        yield from self._joined(
            pieces(), (zlib.error, lzma.LZMAError, OSError, EOFError, ValueError), is_whole=is_whole
        )

    def _zstd(self, data: memoryview, *, is_whole: bool) -> Iterator[bytes]:
        try:
            import zstandard
        except ImportError:
            self._unread = "it is zstd, which needs: pip install zstandard"
            return

        def pieces() -> Iterator[bytes]:
            with zstandard.ZstdDecompressor(max_window_size=32 << 20).stream_reader(data) as reader:
                while piece := reader.read(_MOST_AT_ONCE):
                    yield piece

        yield from self._joined(pieces(), zstandard.ZstdError, is_whole=is_whole)

    def _joined(self, pieces: Iterator[bytes], damage: Any, *, is_whole: bool) -> Iterator[bytes]:
        """Yield what a stream holds; of a damaged one what comes before the damage."""
        unpacked: list[bytes] = []
        try:
            for piece in pieces:
                unpacked.append(piece)
                if not self._spend(len(piece)):
                    break
        except damage:
            if is_whole:
                self._unread = self._unread or "it is compressed and damaged"
        if any(unpacked):
            yield b"".join(unpacked)

    def _zip(self, data: bytes) -> Iterator[bytes]:
        try:
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                for member in archive.infolist():
                    yield member.filename.encode("utf-8", "replace")
                    if member.flag_bits & 1:
                        self._unread = "it is an encrypted archive"
                        continue
                    with archive.open(member) as file:
                        content = file.read(max(self._left_bytes, 0) + 1)
                    self._spend(len(content))
                    yield content
        except Exception:  # noqa: BLE001  (hostile bytes raise anything)
            self._unread = "it is a damaged archive"

    def _spend(self, count: int) -> bool:
        self._left_bytes -= count
        if self._left_bytes < 0:
            self._unread = f"it is larger than {MOST_UNPACKED_BYTES >> 20} MiB once unpacked"
        return self._left_bytes >= 0


_URL_SAFE = bytes.maketrans(b"-_", b"+/")


def _is_text(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return b"\0" not in data


def _other_codings(data: bytes) -> Iterator[bytes]:
    """Yield the text with its escapes undone: of JSON and Python, markdown, addresses, HTML, UTF-16."""
    if b"\\" in data:
        yield _ESCAPE.sub(_unescaped, data)
        # Markdown escapes its own signs with a backslash.
        yield data.replace(b"\\", b"")
    if b"%" in data and _PERCENT.search(data):
        yield unquote_to_bytes(data.replace(b"+", b" "))
    if b"&" in data and _ENTITY.search(data):
        yield html.unescape(data.decode("utf-8", "replace")).encode("utf-8", "replace")
    if data.count(b"\0") * 4 > len(data):
        for encoding in ("utf-16-le", "utf-16-be"):
            yield data.decode(encoding, "ignore").encode()


def _unescaped(match: re.Match[bytes]) -> bytes:
    """Undo escapes of one kind that follow each other."""
    escapes = match[0]
    if escapes.startswith(b"\\u"):
        return bytes.fromhex(escapes.replace(b"\\u", b"").decode()).decode("utf-16-be", "replace").encode()
    if escapes.startswith(b"\\x"):
        return bytes.fromhex(escapes.replace(b"\\x", b"").decode())
    return _CONTROLS.get(escapes[1:], escapes[1:])
