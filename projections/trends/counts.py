"""Whether something happens more often than before."""

from __future__ import annotations

import math
from dataclasses import dataclass

from projections.trends.inputs import POWER, error_share
from projections.trends.shares import share_interval
from tracker.errors import UsageError


@dataclass(frozen=True)
class CountComparison:
    """How the rate a day changed: after / before, with its 95 % interval over all comparisons of the page.

    `ratio` and `high` are None where nothing happened before; all are None where nothing happened at all.
    `claim` is None where the interval holds 1. `smallest_visible_ratio` is the ratio below 1 that would have
    been claimed four times in five, None where these counts are too small for any.
    """

    ratio: float | None
    low: float | None
    high: float | None
    claim: str | None
    smallest_visible_ratio: float | None


def compare_counts(
    before_n: int, before_days: float, after_n: int, after_days: float, *, comparisons: float = 1
) -> CountComparison:
    """Compare two rates by the exact test of two Poisson counts: given their sum, one is binomial.

    It holds for what happens independently of each other. Incidents that come in bursts are claimed too often.

    Raises:
        UsageError: If a period has no days, or a count is negative.
    """
    for name, days in (("before_days", before_days), ("after_days", after_days)):
        if not (math.isfinite(days) and days > 0):
            raise UsageError(f"{name} is {days:g}: a period lasts longer than that", hint="Give its days")
    if before_n < 0 or after_n < 0:
        raise UsageError(f"there are no {min(before_n, after_n)} incidents", hint="Give counts from 0 on")
    error = error_share(comparisons)
    if not before_n + after_n:
        return CountComparison(None, None, None, None, None)
    least, most = share_interval(after_n, before_n + after_n, error)
    scale = before_days / after_days
    low = scale * least / (1 - least)
    high = scale * most / (1 - most) if before_n else None
    return CountComparison(
        ratio=scale * after_n / before_n if before_n else None,
        low=low,
        high=high,
        claim="more" if low > 1 else "fewer" if high is not None and high < 1 else None,
        smallest_visible_ratio=_smallest_visible(before_n, before_n / scale, error),
    )


def _smallest_visible(before: float, expected: float, error: float) -> float | None:
    """Return the ratio nearest below 1 at which the logarithm of the ratio is far enough from 0.

    `expected` is how many there would be after without a change. The exact test needs some half an incident
    more than its approximation.
    """
    import numpy as np
    from scipy import special

    if not before:
        return None
    wanted = special.ndtri(1 - error / 2) + special.ndtri(POWER)
    ratios = np.arange(0.999, 0.0, -0.001)
    after = expected * ratios
    seen = (-np.log(ratios) - 1 / (2 * before)) / np.sqrt(1 / before + 1 / after) >= wanted
    return round(float(ratios[seen.argmax()]), 3) if seen.any() else None
