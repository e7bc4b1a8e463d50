"""Sample columns survive storage to the last bit, in few bytes, and damage is told."""

import struct
import subprocess
import sys
import zlib
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from numpy.typing import NDArray

from tracker.errors import BadInputError, StoreError
from tracker.events.codec import MAX_SAMPLES, decode, encode

STALE_NAN = 0x7FF0000000000002
MIN_INT, MAX_INT = -(2**63), 2**63 - 1

any_bits = st.integers(min_value=0, max_value=2**64 - 1)
odd_bits = st.sampled_from(
    [
        STALE_NAN,
        0x7FF8000000000001,  # an ordinary NaN with a payload
        0xFFF8000000000000,  # a NaN with its sign set
        0x8000000000000000,  # -0.0
        0x7FF0000000000000,  # +Inf
        0xFFF0000000000000,  # -Inf
        0x0000000000000001,  # the smallest subnormal
    ]
)
plain_bits = st.integers(min_value=-500, max_value=500).map(
    lambda hundredths: struct.unpack("<Q", struct.pack("<d", hundredths / 100))[0]
)
instants = st.integers(min_value=MIN_INT, max_value=MAX_INT)
samples = st.lists(st.tuples(instants, st.one_of(any_bits, odd_bits, plain_bits)), max_size=400)


def columns(pairs: list[tuple[int, int]]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    bits = np.array([bits for _, bits in pairs], dtype=np.uint64)
    return np.array([at for at, _ in pairs], dtype=np.int64), bits.view(np.float64)


def assert_same_bits(
    got: tuple[NDArray[np.int64], NDArray[np.float64]],
    instants_ms: NDArray[np.int64],
    values: NDArray[np.float64],
) -> None:
    assert got[0].dtype == np.int64
    assert got[1].dtype == np.float64
    assert np.array_equal(got[0], instants_ms)
    assert np.array_equal(got[1].view(np.uint64), values.view(np.uint64))


def series(kind: str, count: int, seed: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """One series at 15 s: 85 % on time, 10 % within 4 ms, 5 % within 60 ms."""
    rng = np.random.default_rng(seed)
    luck = rng.random(count)
    late = np.where(luck < 0.10, rng.integers(-4, 5, count), 0)
    late = np.where(luck > 0.95, rng.integers(-60, 61, count), late)
    instants_ms = 1_700_000_000_000 + np.arange(count, dtype=np.int64) * 15_000 + late
    day = np.sin(np.arange(count) / 5760 * 2 * np.pi)
    values: NDArray[Any]
    match kind:
        case "counter":
            values = np.cumsum(rng.poisson(150 * (1 + 0.5 * day)))
        case "bytes":
            values = 2**28 + 4096 * np.cumsum(rng.integers(-40, 41, count))
        case "gauge":
            values = np.round(40 + 10 * day + rng.normal(0, 3, count), 2)
        case "ratio":
            values = 0.25 + 0.05 * day + rng.normal(0, 0.02, count)
        case _:
            values = np.ones(count)
    return instants_ms, values.astype(np.float64)


@given(samples)
@example([])
@example([(0, 0)])
@example([(MIN_INT, STALE_NAN), (MAX_INT, STALE_NAN)] * 200)
def test_every_bit_comes_back(pairs: list[tuple[int, int]]) -> None:
    """
    Any instants and any floats survive, whichever codec is the smallest for them.
    """
    instants_ms, values = columns(pairs)

    codec, data = encode(instants_ms, values)

    assert_same_bits(decode(codec, data, len(pairs)), instants_ms, values)


@given(samples, st.integers(min_value=2, max_value=6))
def test_every_bit_comes_back_from_long_regular_series(pairs: list[tuple[int, int]], times: int) -> None:
    """
    Odd values amid multiples of 0.01 survive pco's modes for decimal numbers.
    """
    instants_ms, values = series("gauge", 400 * times, seed=1)
    odd_instants_ms, odd = columns(pairs)
    values[: len(odd)] = odd
    instants_ms[-len(odd) :] = odd_instants_ms if len(odd) else instants_ms

    codec, data = encode(instants_ms, values)

    assert_same_bits(decode(codec, data, len(values)), instants_ms, values)


def test_stale_markers_keep_their_payload() -> None:
    """
    Prometheus ends a series with one certain NaN; another NaN would not mean that.
    """
    instants_ms, values = series("counter", 1_000, seed=1)
    values[500] = np.array([STALE_NAN], dtype=np.uint64).view(np.float64)[0]

    codec, data = encode(instants_ms, values)

    assert codec == "pco1"
    assert_same_bits(decode(codec, data, 1_000), instants_ms, values)


def test_views_with_gaps_and_foreign_byte_order_are_packed_alike() -> None:
    """
    What counts is the numbers, not how they lie in memory.
    """
    instants_ms, values = series("gauge", 1_000, seed=1)
    spread = np.zeros(2_000)
    spread[::2] = values

    assert encode(instants_ms, spread[::2]) == encode(instants_ms, values)
    with pytest.raises(BadInputError, match="not 1 of float64"):
        encode(instants_ms, values.astype(">f8"))


@pytest.mark.parametrize(
    ("count", "kind", "codec"),
    [
        (0, "up", "raw1"),
        (1, "ratio", "raw1"),
        (12, "up", "zlib1"),
        (480, "ratio", "pco1"),
        (10_000, "up", "pco1"),
    ],
)
def test_the_smallest_codec_is_named(count: int, kind: str, codec: str) -> None:
    """
    A few samples go as they are, some through zlib, a chunk through pco; none grows by more than its header.
    """
    instants_ms, values = series(kind, count, seed=1)

    named, data = encode(instants_ms, values)

    assert named == codec
    assert len(data) <= 16 * count + 8
    assert_same_bits(decode(named, data, count), instants_ms, values)


def test_the_same_columns_give_the_same_bytes() -> None:
    """
    Packing is deterministic, so that a chunk taken twice is one chunk.
    """
    assert encode(*series("ratio", 5_000, seed=3)) == encode(*series("ratio", 5_000, seed=3))


def test_decoded_columns_belong_to_the_caller() -> None:
    """
    A caller may change what it was given, from every codec.
    """
    for count in (1, 12, 1_000):
        codec, data = encode(*series("up", count, seed=1))
        for column in decode(codec, data, count):
            column[0] = 0


# What version 0.1 wrote. These are read for good: add lines, never change one.
STORED = [
    ("raw1", "010000005d336e960068e5cf8b010000020000000000f07f", [STALE_NAN]),
    (
        "zlib1",
        "0c0000000d95b8a9789c63c8787abe9b91816186150318509b86800ff6b4a20193bd19e3",
        [0x3FF0000000000000] * 12,
    ),
    (
        "pco1",
        "64000000456a3e913700000070636f210300061904010463000081a9030000000000100101800000000000000040000400"
        "5006000000000000009904599a3d2f02000070636f210300061904010663000002000000000000ff1b0101800000000000"
        "000040000400000000000000000001000000000000008000",
        [struct.unpack("<Q", struct.pack("<d", number))[0] for number in range(100)],
    ),
]


@pytest.mark.parametrize(("codec", "stored", "bits"), STORED)
def test_what_was_stored_once_is_read_for_good(codec: str, stored: str, bits: list[int]) -> None:
    """
    A codec's name never changes its meaning, on any machine.
    """
    expected = columns([(1_700_000_000_000 + 15_000 * place, value) for place, value in enumerate(bits)])

    assert_same_bits(decode(codec, bytes.fromhex(stored), len(bits)), *expected)


@pytest.mark.parametrize("codec", ["raw1", "zlib1", "pco1"])
def test_damage_is_told_in_one_line(codec: str) -> None:
    """
    Cut short, lengthened or with any byte changed: a StoreError, never other numbers.
    """
    count = {"raw1": 1, "zlib1": 12, "pco1": 1_000}[codec]
    named, data = encode(*series("ratio" if codec == "raw1" else "up", count, seed=1))
    assert named == codec
    broken = [b"", data[:7], data[:-1], data + b"\0"]
    broken += [data[:at] + bytes([data[at] ^ 0x41]) + data[at + 1 :] for at in range(len(data))]

    for bad in broken:
        with pytest.raises(StoreError, match=f"^samples stored as {codec} are damaged: [^\n]+$"):
            decode(codec, bad, count)
    with pytest.raises(StoreError, match=f"they hold {count} samples where {count + 1} were written"):
        decode(codec, data, count + 1)


@given(codec=st.sampled_from(["raw1", "zlib1", "pco1"]), body=st.binary(max_size=200), data=st.data())
def test_forged_bytes_with_a_true_checksum_are_still_refused(
    codec: str, body: bytes, data: st.DataObject
) -> None:
    """
    Even bytes that were made to look right decode to nothing rather than crash.
    """
    if codec == "pco1":
        _, good = encode(*series("gauge", 500, seed=2))
        at = data.draw(st.integers(min_value=8, max_value=len(good) - 1))
        body = good[8:at] + body
    count = data.draw(st.sampled_from([0, 1, 3, 500, MAX_SAMPLES + 1, 2**32 - 1]))
    forged = struct.pack("<II", count, zlib.crc32(body)) + body

    try:
        instants_ms, values = decode(codec, forged, count)
    except StoreError:
        return
    assert len(instants_ms) == len(values) == count


def test_a_count_that_would_fill_the_memory_is_refused_first() -> None:
    """
    Nothing is allocated for four milliards of samples in twenty bytes, nor for a bomb.
    """
    forged = struct.pack("<II", 2**32 - 1, zlib.crc32(b"")) + b""
    bomb = zlib.compress(bytes(50_000_000))
    bomb = struct.pack("<II", 3, zlib.crc32(bomb)) + bomb

    with pytest.raises(StoreError, match="are more than"):
        decode("pco1", forged, 2**32 - 1)
    with pytest.raises(StoreError, match="do not end after 3 samples"):
        decode("zlib1", bomb, 3)


def test_an_unknown_codec_says_to_upgrade() -> None:
    """
    What a newer tracker wrote is no damage.
    """
    with pytest.raises(StoreError, match="'pco2', which this tracker cannot read") as trouble:
        decode("pco2", b"", 0)
    assert "upgrade" in trouble.value.hint


def test_columns_that_do_not_belong_together_are_refused() -> None:
    """
    Unequal columns, whole numbers as values and tables are bugs of a caller, told as such.
    """
    instants_ms, values = series("up", 3, seed=1)

    with pytest.raises(BadInputError, match="3 instants with 2 values"):
        encode(instants_ms, values[:2])
    with pytest.raises(BadInputError, match="cannot encode values: 1 dimensions of int64"):
        encode(instants_ms, instants_ms)  # type: ignore[arg-type]
    with pytest.raises(BadInputError, match="cannot encode instants_ms: 2 dimensions"):
        encode(instants_ms.reshape(1, 3), values)


def test_a_million_samples_are_small() -> None:
    """
    100 series of 10,000 take at most half of Prometheus' 4.48 bytes a sample.
    """
    kinds = ("counter", "bytes", "gauge", "ratio", "up")
    data = [series(kind, 10_000, seed) for seed in range(20) for kind in kinds]

    size_bytes = sum(len(encode(*pair)[1]) for pair in data)

    assert size_bytes / 1_000_000 < 4.48 / 2 + 0.05


def test_importing_the_module_loads_neither_numpy_nor_pcodec() -> None:
    """
    Commands that read no samples do not pay for them.
    """
    code = "import sys, tracker.events.codec; print([m for m in ('numpy', 'pcodec') if m in sys.modules])"

    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"
