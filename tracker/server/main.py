"""Starting and stopping the server: one process, its threads, and the order in which they stop."""

import asyncio
import resource
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial

import uvicorn

from reports.page.facts import Heard
from tracker.application import told_heads
from tracker.application.channels.configured import MAKERS, channels
from tracker.application.page import PageReader
from tracker.application.page_links import PageLinks
from tracker.application.running_server import ServerMark, marked
from tracker.application.session import Session
from tracker.errors import StoreError, UsageError
from tracker.events.alerts import AlertFired, AlertResolved
from tracker.events.base import BY_ITSELF, Incoming
from tracker.inbox.opening import open_inbox
from tracker.inbox.queue import Inbox, Lane
from tracker.server.announcer import Announcer
from tracker.server.app import RouteContext, build
from tracker.server.committer import Committer
from tracker.server.declaring import Declarer
from tracker.server.inbox_worker import InboxWorker
from tracker.server.lake_worker import LakeWorker
from tracker.server.outbox_worker import OutboxWorker
from tracker.server.page.access import Access
from tracker.server.page.routes import Pages
from tracker.server.protocol import BoundedProtocol
from tracker.server.quota import PublicQuota
from tracker.server.reconcile import Reconciler
from tracker.server.rejections import SETTINGS
from tracker.server.secret_watch import SecretWatch
from tracker.server.secrets import Secrets
from tracker.server.settings_watch import SettingsWatch
from tracker.server.telemetry import Telemetry, log_line, report_bug, start_error_reports, start_logging
from tracker.settings.schema import Settings
from tracker.settings.store_address import shown_address

_DECLARE_EVERY_SECONDS = 0.5
_COUNT_EVERY_SECONDS = 1.0
_MOST_FILES = 65_536
_STOP_SECONDS = 3.0
_LONGEST_WAIT_SECONDS = 60.0
_QUICK: tuple[Lane, ...] = (Lane.KNOWN,)
_OTHERS: tuple[Lane, ...] = (Lane.LARGE, Lane.PUBLIC, Lane.PUBLIC_LARGE, Lane.AGAIN)
"""Two threads: no alert waits for what is large, or anybody's."""


class Workers:
    """Everything that works behind the routes, each part in a thread and on a log of its own."""

    def __init__(self, session: Session) -> None:
        self.telemetry = Telemetry()
        self.stopping = threading.Event()
        self._wakes = {lanes: threading.Event() for lanes in (_QUICK, _OTHERS)}
        self._turns = threading.Lock()
        self._inbox_workers: list[InboxWorker] = []
        self._options = replace(session.options, by=BY_ITSELF)
        self._notify = session.notify
        store = session.settings.store
        self.inbox: Inbox = open_inbox(store)
        self._worker_inbox: Inbox = open_inbox(store)
        self.committer = Committer(self.inbox, self._kept)
        self._secret_watch = SecretWatch()
        self._alerts: list[Incoming] = []
        self._alerts_lock = threading.Lock()
        self._sessions: list[Session] = []
        self._threads = [
            threading.Thread(
                target=self._in_session, args=(work, self._session(session)), name=name, daemon=True
            )
            for name, work in (
                ("inbox worker", partial(self._process_inbox, _QUICK)),
                ("inbox worker of the other lanes", partial(self._process_inbox, _OTHERS)),
                ("reconcile", self._reconcile),
                ("declare", self._declare),
                ("announcer", self._announce),
                *((f"outbox worker of {name}", partial(self._process_outbox, name)) for name in MAKERS),
                ("count", self._count),
                ("secret watch", self._look_for_secrets),
                ("lake", self._export),
            )
        ]
        self._problem: str | None = "starting"
        self.ending: Callable[[], bool] = self.stopping.is_set
        """Whether a signal asked the server to end."""

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Stop in order: what was received is on disk, and each thread finishes its current work."""
        self.committer.close()
        self.stopping.set()
        self._wake()
        # A store that does not answer blocks each thread for half a minute; what it works on is safe in the inbox.
        give_up = time.monotonic() + _STOP_SECONDS
        for thread in self._threads:
            thread.join(timeout=max(0.1, give_up - time.monotonic()))
        self._worker_inbox.close()
        self.inbox.close()

    def problem(self) -> str | None:
        """Return why it does not do its work; None if it does."""
        if not self.committer.is_working() and not self.stopping.is_set():
            return "the inbox's writer is not running"
        for thread in self._threads:
            if not thread.is_alive() and not self.stopping.is_set():
                return f"{thread.name} is not running"
        return self._problem

    def _kept(self, count: int) -> None:
        self.telemetry.kept.inc(count)
        self._wake()

    def _wake(self) -> None:
        for wake in self._wakes.values():
            wake.set()

    def use(self, settings: Settings) -> None:
        """Go on with settings that were read again."""
        for session in self._sessions:
            session.use(settings)

    def _session(self, origin: Session) -> Session:
        session = Session(self._options, notify=self._notify, clock=origin.clock)
        session.use(origin.settings)
        self._sessions.append(session)
        return session

    def pages(self, origin: Session, context: RouteContext) -> Pages:
        """Make the page of this server."""
        readers: list[Session] = []

        def make() -> PageReader:
            readers.append(self._session(origin))
            return PageReader(readers[-1])

        def heard() -> list[Heard]:
            polled = [
                Heard(source, datetime.fromtimestamp(at, UTC) if at else None, up)
                for source, (at, up) in sorted(self.telemetry.polls.items())
            ]
            sent = sorted(context.heard.items(), key=lambda pair: pair[1], reverse=True)
            return polled + [Heard(name, datetime.fromtimestamp(at, UTC)) for name, at in sent]

        links = PageLinks(origin.settings.store)
        access = Access(lambda: readers[0].settings.file.page, links, lambda: datetime.now(UTC))
        return Pages(make, access, self._worker_inbox, heard, lambda: self.ending())

    def _in_session(self, work: Callable[[Session], None], session: Session) -> None:
        work(session)
        session.close()

    def _add_alerts(self, facts: Sequence[Incoming]) -> None:
        alerts = [fact for fact in facts if isinstance(fact.event, AlertFired | AlertResolved)]
        with self._alerts_lock:
            self._alerts += alerts

    def _received(self, facts: Sequence[Incoming]) -> None:
        self._add_alerts(facts)
        self._secret_watch.put(facts)

    def _process_inbox(self, lanes: tuple[Lane, ...], session: Session) -> None:
        worker = InboxWorker(
            self._worker_inbox,
            session,
            self.telemetry,
            self._received,
            self.committer.is_busy,
            lanes=lanes,
            turns=self._turns,
        )
        self._inbox_workers.append(worker)
        worker.run(self._wakes[lanes], self.stopping)

    def _look_for_secrets(self, session: Session) -> None:
        self._secret_watch.run(self.stopping)

    def _reconcile(self, session: Session) -> None:
        Reconciler(session, self.telemetry, self._add_alerts).run(self.stopping)

    def _announce(self, session: Session) -> None:
        Announcer(session, self.telemetry).run(self.stopping)

    def _process_outbox(self, channel: str, session: Session) -> None:
        OutboxWorker(session, self.telemetry, channel).run(self.stopping)

    def _export(self, session: Session) -> None:
        LakeWorker(session, self.telemetry).run(self.stopping)

    def _declare(self, session: Session) -> None:
        declarer = Declarer(session, self.telemetry)
        first = True
        while not self.stopping.wait(_DECLARE_EVERY_SECONDS):
            with self._alerts_lock:
                alerts, self._alerts = self._alerts, []
            try:
                if first:
                    alerts = declarer.recent_alerts() + alerts
                    first = False
                if alerts:
                    declarer.declare(alerts)
            except Exception as trouble:
                report_bug(trouble)
                log_line("declaring failed; retrying", 40, why=str(trouble))
                with self._alerts_lock:
                    self._alerts = alerts + self._alerts
                self.stopping.wait(2)

    def _count(self, session: Session) -> None:
        """Keep the numbers of /metrics and /readyz up to date, so that no answer has to count."""
        while True:
            try:
                counts = self._worker_inbox.counts()
                self.telemetry.waiting.set(counts.waiting)
                self.telemetry.parked.set(counts.parked)
                age = time.time() - counts.oldest_us / 1e6 if counts.oldest_us is not None else 0.0
                self.telemetry.oldest_seconds.set(max(0.0, age))
                self._problem = self._slow() or self._late()
            except StoreError as away:
                self._problem = away.message
            except Exception as bug:
                report_bug(bug)
            if self.stopping.wait(_COUNT_EVERY_SECONDS):
                return

    def _slow(self) -> str | None:
        """Name the delivery that is being processed for too long."""
        for worker in self._inbox_workers:
            work = worker.work
            if work is not None and (took := time.monotonic() - work.since) > _LONGEST_WAIT_SECONDS:
                return (
                    f"delivery {work.number} ({work.route}) has been processed for {took:.0f} s: "
                    f"does the log's store answer? Else: tracker inbox drop {work.number} --why …"
                )
        return None

    def _late(self) -> str | None:
        """Name the delivery that waits for too long; what is tried again after all others may."""
        for lane, oldest in self._worker_inbox.oldest().items():
            age = time.time() - oldest.received_us / 1e6
            if lane in (*_QUICK, Lane.LARGE, Lane.PUBLIC) and age > _LONGEST_WAIT_SECONDS:
                return (
                    f"deliveries have waited for {age:.0f} s, the first is {oldest.number} ({oldest.route}): "
                    "does the log's store answer?"
                )
        return None


def serve(session: Session, *, host: str, port: int) -> int:
    """Serve until a signal.

    Raises:
        TrackerError: If settings, store or port prevent it from starting.
    """
    secrets = Secrets.of(session.settings)
    channels(session.settings)  # one that cannot be posted to is reported now, not at 3 a.m.
    listener = _listen(host, port)
    host, port = listener.getsockname()[:2]
    start_error_reports(host, port)
    _ = session.log.position  # a store that does not answer is reported now, not at the first delivery
    if told := told_heads.lost(session.log, session.settings.store):
        session.notify("tracker: warning: " + "\n  ".join(told_heads.described(told, session.settings.store)))
    start_logging()
    _allow_connections()
    workers = Workers(session)
    quota = PublicQuota.of(session.settings, workers.telemetry)
    context = RouteContext(workers.committer, secrets, quota, workers.telemetry, workers.problem)
    pages = context.pages = workers.pages(session, context)
    app = build(context)
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
            timeout_graceful_shutdown=3,
        )
    )

    def ended(number: int, frame: object) -> None:
        # Until uvicorn handles signals itself; once it has answered all requests, it raises the same again.
        server.should_exit = True

    workers.ending = lambda: server.should_exit

    signal.signal(signal.SIGTERM, ended)
    # The thread that answers yields at each wait; with 5 ms (the default) it falls far behind.
    sys.setswitchinterval(0.001)
    workers.start()
    shown = f"[{host}]" if ":" in host else host
    session.notify(
        f"tracker: listening on http://{shown}:{port}; the log is {shown_address(session.settings.store)}"
    )
    for line in _rejecting_routes(secrets):
        session.notify(f"  {line}")
    log_line("started", host=host, port=port)
    with marked(session.settings, host, port, session.now) as mark:
        _watch_settings(session, context, workers, mark)
        try:
            asyncio.run(_answering(server, listener, pages))
        finally:
            workers.stop()
            log_line("stopped")
    return 0


async def _answering(server: uvicorn.Server, listener: socket.socket, pages: Pages) -> None:
    warming = asyncio.create_task(pages.warm())
    try:
        await server.serve(sockets=[listener])
    finally:
        warming.cancel()


def _watch_settings(
    session: Session, context: RouteContext, workers: Workers, mark: ServerMark | None
) -> None:
    """Read tracker.toml again on SIGHUP and when it changes, until the server stops."""

    def apply(settings: Settings, secrets: Secrets) -> None:
        context.secrets = secrets
        context.quota = PublicQuota.of(settings, workers.telemetry)
        workers.use(settings)
        if mark is not None:
            mark.read(settings)

    watch = SettingsWatch(session.settings, session.options, apply)
    signal.signal(signal.SIGHUP, watch.read_again)
    threading.Thread(target=watch.run, args=(workers.stopping,), name="settings", daemon=True).start()


def _rejecting_routes(secrets: Secrets) -> list[str]:
    """Name the routes without a secret, and the setting to add."""
    return [
        f"{path} rejects every request: set {setting}"
        for route, (path, setting) in SETTINGS.items()
        if not secrets.of_route(route)
    ]


def _allow_connections() -> None:
    """Raise the limit of open connections to the system's hard limit; the usual soft limit is 1,024."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, _MOST_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _listen(host: str, port: int) -> socket.socket:
    if not 0 <= port <= 65535:
        raise UsageError("serve: port must be 0 to 65535", hint="--port 8321")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    # Connections inherit it. Without it, an answer with a body waits 40 ms for an acknowledgement.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    try:
        listener.bind((host, port))
        listener.listen(2048)
    except OSError as taken:
        listener.close()
        raise UsageError(
            f"serve: cannot listen on {host}:{port}: {taken.strerror or taken}",
            hint=f"See which program does: ss -ltnp 'sport = :{port}', or name another port: --port",
        ) from taken
    return listener
