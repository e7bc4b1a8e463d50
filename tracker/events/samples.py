"""Samples of metrics, what sources were asked for, and the rules of alerts."""

from collections.abc import Iterable
from datetime import datetime

import msgspec

from tracker.events.base import Observation, topic


@topic("metric-sampled", rank=60)
class MetricSampled(Observation, frozen=True, kw_only=True, omit_defaults=True):
    """A chunk of one series: the header here, the columns in the event's payload.

    `occurred_at` is the first sample's instant and `last_at` the last one's. `minimum` and
    `maximum` ignore values that are not finite. `sha256` is over the numbers, whatever the codec.
    A `partial` chunk is of an incomplete answer: a whole answer replaces it, sample by sample.
    """

    metric: str
    query: str
    step_seconds: float
    last_at: datetime
    count: int
    codec: str
    sha256: bytes
    unit: str | None = None
    labels: dict[str, str] = msgspec.field(default_factory=dict)
    minimum: float | None = None
    maximum: float | None = None
    partial: bool = False

    def scopes(self) -> tuple[str, ...]:
        """A place of their own, so that timelines never read them."""
        return (f"samples:{self.service or ''}/{self.metric}",)

    def subject(self) -> tuple[object, ...]:
        return (self.TOPIC, self.service, self.metric, self.query, tuple(sorted(self.labels.items())))


@topic("source-collected", rank=61)
class SourceCollected(Observation, frozen=True, kw_only=True, omit_defaults=True):
    """A source was queried for a span: what it returned, and what it had deleted already.

    `occurred_at` is the span's start. `missing_until` is the instant up to which the source
    has deleted its data; None if it has all. With `query` and `step_seconds` the span
    need not be queried again at that step or a multiple of it, unless the source reported its own answer as
    incomplete, in these words: a partial answer leaves the span open.
    """

    until: datetime
    asked_at: datetime
    what: str
    found: int = 0
    missing_until: datetime | None = None
    expires_at: datetime | None = None
    problem: str | None = None
    step_seconds: float | None = None
    query: str | None = None
    incomplete: tuple[str, ...] = ()

    @property
    def is_whole(self) -> bool:
        """Whether the source answered, and all of it."""
        return self.problem is None and not self.incomplete

    def scopes(self) -> tuple[str, ...]:
        """A place of their own, not with the service's facts."""
        return (f"collected:{self.service or ''}",)


Span = tuple[datetime, datetime]
"""From, and up to."""


def covered(collected: Iterable[SourceCollected], step_seconds: int) -> list[Span]:
    """Return the spans of the whole answers that have a sample at every multiple of this step.

    What the source had deleted by then is in them: it will not come back.
    """
    return [
        (each.occurred_at, each.until)
        for each in collected
        if each.is_whole and each.step_seconds and step_seconds % each.step_seconds == 0
    ]


def lacking(start: datetime, end: datetime, asked: Iterable[Span]) -> list[Span]:
    """Return the parts of a span that none of the others covers, oldest first."""
    found: list[Span] = []
    at = start
    for first, last in sorted(asked):
        if last <= max(at, first) or first >= end:
            continue
        if first > at:
            found.append((at, first))
        at = last
    if at < end:
        found.append((at, end))
    return found


def rule_scope(service: str | None, name: str) -> str:
    """Return the place of one rule's definitions."""
    return f"rule:{service or ''}/{name}"


@topic("alert-rule-seen", rank=62)
class AlertRuleSeen(Observation, frozen=True, kw_only=True, omit_defaults=True):
    """The definition of an alert's rule, as the source had it loaded."""

    name: str
    expression: str
    for_seconds: float = 0.0
    labels: dict[str, str] = msgspec.field(default_factory=dict)
    annotations: dict[str, str] = msgspec.field(default_factory=dict)

    def scopes(self) -> tuple[str, ...]:
        """A place for each rule, so that its newest definition is found at once."""
        return (rule_scope(self.service, self.name),)
