"""When an incident began and was over by its samples, where nobody reported it and no deploy tells.

People declare some minutes after the first metric left normal, and resolve some after the last one is back.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from projections.judgement import grid as grids
from projections.judgement.live import normal_range
from projections.judgement.metric_series import MetricSeries
from projections.judgement.recovery import excursions, lasts_ms
from tracker.times import from_ms, to_ms

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

#: The onset is searched for so long before the incident was reported.
LOOKED_BACK = timedelta(hours=1)
#: An excursion of the incident may have begun a little before its onset.
_BEFORE = timedelta(minutes=15)


def estimate_onset(metrics: Sequence[MetricSeries], *, reported_at: datetime) -> datetime:
    """Return since when a metric was out of normal without a break until the report; `reported_at` where none was."""
    found = [began for metric in metrics if (began := _began_at(metric, reported_at)) is not None]
    return min([reported_at, *found])


def estimate_recovery(
    metrics: Sequence[MetricSeries], *, onset: datetime, healthy_to: datetime, over_at: datetime | None
) -> datetime | None:
    """Return when the last metric was back within its range: the end where one was not, or where none had left it.

    None while the incident goes on and not all are back.
    """
    ends = [_ended_at(metric, onset, healthy_to, over_at) for metric in metrics]
    moved = [end for end in ends if end is not None]
    if not moved or not all(is_back for _, is_back in moved):
        return over_at
    last = max(at for at, _ in moved)
    return last if over_at is None else min(last, over_at)


def _ended_at(
    metric: MetricSeries, onset: datetime, healthy_to: datetime, over_at: datetime | None
) -> tuple[datetime, bool] | None:
    """Return when a metric's last excursion ended, and whether it did; None where it had none."""
    found = _excursions(metric, healthy_to, onset - _BEFORE, over_at)
    if found is None or not found[1]:
        return None
    instants, runs = found
    last = runs[-1][1]
    is_back = last + 1 < len(instants)
    return from_ms(int(instants[last + 1 if is_back else last])), is_back


def _began_at(metric: MetricSeries, reported_at: datetime) -> datetime | None:
    found = _excursions(metric, reported_at - LOOKED_BACK, reported_at - LOOKED_BACK, reported_at)
    # An excursion that was over before the report is not this incident.
    if found is None or not found[1] or found[1][-1][1] != len(found[0]) - 1:
        return None
    return from_ms(int(found[0][found[1][-1][0]]))


def _excursions(
    metric: MetricSeries, healthy_to: datetime, start: datetime, end: datetime | None
) -> tuple[NDArray[np.int64], list[tuple[int, int]]] | None:
    """Return the instants of a span's samples, and the first and last of each excursion to the worse side."""
    import numpy as np

    series = metric.series
    usual = normal_range(metric, healthy_to=healthy_to)
    # A counter would have to become a rate first, and with `neither` no direction is the worse one.
    if series is None or usual is None or metric.better == "neither" or grids.is_counter(metric.query):
        return None
    low = np.searchsorted(series.instants_ms, to_ms(start), side="right")
    high = len(series.instants_ms)
    if end is not None:
        high = int(np.searchsorted(series.instants_ms, to_ms(end), side="right"))
    finite = np.isfinite(series.values[low:high])
    instants, values = series.instants_ms[low:high][finite], series.values[low:high][finite]
    away = usual.level - values if metric.better == "higher" else values - usual.level
    return instants, excursions(instants, away > usual.swing, lasts_ms(series, 0.0))
