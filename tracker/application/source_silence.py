"""Detecting, from the outcome of each poll, when a source falls silent and when it answers again.

What is kept in memory is no more than a restart may lose: when each source was heard last.
Silences are in the log: one that lasts is not recorded twice, and its end is detected by whichever
server runs then. Before the first answer a silence begins no earlier than the first poll.
"""

from collections.abc import Iterable
from datetime import datetime

from projections.silence import WatchedSource, noticed, silences, standing
from tracker.application.session import Session
from tracker.events.base import Recorded, Window
from tracker.events.samples import MetricSampled
from tracker.events.silence import SILENCES, SourceReturned, SourceSilent

METRIC_SECONDS = 120.0
"""A metric's newest sample may be two steps and a poll old; two such intervals without one are a silence."""

Detected = SourceSilent | SourceReturned | None


class SilenceDetector:
    """Turns the outcome of each poll into an event where one is due; the caller appends it.

    `recorded` are the log's events under `tracker.events.silence.SILENCES`; `since` is when the
    first poll was made.
    """

    def __init__(self, recorded: Iterable[Recorded], *, since: datetime) -> None:
        self._known = silences(recorded)
        self._since = since
        self._heard: dict[WatchedSource, datetime] = {}

    def refresh(self, recorded: Iterable[Recorded]) -> None:
        """Replace the known silences, after an append of one."""
        self._known = silences(recorded)

    def answered(self, watched: WatchedSource, *, at: datetime) -> Detected:
        """Note an answer; return the source's return if it was silent."""
        self._heard[watched] = max(at, self._heard.get(watched, at))
        return self._due(watched, self._heard[watched], 1.0, "")

    def failed(
        self, watched: WatchedSource, *, at: datetime, interval_seconds: float, reason: str
    ) -> Detected:
        """Note a poll without an answer; return the silence, once, when two intervals passed."""
        return self._due(watched, at, interval_seconds, reason)

    def sampled(
        self,
        watched: WatchedSource,
        *,
        last_sample_at: datetime | None,
        at: datetime,
        interval_seconds: float,
        reason: str = "the source answers, but has no samples of it",
    ) -> Detected:
        """Note a metric's newest sample, where its source answers. A metric that never had one is not silent."""
        if last_sample_at is not None:
            self._heard[watched] = max(last_sample_at, self._heard.get(watched, last_sample_at))
        return self._due(watched, at, interval_seconds, reason) if watched in self._heard else None

    def _due(self, watched: WatchedSource, at: datetime, interval_seconds: float, reason: str) -> Detected:
        return noticed(
            watched,
            last_heard=self._heard.get(watched, self._since),
            now=at,
            interval_seconds=interval_seconds,
            known=self._known,
            reason=reason,
            heard_before=watched in self._heard,
        )


class SilenceRecorder:
    """Records what a detector detects in the polls of one server, and returns it."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._detector: SilenceDetector | None = None

    def answered(self, source: str, at: datetime) -> Detected:
        return self._record(self._detector_since(at).answered(WatchedSource(source), at=at))

    def failed(self, source: str, at: datetime, interval_seconds: float, reason: str) -> Detected:
        return self._record(
            self._detector_since(at).failed(
                WatchedSource(source), at=at, interval_seconds=interval_seconds, reason=reason
            )
        )

    def sampled(
        self, source: str, service: str, metric: str, at: datetime, interval_seconds: float
    ) -> Detected:
        """Check a metric's newest sample in the log, where its source answers."""
        newest = self._session.log.latest(f"samples:{service}/{metric}")
        last = newest.event.last_at if newest and isinstance(newest.event, MetricSampled) else None
        return self._record(
            self._detector_since(at).sampled(
                WatchedSource(source, service, metric),
                last_sample_at=last,
                at=at,
                interval_seconds=max(METRIC_SECONDS, interval_seconds),
            )
        )

    def silent_since(self, source: str) -> datetime | None:
        """Return since when a source is silent according to the log; what it missed is asked for from there."""
        silence = standing(silences(self._recorded()), WatchedSource(source))
        return silence.start if silence else None

    def _recorded(self) -> list[Recorded]:
        return self._session.log.select([Window(SILENCES)])

    def _detector_since(self, at: datetime) -> SilenceDetector:
        if self._detector is None:
            self._detector = SilenceDetector(self._recorded(), since=at)
        return self._detector

    def _record(self, detected: Detected) -> Detected:
        if detected is not None and self._detector is not None:
            self._session.record([detected])
            self._detector.refresh(self._recorded())
        return detected
