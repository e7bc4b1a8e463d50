"""When an incident began, where nobody reported it: people declare some minutes after the first metric left normal."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from projections.judgement import grid as grids
from projections.judgement.live import normal_range
from projections.judgement.metric_series import MetricSeries
from projections.judgement.recovery import excursions, lasts_ms
from tracker.times import from_ms, to_ms

#: The onset is searched for so long before the incident was reported.
LOOKED_BACK = timedelta(hours=1)


def estimate_onset(metrics: Sequence[MetricSeries], *, reported_at: datetime) -> datetime:
    """Return since when a metric was out of normal without a break until the report; `reported_at` where none was."""
    found = [began for metric in metrics if (began := _began_at(metric, reported_at)) is not None]
    return min([reported_at, *found])


def _began_at(metric: MetricSeries, reported_at: datetime) -> datetime | None:
    import numpy as np

    series = metric.series
    usual = normal_range(metric, healthy_to=reported_at - LOOKED_BACK)
    # A counter would have to become a rate first, and with `neither` no direction is the worse one.
    if series is None or usual is None or metric.better == "neither" or grids.is_counter(metric.query):
        return None
    low, high = np.searchsorted(
        series.instants_ms, [to_ms(reported_at - LOOKED_BACK), to_ms(reported_at)], side="right"
    )
    finite = np.isfinite(series.values[low:high])
    instants, values = series.instants_ms[low:high][finite], series.values[low:high][finite]
    away = usual.level - values if metric.better == "higher" else values - usual.level
    runs = excursions(instants, away > usual.swing, lasts_ms(series, 0.0))
    # An excursion that was over before the report is not this incident.
    if not runs or runs[-1][1] != len(instants) - 1:
        return None
    return from_ms(int(instants[runs[-1][0]]))
