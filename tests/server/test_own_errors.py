"""The server's own bugs: they go to another Sentry, without secrets, and never back to itself."""

import gzip
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import brotli
import pytest

from tests.server.senders import ago, firing, push
from tests.servers.process import free_port
from tests.servers.serving import SECRETS, TrackerServer, until
from tests.servers.slack import SECRET as SLACK_SECRET
from tests.servers.webhooks import Receiver
from tracker.events.alerts import AlertFired
from tracker.inbox.opening import open_inbox
from tracker.log import Log

KEY = "f" * 32
HOOK = """
import os, time
from tracker.ingest import alertmanager

read = alertmanager.read

def other(feed, **more):
{does}

alertmanager.read = other
"""
RAISES = """
    token = os.environ["TRACKER_HOOK_TOKEN"]
    raise ZeroDivisionError("nobody thought of this")
"""
DAWDLES = """
    time.sleep(0.2)
    return read(feed, **more)
"""


@pytest.fixture
def hooked(tmp_path: Path) -> Callable[[str], dict[str, str]]:
    """Make an environment in which the reader of Alertmanager's bodies does something else: hooked(RAISES)."""

    def make(does: str) -> dict[str, str]:
        folder = tmp_path / "hook"
        folder.mkdir()
        (folder / "sitecustomize.py").write_text(HOOK.format(does=does))
        return {"PYTHONPATH": os.pathsep.join([str(folder), *filter(None, [os.environ.get("PYTHONPATH")])])}

    return make


def own_addresses() -> list[str]:
    return ["127.0.0.1", "localhost", "LocalHost", socket.gethostname(), "127.1", "0.0.0.0", "[::1]"]


@pytest.mark.parametrize("host", own_addresses())
def test_a_dsn_that_names_this_very_server_is_refused_at_start(make_server, host):
    """
    However it is written: exit code 3, a line and what to type; nothing listens.
    """
    server = make_server(running=False)

    done = started(server, f"http://{KEY}@{host}:{server.port}/1")

    assert done.returncode == 3
    [line, hint] = done.stderr.splitlines()
    assert "TRACKER_SENTRY_DSN names this server" in line
    assert "unset TRACKER_SENTRY_DSN" in hint
    assert KEY not in done.stderr


@pytest.mark.parametrize("dsn", ["nonsense", "http://127.0.0.1/1", f"http://{KEY}@/1"])
def test_a_dsn_that_is_none_is_refused_at_start(make_server, dsn):
    """
    Exit code 3, a line and how one looks.
    """
    done = started(make_server(running=False), dsn)

    assert done.returncode == 3
    [line, hint] = done.stderr.splitlines()
    assert "TRACKER_SENTRY_DSN is not a DSN" in line
    assert "https://key@host/1" in hint


def started(server: TrackerServer, dsn: str) -> subprocess.CompletedProcess[str]:
    """Start a server that should not start."""
    return subprocess.run(
        [sys.executable, "-m", "tracker", "serve", "--port", str(server.port)],
        cwd=server.folder,
        env={**os.environ, **SECRETS, "TRACKER_SENTRY_DSN": dsn},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_a_bug_in_a_reader_arrives_at_another_tracker_and_its_delivery_is_parked(make_server, hooked):
    """
    The sender is answered 202, the delivery waits for a version that reads it, and the bug is in the other's timeline.
    """
    other = make_server()
    server = make_server(environment={**hooked(RAISES), "TRACKER_SENTRY_DSN": other.dsn})

    push(server, firing(ago(minutes=1)))
    [bug] = until(other.timeline)

    assert bug["kind"] == "error-seen"
    assert "ZeroDivisionError: nobody thought of this" in bug["title"]
    [parked] = server.cli("inbox", "list", "--json").json["parked"]
    assert (parked["route"], parked["reason"]) == (
        "alertmanager",
        "a bug in the reader: ZeroDivisionError: nobody thought of this",
    )
    assert server.timeline() == []
    assert other.cli("inbox", "list", "--json").json["parked"] == []


def test_no_secret_is_in_what_goes_to_sentry(make_server, hooked, receiver: Receiver):
    """
    Neither those of the routes, of which one is a variable where it failed, nor Slack's address, nor the body.
    """
    place = receiver.url.removeprefix("http://")
    slack = f"http://127.0.0.1:{free_port()}{SLACK_SECRET}"
    server = make_server(
        '[slack]\nwebhook_url_env = "SLACK_URL"\n',
        environment={
            **hooked(RAISES),
            "TRACKER_SENTRY_DSN": f"http://{KEY}@{place}1",
            "SLACK_URL": slack,
        },
    )

    push(server, firing(ago(minutes=1), customer="ada@example.com"))
    push(server, firing(ago(minutes=2)))
    until(lambda: len(sent(receiver)) >= 2)
    server.stop()

    everything = sent(receiver)
    assert len(everything) == 2
    for envelope in everything:
        assert b"ZeroDivisionError" in envelope
        for secret in (*SECRETS.values(), slack, SLACK_SECRET, "ada@example.com"):
            assert secret.encode() not in envelope


def sent(receiver: Receiver) -> list[bytes]:
    """Return the envelopes with errors that came, unpacked."""
    unpack: dict[str | None, Callable[[bytes], bytes]] = {
        None: bytes,
        "gzip": gzip.decompress,
        "br": brotli.decompress,
    }
    unpacked = [unpack[each.headers.get("content-encoding")](each.body) for each in receiver.deliveries]
    return [each for each in unpacked if b'"type":"event"' in each.replace(b" ", b"")]


def test_sigterm_ends_it_with_0_and_all_that_was_received_is_on_disk(make_server, hooked):
    """
    What was not worked up by then waits in the inbox; the next start does it.
    """
    server = make_server(environment=hooked(DAWDLES))
    for number in range(20):
        push(server, firing(ago(minutes=5), alertname=f"Alert{number}"))

    assert server.process is not None
    server.process.send_signal(signal.SIGTERM)
    code = server.process.wait(120)
    waits, stands = left(server)

    assert code == 0
    assert waits + stands == 20  # on a busy machine nothing waits any more
    del server.environment["PYTHONPATH"]
    server.start()
    server.digested()
    assert left(server) == (0, 20)


def left(server: TrackerServer) -> tuple[int, int]:
    """Return how many deliveries wait, and how many alerts stand in the log."""
    store = str(server.folder / "tracker.db")
    inbox = open_inbox(store)
    try:
        with Log(store) as log:
            alerts = sum(isinstance(each.event, AlertFired) for each in log.read_all())
            return inbox.counts().waiting, alerts
    finally:
        inbox.close()
