"""A real `tracker serve`: a process of its own, on a free port of loopback, in a folder of its own."""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

from tests.servers.process import answers, end, start

SECRETS = {
    "TEST_HOOK_TOKEN": "alertmanager-token",
    "TEST_SENTRY_SECRET": "sentry-client-secret",
    "TEST_SENTRY_TOKEN": "sentry-api-token",
    "TEST_DSN_KEY": "0123456789abcdef0123456789abcdef",
    "TEST_GITHUB_SECRET": "github-secret",
    "TEST_GITLAB_TOKEN": "gitlab-token",
    "TEST_EVENTS_TOKEN": "events-token",
}
"""What the server's environment holds; SETTINGS name them."""

SETTINGS: dict[str, Any] = {
    "alertmanager": {"token_env": "TEST_HOOK_TOKEN"},
    "sentry": {
        "client_secret_env": "TEST_SENTRY_SECRET",
        "token_env": "TEST_SENTRY_TOKEN",
        "dsn_key_env": "TEST_DSN_KEY",
    },
    "github": {"hook_secret_env": "TEST_GITHUB_SECRET"},
    "gitlab": {"hook_token_env": "TEST_GITLAB_TOKEN"},
    "hooks": {"token_env": "TEST_EVENTS_TOKEN"},
    "services": {"checkout": {"alert_labels": {"service": "checkout"}, "sentry_projects": ["1", "checkout"]}},
}
"""Every route is open to who knows its secret, and one service is known."""

_LISTENING = re.compile(rb"listening on (http://\S+?);")


@dataclass
class Tracker:
    """A server that is ready; `url` stays the same when it is started again."""

    folder: Path
    store: str
    url: str
    process: "subprocess.Popen[bytes]" = field(repr=False)
    environment: Mapping[str, str] = field(repr=False)
    prefix: Sequence[str] = ()

    @property
    def log(self) -> Path:
        """What the server said, on stderr."""
        return self.folder / "serve.log"

    def said(self) -> list[dict[str, Any]]:
        """Return what it logged, oldest first."""
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        return [json.loads(line) for line in lines if line.startswith("{")]

    def post(self, path: str, body: bytes | str | Any, **headers: str) -> requests.Response:
        """Send a body as it is, or anything else as JSON; underscores in names of headers are dashes."""
        data = body if isinstance(body, bytes | str) else json.dumps(body)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return requests.post(self.url + path, data=data, headers=named, timeout=30)

    def alertmanager(self, body: bytes | str | Any, source: str = "prod") -> requests.Response:
        """Send what an Alertmanager sends, with its token."""
        token = f"Bearer {SECRETS['TEST_HOOK_TOKEN']}"
        return self.post(f"/hooks/alertmanager/{source}", body, authorization=token)

    def command(self, *words: object) -> "subprocess.CompletedProcess[str]":
        """Type a command beside the running server, with its settings."""
        return subprocess.run(
            [sys.executable, "-m", "tracker", *map(str, words)],
            cwd=self.folder,
            env={**os.environ, **self.environment},
            capture_output=True,
            text=True,
            check=False,
        )

    def answer(self, *words: object) -> Any:
        """Type a command with --json, and return its answer."""
        ran = self.command(*words, "--json")
        assert ran.returncode == 0, ran.stderr
        return json.loads(ran.stdout)

    def digested(self, timeout_seconds: float = 60.0) -> None:
        """Wait until nothing waits in the inbox any more."""
        from tracker.inbox.opening import open_inbox

        inbox = open_inbox(self.store)
        give_up = time.monotonic() + timeout_seconds
        try:
            while waiting := inbox.counts().waiting:
                if time.monotonic() > give_up:
                    raise TimeoutError(f"{waiting} deliveries still wait in the inbox")
                time.sleep(0.02)
        finally:
            inbox.close()

    def stop(self) -> None:
        """End it as systemd does, and see that it ends well; a second time does nothing."""
        if self.process.poll() is not None:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            code: int | None = self.process.wait(30)
        except subprocess.TimeoutExpired:
            code = None
            self.kill()
        assert code == 0, f"tracker serve ended with {code}: {self.log.read_text(errors='replace')[-3000:]}"

    def kill(self) -> None:
        """End it as the kernel does when memory is short."""
        self.process.kill()
        self.process.wait()

    def start_again(self, *, wait: bool = True) -> None:
        """Start it on the same port, after `stop` or `kill`; without waiting, whether or not it becomes ready."""
        ready = answers(f"{self.url}/readyz") if wait else (lambda: True)
        self.process = _started(
            self.folder, self.url.rpartition(":")[2], ready, self.environment, self.prefix
        )

    def is_ready(self) -> bool:
        """Whether it says so itself."""
        return answers(f"{self.url}/readyz")()


@contextlib.contextmanager
def tracker_server(
    folder: Path,
    store: str,
    settings: Mapping[str, Any] | None = None,
    *,
    environment: Mapping[str, str] | None = None,
    prefix: Sequence[str] = (),
) -> Iterator[Tracker]:
    """Start a server and wait until it is ready; at the end it has to stop cleanly, unless it is gone already.

    `settings` are tables of tracker.toml, laid over SETTINGS; `environment` is laid over
    SECRETS; `prefix` are words in front of the command.
    """
    folder.mkdir(exist_ok=True, parents=True)
    tables = {"tracker": {"store": store}, **SETTINGS}
    for name, table in (settings or {}).items():
        tables[name] = {**tables.get(name, {}), **table}
    (folder / "tracker.toml").write_text(toml(tables), encoding="utf-8")
    around = {**SECRETS, **(environment or {})}
    log = folder / "serve.log"
    begun = log.stat().st_size if log.exists() else 0

    def address() -> str | None:
        found = _LISTENING.search(log.read_bytes()[begun:])
        return found[1].decode() if found else None

    def ready() -> bool:
        url = address()
        return url is not None and answers(f"{url}/readyz")()

    process = _started(folder, "0", ready, around, prefix)
    server = Tracker(folder, store, address() or "", process, around, prefix)
    try:
        yield server
    except BaseException:
        end(server.process)
        raise
    server.stop()


def _started(
    folder: Path, port: str, ready: Any, environment: Mapping[str, str], prefix: Sequence[str]
) -> "subprocess.Popen[bytes]":
    command = [*prefix, sys.executable, "-m", "tracker", "serve", "--port", port]
    return start(command, ready=ready, log=folder / "serve.log", environment=environment)


def toml(tables: Mapping[str, Any], path: str = "") -> str:
    """Write tables of plain values; a table in a table of values is written inline."""
    lines, inner = [], []
    for name, value in tables.items():
        if isinstance(value, Mapping) and name != "alert_labels":
            inner.append(toml(value, f"{path}.{name}" if path else name))
        else:
            lines.append(f"{name} = {_value(value)}")
    head = [f"[{path}]"] if path and (lines or not inner) else []
    return "\n".join([*head, *lines, *inner]) + "\n"


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{name} = {_value(each)}" for name, each in value.items()) + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_value, value)) + "]"
    return json.dumps(value)
