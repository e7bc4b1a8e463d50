"""Collecting a metric's samples from Prometheus: one span as typed, or all that an incident needs.

Which spans there are, and which of them were answered, is for `tracker.ingest.coverage` to say.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from projections.samples import merge
from tracker.application.collect.result import CollectResult
from tracker.application.session import Session
from tracker.errors import TrackerError
from tracker.events.base import Recorded, Window
from tracker.events.samples import MetricSampled, SourceCollected
from tracker.ingest.coverage import Ask, answers, plan, settled, to_ask
from tracker.ingest.prometheus.api import PrometheusApi
from tracker.ingest.prometheus.series import FetchedSeries
from tracker.ingest.samples import intake
from tracker.settings.schema import Metric

Progress = Callable[[int, int], None]

_LONGEST_ANSWER = timedelta(days=60)
"""The index finds an answer by its start: one that begins earlier is asked again, and adds nothing."""


def samples(
    session: Session,
    api: PrometheusApi,
    *,
    service: str,
    name: str,
    metric: Metric,
    start: datetime,
    end: datetime,
    progress: Progress | None = None,
) -> CollectResult:
    """Collect one metric's samples of a span at the configured step, whatever was asked before.

    Only instants that the log lacks are stored.
    """
    collection = _Collection(session, api, service, name, metric, progress)
    collection.ask([(start, end, session.settings.prometheus.step_seconds)])
    return collection.result


def with_history(
    session: Session,
    api: PrometheusApi,
    *,
    service: str,
    name: str,
    metric: Metric,
    start: datetime,
    end: datetime,
    progress: Progress | None = None,
) -> CollectResult:
    """Collect one metric for an incident with the past that verdicts need; nothing is asked twice."""
    collection = _Collection(session, api, service, name, metric, progress)
    planned = plan(start, end, session.settings.prometheus.step_seconds)
    earliest = min(first for first, _, _ in planned)
    place = Window(f"collected:{service}", earliest - _LONGEST_ANSWER, end)
    earlier = answers(
        (record.event for record in session.log.select([place]) if isinstance(record.event, SourceCollected)),
        source=collection.source,
        what=name,
        query=metric.query,
    )
    collection.ask(to_ask(planned, earlier))
    result, now = collection.result, collection.answers
    result.asked = bool(now)
    about = [answer for answer in (*earlier, *now) if answer.until > earliest]
    gone = [
        answer.missing_until for answer in about if answer.missing_until and answer.missing_until > earliest
    ]
    result.gone_until = max(gone, default=None)
    result.expires_at = min((answer.expires_at for answer in about if answer.expires_at), default=None)
    result.history = _history(_chunks(session, service, name, metric.query, earliest, end), earliest)
    return result


class _Collection:
    """One metric, asked for span after span; the first problem ends it with what was received before."""

    def __init__(
        self,
        session: Session,
        api: PrometheusApi,
        service: str,
        name: str,
        metric: Metric,
        progress: Progress | None,
    ) -> None:
        self.result = CollectResult("prometheus", service, f"samples of {name}", new_samples=0)
        # A source is named by its address without the scheme.
        self.source = f"prometheus:{api.url.partition('://')[2].rstrip('/')}"
        self.answers: list[SourceCollected] = []
        self._session, self._api, self._progress = session, api, progress
        self._service, self._name, self._metric = service, name, metric

    def ask(self, spans: Sequence[Ask]) -> None:
        """Ask for the spans in their order, and record each answer as it comes.

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
                self._api.take_incomplete()
                series = self._api.range(
                    self._metric.query, start=start, end=until, step_seconds=step, progress=self._progress
                )
                oldest, keeps = kept.oldest_at, kept.keeps_seconds
                first = max(start, oldest) if oldest else start
                answer = SourceCollected(
                    occurred_at=start,
                    source=self.source,
                    service=self._service,
                    until=until,
                    asked_at=now,
                    what=self._name,
                    found=sum(len(each.instants_ms) for each in series),
                    missing_until=min(oldest, until) if oldest and oldest > start else None,
                    expires_at=first + timedelta(seconds=keeps) if keeps is not None else None,
                    step_seconds=float(step),
                    query=self._metric.query,
                    incomplete=self._api.take_incomplete(),
                )
                self._take(series, answer)
        except TrackerError as problem:
            self.result.problem = problem

    def _take(self, series: list[FetchedSeries], answer: SourceCollected) -> None:
        """Record what the log lacks of an answer, and that it was given."""
        metric, span = self._metric, (answer.occurred_at, answer.until)
        query = metric.query
        known = (
            _known(self._session, self._service, self._name, query, *span, whole=answer.is_whole)
            if series
            else {}
        )
        chunks = intake(
            series,
            known,
            service=self._service,
            metric=self._name,
            query=metric.query,
            unit=metric.unit,
            step_seconds=answer.step_seconds or 0.0,
            source=self.source,
            captured_at=answer.asked_at,
            partial=not answer.is_whole,
        )
        result = self.result
        result.found += answer.found
        new = (chunk.event.count for chunk in chunks if isinstance(chunk.event, MetricSampled))
        result.new_samples = (result.new_samples or 0) + sum(new)
        result.gone_until, result.expires_at = answer.missing_until, answer.expires_at
        result.incomplete += [why for why in answer.incomplete if why not in result.incomplete]
        is_new = bool(chunks) or not _recorded_before(self._session, answer)
        self._session.record([*chunks, answer] if is_new else chunks, result.recording)
        self.answers.append(answer)


def _recorded_before(session: Session, answer: SourceCollected) -> bool:
    """Whether the log has this very question already: an answer without news to it adds nothing."""
    place = Window(
        f"collected:{answer.service or ''}",
        answer.occurred_at,
        answer.occurred_at + timedelta(milliseconds=1),
    )
    return any(
        isinstance(each.event, SourceCollected) and _question(each.event) == _question(answer)
        for each in session.log.select([place])
    )


def _question(answer: SourceCollected) -> tuple[object, ...]:
    return (
        *(answer.source, answer.what, answer.query, answer.step_seconds, answer.until),
        *answer.incomplete,
    )


def _chunks(
    session: Session, service: str, name: str, query: str, start: datetime, end: datetime
) -> list[Recorded]:
    """Return the headers of the chunks of a query that reach into a span; none is longer than a day."""
    place = Window(f"samples:{service}/{name}", start - timedelta(days=1), end)
    return [
        each
        for each in session.log.select([place])
        if isinstance(each.event, MetricSampled) and each.event.query == query and each.event.last_at >= start
    ]


def _known(
    session: Session, service: str, name: str, query: str, start: datetime, end: datetime, *, whole: bool
) -> dict[Any, Any]:
    """Return the instants and values that the log has of each series of a query in a span, or of whole answers only."""
    chunks = _chunks(session, service, name, query, start, end)
    chunks = [each for each in chunks if not (whole and getattr(each.event, "partial", False))]
    payloads = session.log.payloads([each.position for each in chunks]) if chunks else {}
    return {
        tuple(sorted(series.labels.items())): (series.instants_ms, series.values)
        for series in merge((each, payloads.get(each.position, b"")) for each in chunks)
    }


def _history(chunks: list[Recorded], earliest: datetime) -> dict[float, datetime]:
    """Return the first instant that the log holds from `earliest` on, for each step."""
    found: dict[float, datetime] = {}
    for each in chunks:
        if isinstance(each.event, MetricSampled):
            step, first = each.event.step_seconds, max(earliest, each.event.occurred_at)
            found[step] = min(first, found.get(step, first))
    return found
