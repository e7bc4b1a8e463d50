"""A real `tracker serve`, in a folder of its own, on a free port of loopback, with the commands typed beside it."""

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar
from urllib.error import HTTPError
from urllib.request import ProxyHandler, Request, build_opener

from tests.servers.process import answers, end, faketime, free_port, start
from tracker.inbox.opening import open_inbox

_DIRECT = build_opener(ProxyHandler({}))

Found = TypeVar("Found")

SECRETS = {
    "TRACKER_HOOK_TOKEN": "hook-token",
    "TRACKER_EVENTS_TOKEN": "events-token",
    "TRACKER_DSN_KEY": "0123456789abcdef0123456789abcdef",
    "SENTRY_HOOK_SECRET": "sentry-secret",
    "GITHUB_HOOK_SECRET": "github-secret",
    "GITLAB_HOOK_TOKEN": "gitlab-token",
}
HEAD = """
[alertmanager]
token_env = "TRACKER_HOOK_TOKEN"
{alertmanager}
[sentry]
client_secret_env = "SENTRY_HOOK_SECRET"
dsn_key_env = "TRACKER_DSN_KEY"
{sentry}
[github]
hook_secret_env = "GITHUB_HOOK_SECRET"
{github}
[gitlab]
hook_token_env = "GITLAB_HOOK_TOKEN"
{gitlab}
[hooks]
token_env = "TRACKER_EVENTS_TOKEN"
[serve]
reconcile_every = "{reconcile_every}"
capture_every = "1s"
"""
_NOTHING_MORE = {"alertmanager": "", "sentry": "", "github": "", "gitlab": "", "reconcile_every": "1s"}


@dataclass(frozen=True)
class Typed:
    """What a command gave back."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Its stdout, which must be one JSON document."""
        return json.loads(self.out)


@dataclass(frozen=True)
class Reply:
    """What a request was answered with; header names in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes


@dataclass
class TrackerServer:
    """One folder with a tracker.toml, and the server that runs in it, or not."""

    folder: Path
    port: int
    environment: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def dsn(self) -> str:
        """A DSN that leads here, of the project checkout."""
        return f"http://{SECRETS['TRACKER_DSN_KEY']}@127.0.0.1:{self.port}/1"

    def start(self) -> None:
        """Start it and wait until it is ready."""
        given = [f"{name}={value}" for name, value in self._environment().items()]
        self.process = start(
            ["env", *given, sys.executable, "-m", "tracker", "serve", "--port", str(self.port)],
            ready=answers(f"{self.url}/readyz"),
            log=self.folder / "serve.log",
        )

    def stop(self) -> None:
        """Ask it to end, and wait; a second time does nothing."""
        if self.process is not None:
            end(self.process)

    def kill(self) -> None:
        """End it as a power cut would: `kill -9`."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def turn_clock(self, span: timedelta) -> None:
        """Let its clock, from the next start on, and that of the commands be behind or ahead; zero puts it right.

        What measures durations goes on as it is.
        """
        for name in ("LD_PRELOAD", "FAKETIME", "DONT_FAKE_MONOTONIC", "FAKETIME_DONT_FAKE_MONOTONIC"):
            self.environment.pop(name, None)
        if span:
            self.environment |= {
                "LD_PRELOAD": faketime(),
                "FAKETIME": f"{int(span.total_seconds()):+d}",
                "DONT_FAKE_MONOTONIC": "1",
                "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            }

    def cli(self, *words: object) -> Typed:
        """Type a command into its folder."""
        done = subprocess.run(
            [sys.executable, "-m", "tracker", *(str(word) for word in words)],
            cwd=self.folder,
            env={**os.environ, **self._environment()},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        return Typed(done.returncode, done.stdout, done.stderr)

    def request(
        self,
        path: str,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        *,
        method: str | None = None,
    ) -> Reply:
        """Send one request; a body makes it a POST."""
        asked = Request(self.url + path, data=body, headers=dict(headers or {}), method=method)
        try:
            with _DIRECT.open(asked, timeout=30) as answer:
                return Reply(answer.status, _lower(answer.headers), answer.read())
        except HTTPError as refused:
            with refused:
                return Reply(refused.code, _lower(refused.headers), refused.read())

    def timeline(self, minutes: int = 60) -> list[dict[str, Any]]:
        """Return the rows of the last minutes, of all services and of none."""
        answer = self.cli("timeline", "--from", f"{minutes}m-ago", "--to", "now", "--json")
        assert answer.code == 0, answer.err
        entries: list[dict[str, Any]] = answer.json["entries"]
        return entries

    def changes(self) -> list[dict[str, Any]]:
        """Return the deploys, rollbacks and merges of the last day, newest first."""
        answer = self.cli("changes", "--json")
        assert answer.code == 0, answer.err
        found: list[dict[str, Any]] = answer.json["changes"]
        return found

    def incidents(self) -> list[dict[str, Any]]:
        """Return every incident."""
        answer = self.cli("list", "--json")
        assert answer.code == 0, answer.err
        found: list[dict[str, Any]] = answer.json["incidents"]
        return found

    def log(self) -> str:
        """Return what it wrote to stderr."""
        return (self.folder / "serve.log").read_text(errors="replace")

    def digested(self) -> None:
        """Wait until nothing waits in the inbox; asked of itself, for /metrics counts once a second."""
        inbox = open_inbox(str(self.folder / "tracker.db"))
        try:
            until(lambda: inbox.counts().waiting == 0)
        finally:
            inbox.close()

    def metric(self, name: str) -> float:
        """Return a number of /metrics."""
        for line in self.request("/metrics").body.decode().splitlines():
            if line.startswith(f"{name} "):
                return float(line.rpartition(" ")[2])
        raise AssertionError(f"/metrics has no {name}")

    def _environment(self) -> dict[str, str]:
        return {
            **SECRETS,
            "TRACKER_USER": "ada",
            "XDG_STATE_HOME": str(self.folder / "state"),
            **self.environment,
        }


def _lower(headers: Any) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


def until(found: Callable[[], Found], *, seconds: float = 30.0) -> Found:
    """Ask until the answer is true, and return it.

    Raises:
        AssertionError: If it never is; no test waits for ever.
    """
    give_up = time.monotonic() + seconds
    while True:
        answer = found()
        if answer:
            return answer
        if time.monotonic() > give_up:
            raise AssertionError(f"it did not come true in {seconds} s; the last answer was {answer!r}")
        time.sleep(0.05)


@contextlib.contextmanager
def tracker_server(
    tmp_path: Path,
    toml: str = "",
    *,
    running: bool = True,
    port: int | None = None,
    environment: Mapping[str, str] | None = None,
    **lines: str,
) -> Iterator[TrackerServer]:
    """Make a folder with all routes open, and start the server in it.

    `toml` is added to the settings; `alertmanager`, `sentry`, `github` and `gitlab` are more
    lines of those tables, `reconcile_every` replaces the second between polls. `environment`
    comes on top of the secrets, for the server and for the commands.
    """
    folder = Path(tempfile.mkdtemp(prefix="tracker-", dir=tmp_path))
    head = HEAD.format(**{**_NOTHING_MORE, **lines})
    (folder / "tracker.toml").write_text(head + toml, encoding="utf-8")
    server = TrackerServer(folder, port or free_port(), dict(environment or {}))
    try:
        if running:
            server.start()
        yield server
    finally:
        server.stop()
