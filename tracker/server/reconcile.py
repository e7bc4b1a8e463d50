"""Polling for what should have been pushed: at start and every few minutes, with the same keys.

What a webhook missed appears at its true time. Samples of the metrics of every incident
that is open, or was a day ago, are captured; the verdicts of windows that are over are
recorded. Each piece of work fails by itself: a source that does not answer delays no other.
"""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from projections.incidents import ours
from tracker.application import told_heads
from tracker.application.collect import forges, sentry, sources
from tracker.application.session import Recording, Session
from tracker.application.source_silence import Detected, SilenceRecorder
from tracker.application.verdicts import record_verdicts
from tracker.errors import TrackerError
from tracker.events.alerts import AlertFired, AlertResolved
from tracker.events.base import Incoming
from tracker.log.work_lock import WorkLock, work_lock
from tracker.server.telemetry import Telemetry, log_line, report_bug
from tracker.times import duration_seconds, utc

BACK = timedelta(days=1)
"""How far back a source is polled at start; later from its last answer on."""
OVERLAP = timedelta(minutes=10)
AFTER = timedelta(days=1, minutes=10)
"""How long after its end an incident's metrics are captured: the day's verdict closes then."""

_STANDBY_SECONDS = 5.0
"""How often a server that stands by looks whether the other one is gone."""

Read = Callable[[datetime], list[sources.CollectResult]]


class Reconciler:
    """Polls every configured source, on a log of its own.

    `recorded` is called with the alerts that were polled.
    """

    def __init__(
        self,
        session: Session,
        telemetry: Telemetry,
        recorded: Callable[[Sequence[Incoming]], None] = lambda facts: None,
    ) -> None:
        self._session, self._telemetry, self._recorded = session, telemetry, recorded
        self._answered: dict[str, datetime] = {}
        self._silences = SilenceRecorder(session)
        self._firing_since: datetime | None = None
        self._told: int | None = None
        self._incomplete: dict[tuple[str, str | None, str], list[str]] = {}

    @property
    def _every(self) -> float:
        return duration_seconds(self._session.settings.file.serve.reconcile_every)

    @property
    def _capture_every(self) -> float:
        return duration_seconds(self._session.settings.file.serve.capture_every)

    def run(self, stopping: threading.Event) -> None:
        lock = work_lock(self._session.settings.store)
        try:
            self._run(stopping, lock)
        finally:
            lock.close()

    def _run(self, stopping: threading.Event, lock: WorkLock) -> None:
        asked = captured = float("-inf")
        ours: bool | None = None
        while not stopping.is_set():
            if (held := lock.held()) != ours:
                ours = held
                if lock.is_shared:
                    log_line(
                        "polling the sources" if held else "another server polls the sources; standing by"
                    )
            if not held:
                stopping.wait(min(_STANDBY_SECONDS, self._every))
                continue
            now = time.monotonic()
            if now - asked >= self._every:
                asked = now
                self._telemetry.guarded("reconcile", lambda: self.ask(stopping))
            if now - captured >= self._capture_every:
                captured = now
                self.capture(stopping)
            self._telemetry.guarded("seal", lambda: self._seal(100))
            due = min(asked + self._every, captured + self._capture_every)
            stopping.wait(max(0.2, due - time.monotonic()))
        if ours:
            self._telemetry.guarded("seal", lambda: self._seal(1))

    def _seal(self, minimum: int) -> None:
        """Seal, and tell the head at each new seal, whoever made it: outside of the log it shows a fork."""
        log = self._session.log
        log.seal(minimum)
        seal = log.latest("seals")
        if self._told is not None and (seal is None or seal.position <= self._told):
            return
        told = told_heads.tell(self._session)
        if told is not None:
            self._told = told.position
            log_line("the head of the log", log=told.log, position=told.position, head=told.head)

    def ask(self, stopping: threading.Event) -> None:
        """Poll each source for what is new since its last answer."""
        for source, read in self._sources():
            if stopping.is_set():
                return
            self._polled(source, read)

    def _sources(self) -> Iterator[tuple[str, Read]]:
        """Yield every configured source, with how to read it from an instant on."""
        session = self._session
        settings = session.settings
        if settings.prometheus.url:
            yield "prometheus", self._prometheus
        if settings.file.alertmanager.url:
            yield "alertmanager", lambda start: [sources.alertmanager(session)]
        if sentry.configured(session):
            yield "sentry", lambda start: [sentry.sentry(session, start, session.now)]
        for forge in forges.FORGES:
            services = forges.services_at(session, forge)
            if services:
                yield (
                    forge,
                    lambda start, forge=forge, services=services: [  # type: ignore[misc]
                        forges.deployments(session, forge, name, start, session.now) for name in services
                    ],
                )
        for name, service in settings.services.items():
            for path in service.repositories:
                place = settings.folder / Path(path).expanduser()
                yield (
                    # Two services may share a repository: each is polled from its own last answer on.
                    f"git:{name}/{place.name}",
                    lambda start, place=place, name=name: [  # type: ignore[misc]
                        sources.repository(session, place, name, start, None)
                    ],
                )

    def capture(self, stopping: threading.Event) -> None:
        """Collect the samples of every current incident up to now, and record the verdicts that are due."""
        session = self._session
        current: list[str] = []
        self._telemetry.guarded("incidents", lambda: current.extend(self._current_incidents()))
        for incident in current:
            if stopping.is_set():
                return
            if session.settings.prometheus.url:
                self._telemetry.guarded("samples", lambda name=incident: self._samples(name))  # type: ignore[misc]
            self._telemetry.guarded("verdicts", lambda name=incident: self._verdicts(name))  # type: ignore[misc]

    def _current_incidents(self) -> list[str]:
        incidents = ours(self._session.incident_summaries())
        self._telemetry.open_incidents.set(sum(incident.ends_at is None for incident in incidents))
        now = self._session.now
        return [
            incident.id
            for incident in incidents
            if incident.merged_into is None and (incident.ends_at is None or now < incident.ends_at + AFTER)
        ]

    def _samples(self, name: str) -> None:
        session = self._session
        incident = session.incident(name)
        end = min(session.now, (incident.ends_at or session.now) + AFTER)
        with sources.prometheus_api(session) as api:
            for service in incident.services:
                configured = session.settings.services.get(service)
                for metric_name, metric in (configured.metrics if configured else {}).items():
                    pulled = sources.with_history(
                        session,
                        api,
                        service=service,
                        name=metric_name,
                        metric=metric,
                        start=incident.begins_at,
                        end=end,
                    )
                    self._count(pulled.recording)
                    if pulled.problem is not None:
                        raise pulled.problem
                    self._log_incomplete(pulled)
                    _log_silence(
                        self._silences.sampled(
                            "prometheus", service, metric_name, session.now, self._capture_every
                        )
                    )

    def _log_incomplete(self, pulled: sources.CollectResult) -> None:
        """Log that a source answered in part, once for as long as it says the same."""
        what = (pulled.source, pulled.service, pulled.what)
        if pulled.incomplete and self._incomplete.get(what) != pulled.incomplete:
            log_line(
                "a source answered in part; it will be asked again",
                30,
                source=pulled.source,
                service=pulled.service,
                what=pulled.what,
                why=", ".join(pulled.incomplete),
            )
        if pulled.asked:
            self._incomplete[what] = list(pulled.incomplete)

    def _verdicts(self, name: str) -> None:
        recording = Recording()
        record_verdicts(self._session, self._session.incident(name), recording)
        if recording.recorded:
            self._count(recording)
            log_line(
                "recorded the verdicts of windows that are over",
                incident=name,
                windows=len(recording.recorded),
            )

    def _prometheus(self, start: datetime) -> list[sources.CollectResult]:
        session = self._session
        # The start of an alert that began before the span is unknown, and so its end would be.
        since = min(start, self._firing_since - OVERLAP) if self._firing_since else start
        since = max(since, min(start, session.now - BACK))
        with sources.prometheus_api(session) as api:
            alerts = sources.alert_history(session, api, start=since, end=session.now)
            rules = sources.alert_rules(session, api)
        if alerts.problem is None and not alerts.incomplete:
            self._firing_since = min(still_firing(alerts.facts), default=None)
        return [alerts, rules]

    def _polled(self, source: str, read: Read) -> None:
        """Poll one source from a little before its last answer on."""
        now = self._session.now
        problem: TrackerError | None = None
        is_whole = True
        try:
            last = self._answered.get(source)
            start = self._first_start(source, now) if last is None else last - OVERLAP
            for pulled in read(start):
                self._count(pulled.recording)
                problem = problem or pulled.problem
                is_whole = is_whole and not pulled.incomplete
                self._log_incomplete(pulled)
                if pulled.facts:
                    self._recorded(pulled.facts)
        except TrackerError as trouble:
            problem = trouble
        except Exception as bug:
            problem = TrackerError(f"a bug: {type(bug).__name__}: {bug}")
            report_bug(bug)
        self._telemetry.polled(source, problem is None)
        if problem is None:
            if is_whole:
                self._answered[source] = now
            self._telemetry.guarded("silences", lambda: _log_silence(self._silences.answered(source, now)))
        else:
            reason = problem.message
            self._telemetry.guarded(
                "silences",
                lambda: _log_silence(self._silences.failed(source, now, self._every, reason)),
            )
            self._telemetry.errors.labels(source).inc()
            log_line("a source did not answer", 30, source=source, why=reason)

    def _first_start(self, source: str, now: datetime) -> datetime:
        """Return a day ago, or earlier if the source was silent when the last server ended."""
        return min(now - BACK, (self._silences.silent_since(source) or now) - OVERLAP)

    def _count(self, recording: Recording) -> None:
        self._telemetry.recorded.inc(len(recording.recorded))
        self._telemetry.known.inc(len(recording.known))


def _log_silence(detected: Detected) -> None:
    if detected is not None:
        log_line(
            detected.TOPIC.replace("-", " "),
            30,
            source=detected.source,
            service=detected.service,
            metric=detected.what,
            occurred_at=utc(detected.occurred_at),
        )


def still_firing(facts: Sequence[Incoming]) -> list[datetime]:
    """Return when each alert began that has not ended."""
    ended = {
        (each.event.fingerprint, each.event.started_at)
        for each in facts
        if isinstance(each.event, AlertResolved)
    }
    return [
        each.event.occurred_at
        for each in facts
        if isinstance(each.event, AlertFired)
        and (each.event.fingerprint, each.event.occurred_at) not in ended
    ]
