"""One series of a metric with what the settings in the log say of it: what every module of the judge starts from."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from projections.partial_answers import PartialAnswer
from projections.samples import Series
from projections.silence import Silence
from tracker.events.base import Redaction

#: How much of the past a window is compared with.
HISTORY = {"10m": timedelta(days=8), "1h": timedelta(days=8), "1d": timedelta(days=15)}


@dataclass(frozen=True)
class RedactedSamples:
    """Samples that were removed for good: from which instant to which, and who removed them."""

    start: datetime
    end: datetime
    redaction: Redaction


@dataclass(frozen=True, eq=False)
class MetricSeries:
    """One series of a metric, as the settings in the log define it.

    `asked_until` is the instant up to which its source was asked; None where nobody asked.
    `label` is the name to show: the metric's, with labels where it has several series.
    `silences` are those of its source, and its own; `redacted` are samples that it had. `partial` are the spans
    that were answered in part: `series` has none of their samples, and they count as not asked.
    """

    service: str
    metric: str
    query: str | None
    unit: str | None
    better: str
    threshold: float | None
    settling_seconds: float
    series: Series | None
    asked_until: datetime | None = None
    label: str = ""
    silences: tuple[Silence, ...] = ()
    redacted: tuple[RedactedSamples, ...] = ()
    partial: tuple[PartialAnswer, ...] = ()
