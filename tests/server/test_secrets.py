"""Secrets are compared on bytes: no header, query or envelope makes the comparison fail, or come true."""

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.servers.serving import SECRETS
from tracker.server.bodies import envelope_header
from tracker.server.secrets import bearer, same, sentry_key, signed

KEY = "0123456789abcdef0123456789abcdef"
_names = st.sampled_from(["authorization", "x-sentry-auth", "content-type"])
_values = st.binary(max_size=200) | st.builds(
    lambda kind, rest: kind + rest,
    st.sampled_from([b"Bearer ", b"Sentry ", b"Sentry sentry_key=", b"sentry sentry_version=7,sentry_key="]),
    st.binary(max_size=60),
)
_texts = st.text(st.characters(), max_size=60)  # lone surrogates, too: JSON can write them


@given(
    headers=st.dictionaries(_names, _values),
    query=st.binary(max_size=200) | st.integers(0, 200).map(lambda n: b"&".join([b"a=1"] * n)),
    dsn=st.none() | st.integers() | _texts | _texts.map(lambda text: f"https://{text}@h/1"),
)
@example(headers={}, query=b"&".join([b"a=1"] * 60), dsn=None)
@example(headers={}, query=b"", dsn="https://\ud800@h/1")
def test_whatever_comes_is_no_key_and_no_bug(headers, query, dsn):
    """
    Found or not, it is not the key, and nothing is raised.
    """
    found = sentry_key(headers, query, {} if dsn is None else {"dsn": dsn})

    assert not same(KEY, found)
    assert not bearer(headers, KEY, None)
    assert not signed(KEY, headers.get("authorization", b""), query)


@pytest.mark.parametrize(
    ("headers", "query", "header"),
    [
        (
            {"x-sentry-auth": f"Sentry sentry_key={KEY}, sentry_version=7, sentry_client=x/1".encode()},
            b"",
            {},
        ),
        ({"x-sentry-auth": f"sentry sentry_version=7,sentry_key={KEY}".encode()}, b"", {}),
        ({"authorization": f"Sentry sentry_key={KEY}".encode()}, b"", {}),
        ({}, f"sentry_version=7&sentry_key={KEY}&sentry_client=x".encode(), {}),
        ({}, b"", {"dsn": f"https://{KEY}@tracker.example/1"}),
        ({}, b"", {"dsn": f"https://{KEY}:old-secret@tracker.example/path/1"}),
        ({"authorization": b"Bearer of-another"}, f"sentry_key={KEY}".encode(), {}),
    ],
)
def test_a_key_is_found_wherever_an_sdk_puts_it(headers, query, header):
    """
    In the header, the query, or the envelope's own DSN.
    """
    assert sentry_key(headers, query, header) == KEY


def test_nobody_comes_in_where_no_secret_is_set():
    """
    An empty secret is no secret.
    """
    for wanted in (None, ""):
        assert not same(wanted, "")
        assert not same(wanted, b"")
        assert not bearer({"authorization": b"Bearer "}, wanted)
        assert not signed(wanted, b"", b"body")


def test_an_id_that_is_no_text_is_answered_all_the_same(server):
    """
    JSON can write half of a character; the answer repeats the envelope's id, and is still an answer.
    """
    answer = server.request(
        f"/api/1/envelope/?sentry_key={SECRETS['TRACKER_DSN_KEY']}",
        b'{"event_id": "\\ud800"}\n{"type": "session"}\n{}',
    )
    many = server.request("/api/1/envelope/?" + "&".join(["a=1"] * 60), b"{}\n")
    half = server.request("/api/1/envelope/", b'{"dsn": "https://\\ud800@h/1"}\n')

    assert (answer.status, many.status, half.status) == (202, 401, 401)
    assert json.loads(answer.body) == {"id": "?"}


@given(body=st.binary(max_size=300), encoding=st.sampled_from(["", "gzip", "br", "deflate", "zstd", "x"]))
def test_an_envelopes_header_is_read_or_empty(body, encoding):
    """
    Hostile bytes have no header; nothing is raised.
    """
    assert isinstance(envelope_header(body, encoding), dict)
