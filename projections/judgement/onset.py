"""When an incident began, where nobody said it: people declare some minutes after the first metric left normal."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from projections.judgement import grid as grids
from projections.judgement.live import normal
from projections.judgement.recovery import excursions, lasts_ms
from projections.judgement.rows import Measured
from tracker.times import from_ms, to_ms

#: So long before an incident was told of its beginning is looked for.
LOOKED_BACK = timedelta(hours=1)


def began_at(metrics: Sequence[Measured], *, told_at: datetime) -> datetime:
    """Return from when a metric was out of normal without a break until it was told; `told_at` where none was."""
    found = [began for metric in metrics if (began := _began_at(metric, told_at)) is not None]
    return min([told_at, *found])


def _began_at(metric: Measured, told_at: datetime) -> datetime | None:
    import numpy as np

    series = metric.series
    held = normal(metric, healthy_to=told_at - LOOKED_BACK)
    # Of a counter its rate would have to be looked at, and nobody says which way neither is worse.
    if series is None or held is None or metric.better == "neither" or grids.is_counter(metric.query):
        return None
    low, high = np.searchsorted(
        series.instants_ms, [to_ms(told_at - LOOKED_BACK), to_ms(told_at)], side="right"
    )
    finite = np.isfinite(series.values[low:high])
    instants, values = series.instants_ms[low:high][finite], series.values[low:high][finite]
    away = held.level - values if metric.better == "higher" else values - held.level
    runs = excursions(instants, away > held.swing, lasts_ms(series, 0.0))
    # One that was over before is another story.
    if not runs or runs[-1][1] != len(instants) - 1:
        return None
    return from_ms(int(instants[runs[-1][0]]))
