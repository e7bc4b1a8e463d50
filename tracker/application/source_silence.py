"""Recording when a source falls silent and when it is heard again, from the outcome of each poll."""

from datetime import datetime

from projections.silence import WatchedSource, silences, standing
from tracker.application.listening import Listening, Noticed
from tracker.application.session import Session
from tracker.events.base import Window
from tracker.events.samples import MetricSampled
from tracker.events.silence import SILENCES
from tracker.server.telemetry import Telemetry, tell
from tracker.times import utc

METRIC_SECONDS = 120.0
"""A metric's newest sample may be two steps and a poll old; two such intervals without one are a silence."""


class Hearing:
    """Listens to the polls of one server; what it notices stands in the log, and so outlives it."""

    def __init__(self, session: Session, telemetry: Telemetry) -> None:
        self._session, self._telemetry = session, telemetry
        self._listening: Listening | None = None

    def answered(self, source: str, at: datetime) -> None:
        """Take note of an answer."""
        self._telemetry.polled(source, True)
        self._record(self._now_listening(at).answered(WatchedSource(source), at=at))

    def failed(self, source: str, at: datetime, interval_seconds: float, reason: str) -> None:
        """Take note of a poll without an answer."""
        self._telemetry.polled(source, False)
        self._record(
            self._now_listening(at).failed(
                WatchedSource(source), at=at, interval_seconds=interval_seconds, reason=reason
            )
        )

    def sampled(self, source: str, service: str, metric: str, at: datetime, interval_seconds: float) -> None:
        """Take note of a metric's newest sample in the log, where its source answers."""
        newest = self._session.log.latest(f"samples:{service}/{metric}")
        last = newest.event.last_at if newest and isinstance(newest.event, MetricSampled) else None
        self._record(
            self._now_listening(at).sampled(
                WatchedSource(source, service, metric),
                last_sample_at=last,
                at=at,
                interval_seconds=max(METRIC_SECONDS, interval_seconds),
            )
        )

    def silent_since(self, source: str) -> datetime | None:
        """Return since when a source is silent, as the log has it; what it missed is asked from there."""
        found = standing(silences(self._session.log.select([Window(SILENCES)])), WatchedSource(source))
        return found.start if found else None

    def _now_listening(self, at: datetime) -> Listening:
        if self._listening is None:
            self._listening = Listening(self._session.log.select([Window(SILENCES)]), since=at)
        return self._listening

    def _record(self, noticed: Noticed) -> None:
        if noticed is None or self._listening is None:
            return
        self._session.record([noticed])
        self._listening.refresh(self._session.log.select([Window(SILENCES)]))
        tell(
            noticed.TOPIC.replace("-", " "),
            30,
            source=noticed.source,
            service=noticed.service,
            metric=noticed.what,
            occurred_at=utc(noticed.occurred_at),
        )
