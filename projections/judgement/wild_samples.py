"""Which few samples of a baseline are wild: far from their neighbours, and unlike anything else in it.

One sample of 40 among two days of 100 widens the natural swing until no fall from 100 to 94 is larger than it.
What a metric does more often than this, or every day, is its habit, and stays in the baseline.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from projections.judgement.verdict_types import ChangeJudgement

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Flags = NDArray[np.bool_]
    Counts = NDArray[np.int64]
else:
    Floats = Flags = Counts = object  # the names of types; numpy is imported by what computes

#: A baseline has at most so many wild moments, of at most so many samples each.
MOMENTS = 3
SAMPLES = 3
#: A wild sample lies more than so many times as far from the median around it as any sample that stays.
APART = 2.5
#: No sample is wild where the largest step from one to the next is at most so many times the mean step.
STEPS = 6.0
#: The samples around one are so many on each side: those of one wild moment are outnumbered.
AROUND = SAMPLES
#: A baseline with fewer samples has none that are wild.
AT_LEAST = 3 * MOMENTS * SAMPLES
#: A sample after a change is like those left out from this part of their distance on.
ALIKE = 0.5
#: Runs of one job differ in height by no more than this factor.
JOB_VARIES = 2.0
#: The values are scaled by this power of two, so that steps between the largest numbers there are stay finite.
_SCALE = 2.0**-20

#: Compare and exchange in this order, and the fourth of seven values is their median.
_MEDIAN_OF_7 = (
    *((0, 5), (0, 3), (1, 6), (2, 4), (0, 1), (3, 5), (2, 6), (2, 3), (3, 6)),
    *((4, 5), (1, 4), (1, 3), (3, 4)),
)


def wild_samples(baseline: Floats, follows: Floats | None = None, *, day: int) -> Flags | None:
    """Find the wild samples of each metric's baseline; None where no metric has any.

    Args:
        baseline: Rows of metrics, oldest sample first, NaN where one is missing.
        follows: The samples after it, where what began at the end of the baseline and goes on shall stay in it.
        day: Samples in a day.
    """
    import numpy as np

    wild: Flags | None = None
    for row in np.flatnonzero(_leaps(baseline)).tolist():
        known = np.flatnonzero(np.isfinite(baseline[row]))
        after = baseline[row, :0] if follows is None else follows[row]
        after = after[np.isfinite(after)][:SAMPLES]
        positions = _wild(baseline[row, known] * _SCALE, after * _SCALE, known, day)
        if len(positions):
            wild = np.zeros(baseline.shape, bool) if wild is None else wild
            wild[row, positions] = True
    return wild


def without_wild(samples: Floats, *, day: int) -> Floats:
    """Return one metric's healthy samples with NaN for those that are wild."""
    import numpy as np

    wild = wild_samples(samples[None], day=day)
    return samples if wild is None else np.where(wild[0], np.nan, samples)


def shows_wild_again(judgement: ChangeJudgement, baseline: Floats, wild: Flags, after: Floats) -> bool:
    """Whether a window is only changed by samples like those that were left out of the baseline.

    As many count as were left out within a window's length: another such burst is no change.
    """
    import numpy as np

    expected, visible = judgement.expected, judgement.smallest_visible_change
    if judgement.direction not in ("up", "down") or expected is None or visible is None:
        return False
    sign = 1 if judgement.direction == "up" else -1
    with np.errstate(over="ignore", invalid="ignore"):
        distances = sign * (baseline - np.median(baseline[np.isfinite(baseline) & ~wild]))
        left_out = np.flatnonzero(wild & (distances > 0))
        if not len(left_out):
            return False
        away = np.sort(sign * (after[np.isfinite(after)] - expected))
        most = int((np.searchsorted(left_out, left_out + len(after)) - np.arange(len(left_out))).max())
        # Where nothing else ever moves, any burst is like those that were left out.
        least = ALIKE * distances[left_out].min() if judgement.swing else 0.0
        alike = min(most, int(((away > 0) & (away >= least)).sum()))
        rest = away[: len(away) - alike]
        return alike > 0 and (not len(rest) or float(np.mean(rest)) <= visible)


_AT_A_TIME = 8


def _leaps(rows: Floats) -> Flags:
    """Say which rows have a step that is much larger than usual, or one that cannot be told for gaps or size."""
    import numpy as np

    leaps = np.zeros(len(rows), bool)
    if rows.shape[1] < AT_LEAST:
        return leaps
    with np.errstate(over="ignore", invalid="ignore"):
        for first in range(0, len(rows), _AT_A_TIME):  # so many fit the processor's cache
            part = slice(first, first + _AT_A_TIME)
            steps = np.subtract(rows[part, 1:], rows[part, :-1])
            np.abs(steps, out=steps)
            mean: Floats = np.add.reduce(steps, axis=1) / steps.shape[1]
            leaps[part] = ~np.isfinite(mean) | (steps.max(axis=1) > STEPS * mean)
    return leaps


def _wild(samples: Floats, follows: Floats, positions: Counts, day: int) -> Counts:
    """Return the positions of the wild ones among a metric's samples, of which none is missing."""
    import numpy as np

    none, most = positions[:0], MOMENTS * SAMPLES
    if not _leaps(samples[None])[0]:
        return none
    away = np.abs(samples - _around(samples))
    farthest = np.argpartition(away, -most - 1)[-most - 1 :]
    farthest = farthest[np.argsort(-away[farthest], kind="stable")]
    for count in range(most, 0, -1):
        if not away[farthest[count - 1]] > APART * away[farthest[count]]:
            continue
        wild = np.sort(farthest[:count])
        moments = np.split(wild, np.flatnonzero(np.diff(wild) > AROUND) + 1)
        if len(moments) > MOMENTS or max(map(len, moments)) > SAMPLES:
            continue
        heights = [float(away[moment].max()) for moment in moments]
        if _recur([int(positions[moment[0]]) for moment in moments], heights, day):
            return none
        if _goes_on(samples, moments[-1], follows):
            wild = wild[: -len(moments[-1])]
        return positions[wild]
    return none


def _around(samples: Floats) -> Floats:
    """The median of each sample and its neighbours; of the nearest seven at the ends."""
    import numpy as np

    width = 2 * AROUND + 1
    ranks = [samples[start : len(samples) - width + 1 + start] for start in range(width)]
    for one, other in _MEDIAN_OF_7:
        ranks[one], ranks[other] = np.minimum(ranks[one], ranks[other]), np.maximum(ranks[one], ranks[other])
    medians = ranks[AROUND]
    return np.concatenate([medians[:1]] * AROUND + [medians] + [medians[-1:]] * AROUND)


def _recur(begins: list[int], heights: list[float], day: int) -> bool:
    """Whether moments are alike and come a day or a week apart, give or take a sample: a job that runs then."""
    apart = [later - earlier for earlier, later in pairwise(begins)]
    regular = all(min(abs(steps - day), abs(steps - 7 * day)) <= 1 for steps in apart)
    return bool(apart) and regular and max(heights) <= JOB_VARIES * min(heights)


def _goes_on(samples: Floats, moment: Counts, follows: Floats) -> bool:
    """Whether a moment is the end of the baseline, and what follows is nearer to it than to what was before."""
    import numpy as np

    if moment[-1] < len(samples) - 1 or not len(follows):
        return False
    then = np.median(follows)
    before = np.median(samples[: moment[0]][-2 * AROUND :])
    return bool(abs(then - samples[-1]) < abs(then - before))
