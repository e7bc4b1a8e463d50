"""Pulling a metric's samples out of Prometheus: one span as typed, or all that an incident needs.

What spans there are and which of them were answered is `tracker.ingest.coverage`'s.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from projections.samples import merge
from tracker.application.collect.result import Pulled
from tracker.application.session import Session
from tracker.errors import TrackerError
from tracker.events.base import Recorded, Window
from tracker.events.samples import MetricSampled, SourceCollected
from tracker.ingest.coverage import Ask, answers, plan, settled, to_ask
from tracker.ingest.prometheus.api import FetchedSeries, PrometheusApi
from tracker.ingest.samples import intake
from tracker.settings.schema import Metric

Progress = Callable[[int, int], None]

_LONGEST_ANSWER = timedelta(days=60)
"""The index finds an answer by its start: one that begins earlier is asked again, and adds nothing."""


def samples(
    session: Session,
    api: "PrometheusApi",
    *,
    service: str,
    name: str,
    metric: "Metric",
    start: datetime,
    end: datetime,
    progress: Progress | None = None,
) -> Pulled:
    """Pull one metric's samples of a span at the configured step, whatever was asked before.

    Only instants that the log lacks are stored.
    """
    pulling = _Pulling(session, api, service, name, metric, progress)
    pulling.ask([(start, end, session.settings.prometheus.step_seconds)])
    return pulling.pulled


def with_history(
    session: Session,
    api: "PrometheusApi",
    *,
    service: str,
    name: str,
    metric: "Metric",
    start: datetime,
    end: datetime,
    progress: Progress | None = None,
) -> Pulled:
    """Pull one metric for an incident with the past that verdicts need; what was answered is not asked again."""
    pulling = _Pulling(session, api, service, name, metric, progress)
    pulled = pulling.pulled
    planned = plan(start, end, session.settings.prometheus.step_seconds)
    earliest = min(first for first, _, _ in planned)
    place = Window(f"collected:{service}", earliest - _LONGEST_ANSWER, end)
    told = answers(
        (each.event for each in session.log.select([place]) if isinstance(each.event, SourceCollected)),
        source=pulling.source,
        what=name,
        query=metric.query,
    )
    pulling.ask(to_ask(planned, told))
    pulled.asked = bool(pulling.told)
    about = [each for each in (*told, *pulling.told) if each.until > earliest]
    gone = [each.missing_until for each in about if each.missing_until and each.missing_until > earliest]
    pulled.gone_until = max(gone, default=None)
    pulled.expires_at = min((each.expires_at for each in about if each.expires_at), default=None)
    pulled.history = _history(_chunks(session, service, name, metric.query, earliest, end), earliest)
    return pulled


class _Pulling:
    """One metric, asked for span after span; ends at the first trouble with what was got before."""

    def __init__(
        self,
        session: Session,
        api: "PrometheusApi",
        service: str,
        name: str,
        metric: "Metric",
        progress: Progress | None,
    ) -> None:
        self.pulled = Pulled("prometheus", service, f"samples of {name}", new_samples=0)
        self.source = f"prometheus:{_host(api.url)}"
        self.told: list[SourceCollected] = []
        self._session, self._api, self._progress = session, api, progress
        self._service, self._name, self._metric = service, name, metric

    def ask(self, spans: "Sequence[Ask]") -> None:
        """Ask for the spans, oldest last, and record each answer as it comes.

        The source's clock and what it still keeps are asked for once, and only where there is a span.
        """
        if not spans:
            return
        try:
            now = self._api.now()
            ready = [(start, min(end, settled(now, step)), step) for start, end, step in spans]
            ready = [(start, until, step) for start, until, step in ready if start < until]
            if not ready:
                return
            kept = self._api.retention()
            for start, until, step in ready:
                found = self._api.range(
                    self._metric.query,
                    start=start,
                    end=until,
                    step_seconds=step,
                    progress=self._progress,
                )
                is_gone = kept.oldest_at is not None and kept.oldest_at > start
                gone_until = min(kept.oldest_at, until) if is_gone and kept.oldest_at else None
                expires_at = None
                if kept.keeps_seconds is not None:
                    first = max(start, kept.oldest_at) if kept.oldest_at else start
                    expires_at = first + timedelta(seconds=kept.keeps_seconds)
                self._take(
                    found,
                    SourceCollected(
                        occurred_at=start,
                        source=self.source,
                        service=self._service,
                        until=until,
                        asked_at=now,
                        what=self._name,
                        found=sum(len(each.instants_ms) for each in found),
                        missing_until=gone_until,
                        expires_at=expires_at,
                        step_seconds=float(step),
                        query=self._metric.query,
                    ),
                )
        except TrackerError as trouble:
            self.pulled.problem = trouble

    def _take(self, series: "list[FetchedSeries]", answer: SourceCollected) -> None:
        """Record what the log lacks of an answer, and that it was given."""
        span = (answer.occurred_at, answer.until)
        held = _held(self._session, self._service, self._name, self._metric.query, *span) if series else {}
        chunks = intake(
            series,
            held,
            service=self._service,
            metric=self._name,
            query=self._metric.query,
            unit=self._metric.unit,
            step_seconds=answer.step_seconds or 0.0,
            source=self.source,
            captured_at=answer.asked_at,
        )
        pulled = self.pulled
        pulled.found += answer.found
        pulled.new_samples = (pulled.new_samples or 0) + sum(
            each.event.count for each in chunks if isinstance(each.event, MetricSampled)
        )
        pulled.gone_until = answer.missing_until
        pulled.expires_at = answer.expires_at
        is_new = bool(chunks) or not _told_before(self._session, answer)
        self._session.record([*chunks, answer] if is_new else chunks, pulled.recording)
        self.told.append(answer)


def _told_before(session: Session, answer: SourceCollected) -> bool:
    """Whether the log knows this very question already: an answer without news to it adds nothing."""
    place = Window(
        f"collected:{answer.service or ''}",
        answer.occurred_at,
        answer.occurred_at + timedelta(milliseconds=1),
    )
    return any(
        isinstance(each.event, SourceCollected)
        and (each.event.source, each.event.what, each.event.query, each.event.step_seconds, each.event.until)
        == (answer.source, answer.what, answer.query, answer.step_seconds, answer.until)
        for each in session.log.select([place])
    )


def _chunks(
    session: Session, service: str, name: str, query: str, start: datetime, end: datetime
) -> "list[Recorded]":
    """Return the headers of the chunks of a query that reach into a span; none is longer than a day."""
    place = Window(f"samples:{service}/{name}", start - timedelta(days=1), end)
    return [
        each
        for each in session.log.select([place])
        if isinstance(each.event, MetricSampled) and each.event.query == query and each.event.last_at >= start
    ]


def _held(
    session: Session, service: str, name: str, query: str, start: datetime, end: datetime
) -> dict[Any, Any]:
    """Return the instants and values that the log has of each series of a query in a span."""
    chunks = _chunks(session, service, name, query, start, end)
    payloads = session.log.payloads([each.position for each in chunks]) if chunks else {}
    return {
        tuple(sorted(series.labels.items())): (series.instants_ms, series.values)
        for series in merge((each, payloads.get(each.position, b"")) for each in chunks)
    }


def _history(chunks: "list[Recorded]", earliest: datetime) -> dict[float, datetime]:
    """Return the first instant that the log holds from `earliest` on, for each step."""
    found: dict[float, datetime] = {}
    for each in chunks:
        if isinstance(each.event, MetricSampled):
            step, first = each.event.step_seconds, max(earliest, each.event.occurred_at)
            found[step] = min(first, found.get(step, first))
    return found


def _host(url: str) -> str:
    """Name a source by its address without credentials or scheme."""
    return url.partition("://")[2].rpartition("@")[2].rstrip("/")
