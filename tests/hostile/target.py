"""The routes of a running `tracker serve`, whose secret opens each, and what can be seen of it from outside."""

import contextlib
import hashlib
import hmac
import re
import sqlite3
from pathlib import Path

from tests.servers.serving import SECRETS, TrackerServer, tracker_server
from tracker.log import Log

ROUTES = {
    "alertmanager": "/hooks/alertmanager/main",
    "sentry": "/hooks/sentry/main",
    "github": "/hooks/github",
    "gitlab": "/hooks/gitlab",
    "events": "/hooks/events",
    "envelope": "/api/7/envelope/",
    "releases": "/api/0/organizations/acme/releases/",
}
_SETTINGS = '[services.checkout]\nauto_declare = "critical"\n'


def serving(folder: Path) -> "contextlib.AbstractContextManager[TrackerServer]":
    """Run `tracker serve` with a secret for each route, that polls as seldom as it does for users."""
    return tracker_server(folder, _SETTINGS, serve="")


def route_of(path: str) -> str | None:
    """Return the route whose secret a path needs."""
    for name, known in ROUTES.items():
        if name != "envelope" and path.startswith(known.removesuffix("/main").removesuffix("/")):
            return name
    return "envelope" if re.match(r"/api/[^/]+/envelope", path) else None


def authentic(route: str, body: bytes) -> dict[str, bytes]:
    """Return the headers with which a route accepts a body."""

    def signature(secret: str) -> bytes:
        return hmac.new(SECRETS[secret].encode(), body, hashlib.sha256).hexdigest().encode()

    def bearer(secret: str) -> bytes:
        return f"Bearer {SECRETS[secret]}".encode()

    return {
        "alertmanager": {"Authorization": bearer("TRACKER_HOOK_TOKEN")},
        "events": {"Authorization": bearer("TRACKER_EVENTS_TOKEN")},
        "releases": {"Authorization": bearer("TRACKER_EVENTS_TOKEN")},
        "sentry": {"Sentry-Hook-Signature": signature("SENTRY_HOOK_SECRET")},
        "github": {"X-Hub-Signature-256": b"sha256=" + signature("GITHUB_HOOK_SECRET")},
        "gitlab": {"X-Gitlab-Token": SECRETS["GITLAB_HOOK_TOKEN"].encode()},
        "envelope": {
            "X-Sentry-Auth": f"Sentry sentry_version=7, sentry_key={SECRETS['TRACKER_DSN_KEY']}".encode()
        },
    }[route]


def peak_bytes(server: TrackerServer) -> int:
    """The most memory that it ever had resident."""
    text = Path(f"/proc/{server.pid}/status").read_text()
    found = re.search(r"VmHWM:\s+(\d+) kB", text)
    assert found is not None
    return int(found[1]) << 10


def ever_kept(server: TrackerServer) -> int:
    """How many deliveries the inbox ever took, with those that are worked up."""
    with contextlib.closing(sqlite3.connect(f"{server.store}.inbox")) as inbox:
        row = inbox.execute("SELECT seq FROM sqlite_sequence WHERE name='deliveries'").fetchone()
    return int(row[0]) if row else 0


def position(server: TrackerServer) -> int:
    """How far the log has come."""
    with Log(server.store) as log:
        return log.position
