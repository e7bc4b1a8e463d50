"""Samples on a regular grid, as the judge needs them: gaps stay gaps, counters become rates."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from projections.samples import Series
from tracker.times import from_ms, to_ms

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


#: The 10-minute and 1-hour windows are judged on one-minute samples, the day on five-minute ones.
GRID_SECONDS = {"10m": 60, "1h": 60, "1d": 300}

_COUNTER = re.compile(r"\s*[a-zA-Z_:][a-zA-Z0-9_:]*(_total|_count|_sum|_bucket)\s*(\{.*\})?\s*", re.DOTALL)


@dataclass(frozen=True, eq=False)
class Grid:
    """One series at absolute multiples of `step_ms`; NaN where it has no sample."""

    step_ms: int
    first_ms: int
    values: NDArray[np.float64]

    def at(self, instant: datetime) -> int:
        """Return the position of the first grid instant at or after this one."""
        return -(-(to_ms(instant) - self.first_ms) // self.step_ms)

    def between(self, start: datetime, end: datetime) -> NDArray[np.float64]:
        """Return the values from `start` up to, and without, `end`."""
        low, high = (min(max(self.at(edge), 0), len(self.values)) for edge in (start, end))
        return self.values[low : max(low, high)]

    def instant(self, position: int) -> datetime:
        return from_ms(self.first_ms + position * self.step_ms)


def is_counter(query: str | None) -> bool:
    """Whether a query is a bare selector of a counter, by its name."""
    return bool(query) and _COUNTER.fullmatch(query or "") is not None


def own_step_seconds(series: Series, start: datetime, end: datetime) -> float:
    """Return how far apart a series' samples are in a span: the median; its widest step where there are none."""
    import numpy as np

    low, high = np.searchsorted(series.instants_ms, [to_ms(start), to_ms(end)])
    apart = np.diff(series.instants_ms[low:high])
    return float(np.median(apart)) / 1000 if len(apart) else series.step_seconds


def on_grid(
    series: Series, *, at_least_seconds: float, own_seconds: float, start: datetime, end: datetime
) -> Grid:
    """Put a series on the finest grid that is no finer than asked, and a multiple of its own step.

    Each grid instant has the last sample of the step that ends there. A counter becomes its
    rate per second; where it went down it was reset, and began at zero.
    """
    import numpy as np

    own_ms = max(1, round(own_seconds * 1000))
    step_ms = own_ms * -(-round(at_least_seconds * 1000) // own_ms)
    first = -(-to_ms(start) // step_ms)
    count = max(0, -(-to_ms(end) // step_ms) - first)
    values = np.full(count, np.nan)
    if len(series.instants_ms) and count:
        instants = (first + np.arange(count)) * step_ms
        last = np.searchsorted(series.instants_ms, instants, side="right") - 1
        there = (last >= 0) & (series.instants_ms[np.maximum(last, 0)] > instants - step_ms)
        values[there] = series.values[last[there]]
    values[~np.isfinite(values)] = np.nan
    if is_counter(series.query):
        grown = np.diff(values, prepend=np.nan)
        with np.errstate(invalid="ignore"):
            values = np.where(grown < 0, values, grown) / (step_ms / 1000)
    return Grid(step_ms, first * step_ms, values)


def without(grid: Grid, spans: Iterable[tuple[datetime, datetime]]) -> Grid:
    """Make the samples in these spans missing: known incidents are cut out of a baseline."""
    import numpy as np

    values = grid.values.copy()
    for start, end in spans:
        low, high = (min(max(grid.at(edge), 0), len(values)) for edge in (start, end))
        values[low:high] = np.nan
    return Grid(grid.step_ms, grid.first_ms, values)
