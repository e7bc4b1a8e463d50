"""The one way to start a real `tracker serve`: a folder of its own, a free port of loopback, commands typed beside it."""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import ProxyHandler, Request, build_opener

from tests.servers.process import answers, end, faketime, free_port, start, until
from tracker.inbox.opening import open_inbox

__all__ = ["CHECKOUT", "SECRETS", "Reply", "TrackerServer", "Typed", "tracker_server", "until"]

_DIRECT = build_opener(ProxyHandler({}))

SECRETS = {
    "TRACKER_HOOK_TOKEN": "hook-token",
    "TRACKER_EVENTS_TOKEN": "events-token",
    "TRACKER_DSN_KEY": "0123456789abcdef0123456789abcdef",
    "SENTRY_HOOK_SECRET": "sentry-secret",
    "GITHUB_HOOK_SECRET": "github-secret",
    "GITLAB_HOOK_TOKEN": "gitlab-token",
}
"""The environment of every server and of the commands beside it; HEAD names them."""
HEAD = """
[tracker]
store = {store}
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
{serve}
"""
CHECKOUT = """
[services.checkout]
sentry_projects = ["1"]
alert_labels = { service = "checkout" }
"""
EVERY_SECOND = 'reconcile_every = "1s"\ncapture_every = "1s"'
_LISTENING = re.compile(r"listening on http://\S+?:(\d+);")


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
    """One folder with a tracker.toml, and the server that runs in it, or not.

    Port 0 is replaced by the one that the kernel chose at the first start; later starts listen on the same.
    `prefix` are words in front of the command.
    """

    folder: Path
    store: str
    port: int
    environment: dict[str, str] = field(default_factory=dict)
    prefix: Sequence[str] = ()
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def dsn(self) -> str:
        """A DSN that leads here, of the project checkout."""
        return f"http://{SECRETS['TRACKER_DSN_KEY']}@127.0.0.1:{self.port}/1"

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def start(self, *, wait: bool = True) -> None:
        """Start it, and wait until it is ready; without waiting, whether or not it becomes ready."""
        log = self.folder / "serve.log"
        begun = log.stat().st_size if log.exists() else 0

        def ready() -> bool:
            if not self.port and (address := _LISTENING.search(log.read_bytes()[begun:].decode())):
                self.port = int(address[1])
            return bool(self.port) and self.is_ready()

        self.process = start(
            [*self.prefix, sys.executable, "-m", "tracker", "serve", "--port", str(self.port)],
            ready=ready if wait else lambda: True,
            log=log,
            environment=self._environment(),
        )

    def is_ready(self) -> bool:
        return answers(f"{self.url}/readyz")()

    def stop(self) -> None:
        """End it as systemd does, and see that it ends well; a second time does nothing."""
        if self.process is None or self.process.poll() is not None:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            code: int | None = self.process.wait(120)
        except subprocess.TimeoutExpired:
            code = None
            self.kill()
        assert code == 0, f"tracker serve ended with {code}: {self.log()[-3000:]}"

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

    def answer(self, *words: object) -> Any:
        """Type a command with --json, which must succeed, and return its answer."""
        ran = self.cli(*words, "--json")
        assert ran.code == 0, ran.err
        return ran.json

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
            with _DIRECT.open(asked, timeout=120) as answer:
                return Reply(answer.status, _lower(answer.headers), answer.read())
        except HTTPError as refused:
            with refused:
                return Reply(refused.code, _lower(refused.headers), refused.read())

    def timeline(self, minutes: int = 60) -> list[dict[str, Any]]:
        """Return the rows of the last minutes, of all services and of none."""
        answer = self.answer("timeline", "--from", f"{minutes}m-ago", "--to", "now")
        entries: list[dict[str, Any]] = answer["entries"]
        return entries

    def changes(self) -> list[dict[str, Any]]:
        """Return the deploys, rollbacks and merges of the last day, newest first."""
        found: list[dict[str, Any]] = self.answer("changes")["changes"]
        return found

    def incidents(self) -> list[dict[str, Any]]:
        """Return every incident."""
        found: list[dict[str, Any]] = self.answer("list")["incidents"]
        return found

    def log(self) -> str:
        """Return what it wrote to stderr."""
        return (self.folder / "serve.log").read_text(errors="replace")

    def said(self) -> list[dict[str, Any]]:
        """Return what it logged, oldest first."""
        return [json.loads(line) for line in self.log().splitlines() if line.startswith("{")]

    def digested(self, seconds: float = 120.0) -> None:
        """Wait until nothing waits in the inbox; asked of itself, for /metrics counts once a second."""
        inbox = open_inbox(self.store)
        try:
            until(lambda: inbox.counts().waiting == 0, seconds=seconds)
        finally:
            inbox.close()

    def metric(self, name: str) -> float:
        """Return a number of /metrics; one that is not there yet is 0, as Prometheus takes it."""
        for line in self.request("/metrics").body.decode().splitlines():
            if line.startswith(f"{name} "):
                return float(line.rpartition(" ")[2])
        return 0.0

    def _environment(self) -> dict[str, str]:
        return {
            **SECRETS,
            "TRACKER_USER": "ada",
            "XDG_STATE_HOME": str(self.folder / "state"),
            **self.environment,
        }


def _lower(headers: Any) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


@contextlib.contextmanager
def tracker_server(
    tmp_path: Path,
    toml: str = CHECKOUT,
    *,
    store: str | None = None,
    running: bool = True,
    port: int | None = None,
    environment: Mapping[str, str] | None = None,
    prefix: Sequence[str] = (),
    serve: str = EVERY_SECOND,
    **lines: str,
) -> Iterator[TrackerServer]:
    """Make a folder with all routes open, and start the server in it; at the end it has to stop with code 0.

    `toml` is added to the settings; `alertmanager`, `sentry`, `github` and `gitlab` are more
    lines of those tables, `serve` replaces the second between polls. `store` is a SQLite file in
    that folder if it is not given. `environment` comes on top of the secrets, for the server and
    for the commands.
    """
    tmp_path.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="tracker-", dir=tmp_path))
    store = store or str(folder / "tracker.db")
    tables = dict.fromkeys(("alertmanager", "sentry", "github", "gitlab"), "")
    head = HEAD.format(store=json.dumps(store), serve=serve, **{**tables, **lines})
    (folder / "tracker.toml").write_text(head + toml, encoding="utf-8")
    if port is None:
        port = 0 if running else free_port()
    server = TrackerServer(folder, store, port, dict(environment or {}), prefix)
    try:
        if running:
            server.start()
        yield server
    except BaseException:
        if server.process is not None:
            end(server.process)
        raise
    server.stop()
