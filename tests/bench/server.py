"""What `tracker serve` takes in, over real HTTP from wrk: acknowledged and durable, then standing in the log."""

import json
import shutil
import subprocess
import sys
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

from tests.bench.measure import Row, Sizes, at_least, at_most, said_in
from tests.faults.load import Request, alert, error
from tests.servers.serving import TrackerServer, tracker_server
from tracker.log import Log

CONNECTIONS = 32
ENVELOPE_PADDING = 4_250
"""Makes an envelope as large as those that sentry-sdk sends."""
SCANNED_BYTES = 40_000
NUMBER = 7_000_000_000
"""The number of the delivery that is the template: where it stands, every request puts a number of its own."""

_INCIDENT = ("--service", "checkout", "--severity", "major", "--by", "ada", "--at", "2026-05-21T14:30:00Z")

_SCRIPT = """
local path, headers, parts, style, first, at = {path}, {headers}, {parts}, {style}, {first}, 0
init = function(args) at = 0 end
request = function()
  at = at + 1
  return wrk.format("POST", path, headers, table.concat(parts, string.format(style, first + at)))
end
done = function(summary, latency, requests)
  io.write(string.format(
    'RESULT {{"requests": %d, "seconds": %.6f, "refused": %d, "broken": %d, "p50": %.6f, "p99": %.6f}}\\n',
    summary.requests, summary.duration / 1e6, summary.errors.status,
    summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout,
    latency:percentile(50) / 1e6, latency:percentile(99) / 1e6))
end
"""
_READ = """
done = function(summary, latency, requests)
  io.write(string.format('RESULT {"requests": %d, "seconds": %.6f, "refused": %d, "broken": 0, "p50": 0, "p99": 0}\\n',
    summary.requests, summary.duration / 1e6, summary.errors.status))
end
"""


@dataclass(frozen=True)
class Sent:
    """What wrk saw."""

    requests: int
    seconds: float
    refused: int
    broken: int
    p50: float
    p99: float

    @property
    def rate(self) -> float:
        """Requests a second that were answered with a 2xx."""
        return (self.requests - self.refused) / self.seconds


def wrk(url: str, script: str, folder: Path, seconds: int) -> Sent:
    """Let wrk send for so long, over CONNECTIONS connections."""
    file = folder / "wrk.lua"
    file.write_text(script, encoding="utf-8")
    ran = subprocess.run(
        ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--timeout", "10s", "-s", str(file), url],
        capture_output=True,
        text=True,
        check=True,
    )
    [line] = [each for each in ran.stdout.splitlines() if each.startswith("RESULT ")]
    return Sent(**json.loads(line.removeprefix("RESULT ")))


def script(request: Request, style: str, first: int) -> str:
    """Write wrk's script for deliveries that differ in their number, which `style` formats."""
    path, headers, body = request
    mark = style % NUMBER
    pieces = body.decode().split(mark)
    return _SCRIPT.format(
        path=json.dumps(path),
        headers="{"
        + ", ".join(f"[{json.dumps(name)}]={json.dumps(value)}" for name, value in headers.items())
        + "}",
        parts="{" + ", ".join(json.dumps(each) for each in pieces) + "}",
        style=json.dumps(style),
        first=first,
    )


def alerts(first: int) -> str:
    """One alert a request, each new: its number is in its fingerprint and its labels."""
    path, headers, body = alert(NUMBER)
    body = body.replace(f"{NUMBER:016x}".encode(), f"{NUMBER:016d}".encode())
    body = body.replace(f'"{NUMBER}"'.encode(), f'"{NUMBER:016d}"'.encode())
    return script((path, headers, body), "%016d", first)


def envelopes(first: int, padding: int) -> str:
    """One error a request, each new, in an envelope of some 4.9 kB."""
    path, headers, body = error(NUMBER, padding)
    body = body.replace(f"{NUMBER:032x}".encode(), f"{NUMBER:032d}".encode())
    return script((path, headers, body), "%032d", first)


def rows(
    sizes: Sizes, folder: Path, store: str, name: str, bugsink: Callable[[], float] | None = None
) -> Iterator[Row]:
    """Measure one server on one store; `bugsink` tells what Bugsink digests a second in this run."""
    if shutil.which("wrk") is None:
        yield Row(f"tracker serve on {name}", "", note="not measured: apt-get install wrk")
        return
    seconds = sizes.server_seconds
    with tracker_server(folder / "server", store=store, serve="") as server:
        bare = wrk(server.url + "/healthz", _READ, folder, max(1, seconds // 2))
        began = time.perf_counter()
        sent = wrk(server.url, alerts(10**10), folder, seconds)
        yield at_least(
            f"{name}: alerts acknowledged and durable, against 3,000 a second",
            sent.rate, 3_000, 1, "bodies/s", _noted(sent),
        )  # fmt: skip
        yield at_least(
            f"{name}: the same, against a GET of /healthz, which keeps nothing",
            sent.rate,
            bare.rate,
            0.15,
            "requests/s",
        )
        standing = _standing(server, sent, began)
        yield at_least(
            f"{name}: alerts standing in the log, from the first request to an empty inbox",
            standing, 2_500, 1, "events/s", f"{_events(server):,} events",
        )  # fmt: skip
        with _ScannedBeside(server) as scanned:
            began = time.perf_counter()
            sent = wrk(server.url, alerts(15 * 10**9), folder, seconds)
            standing = _standing(server, sent, began)
        texts = f"{scanned[0]} errors of {SCANNED_BYTES:,} bytes of almost secrets beside"
        yield at_least(
            f"{name}: alerts acknowledged while secrets are looked for",
            sent.rate, 3_000, 1, "bodies/s", f"{_noted(sent)}; {texts}",
        )  # fmt: skip
        yield at_least(
            f"{name}: alerts standing in the log while secrets are looked for",
            standing, 2_500, 1, "events/s", texts,
        )  # fmt: skip
        declared = server.cli("declare", "Payments answer 500", *_INCIDENT)
        assert declared.code == 0, declared.err
        with _AskedBeside(server) as asked:
            sent = wrk(server.url, alerts(2 * 10**10), folder, seconds)
        yield at_most(
            f"{name}: slowest of 100 (p99), while tracker report and verify run beside",
            sent.p99, 1.0, 1, "s", f"{_noted(sent)}; {asked[0]} commands",
        )  # fmt: skip
        server.digested(600)
        began = time.perf_counter()
        sent = wrk(server.url, envelopes(3 * 10**10, ENVELOPE_PADDING), folder, seconds)
        standing = _standing(server, sent, began)
        yield Row(
            f"{name}: Sentry envelopes of 4.9 kB acknowledged",
            said_in(sent.rate, "envelopes/s"),
            note=_noted(sent),
        )
        if bugsink is None:
            yield Row(f"{name}: Sentry envelopes standing in the log", said_in(standing, "events/s"))
        else:
            yield at_least(
                f"{name}: Sentry envelopes standing in the log, against Bugsink",
                standing,
                bugsink(),
                30,
                "events/s",
            )


def _noted(sent: Sent) -> str:
    return f"p50 {said_in(sent.p50, 's')}, p99 {said_in(sent.p99, 's')}, {sent.refused} refused, {sent.broken} broken"


def _standing(server: TrackerServer, sent: Sent, began: float) -> float:
    server.digested(600)
    return (sent.requests - sent.refused) / (time.perf_counter() - began)


def _events(server: TrackerServer) -> int:
    with Log(server.store) as log:
        return log.position


class _Beside(ABC):
    """Work that goes on beside a measurement, until the block ends; it counts what it did."""

    def __init__(self, server: TrackerServer) -> None:
        self._server, self._count, self._over = server, [0], threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    @abstractmethod
    def _run(self) -> None: ...

    def __enter__(self) -> list[int]:
        self._thread.start()
        return self._count

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()


class _ScannedBeside(_Beside):
    """Send errors whose texts almost hold secrets, some five a second, until the block ends; count them."""

    def _run(self) -> None:
        parts = urlsplit(self._server.url)
        number = 6 * 10**10
        while not self._over.wait(0.2):
            path, headers, body = error(number, SCANNED_BYTES)
            body = body.replace(
                b"x" * SCANNED_BYTES, (b"password token= eyJ 4111 " * SCANNED_BYTES)[:SCANNED_BYTES]
            )
            connection = HTTPConnection(parts.hostname or "", parts.port, timeout=60)
            connection.request("POST", path, body, headers)
            self._count[0] += connection.getresponse().status == HTTPStatus.ACCEPTED
            connection.close()
            number += 1


class _AskedBeside(_Beside):
    """Type commands that read the log, one after the other, until the block ends; count them."""

    def _run(self) -> None:
        while not self._over.is_set():
            for each in (("report", "INC-1", "-o", "-"), ("verify",)):
                ran = self._server.cli(*each)
                if ran.code:
                    sys.stderr.write(ran.err)
                self._count[0] += not ran.code
