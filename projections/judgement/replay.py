"""The replay judge: a shift counts when it is larger than the metric's own past shifts.

For every metric several simple expectations are tried at hundreds of earlier times.
The one that would have missed least is trusted, those about as good have a say, and how far
they missed and the metric moved at those times is its natural swing.
No distribution is assumed, so drift, season and heavy tails are in the swing already.

Every metric is a row of its own and no reduction crosses rows: a metric judged alone and
the same metric judged among others give the same bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

from projections.judgement.arrays import Counts, Flags, Floats
from projections.judgement.expectations import EXPECTATIONS, broken, misses_of
from projections.judgement.replay_grid import Grid
from projections.judgement.swing import REPLAYS_AT_LEAST, SCATTER_SAMPLES, margin, rms_of, scatter, swing_of

DAY_SECONDS = 86_400
#: Windows' worth of replayed time, less a little for rounding to whole samples.
INDEPENDENT_AT_LEAST = 2.95
AFTER_FILLED = 0.7
BASELINE_FILLED = 0.5
#: Expectations whose misses are at most so many times those of the best are good: a change is one beyond all of them.
GOOD = 2.0
#: The smallest effect worth a word, as a part of the metric's level.
EFFECT = 0.001
#: So many metrics are computed at a time: what they need at once fits the processor's cache.
BLOCK = 25
#: Rounding errors are no change, next to the largest value seen.
ROUNDING = 1e-12


@dataclass(frozen=True, slots=True)
class Replayed:
    """The judge's figures, one entry a metric, in the metric's own unit."""

    candidate: Counts
    expected: Floats
    observed: Floats
    shift: Floats
    swing: Floats
    #: The smallest effect worth a word.
    effect: Floats
    replays: Counts
    independent: Floats
    #: Samples in the judged window.
    samples: Counts
    #: The part of the baseline that has samples.
    filled: Floats
    #: Between these lay the means of all replayed windows.
    lowest: Floats
    highest: Floats
    #: The least and the largest of the shifts from all good expectations; `shift` lies between.
    least: Floats
    largest: Floats
    #: The least without the window's highest sample, and the largest without its lowest.
    least_without_highest: Floats
    largest_without_lowest: Floats
    #: The shift from the closest good expectation one window earlier, NaN where it could not be made.
    previous_shift: Floats


def independent_windows(past: int, *, window: int, lag: int, stretch: int | None = None) -> float:
    """How many windows' worth of replays a baseline of `past` samples offers, if none is missing."""
    stretch = window if stretch is None else stretch
    return (past - stretch - window - lag) / max(stretch, window)


def replay(
    baseline: Floats,
    after: Floats,
    *,
    lag: int,
    day: int,
    deploys: Sequence[int] = (),
    incident: Floats | None = None,
) -> Replayed:
    """Compare the mean of `after` with what the baseline lets expect, and replay that at every earlier time.

    Args:
        baseline: Rows of metrics, oldest sample first, NaN where one is missing.
        after: The judged window; its length is the window's.
        lag: Samples between the baseline and the window that are not looked at, in every replay too.
        day: Samples in a day.
        deploys: Samples of the baseline from which other deploys acted. A comparison across one
            measures that deploy, so it is no replay; unless too few replays would be left.
        incident: What `after` is compared with instead of the baseline; it ended `lag` samples before it.
            Each replay then compares the mean of a stretch as long with that of the window that followed.
    """
    import numpy as np

    if len(baseline) > BLOCK:
        parts = [
            replay(
                baseline[first : first + BLOCK],
                after[first : first + BLOCK],
                lag=lag,
                day=day,
                deploys=deploys,
                incident=None if incident is None else incident[first : first + BLOCK],
            )
            for first in range(0, len(baseline), BLOCK)
        ]
        names = [field.name for field in fields(Replayed)]
        return Replayed(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))
    metrics, past = baseline.shape
    window = after.shape[1]
    stretch = window if incident is None else incident.shape[1]
    ended = past if incident is None else past + stretch
    # Rows in one piece of memory each: sums of a row then never depend on how many rows there are.
    series = np.full((metrics, ended + lag + window), np.nan)
    series[:, :past] = baseline
    if incident is not None:
        series[:, past:ended] = incident
    series[:, ended + lag :] = after
    known = np.isfinite(series)
    gaps = not bool(known.all())
    if gaps:
        series[~known] = 0.0
    # Powers of two and a value of the series itself: a constant stays exactly constant.
    _, exponent = np.frexp(np.maximum(series.max(axis=1, initial=0.0), -series.min(axis=1, initial=0.0)))
    exponent = np.clip(exponent, -1000, None)
    series *= np.ldexp(1.0, -exponent)[:, None]
    origin = np.take_along_axis(series, known.argmax(axis=1)[:, None], axis=1)
    series -= origin
    if gaps:
        series[~known] = 0.0

    grid = Grid(series, known if gaps else None, past=past, ended=ended, stretch=stretch, window=window)
    filled = known[:, :past].sum(axis=1)
    level = grid.sums[:, past] / np.maximum(filled, 1) + origin[:, 0]
    means, misses = misses_of(grid, day=day) if incident is None else broken(grid)
    candidate, good, closest, quiet, usual = _replays(misses, grid, deploys)
    replays = np.isfinite(quiet).sum(axis=1)
    independent = grid.independent(replays)
    swing = swing_of(quiet, usual, replays, grid, day=day) * margin(independent)
    tail, there = series[:, grid.last :], known[:, grid.last :]
    if incident is None and window >= SCATTER_SAMPLES:
        swing = swing * scatter(series, known if gaps else None, means, tail, there, grid)
    samples = there.sum(axis=1)
    total, others = np.add.reduce(tail, axis=1), np.maximum(samples - 1, 1)
    highest = np.where(there, tail, -np.inf).max(axis=1)
    lowest = np.where(there, tail, np.inf).min(axis=1)
    observed = np.where(samples > 0, total / np.maximum(samples, 1), np.nan)
    shift = misses[candidate, np.arange(metrics), -1]
    shifts = np.where(good, misses[:, :, -1], np.nan)
    least, largest = np.fmin.reduce(shifts, axis=0), np.fmax.reduce(shifts, axis=0)
    with np.errstate(all="ignore"):

        def back(values: Floats) -> Floats:
            """In the metric's unit again."""
            return np.ldexp(values, exponent)

        return Replayed(
            candidate=candidate if incident is None else np.full(metrics, len(EXPECTATIONS) - 1),
            expected=back(observed - shift + origin[:, 0]),
            observed=back(observed + origin[:, 0]),
            shift=back(shift),
            swing=back(swing),
            effect=back(np.maximum(EFFECT * np.abs(level), ROUNDING)),
            replays=replays,
            independent=independent,
            samples=samples,
            filled=filled / max(1, past),
            lowest=back(np.fmin.reduce(means[:, : grid.clean], axis=1, initial=np.inf) + origin[:, 0]),
            highest=back(np.fmax.reduce(means[:, : grid.clean], axis=1, initial=-np.inf) + origin[:, 0]),
            least=back(least),
            largest=back(largest),
            least_without_highest=back((total - highest) / others - observed + least),
            largest_without_lowest=back((total - lowest) / others - observed + largest),
            previous_shift=back(closest[:, grid.clean - 1]) if grid.clean else np.full(metrics, np.nan),
        )


def _replays(
    misses: Floats, grid: Grid, deploys: Sequence[int]
) -> tuple[Counts, Flags, Floats, Floats, Floats]:
    """Find the best expectation of each metric, and which are about as good.

    Returned with how far the closest good one missed each time, with the replays among these,
    and with the replays of the first expectation; both NaN where no replay is.
    """
    import numpy as np

    kept, across = misses[:, :, : grid.clean], grid.across(deploys)
    score = _scores(kept, grid)
    left_out: Flags | None = None
    if across.any():
        without = np.where(across, np.nan, kept)
        strict = _scores(without, grid)
        # Who deploys every day still wants a verdict: a swing with deploys in it is wider, which is the safe side.
        enough = np.isfinite(strict.min(axis=0))
        score = np.where(enough, strict, score)
        left_out = np.logical_and(across, enough[:, None])
    row = np.arange(grid.rows)
    candidate = score.argmin(axis=0)
    good = score <= GOOD * score[candidate, row]
    closest = misses[candidate, row]
    size = np.abs(closest)
    for kind in range(len(misses)):
        if good[kind].any():
            # Where the best expectation had nothing to look at (NaN) no other steps in: nothing is less than NaN.
            other = np.abs(misses[kind])
            closer = (other < size) & good[kind][:, None]
            np.copyto(closest, misses[kind], where=closer)
            np.copyto(size, other, where=closer)
    quiet, usual = closest[:, : grid.clean], kept[0]
    if left_out is not None:
        quiet, usual = np.where(left_out, np.nan, quiet), np.where(left_out, np.nan, usual)
    return candidate, good, closest, quiet, usual


def _scores(misses: Floats, grid: Grid) -> Floats:
    """How far each expectation misses each metric: the root mean square, endless where it could be tried too rarely."""
    import numpy as np

    there = np.isfinite(misses)
    replays = there.sum(axis=2)
    independent = grid.independent(replays)
    rms = rms_of(misses, there, replays)
    enough = (replays >= REPLAYS_AT_LEAST) & (independent >= INDEPENDENT_AT_LEAST)
    return np.where(enough, rms * margin(independent), np.inf)
