"""Starting and ending the server: one process, its threads, and the order in which they stop."""

import asyncio
import contextlib
import resource
import signal
import socket
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import replace

import uvicorn

from tracker.application.session import Session
from tracker.errors import StoreError, TrackerError, UsageError
from tracker.events.alerts import AlertFired, AlertResolved
from tracker.events.base import BY_ITSELF, Incoming
from tracker.inbox.opening import open_inbox
from tracker.inbox.queue import Inbox
from tracker.server.app import Door, build
from tracker.server.committer import Committer
from tracker.server.declaring import Declarer
from tracker.server.digest import Digest
from tracker.server.outbox_worker import Poster
from tracker.server.protocol import BoundedProtocol
from tracker.server.reconcile import Reconciler
from tracker.server.secrets import Secrets
from tracker.server.telemetry import Telemetry, begin_logging, report, report_own_errors, tell

_DECLARE_EVERY_SECONDS = 0.5
_COUNT_EVERY_SECONDS = 1.0
_MOST_FILES = 65_536
_STOP_SECONDS = 15.0


class Machine:
    """All that works behind the door, each part in a thread and on a log of its own."""

    def __init__(self, session: Session) -> None:
        self.telemetry = Telemetry()
        self.wake, self.stopping = threading.Event(), threading.Event()
        self._options = replace(session.options, by=BY_ITSELF)
        self._notify = session.notify
        store = session.settings.store
        self.inbox: Inbox = open_inbox(store)
        self._digest_inbox: Inbox = open_inbox(store)
        self.committer = Committer(self.inbox, self._kept)
        self._alerts: list[Incoming] = []
        self._alerts_lock = threading.Lock()
        self._threads = [
            threading.Thread(target=work, name=name, daemon=True)
            for name, work in (
                ("digest", self._digest),
                ("reconcile", self._reconcile),
                ("declare", self._declare),
                ("messages", self._messages),
                ("count", self._count),
            )
        ]
        self._problem: str | None = "starting"

    def start(self) -> None:
        """Begin to work."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End in order: what was received is on disk, the piece of work at hand is finished."""
        self.committer.close()
        self.stopping.set()
        self.wake.set()
        # A store that is away holds up its threads for half a minute each; what they have at hand is safe in the inbox.
        give_up = time.monotonic() + _STOP_SECONDS
        for thread in self._threads:
            thread.join(timeout=max(0.1, give_up - time.monotonic()))
        self._digest_inbox.close()
        self.inbox.close()

    def problem(self) -> str | None:
        """Say what keeps it from its work; None when all is well."""
        if not self.committer.is_working() and not self.stopping.is_set():
            return "the inbox's writer is not running"
        for thread in self._threads:
            if not thread.is_alive() and not self.stopping.is_set():
                return f"{thread.name} is not running"
        return self._problem

    def _kept(self, count: int) -> None:
        self.telemetry.kept.inc(count)
        self.wake.set()

    def _session(self) -> Session:
        return Session(self._options, notify=self._notify)

    def _alerts_told(self, facts: Sequence[Incoming]) -> None:
        told = [each for each in facts if isinstance(each.event, AlertFired | AlertResolved)]
        with self._alerts_lock:
            self._alerts += told

    def _digest(self) -> None:
        session = self._session()
        digest = Digest(
            self._digest_inbox, session, self.telemetry, self._alerts_told, self.committer.is_busy
        )
        digest.run(self.wake, self.stopping)
        session.close()

    def _reconcile(self) -> None:
        session = self._session()
        Reconciler(session, self.telemetry, self._alerts_told).run(self.stopping)
        with contextlib.suppress(TrackerError):
            session.log.seal()
        session.close()

    def _messages(self) -> None:
        session = self._session()
        Poster(session, self.telemetry).run(self.stopping)
        session.close()

    def _declare(self) -> None:
        session = self._session()
        declarer = Declarer(session, self.telemetry)
        owed = True
        while not self.stopping.wait(_DECLARE_EVERY_SECONDS):
            with self._alerts_lock:
                told, self._alerts = self._alerts, []
            try:
                if owed:
                    told = declarer.owed() + told
                    owed = False
                if told:
                    declarer.declare(told)
            except Exception as trouble:
                report(trouble)
                tell("declaring failed; trying again", 40, why=str(trouble))
                with self._alerts_lock:
                    self._alerts = told + self._alerts
                self.stopping.wait(2)
        session.close()

    def _count(self) -> None:
        """Keep the numbers of /metrics and /readyz up to date, off the path of any answer."""
        while True:
            try:
                counts = self._digest_inbox.counts()
                self.telemetry.waiting.set(counts.waiting)
                self.telemetry.parked.set(counts.parked)
                age = time.time() - counts.oldest_us / 1e6 if counts.oldest_us is not None else 0.0
                self.telemetry.oldest_seconds.set(max(0.0, age))
                self._problem = (
                    None if age < 60 else f"deliveries wait for {age:.0f} s: is the log's store away?"
                )
            except StoreError as away:
                self._problem = away.message
            except Exception as bug:
                report(bug)
            if self.stopping.wait(_COUNT_EVERY_SECONDS):
                return


def serve(session: Session, *, host: str, port: int) -> int:
    """Serve until a signal comes.

    Raises:
        TrackerError: If settings, store or port keep it from starting.
    """
    secrets = Secrets.of(session.settings)
    listener = _listen(host, port)
    host, port = listener.getsockname()[:2]
    report_own_errors(host, port)
    _ = session.log.position  # a store that is away is said now, not by the first delivery
    begin_logging()
    _allow_connections()
    machine = Machine(session)
    app = build(Door(machine.committer, secrets, machine.telemetry, machine.problem))
    server = uvicorn.Server(
        uvicorn.Config(
            app,
            http=BoundedProtocol,
            access_log=False,
            log_config=None,
            lifespan="off",
            server_header=False,
            proxy_headers=False,
            backlog=2048,
            timeout_keep_alive=75,
            timeout_graceful_shutdown=10,
        )
    )

    def ended(number: int, frame: object) -> None:
        # Before uvicorn listens for signals itself. Once it has answered everybody, it raises the same again.
        server.should_exit = True

    signal.signal(signal.SIGTERM, ended)
    # The thread that answers gives its turn away at each wait; after 5 ms (the default) it is far behind.
    sys.setswitchinterval(0.001)
    machine.start()
    shown = f"[{host}]" if ":" in host else host
    session.notify(
        f"tracker: listening on http://{shown}:{port}; the log is {session.settings.store.rsplit('@', 1)[-1]}"
    )
    for said in _closed(secrets):
        session.notify(f"  {said}")
    tell("started", host=host, port=port)
    try:
        asyncio.run(server.serve(sockets=[listener]))
    finally:
        machine.stop()
        tell("stopped")
    return 0


def _closed(secrets: Secrets) -> list[str]:
    """Say which routes let nobody in, and what to set."""
    named = {
        "/hooks/alertmanager/…": (secrets.alertmanager, "[alertmanager] token_env"),
        "/hooks/sentry/…": (secrets.sentry_client, "[sentry] client_secret_env"),
        "/api/…/envelope/": (secrets.dsn_key, "[sentry] dsn_key_env"),
        "/hooks/github": (secrets.github, "[github] hook_secret_env"),
        "/hooks/gitlab": (secrets.gitlab, "[gitlab] hook_token_env"),
        "/hooks/events": (secrets.events, "[hooks] token_env"),
        "/api/0/…": (secrets.events or secrets.sentry_api, "[hooks] token_env"),
    }
    return [f"{path} lets nobody in: set {setting}" for path, (value, setting) in named.items() if not value]


def _allow_connections() -> None:
    """Let as many connections be open as the system's hard limit lets; the usual soft one is 1,024."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, _MOST_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _listen(host: str, port: int) -> socket.socket:
    if not 0 <= port <= 65535:
        raise UsageError(f"serve: {port} is no port", hint="--port 8321")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    # Connections inherit it. Without it, an answer with a body waits 40 ms for the other side's acknowledgement.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    try:
        listener.bind((host, port))
        listener.listen(2048)
    except OSError as taken:
        listener.close()
        raise UsageError(
            f"serve: cannot listen on {host}:{port}: {taken.strerror or taken}",
            hint=f"See who does: ss -ltnp 'sport = :{port}', or name another: --port",
        ) from taken
    return listener
