"""Sample columns to bytes and back, exact to the bit.

The name of the codec is stored with its bytes and never changes its meaning: whatever
was written stays readable. A better codec gets another name.

Every blob opens with the count of samples and a CRC-32 of all that follows,
little-endian on every machine, then the columns:

- ``raw1``: instants as int64, values as float64.
- ``zlib1``: the same through zlib, instants as differences (the first one whole).
- ``pco1``: the length of the instants in bytes, then both columns as pco files.

Nothing here depends on what a sample means or which series it belongs to.
"""

from __future__ import annotations

import hashlib
import struct
import zlib
from typing import TYPE_CHECKING, TypeAlias

from tracker.errors import BadInputError, StoreError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    _Columns: TypeAlias = tuple[NDArray[np.int64], NDArray[np.float64]]

MAX_SAMPLES = 1 << 22
"""The most samples in one blob: 64 MiB when decoded. Chunks of ours hold 10,000."""

_HEADER = struct.Struct("<II")
_LENGTH = struct.Struct("<I")
_BYTES_A_SAMPLE = 16
# Up to here pco's fixed cost of some 30 bytes a column can lose to zlib, which is slow.
_ZLIB_SAMPLES = 256
# Level 4 is twice as fast and 5 % larger, level 12 five times slower and no smaller.
_PCO_LEVEL = 8


def encode(instants_ms: NDArray[np.int64], values: NDArray[np.float64]) -> tuple[str, bytes]:
    """Pack two columns of equal length into the smallest blob; return the codec's name and the bytes.

    Instants are milliseconds since 1970 in any order; values are any float64,
    and every bit of a NaN is kept: Prometheus marks the end of a series with one.
    The same columns give the same bytes with one version of pcodec.

    Raises:
        BadInputError: If the columns differ in length, are not flat columns of
            int64 and float64, or have more than MAX_SAMPLES.
    """
    import numpy as np

    for name, column, wanted in (("instants_ms", instants_ms, "i8"), ("values", values, "f8")):
        if column.ndim != 1 or column.dtype != np.dtype(wanted):
            raise BadInputError(
                f"cannot encode {name}: {column.ndim} dimensions of {column.dtype},"
                f" not 1 of {np.dtype(wanted)}"
            )
    count = len(instants_ms)
    if count != len(values):
        raise BadInputError(f"cannot encode {count} instants with {len(values)} values")
    if count > MAX_SAMPLES:
        raise BadInputError(f"cannot encode {count} samples at once; the most is {MAX_SAMPLES}")
    instants_ms = np.ascontiguousarray(instants_ms, dtype="<i8")
    values = np.ascontiguousarray(values, dtype="<f8")

    bodies = {"raw1": instants_ms.tobytes() + values.tobytes()}
    if 0 < count <= _ZLIB_SAMPLES:
        steps = np.diff(instants_ms, prepend=np.int64(0))
        bodies["zlib1"] = zlib.compress(steps.astype("<i8").tobytes() + values.tobytes(), 6)
    if count > 0:
        body = _pco(instants_ms, values)
        if body is not None:
            bodies["pco1"] = body
    codec = min(bodies, key=lambda name: len(bodies[name]))
    return codec, _HEADER.pack(count, zlib.crc32(bodies[codec])) + bodies[codec]


def decode(codec: str, data: bytes, count: int) -> _Columns:
    """Unpack what `encode` packed into new arrays.

    Nothing is allocated before `count`, stored with the bytes, has been compared with the blob's own.

    Raises:
        StoreError: If the bytes are damaged, or their codec is unknown.
    """
    if codec not in _DECODERS:
        raise StoreError(
            f"samples are stored as {codec!r}, which this tracker cannot read",
            hint="A newer tracker wrote them; upgrade this one: pip install -U tracker",
        )
    if len(data) < _HEADER.size:
        raise _damaged(codec, f"{len(data)} bytes hold no header")
    stored_count, checksum = _HEADER.unpack_from(data)
    body = data[_HEADER.size :]
    if zlib.crc32(body) != checksum:
        raise _damaged(codec, f"the checksum of {len(data)} bytes does not match")
    if stored_count != count:
        raise _damaged(codec, f"they hold {stored_count} samples where {count} were written")
    if count > MAX_SAMPLES:
        raise _damaged(codec, f"{count} samples are more than {MAX_SAMPLES}")
    return _DECODERS[codec](body, count)


def _pco(instants_ms: NDArray[np.int64], values: NDArray[np.float64]) -> bytes | None:
    """Compress with pco; None if decompressing does not give every bit back.

    Decompressing costs a tenth of compressing, and a log cannot be repaired later.
    """
    import numpy as np
    from pcodec import ChunkConfig, standalone

    config = ChunkConfig(compression_level=_PCO_LEVEL)
    first = standalone.simple_compress(instants_ms, config)
    body = _LENGTH.pack(len(first)) + first + standalone.simple_compress(values, config)
    try:
        instants_again, values_again = _decode_pco(body, len(values))
    except StoreError:
        return None
    same = np.array_equal(instants_again, instants_ms) and np.array_equal(
        values_again.view(np.int64), values.view(np.int64)
    )
    return body if same else None


def _decode_raw(body: bytes, count: int) -> _Columns:
    import numpy as np

    if len(body) != count * _BYTES_A_SAMPLE:
        raise _damaged("raw1", f"{len(body)} bytes are not {count} samples")
    half = count * 8
    # A copy on purpose: a view of bytes is read-only and keeps them in memory.
    instants_ms = np.frombuffer(body[:half], dtype="<i8").astype(np.int64)
    return instants_ms, np.frombuffer(body[half:], dtype="<f8").astype(np.float64)


def _decode_zlib(body: bytes, count: int) -> _Columns:
    import numpy as np

    size_bytes = count * _BYTES_A_SAMPLE
    unpacker = zlib.decompressobj()
    try:
        raw = unpacker.decompress(body, size_bytes + 1)
    except zlib.error as trouble:
        raise _damaged("zlib1", str(trouble)) from trouble
    if not unpacker.eof or unpacker.unused_data:
        raise _damaged("zlib1", f"they do not end after {count} samples")
    steps, values = _decode_raw(raw, count)
    return np.cumsum(steps, dtype=np.int64), values


def _decode_pco(body: bytes, count: int) -> _Columns:
    import numpy as np

    if len(body) < _LENGTH.size:
        raise _damaged("pco1", f"{len(body)} bytes hold no columns")
    (length,) = _LENGTH.unpack_from(body)
    if length > len(body) - _LENGTH.size:
        raise _damaged("pco1", f"{length} bytes of instants in {len(body)} bytes")
    instants_ms = np.empty(count, dtype=np.int64)
    values = np.empty(count, dtype=np.float64)
    split = _LENGTH.size + length
    _fill_from_pco(body[_LENGTH.size : split], instants_ms)
    _fill_from_pco(body[split:], values)
    return instants_ms, values


def _fill_from_pco(column: bytes, into: NDArray[np.int64] | NDArray[np.float64]) -> None:
    """Decompress into an array of the right size, so that damaged bytes cannot allocate a large one."""
    from pcodec import standalone

    try:
        progress = standalone.simple_decompress_into(column, into)
    except (MemoryError, KeyboardInterrupt, SystemExit):
        raise
    except BaseException as trouble:  # a Rust panic is no Exception
        words = " ".join(str(trouble).split())
        raise _damaged("pco1", words) from trouble
    if progress.n_processed != len(into) or not progress.finished:
        raise _damaged("pco1", f"they do not end after {len(into)} samples")


def _damaged(codec: str, why: str) -> StoreError:
    return StoreError(
        f"samples stored as {codec} are damaged: {why}",
        hint="Find the event with: tracker verify",
    )


_DECODERS = {"raw1": _decode_raw, "zlib1": _decode_zlib, "pco1": _decode_pco}


def columns_sha256(instants_ms: NDArray[np.int64], values: NDArray[np.float64]) -> bytes:
    """Hash a chunk's numbers, little-endian, so that its identity does not depend on the codec."""
    import numpy as np

    return hashlib.sha256(
        instants_ms.astype("<i8").tobytes() + np.ascontiguousarray(values).astype("<f8").tobytes()
    ).digest()
