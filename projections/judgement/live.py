"""Is a metric normal at this instant? The last sample beside the healthy time; windows are judged elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from projections.judgement import grid as grids
from projections.judgement.recovery import sample_swing
from projections.judgement.rows import HISTORY, Measured
from projections.samples import Series

#: An older sample says nothing of now.
FRESH = timedelta(minutes=2)
_LEVEL_SAMPLES = 60


@dataclass(frozen=True)
class Look:
    """One metric at one instant; `normal` is None where it cannot be told."""

    metric: str
    unit: str | None
    value: float | None
    normal: bool | None


@dataclass(frozen=True)
class Normal:
    """Where single samples lie in healthy time: `level` plus or minus `swing`, in the metric's unit."""

    level: float
    swing: float


def look(metric: Measured, *, healthy_to: datetime, at: datetime) -> Look:
    """Hold the last sample before an instant against the last healthy hour and its natural swing.

    What lies beyond it on the good side is normal.
    """
    import numpy as np

    series = metric.series
    unit = "per_second" if grids.is_counter(metric.query) else metric.unit
    if series is None:
        return Look(metric.label, unit, None, None)
    own = grids.own_step_seconds(series, healthy_to - timedelta(hours=1), at)
    whole = _grid(series, own, healthy_to, at + timedelta(minutes=1))
    recent = whole.between(at - FRESH - timedelta(seconds=own), at + timedelta(minutes=1))
    recent = recent[np.isfinite(recent)]
    value = float(recent[-1]) if len(recent) else None
    held = normal(metric, healthy_to=healthy_to)
    if value is None or held is None:
        return Look(metric.label, unit, value, None)
    away = value - held.level
    if (metric.better == "lower" and away < 0) or (metric.better == "higher" and away > 0):
        away = 0.0
    return Look(metric.label, unit, value, abs(away) <= held.swing)


def normal(metric: Measured, *, healthy_to: datetime) -> Normal | None:
    """Return the level and the natural swing of single samples of a metric; None where too little is known."""
    import numpy as np

    series = metric.series
    if series is None:
        return None
    own = grids.own_step_seconds(series, healthy_to - timedelta(hours=1), healthy_to)
    healthy = _grid(series, own, healthy_to, healthy_to).values
    swing = sample_swing(healthy)
    known = healthy[np.isfinite(healthy)]
    if swing is None:
        return None
    level = float(np.mean(known[-_LEVEL_SAMPLES:]))
    return Normal(level, max(swing, 0.01 * abs(level)))


def _grid(series: Series, own_seconds: float, healthy_to: datetime, end: datetime) -> grids.Grid:
    return grids.on_grid(
        series, at_least_seconds=60, own_seconds=own_seconds, start=healthy_to - HISTORY["10m"], end=end
    )
