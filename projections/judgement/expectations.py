"""What the mean of a window may be expected to be, and how far each expectation misses it."""

from __future__ import annotations

from projections.judgement.arrays import Floats
from projections.judgement.replay_grid import Grid

#: What a window's mean may be expected to be. A pair is the mean of the two.
EXPECTATIONS = (
    "before",  # the window just before
    "recent",  # the last quarter of that window
    "level",  # all of the past
    "daily",  # the same clock time on earlier days
    "drift",  # the window before, plus what usually follows at this clock time
    "daily+drift",
    "level+before",
    "incident",  # after a fix: that the incident goes on
)

#: Earlier days that a clock time is looked up on.
DAYS = 4


def misses_of(grid: Grid, *, day: int) -> tuple[Floats, Floats]:
    """The windows' means, and how far each expectation missed them: (expectations, metrics, times).

    NaN stands where an expectation had no past to look at.
    """
    import numpy as np

    window, lag = grid.window, grid.lag
    misses = np.empty((len(EXPECTATIONS) - 1, grid.rows, grid.count))
    mean = grid.mean(0, window)
    before = grid.mean(-window - lag, window)
    quarter = window // 4
    nearest = -(-(window + lag) // day)
    days = [-number * day for number in range(nearest, nearest + DAYS)]
    same_clock = [grid.mean(ago, window) for ago in days]
    np.subtract(mean, before, out=misses[0])
    np.subtract(mean, grid.mean(-quarter - lag, quarter) if quarter >= 2 else np.nan, out=misses[1])
    np.subtract(mean, grid.level(max(window, day)), out=misses[2])
    np.subtract(mean, _usual(same_clock), out=misses[3])
    usual_step = _usual(
        [then - grid.mean(ago - window - lag, window) for ago, then in zip(days, same_clock, strict=True)]
    )
    np.subtract(misses[0], usual_step, out=misses[4])
    np.multiply(misses[3] + misses[4], 0.5, out=misses[5])
    np.multiply(misses[2] + misses[0], 0.5, out=misses[6])
    return mean, misses


def broken(grid: Grid) -> tuple[Floats, Floats]:
    """The windows' means, and how far each lay from the stretch that ended before it."""
    mean = grid.mean(0, grid.window)
    return mean, (mean - grid.mean(-grid.stretch - grid.lag, grid.stretch))[None]


def _usual(days: list[Floats]) -> Floats:
    """The mean of the days, without the highest and the lowest where there are three: a median, for up to four."""
    import numpy as np

    total, count = np.zeros_like(days[0]), np.zeros_like(days[0])
    highest, lowest = days[0].copy(), days[0].copy()
    for values in days:
        there = np.isfinite(values)
        np.add(total, values, out=total, where=there)
        count += there
        np.fmax(highest, values, out=highest)
        np.fmin(lowest, values, out=lowest)
    trimmed = count > 2
    np.subtract(total, highest, out=total, where=trimmed)
    np.subtract(total, lowest, out=total, where=trimmed)
    np.subtract(count, 2.0, out=count, where=trimmed)
    result = np.full_like(total, np.nan)
    np.divide(total, count, out=result, where=count > 0)
    return result
