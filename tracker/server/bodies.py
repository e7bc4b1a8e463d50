"""Reading the bodies of requests within limits of size, time and memory."""

import asyncio
import json
import zlib
from concurrent.futures import ThreadPoolExecutor
from enum import Enum
from typing import Any

from starlette.requests import Request

from tracker.errors import BadInputError
from tracker.ingest.sentry.envelope import INFLATED_BYTES
from tracker.ingest.sentry.inflate import GZIP, ZLIB, ZSTD, inflate

HOOK_BYTES = 10 << 20
ENVELOPE_BYTES = 1 << 20
"""The most bytes of one request, as sent."""
READ_SECONDS = 20.0
_HEADER_BYTES = 64 << 10
_PIECE_BYTES = 1 << 20
_AT_ONCE_BYTES = 256 << 10
"""More than this is inflated apart, while other requests are answered."""


class Sender(Enum):
    """What is known of a sender while its body is received, and how many bytes all such bodies may have together."""

    AUTHENTICATED = 64 << 20
    SIGNED = 48 << 20
    """The signature is checked once the body is there: it may be anybody's."""
    PUBLIC = 24 << 20


_bytes_in_memory = dict.fromkeys(Sender, 0)
_inflating = ThreadPoolExecutor(max_workers=1, thread_name_prefix="inflate")


class TooLargeError(Exception):
    """A body is larger than its route accepts."""


class OverloadedError(Exception):
    """Too many bytes are being received; the sender should retry."""


async def read(request: Request, most_bytes: int, sender: Sender) -> bytes:
    """Read a request's body.

    Raises:
        TooLargeError: As soon as it exceeds the limit, or its Content-Length does.
        OverloadedError: If all bodies of such senders together are too large.
        TimeoutError: If it is not complete in time.
        ClientDisconnect: If the sender disconnects.
    """
    declared = next((value for name, value in request.scope["headers"] if name == b"content-length"), b"")
    if declared.isdigit() and int(declared) > most_bytes:
        raise TooLargeError
    pieces: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(READ_SECONDS):
            async for piece in request.stream():
                size += len(piece)
                _bytes_in_memory[sender] += len(piece)
                if size > most_bytes:
                    raise TooLargeError
                if _bytes_in_memory[sender] > sender.value:
                    raise OverloadedError
                pieces.append(piece)
    finally:
        _bytes_in_memory[sender] -= size
    return b"".join(pieces)


def envelope_header(body: bytes, encoding: str) -> dict[str, Any]:
    """Return an envelope's first line, inflating no more than it can have; empty if it cannot be parsed."""
    start = body[:_HEADER_BYTES]
    try:
        if encoding in ("gzip", "deflate") or start[:2] == b"\x1f\x8b":
            start = zlib.decompressobj(wbits=47).decompress(start, _HEADER_BYTES)
        elif encoding == "br":
            import brotli

            start = brotli.Decompressor().process(start, output_buffer_limit=_HEADER_BYTES)
        header = json.loads(start.partition(b"\n")[0])
    except Exception:  # hostile bytes raise anything
        return {}
    return header if isinstance(header, dict) else {}


async def inflated_bytes(body: bytes, encoding: str) -> int:
    """Return how many bytes an envelope has once inflated; of a damaged one those that can be read.

    Raises:
        TooLargeError: If they are more than an envelope may have.
    """
    if encoding in ("", "identity") and not body.startswith((GZIP, ZLIB, ZSTD)):
        return len(body)
    loop = asyncio.get_running_loop()
    if encoding in ("br", "zstd") or body.startswith(ZSTD):
        size = await loop.run_in_executor(_inflating, _whole, body, encoding)
    else:
        inflater = zlib.decompressobj(wbits=47)
        size, rest = _count(inflater, body, _AT_ONCE_BYTES)
        if rest:
            more, _ = await loop.run_in_executor(_inflating, _count, inflater, rest, INFLATED_BYTES)
            size += more
    if size > INFLATED_BYTES:
        raise TooLargeError
    return size


def _count(inflater: "zlib._Decompress", data: bytes, most_bytes: int) -> tuple[int, bytes]:
    """Inflate, keeping nothing, until there is no more, or more than so much; return the size and what is left."""
    size = 0
    try:
        while data and size <= most_bytes:
            size += len(inflater.decompress(data, _PIECE_BYTES))
            data = inflater.unconsumed_tail
    except zlib.error:
        return size, b""  # the reader says what is wrong with it
    return size, data


def _whole(body: bytes, encoding: str) -> int:
    try:
        return len(inflate(body, where="", content_encoding=encoding, most_bytes=INFLATED_BYTES))
    except BadInputError as wrong:
        return INFLATED_BYTES + 1 if "inflates to" in wrong.message else len(body)
