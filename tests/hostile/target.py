"""A real `tracker serve` in a folder of its own, and what can be seen of it from outside."""

import contextlib
import hashlib
import hmac
import json
import os
import re
import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.servers.process import answers, end, start, start_on_a_free_port

SECRETS = {
    "alertmanager": "hostile-alertmanager-token",
    "sentry": "hostile-sentry-secret",
    "github": "hostile-github-secret",
    "gitlab": "hostile-gitlab-token",
    "events": "hostile-events-token",
    "releases": "hostile-events-token",
    "envelope": "hostile0dsn0key0hostile0dsn0key0",
}
_SETTINGS = """
[alertmanager]
token_env = "HOSTILE_ALERTMANAGER"
[sentry]
client_secret_env = "HOSTILE_SENTRY"
dsn_key_env = "HOSTILE_ENVELOPE"
[github]
hook_secret_env = "HOSTILE_GITHUB"
[gitlab]
hook_token_env = "HOSTILE_GITLAB"
[hooks]
token_env = "HOSTILE_EVENTS"
[services.checkout]
auto_declare = "critical"
"""
ROUTES = {
    "alertmanager": "/hooks/alertmanager/main",
    "sentry": "/hooks/sentry/main",
    "github": "/hooks/github",
    "gitlab": "/hooks/gitlab",
    "events": "/hooks/events",
    "envelope": "/api/7/envelope/",
    "releases": "/api/0/organizations/acme/releases/",
}


def route_of(path: str) -> str | None:
    """Say whose secret lets in at a path."""
    for name, known in ROUTES.items():
        if name != "envelope" and path.startswith(known.removesuffix("/main").removesuffix("/")):
            return name
    return "envelope" if re.match(r"/api/[^/]+/envelope", path) else None


def authentic(route: str, body: bytes) -> dict[str, bytes]:
    """Return the headers that let a body in."""
    secret = SECRETS[route]
    digest = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest().encode()
    return {
        "alertmanager": {"Authorization": f"Bearer {secret}".encode()},
        "events": {"Authorization": f"Bearer {secret}".encode()},
        "releases": {"Authorization": f"Bearer {secret}".encode()},
        "sentry": {"Sentry-Hook-Signature": digest},
        "github": {"X-Hub-Signature-256": b"sha256=" + digest},
        "gitlab": {"X-Gitlab-Token": secret.encode()},
        "envelope": {"X-Sentry-Auth": f"Sentry sentry_version=7, sentry_key={secret}".encode()},
    }[route]


@dataclass(frozen=True)
class Target:
    """A running server."""

    port: int
    folder: Path
    process: "subprocess.Popen[bytes]"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def get(self, path: str, timeout: float = 10.0) -> str:
        with urllib.request.urlopen(self.url + path, timeout=timeout) as response:
            text: str = response.read().decode()
            return text

    def metric(self, name: str) -> float:
        found = re.search(rf"^{name} (\S+)$", self.get("/metrics"), re.MULTILINE)
        assert found is not None, name
        return float(found[1])

    def peak_bytes(self) -> int:
        """The most memory that it ever had resident."""
        text = Path(f"/proc/{self.process.pid}/status").read_text()
        found = re.search(r"VmHWM:\s+(\d+) kB", text)
        assert found is not None
        return int(found[1]) << 10

    def ever_kept(self) -> int:
        """How many deliveries the inbox ever took, with those that are worked up."""
        with contextlib.closing(sqlite3.connect(self.folder / "tracker.db.inbox")) as inbox:
            row = inbox.execute("SELECT seq FROM sqlite_sequence WHERE name='deliveries'").fetchone()
        return int(row[0]) if row else 0

    def parked(self) -> list[dict[str, object]]:
        said = self.type("inbox", "list", "--json")
        found: list[dict[str, object]] = json.loads(said)["parked"]
        return found

    def position(self) -> int:
        """How far the log has come."""
        from tracker.log import Log

        with Log(str(self.folder / "tracker.db")) as log:
            return log.position

    def type(self, *words: str) -> str:
        """Type a command beside it; it must succeed."""
        done = subprocess.run(
            [sys.executable, "-m", "tracker", *words],
            cwd=self.folder,
            env=_environment(),
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
        assert done.returncode == 0, f"tracker {' '.join(words)}: {done.stderr}"
        return done.stdout

    def settle(self, seconds: float = 300.0) -> None:
        """Wait until nothing waits in the inbox any more."""
        give_up = time.monotonic() + seconds
        while json.loads(self.type("inbox", "list", "--json"))["waiting"]:
            assert time.monotonic() < give_up, "deliveries wait without end"
            time.sleep(0.2)


@contextlib.contextmanager
def serving(folder: Path) -> Iterator[Target]:
    """Run `tracker serve` with a secret for each route."""
    (folder / "tracker.toml").write_text(_SETTINGS)

    def launch(port: int) -> Target:
        process = start(
            [sys.executable, "-m", "tracker", "serve", "--port", str(port)],
            ready=answers(f"http://127.0.0.1:{port}/readyz"),
            log=folder / "serve.log",
        )
        return Target(port, folder, process)

    before = dict(os.environ)
    os.environ.update(_environment())
    try:
        target = start_on_a_free_port(launch)
    finally:
        os.environ.clear()
        os.environ.update(before)
    try:
        yield target
    finally:
        end(target.process)


def _environment() -> dict[str, str]:
    named = {f"HOSTILE_{name.upper()}": secret for name, secret in SECRETS.items()}
    root = str(Path(__file__).parents[2])
    return {**os.environ, **named, "PYTHONPATH": root, "TRACKER_USER": "hostile"}
