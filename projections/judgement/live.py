"""Is a metric normal at this instant? The last sample against healthy time; windows are judged by `judgement.rows`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from projections.judgement import grid as grids
from projections.judgement.metric_series import HISTORY, MetricSeries
from projections.judgement.recovery import sample_swing
from projections.judgement.replay import DAY_SECONDS
from projections.judgement.wild_samples import without_wild
from projections.samples import Series

#: An older sample is not current.
FRESH = timedelta(minutes=2)
_LEVEL_SAMPLES = 60


@dataclass(frozen=True)
class MetricReading:
    """One metric at one instant; `normal` is None where it is unknown."""

    metric: str
    unit: str | None
    value: float | None
    normal: bool | None


@dataclass(frozen=True)
class NormalRange:
    """Where single samples lie in healthy time: `level` plus or minus `swing`, in the metric's unit."""

    level: float
    swing: float


def read_metric(metric: MetricSeries, *, healthy_to: datetime, at: datetime) -> MetricReading:
    """Compare the last sample before an instant with the last healthy hour and its natural swing.

    A value beyond the swing on the good side is normal.
    """
    import numpy as np

    series = metric.series
    unit = "per_second" if grids.is_counter(metric.query) else metric.unit
    if series is None:
        return MetricReading(metric.label, unit, None, None)
    own = grids.own_step_seconds(series, healthy_to - timedelta(hours=1), at)
    whole = _grid(series, own, healthy_to, at + timedelta(minutes=1))
    recent = whole.between(at - FRESH - timedelta(seconds=own), at + timedelta(minutes=1))
    recent = recent[np.isfinite(recent)]
    value = float(recent[-1]) if len(recent) else None
    usual = normal_range(metric, healthy_to=healthy_to)
    if value is None or usual is None:
        return MetricReading(metric.label, unit, value, None)
    away = value - usual.level
    if (metric.better == "lower" and away < 0) or (metric.better == "higher" and away > 0):
        away = 0.0
    return MetricReading(metric.label, unit, value, abs(away) <= usual.swing)


def normal_range(metric: MetricSeries, *, healthy_to: datetime) -> NormalRange | None:
    """Return the level and the natural swing of single samples of a metric; None where too little is known."""
    import numpy as np

    series = metric.series
    if series is None:
        return None
    own = grids.own_step_seconds(series, healthy_to - timedelta(hours=1), healthy_to)
    grid = _grid(series, own, healthy_to, healthy_to)
    healthy = without_wild(grid.values, day=round(DAY_SECONDS * 1_000 / grid.step_ms))
    swing = sample_swing(healthy)
    known = healthy[np.isfinite(healthy)]
    if swing is None:
        return None
    level = float(np.mean(known[-_LEVEL_SAMPLES:]))
    return NormalRange(level, max(swing, 0.01 * abs(level)))


def _grid(series: Series, own_seconds: float, healthy_to: datetime, end: datetime) -> grids.Grid:
    return grids.on_grid(
        series, at_least_seconds=60, own_seconds=own_seconds, start=healthy_to - HISTORY["10m"], end=end
    )
