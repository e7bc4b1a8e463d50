"""Senders over real HTTP that know what they were promised: who got a 202, who did not."""

import contextlib
import http.client
import itertools
import json
import math
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from tests.servers.serving import SECRETS

START = datetime(2026, 3, 1, 14, 0, tzinfo=UTC)

Request = tuple[str, dict[str, str], bytes]


def alert(number: int) -> Request:
    """A firing alert that no other number has, as Alertmanager words it."""
    labels = {
        "alertname": "HighErrorRate",
        "service": "checkout",
        "severity": "page",
        "number": str(number),
    }
    told = {
        "status": "firing",
        "labels": labels,
        "annotations": {"summary": "12 % of checkouts fail"},
        "startsAt": _instant(number),
        "endsAt": "0001-01-01T00:00:00Z",
        "generatorURL": "http://prometheus/graph?g0.expr=error_ratio",
        "fingerprint": f"{number:016x}",
    }
    body = {
        "receiver": "tracker",
        "status": "firing",
        "alerts": [told],
        "groupLabels": {},
        "commonLabels": labels,
        "commonAnnotations": told["annotations"],
        "externalURL": "http://alertmanager:9093",
        "version": "4",
        "groupKey": '{}:{alertname="HighErrorRate"}',
        "truncatedAlerts": 0,
    }
    headers = {
        "Authorization": f"Bearer {SECRETS['TRACKER_HOOK_TOKEN']}",
        "Content-Type": "application/json",
    }
    return "/hooks/alertmanager/prod", headers, json.dumps(body).encode()


def error(number: int, padding: int = 0) -> Request:
    """An error, as an SDK puts it into an envelope; `padding` bytes make it as large as real ones."""
    name = f"{number:032x}"
    frames = [{"filename": "pay.py", "function": "pay", "lineno": 26, "pad": "x" * padding}]
    event = {
        "event_id": name,
        "timestamp": _instant(number),
        "level": "error",
        "platform": "python",
        "release": "shop@1.4.2",
        "environment": "production",
        "exception": {"values": [{"type": "KeyError", "value": "'card'", "stacktrace": {"frames": frames}}]},
    }
    item = json.dumps(event).encode()
    head = {"event_id": name, "sent_at": _instant(number)}
    about = {"type": "event", "content_type": "application/json", "length": len(item)}
    body = b"\n".join([json.dumps(head).encode(), json.dumps(about).encode(), item, b""])
    headers = {
        "X-Sentry-Auth": f"Sentry sentry_version=7, sentry_key={SECRETS['TRACKER_DSN_KEY']}",
        "Content-Type": "application/x-sentry-envelope",
    }
    return "/api/1/envelope/", headers, body


def deploy(number: int) -> Request:
    """A deploy, as a pipeline tells it in a CDEvent."""
    body = {
        "context": {
            "specversion": "0.5.1",
            "id": f"run-{number}",
            "source": "/ci/main",
            "type": "dev.cdevents.service.deployed.0.3.0",
            "timestamp": _instant(number),
        },
        "subject": {
            "id": "/cluster/shop/checkout",
            "source": "/ci/main",
            "content": {
                "environment": {"id": "production"},
                "artifactId": f"pkg:oci/checkout@sha256%3Aa2f8c3?tag=v{number}",
            },
        },
    }
    headers = {
        "Authorization": f"Bearer {SECRETS['TRACKER_EVENTS_TOKEN']}",
        "Content-Type": "application/json",
    }
    return "/hooks/events", headers, json.dumps(body).encode()


def request(number: int) -> Request:
    """The delivery of a number: of ten, seven are alerts, two are errors, one is a deploy."""
    kind = number % 10
    if kind < 7:
        return alert(number)
    return error(number) if kind < 9 else deploy(number)


def _instant(number: int) -> str:
    return (START + timedelta(milliseconds=number)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Load:
    """Threads that send deliveries, one number each, until they are stopped.

    Who is refused, or gets no answer, sends the same again, as Alertmanager does; one in
    four gives up instead, as an SDK does. `acknowledged` are the numbers that were
    answered 202, `given_up` those that may stand in the log or not.
    """

    def __init__(self, url: str, *, senders: int = 4, seed: int = 0, first: int = 1) -> None:
        self.acknowledged: set[int] = set()
        self.given_up: set[int] = set()
        self.answers: Counter[str] = Counter()
        self.slowest_seconds = 0.0
        self.longest_stall_seconds = 0.0
        """The longest time in which nobody was answered 202."""
        self._last_acknowledged_at = math.inf
        self._address = urlsplit(url).netloc
        self._seed = seed
        self._numbers = itertools.count(first)
        self._stopping = threading.Event()
        self._threads = [
            threading.Thread(target=self._run, args=(each,), daemon=True) for each in range(senders)
        ]

    def start(self) -> None:
        """Begin to send."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Send no more; what was not answered yet is given up."""
        self._stopping.set()
        for thread in self._threads:
            thread.join()

    def wait_for(self, count: int, timeout_seconds: float = 60.0) -> None:
        """Wait until so many more were answered 202."""
        wanted = len(self.acknowledged) + count
        give_up = time.monotonic() + timeout_seconds
        while len(self.acknowledged) < wanted:
            if time.monotonic() > give_up:
                raise TimeoutError(f"{wanted - len(self.acknowledged)} of {count} were not acknowledged")
            time.sleep(0.005)

    def _run(self, sender: int) -> None:
        chance = random.Random(f"{self._seed}/{sender}")
        connection = self._connection()
        while not self._stopping.is_set():
            number = next(self._numbers)
            path, headers, body = request(number)
            patient = chance.random() >= 0.25
            while True:
                before = time.monotonic()
                try:
                    connection.request("POST", path, body, headers)
                    answer = connection.getresponse()
                    answer.read()
                    said = str(answer.status)
                    if said == "503" and not answer.getheader("Retry-After"):
                        said = "503 without Retry-After"
                except (OSError, http.client.HTTPException):
                    said = "no answer"
                    connection.close()
                    connection = self._connection()
                self.slowest_seconds = max(self.slowest_seconds, time.monotonic() - before)
                self.answers[said] += 1
                if said == "202":
                    self.acknowledged.add(number)
                    now = time.monotonic()
                    stall = now - self._last_acknowledged_at
                    self.longest_stall_seconds = max(self.longest_stall_seconds, stall)
                    self._last_acknowledged_at = now
                    break
                if self._stopping.wait(0.02) or not patient:
                    self.given_up.add(number)
                    break
        connection.close()

    def _connection(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(self._address, timeout=30)


@contextlib.contextmanager
def sending(url: str, *, senders: int = 4, seed: int = 0) -> Iterator[Load]:
    """Send while the block runs."""
    load = Load(url, senders=senders, seed=seed)
    load.start()
    try:
        yield load
    finally:
        load.stop()
