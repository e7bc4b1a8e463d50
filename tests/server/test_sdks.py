"""Applications with Sentry's own SDKs report to `tracker serve` by a DSN that leads there."""

import json
import os
import shutil
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import pytest

from tests.server.senders import ago, shown
from tests.server.test_events import nothing_is_left
from tests.servers.serving import SECRETS, TrackerServer, until

HERE = Path(__file__).parent
KEY = SECRETS["TRACKER_DSN_KEY"]
TITLE = "Error: PoolIsEmptyError: no connection within 30 s"


def python_app(server: TrackerServer, *does: str, happened_at: datetime, **environment: str) -> None:
    """Run tests/server/python_app.py against a server."""
    given = {"DSN": server.dsn, "HAPPENED_AT": shown(happened_at), **environment}
    done = subprocess.run(
        [sys.executable, HERE / "python_app.py", *does],
        env={**os.environ, **given},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr


@pytest.fixture
def node() -> str:
    """Node, where @sentry/node is installed for it."""
    found = shutil.which("node")
    if found is None:
        pytest.skip("needs Node 18 or newer and npm: apt-get install nodejs npm, then bash .ci/node_sdk.sh")
    if not (HERE / "node/node_modules/@sentry/node").is_dir():
        pytest.skip("needs @sentry/node: bash .ci/node_sdk.sh")
    return found


def node_app(node: str, happened_at: datetime, **environment: str) -> None:
    """Run tests/server/node/report.mjs."""
    done = subprocess.run(
        [node, HERE / "node/report.mjs"],
        env={**os.environ, "HAPPENED_AT": str(happened_at.timestamp()), **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr


def rows(server: TrackerServer) -> dict[str, dict[str, object]]:
    server.digested()
    return {str(row["kind"]): row for row in server.timeline()}


@pytest.mark.parametrize("compression", ["gzip", "br"])
def test_an_error_reaches_the_timeline_at_its_own_time(server, compression):
    """
    sentry-sdk packs with either and names its key in X-Sentry-Auth; the error stands where the application says.
    """
    happened = ago(minutes=7)

    python_app(server, "error", "check-in", "session", happened_at=happened, COMPRESSION=compression)
    until(lambda: set(rows(server)) == {"error-seen", "check-in-recorded"})

    error = rows(server)["error-seen"]
    assert error["title"] == TITLE
    assert error["occurred_at"] == shown(happened)
    assert (error["service"], error["recorded_by"]) == ("checkout", "webhook")
    assert error["late_seconds"] >= 7 * 60
    assert server.metric("tracker_inbox_parked") == 0
    raw = server.cli("show", error["event"], "--raw").out
    assert json.loads(raw.splitlines()[2])["release"] == "shop@1.2.0"


@pytest.mark.parametrize("by", ["query", "tunnel"])
def test_node_reports_with_its_key_in_the_query_or_in_the_envelope(server, node, by):
    """
    @sentry/node names the key in the address; through a tunnel only the envelope's own DSN has it.
    """
    happened = ago(minutes=8)
    elsewhere = f"https://{KEY}@sentry.invalid/1"
    given = (
        {"DSN": server.dsn}
        if by == "query"
        else {"DSN": elsewhere, "TUNNEL": f"{server.url}/api/1/envelope/"}
    )

    node_app(node, happened, **given)
    until(lambda: set(rows(server)) == {"error-seen", "check-in-recorded"})

    error = rows(server)["error-seen"]
    assert error["title"] == "Error: RangeError: no connection within 30 s"
    assert error["occurred_at"] == shown(happened)
    assert (error["service"], error["source"]) == ("checkout", "sentry-sdk")


def test_an_sdk_sends_no_more_of_what_is_not_wanted(server):
    """
    The first answer says that errors and check-ins are enough; sessions, transactions and logs stay at home.
    """
    python_app(server, "error", happened_at=ago(minutes=3))
    until(lambda: server.metric("tracker_inbox_kept_total") == 1)
    python_app(server, "error", "session", "transaction", "log", "check-in", happened_at=ago(minutes=2))

    # The second application's error, and its check-in.
    assert set(rows(server)) == {"error-seen", "check-in-recorded"}
    until(lambda: server.metric("tracker_inbox_kept_total") >= 3)
    assert server.metric("tracker_inbox_kept_total") == 3


def test_what_is_not_wanted_is_received_and_recorded_as_nothing(server):
    """
    An application whose first word is a session is not refused for it; nothing of it is parked.
    """
    python_app(server, "session", happened_at=ago(minutes=2))

    until(lambda: server.metric("tracker_inbox_kept_total") == 1)
    assert rows(server) == {}
    assert server.metric("tracker_inbox_parked") == 0


def test_a_wrong_key_leaves_nothing(server):
    """
    An SDK with another key is answered 401; neither inbox nor log has heard of it, and the SDK does not mind.
    """
    wrong = server.dsn.replace(KEY, KEY[::-1])

    python_app(server, "error", "check-in", happened_at=ago(minutes=1), DSN=wrong)
    line = b'{"dsn": "https://%s@h/1"}\n'
    statuses = [
        server.request(path, line % key, headers).status
        for path, key, headers in (
            ("/api/1/envelope/", KEY[::-1].encode(), {}),
            ("/api/1/envelope/", b"", {}),
            (f"/api/1/envelope/?sentry_key={KEY[:-1]}", b"", {}),
            # The header comes first: a key in the envelope does not save a wrong one.
            ("/api/1/envelope/", KEY.encode(), {"X-Sentry-Auth": "Sentry sentry_key=nobody"}),
        )
    ]

    assert statuses == [401] * 4
    assert server.metric('tracker_http_requests_total{route="envelope",status="401"}') >= 5
    nothing_is_left(server)


def test_a_browser_may_ask_first_and_report(server):
    """
    The preflight of another origin is answered, and so are the report and its refusal, with what browsers look for.
    """
    asked = {
        "Origin": "https://shop.example",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type,x-sentry-auth,sentry-trace,baggage",
    }
    preflight = server.request("/api/1/envelope/", None, asked, method="OPTIONS")
    event = [{"event_id": "b" * 32}, {"type": "event"}, {"message": "x", "timestamp": shown(ago(minutes=1))}]
    report = server.request(
        f"/api/1/envelope/?sentry_key={KEY}&sentry_version=7",
        b"\n".join(json.dumps(line).encode() for line in event),
        {"Origin": "https://shop.example", "Content-Type": "text/plain;charset=UTF-8"},
    )
    refused = server.request("/api/1/envelope/", b"{}\n", {"Origin": "https://shop.example"})

    assert (preflight.status, report.status, refused.status) == (200, 202, 401)
    for answer in (preflight, report, refused):
        assert answer.headers["access-control-allow-origin"] == "*"
        assert "X-Sentry-Rate-Limits" in answer.headers["access-control-expose-headers"]
    assert "POST" in preflight.headers["access-control-allow-methods"]
    assert json.loads(report.body) == {"id": "b" * 32}
    assert report.headers["content-type"] == "application/json"
