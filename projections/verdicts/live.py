"""Is a metric normal at this instant? The last sample beside the healthy time; windows are judged elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from projections.verdicts import grid as grids
from projections.verdicts.recovery import sample_swing
from projections.verdicts.rows import HISTORY, Measured

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
    whole = grids.on_grid(
        series,
        at_least_seconds=60,
        own_seconds=own,
        start=healthy_to - HISTORY["10m"],
        end=at + timedelta(minutes=1),
    )
    recent = whole.between(at - FRESH - timedelta(seconds=own), at + timedelta(minutes=1))
    recent = recent[np.isfinite(recent)]
    healthy = whole.between(whole.instant(0), healthy_to)
    known = healthy[np.isfinite(healthy)]
    swing = sample_swing(healthy)
    value = float(recent[-1]) if len(recent) else None
    if value is None or swing is None:
        return Look(metric.label, unit, value, None)
    level = float(np.mean(known[-_LEVEL_SAMPLES:]))
    away = value - level
    if (metric.better == "lower" and away < 0) or (metric.better == "higher" and away > 0):
        away = 0.0
    return Look(metric.label, unit, value, abs(away) <= max(swing, 0.01 * abs(level)))
