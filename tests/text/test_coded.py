"""Text is found in whatever coding it is stored, and what could not be undone is said."""

import base64
import bz2
import gzip
import html
import io
import itertools
import json
import lzma
import zipfile
import zlib
from urllib.parse import quote

import brotli
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker.text import coded
from tracker.text.coded import look

TEXT = "customer Erika Müstermann, IBAN DE02 1203 😀 called"
NEEDLES = [TEXT.encode()]


def unframed(data):
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return packer.compress(data) + packer.flush()


def zipped(data, **member):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("letter.txt", data)
    return file.getvalue()


PACKED = {
    "gzip": gzip.compress,
    "zlib": zlib.compress,
    "deflate": unframed,
    "brotli": brotli.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "zip": zipped,
    "base64": base64.b64encode,
    "base64 for addresses": base64.urlsafe_b64encode,
    "base64 of mail": base64.encodebytes,
}
WRITTEN = {
    "plain": str,
    "json": json.dumps,
    "json in json": lambda text: json.dumps(json.dumps(text)),
    "an address": lambda text: f"q={quote(text)}&x",
    "a form": lambda text: quote(text, safe=" ").replace(" ", "+"),
    "html": lambda text: html.escape(text).encode("ascii", "xmlcharrefreplace").decode(),
    "markdown": lambda text: text.replace(",", "\\,"),
    "python": lambda text: repr(text.encode()),
}


@pytest.mark.parametrize("written", WRITTEN)
@pytest.mark.parametrize("packed", PACKED)
def test_a_text_is_found_in_each_coding(written, packed):
    data = PACKED[packed](f"before {WRITTEN[written](TEXT)} after".encode())

    assert look(data, NEEDLES).found
    assert look(json.dumps({"data_base64": base64.b64encode(data).decode()}).encode(), NEEDLES).found


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_a_text_in_utf_16_is_found(encoding):
    assert look(f"before {TEXT} after".encode(encoding), NEEDLES).found


@given(st.lists(st.sampled_from(sorted(PACKED)), max_size=4), st.binary(max_size=50))
def test_codings_may_be_nested(codings, noise):
    data = noise.hex().encode() + TEXT.encode()
    for coding in codings:
        data = PACKED[coding](data)

    assert look(data, NEEDLES).found


def test_a_second_stream_and_one_within_other_bytes_are_found():
    other = gzip.compress(b"nothing")
    for data in (
        other + gzip.compress(TEXT.encode()),
        b'{"type":"attachment"}\n' + zlib.compress(TEXT.encode()),
    ):
        assert look(data, NEEDLES).found


@given(st.binary(max_size=300))
def test_bytes_that_are_anything_are_looked_at_without_an_error(data):
    for start in (
        b"",
        b"\x1f\x8b\x08",
        b"x\x9c",
        b"\x28\xb5\x2f\xfd",
        b"PK\x03\x04",
        b"BZh91AY&SY",
        b"\xfd7zXZ\x00",
    ):
        assert not look(start + data, NEEDLES).found


def test_what_could_not_be_looked_into_is_said(monkeypatch):
    assert look(b"plain text", NEEDLES) == (False, "")
    assert look(gzip.compress(b"plain text"), NEEDLES) == (False, "")
    assert "not text" in look(b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\xff", NEEDLES).unread
    assert "damaged" in look(gzip.compress(b"a text " * 400)[:20] + b"\xff" * 40, NEEDLES).unread
    protected = bytearray(zipped(b"a text"))
    for at in (6, protected.index(b"PK\x01\x02") + 8):
        protected[at] |= 1
    assert "encrypted" in look(bytes(protected), NEEDLES).unread
    monkeypatch.setattr(coded, "MOST_UNPACKED_BYTES", 1000)
    assert "larger" in look(gzip.compress(b"a text " * 1000), NEEDLES).unread


@pytest.mark.parametrize("number", range(0, 300, 37))
def test_of_a_damaged_stream_what_comes_before_the_damage_is_searched(number):
    packed = gzip.compress(TEXT.encode() + bytes(itertools.islice(itertools.cycle(range(256)), 9000)))

    assert look(packed[: len(packed) - 1 - number], NEEDLES).found
