"""HTTP as nobody writes it, over plain sockets: what a client library would never send."""

import contextlib
import random
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from tests.hostile import payloads
from tests.hostile.target import ROUTES, authentic
from tests.servers.serving import TrackerServer

ANSWER_SECONDS = 40.0
_METHODS = [
    b"GET",
    b"HEAD",
    b"PUT",
    b"DELETE",
    b"PATCH",
    b"TRACE",
    b"CONNECT",
    b"OPTIONS",
    b"PROPFIND",
    b"FOO",
    b"get",
]


@dataclass(frozen=True)
class Shot:
    """What is sent on one connection.

    `whole` says that it is one request, which must be answered; `let_in` that it is authentic.
    """

    data: bytes
    kind: str
    whole: bool = True
    mark: int | None = None
    let_in: bool = False


@dataclass
class Seen:
    """What came back."""

    statuses: "Counter[int]" = field(default_factory=Counter)
    marks: set[int] = field(default_factory=set)
    """The marked bodies that were answered 202."""
    wrong: list[str] = field(default_factory=list)
    unanswered: int = 0
    slowest_seconds: float = 0.0
    requests: int = 0


def _request(
    route: str,
    body: bytes,
    headers: dict[str, bytes],
    *,
    method: bytes = b"POST",
    path: bytes | None = None,
    length: bytes | None = None,
    extra: bytes = b"",
) -> bytes:
    lines = [method + b" " + (path or ROUTES[route].encode()) + b" HTTP/1.1", b"Host: tracker"]
    lines += [name.encode() + b": " + value for name, value in headers.items()]
    if length != b"":
        lines.append(b"Content-Length: " + (length or b"%d" % len(body)))
    return b"\r\n".join(lines) + b"\r\n" + extra + b"\r\n" + body


def _headers(chance: random.Random, route: str, body: bytes, let_in: bool) -> dict[str, bytes]:
    """Give the secret, or something in its place that is none."""
    right = authentic(route, body)
    if let_in:
        return right
    (name, value) = next(iter(right.items()))
    wrong = chance.choice(
        [
            *(
                b"",
                b" ",
                b"Bearer",
                b"Bearer ",
                b"bearer \xff\xfe",
                b"Bearer " + b"A" * 5000,
                b"Basic Og==",
                b"sha256=",
            ),
            *(
                value[:-1],
                value + b"0",
                value.upper().replace(b"BEARER", b"Bearer"),
                b"\xc3\xa9" * 20,
                b"\x80" * 64,
            ),
            *(
                b"sha256=" + b"\xe9" * 64,
                b"sha256=" + b"0" * 64,
                b"0" * 64,
                b"Sentry sentry_key=\xff",
                b"Sentry ,,,=,=",
            ),
            b"Sentry " + b"sentry_key=x," * 500,
        ]
    )
    return {} if chance.random() < 0.2 else {name: wrong}


def _plain(chance: random.Random, route: str, let_in: bool) -> Shot:
    body = payloads.body(chance, route)
    if not let_in:
        body += payloads.FORBIDDEN.encode()
    headers = _headers(chance, route, body, let_in)
    if chance.random() < 0.3:
        kind = chance.choice(
            [b"application/json", b"application/cloudevents+json", b"text/\xff", b"a" * 3000, b";;=;"]
        )
        headers["Content-Type"] = kind
    if route == "events" and chance.random() < 0.3:
        headers |= {
            "ce-type": chance.choice([b"dev.cdevents.service.deployed.0.3.0", b"%00", b"\xff%ff"]),
            "ce-id": b"1",
        }
        headers |= {
            "ce-time": chance.choice([b"9999-12-31T23:59:59Z", b"x"]),
            "ce-\xe9".encode("latin-1").decode("ascii", "ignore") + "x": b"%ed%a0%80",
        }
    if chance.random() < 0.2:
        name = chance.choice(
            ["Idempotency-Key", "X-GitHub-Delivery", "Request-ID", "X-Gitlab-Event-UUID", "X-GitHub-Event"]
        )
        headers[name] = chance.choice([b"\xff\xfe", b"A" * 10_000, b"", b"1", b"%00"])
    return Shot(_request(route, body, headers), "plain", let_in=let_in)


def _bomb(chance: random.Random, route: str, let_in: bool) -> Shot:
    encoding, body = chance.choice(payloads.bombs())
    headers = _headers(chance, "envelope", body, let_in)
    if chance.random() < 0.9:
        headers["Content-Encoding"] = encoding
    return Shot(_request("envelope", body, headers), "bomb", let_in=let_in)


def _envelope_key(chance: random.Random, route: str, let_in: bool) -> Shot:
    """Ask with a key in the query or in the envelope's own DSN, in which anything can stand."""
    dsn = chance.choice(
        [
            b"http://\\ud800@h/1",
            b"\\u0000",
            b"://@",
            b"http://[@/1",
            b"@" * 500,
            b"http://" + b"k" * 9000 + b"@h/1",
        ]
    )
    event_id = chance.choice([b'"\\ud800"', b"1e400", b"[]", b'"' + b"0" * 32 + b'"'])
    body = (
        b'{"dsn":"'
        + dsn
        + b'","event_id":'
        + event_id
        + b"}\n{}\n"
        + payloads.FORBIDDEN.encode() * (not let_in)
    )
    query = chance.choice(
        [
            b"?" + b"&".join([b"a=1"] * 60),
            b"?sentry_key=%00%ff",
            b"?sentry_key=\xff",
            b"?=&=&&;",
            b"?" + b"%" * 500,
        ]
    )
    headers = authentic("envelope", body) if let_in else {}
    return Shot(
        _request("envelope", body, headers, path=ROUTES["envelope"].encode() + query),
        "envelope key",
        let_in=let_in,
    )


def _path(chance: random.Random, route: str, let_in: bool) -> Shot:
    body = b"{}" + payloads.FORBIDDEN.encode()
    path = chance.choice(
        [
            *(
                b"/%00",
                b"/hooks/alertmanager/%00",
                b"/hooks/alertmanager/%ff%fe",
                b"/hooks/sentry/\xff\xfe",
                b"//",
                b"/../..",
            ),
            *(
                b"/hooks/%2e%2e/%2fetc",
                b"/api/%00/envelope/",
                b"/api/%ed%a0%80/envelope/",
                b"/api//envelope/",
                b"*",
                b"?",
            ),
            *(
                b"/" + b"a" * 30_000,
                b"/api/" + b"9" * 5_000 + b"/envelope/",
                b"http://[::1/hooks/events",
                b"http://x:99999999/",
            ),
            *(
                b"/hooks/events/",
                b"/hooks/events#x",
                b"/healthz?" + b"a" * 9_000,
                b"/openapi.json/%0d%0aX: 1",
                b"/%%%",
                b"/\\..\\",
            ),
            *(
                b"/api/0/organizations/%00/releases/",
                b"/api/0/organizations/a/releases/%2f%2e%2e/deploys/",
                b"/hooks/alertmanager/a/b",
            ),
        ]
    )
    return Shot(_request(route, body, {}, path=path), "path")


def _method(chance: random.Random, route: str, let_in: bool) -> Shot:
    body = payloads.FORBIDDEN.encode() if chance.random() < 0.5 else b""
    path = chance.choice([*ROUTES.values(), "/healthz", "/readyz", "/openapi.json"]).encode()
    method = chance.choice(_METHODS)
    # The answer to HEAD has no body whatever it says, and CONNECT is for proxies.
    return Shot(_request(route, body, {}, path=path, method=method), "method", whole=False)


def _head(chance: random.Random, route: str, let_in: bool) -> Shot:
    body = b"{}" + payloads.FORBIDDEN.encode()
    extra = chance.choice(
        [
            b"".join(b"X-%d: y\r\n" % n for n in range(chance.choice([100, 2_000]))),
            *(
                b"X: " + b"a" * 300_000 + b"\r\n",
                b"a:\r\n" * 70_000,
                b"X: \x00\r\n",
                b": no name\r\n",
                b"X Y: 1\r\n",
            ),
            *(
                b"X: 1\r\n folded\r\n",
                b"\xff\xfe: 1\r\n",
                b"Host: [\r\n",
                b"Host: a\r\nHost: b\r\n",
                b"no colon\r\n",
                b"X: 1\n",
            ),
            *(
                b"Authorization: Bearer a\r\nAuthorization: Bearer b\r\n",
                b"Content-Encoding: \xff\r\n",
                b"Cookie: \xff\r\n",
            ),
            *(
                b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: x\r\n",
                b"Upgrade: h2c\r\nConnection: Upgrade\r\n",
            ),
            *(
                b"Expect: 100-continue\r\n",
                b"Expect: \xff\r\n",
                b"Connection: close\r\n",
                b"TE: x\r\nTrailer: y\r\n",
            ),
        ]
    )
    headers = _headers(chance, route, body, False)
    return Shot(_request(route, body, headers, extra=extra), "head", whole=False)


def _framing(chance: random.Random, route: str, let_in: bool) -> Shot:
    """Lie about where the body ends."""
    body = payloads.FORBIDDEN.encode() * 3
    length = chance.choice(
        [
            b"5",
            b"100000",
            b"-1",
            b"+5",
            b"0x5",
            b"\xb2",
            b"9" * 30,
            b"9" * 5000,
            b"1, 2",
            b"5 5",
            b"\x00",
            b" ",
        ]
    )
    chunked = b"Transfer-Encoding: chunked\r\n"
    data = chance.choice(
        [
            _request(route, body, _headers(chance, route, body, False), length=length),
            _request(route, b"5\r\nhello\r\n0\r\n\r\n", {}, length=b"", extra=chunked),
            _request(route, b"5\r\nhello\r\n", {}, length=b"", extra=chunked),
            _request(route, b"zz\r\nhello\r\n0\r\n\r\n", {}, length=b"", extra=chunked),
            _request(route, b"f" * 40 + b"\r\nhello", {}, length=b"", extra=chunked),
            _request(route, b"-5\r\nhello\r\n0\r\n\r\n", {}, length=b"", extra=chunked),
            _request(
                route, b"5;" + b"x" * 200_000 + b"\r\nhello\r\n0\r\n\r\n", {}, length=b"", extra=chunked
            ),
            _request(route, b"0\r\n" + b"T: x\r\n" * 60_000 + b"\r\n", {}, length=b"", extra=chunked),
            _request(route, b"1\r\na\r\n" * 20_000 + b"0\r\n\r\n", {}, length=b"", extra=chunked),
            _request(route, b"0\r\n\r\nPOST /hooks/events HTTP/1.1\r\n\r\n", {}, length=b"5", extra=chunked),
            _request(route, body, {}, length=b"", extra=b"Transfer-Encoding: gzip, chunked, \xff\r\n"),
            *(
                b"GET /healthz\r\n",
                b"POST /hooks/events HTTP/9.9\r\n\r\n",
                b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
                b"\r\n" * 5_000,
            ),
            *(
                b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 500,
                b"GET /healthz HTTP/1.0\r\n\r\n",
                b"\xff" * 3_000,
            ),
            *(
                b"",
                b"P",
                b"POST /hooks/ev",
                b"GET /" + b"a" * 500_000,
                b"GET /healthz HTTP/1.1\r\n\r\n" * 500,
            ),
        ]
    )
    return Shot(data, "framing", whole=False)


_KINDS: list[tuple[Callable[[random.Random, str, bool], Shot], int]] = [
    (_plain, 60),
    (_path, 8),
    (_method, 8),
    (_head, 8),
    (_framing, 10),
    (_envelope_key, 5),
    (_bomb, 1),
]


def shots(seed: int, count: int, let_in: bool) -> Iterator[Shot]:
    """Make so many; where some are let in, every twentieth is one that must be found again afterwards."""
    chance = random.Random(seed)
    for number in range(count):
        if let_in and number % 20 == 0:
            body = payloads.marked(number)
            yield Shot(
                _request("alertmanager", body, authentic("alertmanager", body)),
                "marked",
                mark=number,
                let_in=True,
            )
            continue
        make = chance.choices([kind for kind, _ in _KINDS], [weight for _, weight in _KINDS])[0]
        yield make(chance, chance.choice(sorted(ROUTES)), let_in and chance.random() < 0.8)


def fire(
    target: TrackerServer, arsenal: Iterator[Shot], *, threads: int = 6, seconds: float = 1800.0
) -> Seen:
    """Send them all from a few threads, and stop when time is over."""
    seen, lock, stop_at = Seen(), threading.Lock(), time.monotonic() + seconds

    def next_shot() -> Shot | None:
        with lock:
            return next(arsenal, None) if time.monotonic() < stop_at else None

    def work() -> None:
        connection: socket.socket | None = None
        while (shot := next_shot()) is not None:
            started = time.perf_counter()
            status, connection = _sent(target, shot, connection)
            elapsed = time.perf_counter() - started
            with lock:
                _note(seen, shot, status, elapsed)
        if connection is not None:
            connection.close()

    workers = [threading.Thread(target=work, daemon=True) for _ in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return seen


def _note(seen: Seen, shot: Shot, status: int | None, elapsed: float) -> None:
    seen.requests += 1
    seen.slowest_seconds = max(seen.slowest_seconds, elapsed)
    if status is None:
        seen.unanswered += 1
        if shot.whole:
            seen.wrong.append(f"{shot.kind}: no answer to {shot.data[:200]!r} of {len(shot.data)} bytes")
        return
    seen.statuses[status] += 1
    if status == 202 and shot.mark is not None:
        seen.marks.add(shot.mark)
    if status == 202 and not shot.let_in:
        seen.wrong.append(f"{shot.kind}: let in: {shot.data[:300]!r}")
    if status >= 500 and status != 503:
        seen.wrong.append(f"{shot.kind}: {status} to {shot.data[:300]!r}")


def _sent(
    target: TrackerServer, shot: Shot, connection: socket.socket | None
) -> tuple[int | None, socket.socket | None]:
    """Send one; give its status and the connection, where that can be used again."""
    if connection is not None and not shot.whole:
        connection.close()
        connection = None
    used = connection is not None
    if connection is None:
        connection = socket.create_connection(("127.0.0.1", target.port), timeout=ANSWER_SECONDS)
    status, again = None, False
    # The server may have closed the connection while much was still to be sent; its answer may be there.
    with contextlib.suppress(OSError):
        connection.sendall(shot.data)
    with contextlib.suppress(OSError):
        if not shot.whole:
            connection.shutdown(socket.SHUT_WR)
        status, again = _answer(connection)
    if again and shot.whole:
        return status, connection
    connection.close()
    if status is None and shot.whole and used:
        return _sent(target, shot, None)
    return status, None


def _answer(connection: socket.socket) -> tuple[int | None, bool]:
    """Read one answer; say whether another request may follow it."""
    data = b""
    while b"\r\n\r\n" not in data:
        piece = connection.recv(65536)
        if not piece:
            return None, False
        data += piece
        if data.startswith(b"HTTP/1.1 100 ") and b"\r\n\r\n" in data:
            data = data.partition(b"\r\n\r\n")[2]
    head, _, body = data.partition(b"\r\n\r\n")
    status = int(head.split(b" ", 2)[1])
    fields = {
        name.strip().lower(): value.strip()
        for name, _, value in (line.partition(b":") for line in head.split(b"\r\n")[1:])
    }
    if status == 503 and b"retry-after" not in fields:
        status = 599
    if fields.get(b"connection", b"").lower() == b"close" or b"content-length" not in fields:
        return status, False
    left = int(fields[b"content-length"]) - len(body)
    while left > 0:
        piece = connection.recv(65536)
        if not piece:
            return status, False
        left -= len(piece)
    return status, left == 0


def slow(target: TrackerServer, count: int) -> list[socket.socket]:
    """Open connections that send a little and go on for ever."""
    held = []
    for number in range(count):
        connection = socket.create_connection(("127.0.0.1", target.port), timeout=10)
        connection.sendall(
            (b"", b"POST /hooks/ev", b"POST /hooks/events HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n1")[
                number % 3
            ]
        )
        held.append(connection)
    return held
