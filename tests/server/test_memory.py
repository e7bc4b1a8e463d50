"""Whatever is sent, `tracker serve` stays below 400 MB, and an alert behind it is recorded."""

import gzip
import json
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.server.senders import ago, firing, push
from tests.servers.serving import SECRETS, TrackerServer, until

MOST_KB = 400_000


def error(number: int, extra: bytes) -> bytes:
    event = {"event_id": f"{number:032x}", "timestamp": ago(minutes=1).timestamp(), "message": "boom"}
    head = json.dumps({"event_id": event["event_id"]}).encode() + b'\n{"type":"event"}\n'
    return gzip.compress(head + json.dumps(event).encode()[:-1] + b',"extra":{"x":' + extra + b"}}")


def send(server: TrackerServer, path: str, body: bytes, headers: dict[str, str]) -> int:
    return server.request(path, body, headers).status


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the system does not count it")
def test_bombs_and_very_many_values_cost_little_memory(make_server):
    """
    20 kB that become 19 MB, 19 MB of brackets, and ten megabytes of an authenticated sender.
    """
    server = make_server(serve="public_bytes_per_minute = 10000000000")
    path = f"/api/1/envelope/?sentry_key={SECRETS['TRACKER_DSN_KEY']}"
    extras = (b'"' + b"A" * (19 << 20) + b'"', b"[" + b"[]," * ((19 << 20) // 3) + b"[]]")
    bombs = [error(number, extras[number % 2]) for number in range(12)]
    hook = {"Authorization": f"Bearer {SECRETS['TRACKER_HOOK_TOKEN']}"}
    alerts = [firing(ago(minutes=1), alertname=f"n{number}", pod="p" * 2_000) for number in range(3_000)]
    with ThreadPoolExecutor(6) as pool:
        statuses = list(pool.map(lambda body: send(server, path, body, {"Content-Encoding": "gzip"}), bombs))
        large = send(server, "/hooks/alertmanager/am", json.dumps({"alerts": alerts}).encode(), hook)
    push(server, firing(ago(minutes=1), alertname="AfterTheBombs"))

    until(lambda: [row for row in server.timeline() if "AfterTheBombs" in row["title"]])
    server.digested(600)
    [peak] = re.findall(r"VmHWM:\s+(\d+)", Path(f"/proc/{server.pid}/status").read_text())

    assert (set(statuses), large) == ({202}, 202)
    assert int(peak) < MOST_KB
