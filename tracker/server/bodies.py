"""Reading the bodies of requests within limits of size, time and memory."""

import asyncio
import json
import zlib
from typing import Any

from starlette.requests import Request

HOOK_BYTES = 10 << 20
ENVELOPE_BYTES = 1 << 20
"""The most bytes of one request, as sent."""
READ_SECONDS = 20.0
MOST_BYTES_IN_MEMORY = 256 << 20
"""Of all bodies that are being received together."""
_HEADER_BYTES = 64 << 10

_bytes_in_memory = 0


class TooLargeError(Exception):
    """A body is larger than its route accepts."""


class OverloadedError(Exception):
    """Too many bytes are being received; the sender should retry."""


async def read(request: Request, most_bytes: int) -> bytes:
    """Read a request's body.

    Raises:
        TooLargeError: As soon as it exceeds the limit, or its Content-Length does.
        OverloadedError: If all bodies together are too large.
        TimeoutError: If it is not complete in time.
        ClientDisconnect: If the sender disconnects.
    """
    global _bytes_in_memory
    declared = next((value for name, value in request.scope["headers"] if name == b"content-length"), b"")
    if declared.isdigit() and int(declared) > most_bytes:
        raise TooLargeError
    pieces: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(READ_SECONDS):
            async for piece in request.stream():
                size += len(piece)
                _bytes_in_memory += len(piece)
                if size > most_bytes:
                    raise TooLargeError
                if _bytes_in_memory > MOST_BYTES_IN_MEMORY:
                    raise OverloadedError
                pieces.append(piece)
    finally:
        _bytes_in_memory -= size
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
