"""Whether incidents last longer or shorter than before, and how large a change these numbers could have shown."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from projections.trends.inputs import POWER, checked_seconds, error_share

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

_FEWEST = 2
"""One closed incident says nothing of how much they differ."""
_FEWEST_FOR_MEANS = 10
_MOST_UNEQUAL = 1.5
"""Of fewer incidents, or of groups less equal, Welch's interval is far too narrow once it has to hold over a page:
2 incidents beside 30 leave it 200 times as often as they may."""
_STEP = 1e-5
"""Ends of an interval are known to this share."""
_WIDEST = 100.0
"""A ratio whose logarithm is larger tells nothing."""


@dataclass(frozen=True)
class DurationComparison:
    """How durations changed: after / before, with its 95 % interval over all comparisons of the page.

    `of` names what the ratio is of: the geometric mean of two groups of some size that are closed, else the factor
    between two distributions of one shape, by ranks. Both are the ratio of the medians where only the scale changed.
    `claim` is None where the interval holds 1, or has an end that these numbers do not give.
    `smallest_visible_ratio` is the ratio below 1 that would have been claimed four times in five.
    """

    ratio: float | None
    of: str
    low: float | None
    high: float | None
    claim: str | None
    smallest_visible_ratio: float | None
    n_before: int
    n_after: int


def compare_durations(
    before_s: Iterable[float],
    after_s: Iterable[float],
    *,
    before_open_s: Iterable[float] = (),
    after_open_s: Iterable[float] = (),
    comparisons: float = 1,
) -> DurationComparison:
    """Compare the durations of two periods; `…_open_s` is how long those have lasted that are not over.

    What lasted less than a second counts as one second. With `comparisons` the intervals are as wide as they
    have to be for a page that shows so many.

    Raises:
        UsageError: If a duration is negative, or no number.
    """
    from scipy import special

    error = error_share(comparisons)
    before, after = _logs(before_s, "before_s"), _logs(after_s, "after_s")
    before_open, after_open = _logs(before_open_s, "before_open_s"), _logs(after_open_s, "after_open_s")
    n_before, n_after = len(before) + len(before_open), len(after) + len(after_open)
    sizes = sorted((n_before, n_after))
    by_ranks = (
        bool(len(before_open) + len(after_open))
        or sizes[0] < _FEWEST_FOR_MEANS
        or sizes[1] > _MOST_UNEQUAL * sizes[0]
    )
    of = "time ratio by ranks" if by_ranks else "geometric mean"
    if min(len(before), len(after)) < _FEWEST:
        return DurationComparison(None, of, None, None, None, None, n_before, n_after)
    by = (
        _by_ranks(before, before_open, after, after_open, error)
        if by_ranks
        else _by_means(before, after, error)
    )
    # Two incidents a side, with many comparisons, reach from nothing to more than a number can be: no end is known.
    ratio, low, high = (None if value is None or abs(value) > _WIDEST else math.exp(value) for value in by)
    claim = visible = None
    if low is not None and high is not None and 0 < low < high:
        claim = "longer" if low > 1 else "shorter" if high < 1 else None
        # The interval reaches so many standard errors to each side.
        reach = special.ndtri(1 - error / 2)
        visible = math.exp(-(math.log(high / low) / 2) * (1 + special.ndtri(POWER) / reach))
    return DurationComparison(ratio, of, low, high, claim, visible, n_before, n_after)


def _logs(seconds: Iterable[float], name: str) -> Floats:
    import numpy as np

    return np.log(np.maximum(checked_seconds(seconds, name), 1.0))


def _by_means(before: Floats, after: Floats, error: float) -> tuple[float, float | None, float | None]:
    """Return by how much the mean of the logarithms moved, with Welch's interval."""
    import numpy as np
    from scipy import special

    moved = float(after.mean() - before.mean())
    if not np.ptp(before) and not np.ptp(after):
        return moved, None, None
    parts = [(float(group.var(ddof=1)) / len(group), len(group) - 1) for group in (before, after)]
    variance = sum(part for part, _ in parts)
    freedom = variance**2 / sum(part**2 / n for part, n in parts)
    reach = float(special.stdtrit(freedom, 1 - error / 2)) * math.sqrt(variance)
    return moved, moved - reach, moved + reach


def _by_ranks(
    before: Floats, before_open: Floats, after: Floats, after_open: Floats, error: float
) -> tuple[float | None, float | None, float | None]:
    """Return the shift that makes two groups alike, and the shifts between which a rank test sees no difference.

    The test is Gehan's, Wilcoxon's with open ones. Its variance is that of the numbers at risk, which holds
    also where more are open after than before.
    """
    import numpy as np
    from scipy import special

    all_before, all_after = (
        np.sort(np.concatenate(group)) for group in ((before, before_open), (after, after_open))
    )

    def lead(shift: float) -> int:
        """Return how many more pairs are surely longer after than surely shorter, once `shift` is taken off."""
        longer = len(before) * len(all_after) - int(np.searchsorted(all_after, before + shift, "right").sum())
        shorter = len(after) * len(all_before) - int(
            np.searchsorted(all_before, after - shift, "right").sum()
        )
        return longer - shorter

    widest = max(all_before[-1], all_after[-1]) - min(all_before[0], all_after[0]) + 1

    def where(target: float) -> float | None:
        left, right = -widest, widest
        if not lead(left) > target > lead(right):
            return None
        while right - left > _STEP:
            middle = (left + right) / 2
            left, right = (middle, right) if lead(middle) > target else (left, middle)
        return float(left + right) / 2

    middle = where(0)
    if middle is None:
        return None, None, None
    reach = special.ndtri(1 - error / 2) * _deviation(
        before, before_open, after - middle, after_open - middle
    )
    return middle, where(reach), where(-reach)


def _deviation(before: Floats, before_open: Floats, after: Floats, after_open: Floats) -> float:
    """Return the standard deviation of the lead of one group over the other where both are alike."""
    import numpy as np

    closed = np.sort(np.concatenate([before, after]))
    instants, closing = np.unique(closed, return_counts=True)

    def at_risk(*groups: Floats) -> npt.NDArray[np.int64]:
        values = np.sort(np.concatenate(groups))
        return len(values) - np.searchsorted(values, instants, "left")

    n_before, n_after = at_risk(before, before_open), at_risk(after, after_open)
    n = n_before + n_after
    variance = closing * n_before * n_after * (n - closing) / np.maximum(n - 1, 1)
    return math.sqrt(float(variance.sum()))
