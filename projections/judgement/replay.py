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
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Flags = NDArray[np.bool_]
    Counts = NDArray[np.int64]
else:
    Floats = Flags = Counts = object  # the names of types; numpy is imported by what computes

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

DAY_SECONDS = 86_400
#: Earlier days that a clock time is looked up on.
DAYS = 4
#: More replays make nothing surer, as neighbours overlap.
REPLAYS_AT_MOST = 600
REPLAYS_AT_LEAST = 20
#: Windows' worth of replayed time, less a little for rounding to whole samples.
INDEPENDENT_AT_LEAST = 2.95
AFTER_FILLED = 0.7
BASELINE_FILLED = 0.5
#: A window in the past with fewer samples than this has no mean.
WINDOW_FILLED = 0.5
#: Expectations whose misses are at most so many times those of the best are good: a change is one beyond all of them.
GOOD = 2.0
#: The swing, in natural movements; see `_swing`. Chosen on many artificial deploys, see decision 10.
MARGIN = 3.5
#: A restless or a calm last day counts up to so much.
RECENT = (0.3, 3.0)
#: It is asked only where it holds so many windows.
RECENT_WINDOWS = 8
#: The smallest effect worth a word, as a part of the metric's level.
EFFECT = 0.001
#: The swing of a window of at least so many samples takes into account how these scatter, next to the usual scatter.
SCATTER_SAMPLES = 12
#: That ratio counts from and up to so much, with this power; the factor keeps as many false alarms as without it.
SCATTERS, SCATTER_COUNTS, SCATTER = (0.5, 1.5), 0.4, 0.92
#: So many metrics are computed at a time: what they need at once fits the processor's cache.
BLOCK = 25
#: Rounding errors are no change, next to the largest value seen.
ROUNDING = 1e-12

#: Student's t, quantile .995, by 1 / degrees of freedom; linear between these to 1 %.
_T995 = (
    (0.0, 2.576), (1 / 120, 2.617), (1 / 60, 2.660), (1 / 30, 2.750), (1 / 20, 2.845), (1 / 15, 2.947),
    (1 / 12, 3.055), (1 / 10, 3.169), (1 / 9, 3.250), (1 / 8, 3.355), (1 / 7, 3.499), (1 / 6, 3.707),
    (1 / 5, 4.032), (1 / 4, 4.604), (1 / 3, 5.841), (1 / 2, 9.925), (1.0, 63.657),
)  # fmt: skip


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

    grid = _Grid(series, known if gaps else None, past=past, ended=ended, stretch=stretch, window=window)
    filled = known[:, :past].sum(axis=1)
    level = grid.sums[:, past] / np.maximum(filled, 1) + origin[:, 0]
    means, misses = _misses(grid, day=day) if incident is None else _broken(grid)
    candidate, good, closest, quiet, usual = _replays(misses, grid, deploys)
    replays = np.isfinite(quiet).sum(axis=1)
    independent = grid.independent(replays)
    swing = _swing(quiet, usual, replays, grid, day=day) * margin(independent)
    tail, there = series[:, grid.last :], known[:, grid.last :]
    if incident is None and window >= SCATTER_SAMPLES:
        swing = swing * _scatter(series, known if gaps else None, means, tail, there, grid)
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


class _Grid:
    """Means of windows at regular times, of which the last is the judged one.

    The first `clean` times are replays: their windows end before the baseline does, with its `past` samples.
    What is compared `ended` that many samples into the series; `stretch` samples of it are looked at.
    """

    def __init__(
        self, series: Floats, known: Flags | None, *, past: int, ended: int, stretch: int, window: int
    ) -> None:
        import numpy as np

        self.last = series.shape[1] - window
        self.window, self.stretch, self.lag, self.rows = window, stretch, self.last - ended, len(series)
        earliest = stretch + self.lag
        self.stride = max(1, -(-(self.last - earliest) // REPLAYS_AT_MOST))
        self.count = max(0, self.last - earliest) // self.stride + 1
        self.start = self.last - (self.count - 1) * self.stride
        self.clean = max(0, (past - window - self.start) // self.stride + 1) if past >= window else 0
        self.clean = min(self.clean, self.count - 1)
        length = series.shape[1] + 1
        self.sums = np.zeros((self.rows, length))
        np.cumsum(series, axis=1, out=self.sums[:, 1:])
        self.counts: Floats | None = None
        if known is not None:
            self.counts = np.zeros((self.rows, length))
            np.cumsum(known, axis=1, out=self.counts[:, 1:])

    def independent(self, replays: Counts) -> Floats:
        """How many windows' worth of time so many replays cover."""
        import numpy as np

        covered: Floats = np.maximum(replays - 1, 0) * self.stride / max(self.stretch, self.window)
        return covered

    def across(self, deploys: Sequence[int]) -> Flags:
        """Say which replays would compare what was before a deploy with what was after it."""
        import numpy as np

        times = self.start + self.stride * np.arange(self.clean)
        found = np.zeros(self.clean, bool)
        for at in deploys:
            found |= (times - self.lag - self.stretch <= at) & (at < times + self.window)
        return found

    def mean(self, offset: int, length: int) -> Floats:
        """The mean of the `length` samples that begin `offset` after each time; NaN before there were any."""
        import numpy as np

        result = np.empty((self.rows, self.count))
        begin = max(0, -(-(-offset - self.start) // self.stride))
        result[:, : min(begin, self.count) if self.counts is None else self.count] = np.nan
        if begin >= self.count:
            return result
        low = self.start + begin * self.stride + offset
        high = self.last + offset
        sums = self._span(self.sums, low, high, length)
        if self.counts is None:
            np.divide(sums, length, out=result[:, begin:])
        else:
            counts = self._span(self.counts, low, high, length)
            enough = counts >= max(1.0, WINDOW_FILLED * length)
            np.divide(sums, counts, out=result[:, begin:], where=enough)
        return result

    def level(self, least: int) -> Floats:
        """The mean of everything before each time, once that is `least` samples."""
        import numpy as np

        result = np.full((self.rows, self.count), np.nan)
        begin = max(0, -(-(least + self.lag - self.start) // self.stride))
        if begin >= self.count:
            return result
        low, high = self.start + begin * self.stride - self.lag, self.last - self.lag
        steps = slice(low, high + 1, self.stride)
        if self.counts is None:
            lengths = np.arange(low, high + 1, self.stride, dtype=np.float64)
            np.divide(self.sums[:, steps], lengths, out=result[:, begin:])
        else:
            counts = self.counts[:, steps]
            np.divide(
                self.sums[:, steps], counts, out=result[:, begin:], where=counts >= WINDOW_FILLED * least
            )
        return result

    def _span(self, running: Floats, low: int, high: int, length: int) -> Floats:
        return (
            running[:, low + length : high + length + 1 : self.stride]
            - running[:, low : high + 1 : self.stride]
        )


def _misses(grid: _Grid, *, day: int) -> tuple[Floats, Floats]:
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


def _broken(grid: _Grid) -> tuple[Floats, Floats]:
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


def _replays(
    misses: Floats, grid: _Grid, deploys: Sequence[int]
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


def _scores(misses: Floats, grid: _Grid) -> Floats:
    """How far each expectation misses each metric: the root mean square, endless where it could be tried too rarely."""
    import numpy as np

    there = np.isfinite(misses)
    replays = there.sum(axis=2)
    independent = grid.independent(replays)
    rms = _rms(misses, there, replays)
    enough = (replays >= REPLAYS_AT_LEAST) & (independent >= INDEPENDENT_AT_LEAST)
    return np.where(enough, rms * margin(independent), np.inf)


def _rms(misses: Floats, there: Flags, count: Counts) -> Floats:
    import numpy as np

    squares = np.where(there, misses, 0.0)
    np.multiply(squares, squares, out=squares)
    result: Floats = np.sqrt(np.add.reduce(squares, axis=-1) / np.maximum(count, 1))
    return result


def _swing(quiet: Floats, usual: Floats, replays: Counts, grid: _Grid, *, day: int) -> Floats:
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
    rms = _rms(quiet, there, replays)
    moved = np.isfinite(usual)
    moves = moved.sum(axis=1)
    movement = np.where(moves > 0, _rms(usual, moved, moves), rms)
    swing: Floats = MARGIN * np.sqrt((spread + 2.0 * rms) / 4.0 * movement)
    if day >= RECENT_WINDOWS * grid.window:
        last = slice(max(0, grid.clean - max(1, day // grid.stride)), None)
        count = there[:, last].sum(axis=1)
        recent = _rms(quiet[:, last], there[:, last], count)
        ratio = np.divide(recent, rms, out=np.ones(grid.rows), where=(rms > 0) & (count >= RECENT_WINDOWS))
        swing = swing * np.sqrt(np.sqrt(np.clip(ratio, *RECENT)))
    return swing


def _scatter(
    past: Floats, known: Flags | None, means: Floats, tail: Floats, there: Flags, grid: _Grid
) -> Floats:
    """How much wider or narrower the swing is for a window whose samples scatter more or less than usual.

    A window that is calm in itself is not that far off by chance; one that bursts may be. The usual scatter is that of
    samples around the means of their windows, at the times of the replays.
    """
    import numpy as np

    samples = np.maximum(there.sum(axis=1), 1)
    center = np.where(there, (np.add.reduce(tail, axis=1) / samples)[:, None], 0.0)
    own = _rms(tail - center, there, samples)
    begins = slice(grid.start, grid.start + grid.clean * grid.stride, grid.stride)
    windows = means[:, : grid.clean]
    both = np.isfinite(windows)
    if known is not None:
        both &= known[:, begins]
    count = both.sum(axis=1)
    usual = _rms(past[:, begins] - windows, both, count)
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
