"""Undoing the compression of a body, and stopping where it grows beyond a limit."""

import zlib

from tracker.errors import BadInputError

HINT = "Give one envelope as an SDK sends it, plain or gzip; for webhooks: --event issue"
GZIP, ZSTD, ZLIB = b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"\x78"


def inflate(data: bytes, *, where: str, content_encoding: str | None, most_bytes: int) -> bytes:
    """Undo the compression of a body; without `content_encoding` it is known by the first bytes.

    Raises:
        BadInputError: If it grows beyond the limit, is damaged, or cannot be undone here.
    """
    encoding = (content_encoding or "").strip().lower()
    if not encoding:
        encoding = "gzip" if data.startswith((GZIP, ZLIB)) else "zstd" if data.startswith(ZSTD) else ""
    if encoding in ("", "identity"):
        inflated = data
    elif encoding in ("gzip", "x-gzip", "deflate"):
        inflated = _inflate_zlib(data, where, encoding, most_bytes)
    elif encoding == "br":
        inflated = _inflate_brotli(data, where, most_bytes)
    elif encoding == "zstd":
        inflated = _inflate_zstd(data, where, most_bytes)
    else:
        raise _problem(where, f"its encoding {encoding!r} is unknown")
    if len(inflated) > most_bytes:
        raise _problem(where, f"it inflates to more than {most_bytes} bytes")
    return inflated


def _problem(where: str, what: str) -> BadInputError:
    return BadInputError(f"{where}: {what}", hint=HINT)


def _inflate_zlib(data: bytes, where: str, encoding: str, most_bytes: int) -> bytes:
    # 32: gzip or zlib, by the first bytes. Some say deflate and mean it without zlib's frame.
    for window in (zlib.MAX_WBITS | 32, -zlib.MAX_WBITS) if encoding == "deflate" else (zlib.MAX_WBITS | 32,):
        inflater = zlib.decompressobj(window)
        try:
            inflated = inflater.decompress(data, most_bytes + 1)
        except zlib.error:
            continue
        if len(inflated) > most_bytes:
            return inflated
        if not inflater.eof:
            raise _problem(where, f"its {encoding} ends too early")
        if inflater.unused_data.strip(b"\0"):
            raise _problem(where, f"something follows its {encoding}")
        return inflated
    raise _problem(where, f"its {encoding} is damaged")


def _inflate_brotli(data: bytes, where: str, most_bytes: int) -> bytes:
    import brotli

    inflated, inflater = b"", brotli.Decompressor()
    try:
        while len(inflated) <= most_bytes:
            more = inflater.process(data, output_buffer_limit=most_bytes + 1 - len(inflated))
            inflated += more
            data = b""
            if inflater.is_finished() or not more:
                break
    except brotli.error as wrong:
        raise _problem(where, "its br is damaged") from wrong
    if len(inflated) <= most_bytes and not inflater.is_finished():
        raise _problem(where, "its br ends too early")
    return inflated


def _inflate_zstd(data: bytes, where: str, most_bytes: int) -> bytes:
    try:
        import zstandard
    except ImportError as missing:
        raise BadInputError(
            f"{where}: it is packed with zstandard, which is not installed",
            hint="Install it: pip install zstandard; or let the SDK send gzip",
        ) from missing
    inflater = zstandard.ZstdDecompressor(max_window_size=8 << 20).decompressobj()
    inflated = bytearray()
    try:
        # It knows no limit: four bytes can hold a block of 128 KiB, so it gets few at a time.
        for start in range(0, len(data), 64):
            if inflater.eof:
                raise _problem(where, "something follows its zstd")
            inflated += inflater.decompress(data[start : start + 64])
            if len(inflated) > most_bytes:
                return bytes(inflated)
    except zstandard.ZstdError as wrong:
        raise _problem(where, "its zstd is damaged") from wrong
    if not inflater.eof:
        raise _problem(where, "its zstd ends too early")
    return bytes(inflated)
