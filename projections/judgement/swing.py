"""The natural swing of a metric: how large a miss may be before it is a change."""

from __future__ import annotations

from projections.judgement.arrays import Counts, Flags, Floats
from projections.judgement.replay_grid import Grid

REPLAYS_AT_LEAST = 20
#: The swing, in natural movements; see `_swing`. Chosen on many artificial deploys, see decision 10.
MARGIN = 3.5
#: A restless or a calm last day counts up to so much.
RECENT = (0.3, 3.0)
#: It is asked only where it holds so many windows.
RECENT_WINDOWS = 8
#: The swing of a window of at least so many samples takes into account how these scatter, next to the usual scatter.
SCATTER_SAMPLES = 12
#: That ratio counts from and up to so much, with this power; the factor keeps as many false alarms as without it.
SCATTERS, SCATTER_COUNTS, SCATTER = (0.5, 1.5), 0.4, 0.92

#: Student's t, quantile .995, by 1 / degrees of freedom; linear between these to 1 %.
_T995 = (
    (0.0, 2.576), (1 / 120, 2.617), (1 / 60, 2.660), (1 / 30, 2.750), (1 / 20, 2.845), (1 / 15, 2.947),
    (1 / 12, 3.055), (1 / 10, 3.169), (1 / 9, 3.250), (1 / 8, 3.355), (1 / 7, 3.499), (1 / 6, 3.707),
    (1 / 5, 4.032), (1 / 4, 4.604), (1 / 3, 5.841), (1 / 2, 9.925), (1.0, 63.657),
)  # fmt: skip


def rms_of(misses: Floats, there: Flags, count: Counts) -> Floats:
    import numpy as np

    squares = np.where(there, misses, 0.0)
    np.multiply(squares, squares, out=squares)
    result: Floats = np.sqrt(np.add.reduce(squares, axis=-1) / np.maximum(count, 1))
    return result


def swing_of(quiet: Floats, usual: Floats, replays: Counts, grid: Grid, *, day: int) -> Floats:
    """How large a miss may be before it is a change, by the misses of the replays.

    Two scales are multiplied and their root is taken. One is how far the closest good expectation missed: a quarter
    of the 95th percentile and two root mean squares. It alone is too small where a metric
    behaved for days and then takes a step of its own. The other is how far the metric moves from one window to
    the next, whatever was expected.
    """
    import numpy as np

    there = np.isfinite(quiet)
    sizes = np.where(there, np.abs(quiet), np.inf)
    spread = np.zeros(grid.rows)
    for count in np.unique(replays[replays > 0]).tolist():
        kth = -(-95 * (count - 1) // 100)
        spread[replays == count] = np.partition(sizes[replays == count], kth, axis=1)[:, kth]
    rms = rms_of(quiet, there, replays)
    moved = np.isfinite(usual)
    moves = moved.sum(axis=1)
    movement = np.where(moves > 0, rms_of(usual, moved, moves), rms)
    swing: Floats = MARGIN * np.sqrt((spread + 2.0 * rms) / 4.0 * movement)
    if day >= RECENT_WINDOWS * grid.window:
        last = slice(max(0, grid.clean - max(1, day // grid.stride)), None)
        count = there[:, last].sum(axis=1)
        recent = rms_of(quiet[:, last], there[:, last], count)
        ratio = np.divide(recent, rms, out=np.ones(grid.rows), where=(rms > 0) & (count >= RECENT_WINDOWS))
        swing = swing * np.sqrt(np.sqrt(np.clip(ratio, *RECENT)))
    return swing


def scatter(
    past: Floats, known: Flags | None, means: Floats, tail: Floats, there: Flags, grid: Grid
) -> Floats:
    """How much wider or narrower the swing is for a window whose samples scatter more or less than usual.

    A window that is calm in itself is not that far off by chance; one that bursts may be. The usual scatter is that of
    samples around the means of their windows, at the times of the replays.
    """
    import numpy as np

    samples = np.maximum(there.sum(axis=1), 1)
    center = np.where(there, (np.add.reduce(tail, axis=1) / samples)[:, None], 0.0)
    own = rms_of(tail - center, there, samples)
    begins = slice(grid.start, grid.start + grid.clean * grid.stride, grid.stride)
    windows = means[:, : grid.clean]
    both = np.isfinite(windows)
    if known is not None:
        both &= known[:, begins]
    count = both.sum(axis=1)
    usual = rms_of(past[:, begins] - windows, both, count)
    ratio = np.divide(own, usual, out=np.ones(grid.rows), where=(usual > 0) & (count >= REPLAYS_AT_LEAST))
    factor: Floats = SCATTER * np.clip(ratio, *SCATTERS) ** SCATTER_COUNTS
    return factor


def margin(independent: Floats) -> Floats:
    """How much wider the swing is made when it comes from few independent windows; 1 for many."""
    import numpy as np

    inverse, quantile = zip(*_T995, strict=True)
    # Not all of it, as windows overlap in replays: three quarters.
    factor = np.interp(1.0 / np.maximum(independent, 1.0), inverse, quantile) / quantile[0]
    half = np.sqrt(factor)
    wider: Floats = half * np.sqrt(half)
    return wider
