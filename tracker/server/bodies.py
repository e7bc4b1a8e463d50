"""Bodies of requests, read behind limits: nothing is parsed, or held, beyond them."""

import asyncio
import json
import zlib
from typing import Any

from starlette.requests import ClientDisconnect, Request

HOOK_BYTES = 10 << 20
ENVELOPE_BYTES = 1 << 20
"""What one request may bring over the wire."""
READ_SECONDS = 20.0
MOST_HELD_BYTES = 256 << 20
_HEADER_BYTES = 64 << 10

_held = 0


class TooLargeError(Exception):
    """A body has more bytes than its route takes."""


class OverloadedError(Exception):
    """So many bytes are being read already that this one has to come again."""


async def read(request: Request, most_bytes: int) -> bytes:
    """Read a request's body.

    Raises:
        TooLargeError: As soon as it passes the limit, or says that it will.
        OverloadedError: If all requests together hold too much.
        TimeoutError: If it does not come to an end.
        ClientDisconnect: If the sender went away.
    """
    global _held
    declared = next((value for name, value in request.scope["headers"] if name == b"content-length"), b"")
    if declared.isdigit() and int(declared) > most_bytes:
        raise TooLargeError
    pieces: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(READ_SECONDS):
            async for piece in request.stream():
                size += len(piece)
                _held += len(piece)
                if size > most_bytes:
                    raise TooLargeError
                if _held > MOST_HELD_BYTES:
                    raise OverloadedError
                pieces.append(piece)
    finally:
        _held -= size
    return b"".join(pieces)


def envelope_header(body: bytes, encoding: str) -> dict[str, Any]:
    """Read an envelope's first line, inflating no more than it can have; what is none is empty."""
    start = body[:_HEADER_BYTES]
    try:
        if encoding in ("gzip", "deflate") or start[:2] == b"\x1f\x8b":
            start = zlib.decompressobj(wbits=47).decompress(start, _HEADER_BYTES)
        elif encoding == "br":
            import brotli

            start = brotli.Decompressor().process(start, output_buffer_limit=_HEADER_BYTES)
        header = json.loads(start.partition(b"\n")[0])
    except Exception:  # hostile bytes raise anything; what is no header is empty
        return {}
    return header if isinstance(header, dict) else {}


__all__ = [
    "ENVELOPE_BYTES",
    "HOOK_BYTES",
    "ClientDisconnect",
    "OverloadedError",
    "TooLargeError",
    "envelope_header",
    "read",
]
