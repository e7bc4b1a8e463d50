"""What a real Bugsink digests of the very envelopes that `tracker serve` is measured with, in the same run."""

import time
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

from tests.faults.load import error
from tests.servers.bugsink import FOLDER, bugsink

_SENDERS = 4
_QUIET_SECONDS = 2.0


def installed() -> bool:
    """Whether `make servers` could install it."""
    return (FOLDER / ".stamp").is_file()


def digested_a_second(folder: Path, seconds: float, padding: int) -> float:
    """Send it envelopes for so long, wait until it has digested them, and return how many a second stand in it."""
    with bugsink(folder) as server:
        project = server.project("shop")
        parts = urlsplit(project["dsn"])
        began = time.perf_counter()
        until = began + seconds

        def send(first: int) -> int:
            taken, number = 0, first
            connection = HTTPConnection(parts.hostname or "", parts.port, timeout=60)
            while time.perf_counter() < until:
                _, headers, body = error(number, padding)
                headers = {
                    **headers,
                    "X-Sentry-Auth": f"Sentry sentry_version=7, sentry_key={parts.username}",
                }
                connection.request("POST", f"/api{parts.path}/envelope/", body, headers)
                answer = connection.getresponse()
                answer.read()
                taken += answer.status < 300
                number += 1
            connection.close()
            return taken

        with ThreadPoolExecutor(_SENDERS) as pool:
            list(pool.map(send, (4 * 10**10 + sender * 10**8 for sender in range(_SENDERS))))
        stand, ended, quiet_since = 0, began, time.perf_counter()
        while time.perf_counter() - quiet_since < _QUIET_SECONDS:
            time.sleep(0.2)
            now = sum(
                each["digested_event_count"]
                for each in server.api(f"issues/?project={project['id']}")["results"]
            )
            if now != stand:
                stand, ended, quiet_since = now, time.perf_counter(), time.perf_counter()
        return stand / (ended - began)
