"""What hostile requests did once: each is answered in order now, and holds no more than it may."""

import re
import socket
import time
from typing import Any

import pytest

from tests.server.doors import KEY, Kept, listening
from tracker.server import protocol
from tracker.server.secrets import same, sentry_key


def _status(port: int, *pieces: bytes) -> int:
    """Send pieces on one connection, and give the status of the first answer; 0 where it is closed without."""
    with socket.create_connection(("127.0.0.1", port), timeout=120) as connection:
        try:
            for piece in pieces:
                connection.sendall(piece)
        except OSError:
            pass  # it had enough, and its answer may be there all the same
        said = b""
        try:
            while b"\r\n" not in said and (piece := connection.recv(4096)):
                said += piece
        except ConnectionResetError:
            return 0
    return int(said.split(b" ")[1]) if said else 0


def _envelope(query: bytes, body: bytes, headers: bytes = b"") -> bytes:
    return (
        b"POST /api/7/envelope/"
        + query
        + b" HTTP/1.1\r\nHost: x\r\n"
        + headers
        + b"Content-Length: %d\r\n\r\n" % len(body)
        + body
    )


@pytest.mark.parametrize(
    ("query", "body"),
    [
        (b"?" + b"&".join([b"a=1"] * 60), b"{}\n"),
        (b"", b'{"dsn":"http://\\ud800@h/1"}\n'),
        (b"?sentry_key=%00%ff", b'{"dsn":7}\n'),
    ],
    ids=["a query of 60 fields", "half a character as the key", "bytes as the key"],
)
def test_an_envelope_with_a_senseless_key_is_not_authentic(query: bytes, body: bytes) -> None:
    """
    It is answered 401, not 500, and nothing is kept.
    """
    kept = Kept()
    with listening(inbox=kept) as port:
        assert _status(port, _envelope(query, body)) == 401

    assert kept.deliveries == []


def test_an_envelope_whose_id_is_half_a_character_is_kept() -> None:
    """
    The answer names the id; that it cannot be written as UTF-8 is no reason for a 500.
    """
    kept = Kept()
    auth = b"X-Sentry-Auth: Sentry sentry_key=" + KEY.encode() + b"\r\n"
    with listening(inbox=kept) as port:
        assert _status(port, _envelope(b"", b'{"event_id":"\\ud800"}\n', auth)) == 202

    assert len(kept.deliveries) == 1


def test_a_key_of_half_characters_is_compared() -> None:
    """
    No text that JSON can hold makes the comparison fail with an error.
    """
    assert not same("secret", "\ud800")
    assert same("schlüssel", "schlüssel")
    assert sentry_key({}, b"&" * 200, {"dsn": "http://k@h/1"}) == "k"


@pytest.mark.parametrize(
    "pieces",
    [
        [b"GET /" + b"a" * 200_000],
        [b"GET /healthz HTTP/1.1\r\nX: "],
        [b"GET /healthz HTTP/1.1\r\n"] + [b"a: b\r\n" * 30_000] * 5,
        [b"POST /x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n"]
        + [b"a: b\r\n" * 30_000] * 5,
    ],
    ids=["a path", "one header", "many headers", "trailers"],
)
def test_headers_without_end_are_not_read_without_end(pieces: list[bytes]) -> None:
    """
    A megabyte that is neither body nor end of anything is refused before it is all there.
    """
    sent = 0
    with listening() as port, socket.create_connection(("127.0.0.1", port), timeout=120) as connection:
        try:
            for piece in pieces:
                connection.sendall(piece)
            while sent < 400:
                connection.sendall(b"a" * 65536)
                sent += 1
        except OSError:
            pass

    assert sent < 400, "26 MB of it were taken"


def test_a_body_that_comes_with_its_headers_is_no_header() -> None:
    """
    Ten megabytes of body behind a short head are read, in as many pieces as they come.
    """
    kept = Kept()
    body = b'"' + b"x" * (5 << 20) + b'"'
    head = b"POST /hooks/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer e\r\nContent-Length: %d\r\n\r\n"
    with listening(inbox=kept) as port:
        assert _status(port, head % len(body) + body) == 202

    assert [len(each.body) for each in kept.deliveries] == [len(body)]


@pytest.mark.parametrize(
    "sent", [b"", b"POST /hooks/ev", b"POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n1"]
)
def test_who_sends_no_end_is_let_go(sent: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A connection that never finishes its request is closed: sockets are few.
    """
    monkeypatch.setattr(protocol, "HEAD_SECONDS", 0.3)
    with listening() as port, socket.create_connection(("127.0.0.1", port), timeout=120) as connection:
        connection.sendall(sent)
        while connection.recv(4096):
            pass


def test_requests_without_number_on_one_connection_are_cut_off() -> None:
    """
    Some hundred may be sent before the first answer; a quarter of a megabyte of them is an attack.
    """
    with listening() as port, socket.create_connection(("127.0.0.1", port), timeout=120) as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n" * 3_000)
        said = b""
        try:
            while piece := connection.recv(65536):
                said += piece
        except ConnectionResetError:
            pass

    assert said.count(b"HTTP/1.1 200") <= protocol.MOST_PIPELINED
    assert b"HTTP/1.1 400" in said


def test_a_few_requests_at_once_are_all_answered() -> None:
    """
    Sending ahead is allowed.
    """
    with listening() as port, socket.create_connection(("127.0.0.1", port), timeout=120) as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n" * 20)
        said = b""
        while said.count(b"HTTP/1.1 200") < 20:
            piece: Any = connection.recv(65536)
            assert piece
            said += piece


def test_an_ordinary_connection_stays_open(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    The deadline is for requests that do not end, not for a connection between two of them.
    """
    monkeypatch.setattr(protocol, "HEAD_SECONDS", 0.3)
    with listening() as port, socket.create_connection(("127.0.0.1", port), timeout=120) as connection:
        for _ in range(2):
            connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
            said = b""
            while not said.endswith(b"ok\n"):
                said += connection.recv(4096)
            connection.settimeout(1)
            with pytest.raises(TimeoutError):
                connection.recv(1)
            connection.settimeout(30)


EVENT = (
    b"POST /hooks/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer e\r\nContent-Length: 7\r\n\r\n"
    + b'{"a":1}'
)


class SlowlyKept(Kept):
    """An inbox whose disk takes its time: the sender is done before it is answered."""

    def put(self, deliveries: Any) -> None:
        time.sleep(0.2)
        super().put(deliveries)


@pytest.mark.parametrize(
    ("sent", "closes", "statuses"),
    [
        (EVENT, True, [202]),
        (EVENT * 5, True, [202] * 5),
        (EVENT + EVENT[:-3], True, [202]),
        (EVENT[:-3], True, []),
        (EVENT + b"garbage\r\n\r\n", False, [202, 400]),
        (EVENT + EVENT + b"POST\0 / HTTP/1.1\r\n\r\n", True, [202, 202, 400]),
        (b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n" * 150, True, [200] * 100 + [400]),
    ],
    ids=[
        "one",
        "five",
        "a whole one and a part",
        "a part",
        "garbage behind",
        "garbage behind two",
        "too many",
    ],
)
def test_each_whole_request_is_answered_whatever_follows(
    sent: bytes, closes: bool, statuses: list[int]
) -> None:
    """
    Pipelined requests, a client that closes its half once it has sent, and what is no request behind those that are.
    """
    kept = SlowlyKept()
    with (
        listening(inbox=kept) as port,
        socket.create_connection(("127.0.0.1", port), timeout=120) as connection,
    ):
        connection.sendall(sent)
        if closes:
            connection.shutdown(socket.SHUT_WR)
        said = b""
        while piece := connection.recv(65536):
            said += piece

    assert [int(status) for status in re.findall(rb"HTTP/1.1 (\d+)", said)][
        -len(statuses) or 200 :
    ] == statuses
    assert len(kept.deliveries) == statuses.count(202)
