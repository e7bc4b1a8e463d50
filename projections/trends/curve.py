"""How long incidents last, with those that are still open: the Kaplan-Meier curve."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from projections.trends.inputs import checked_seconds

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

_HALF = 0.5 + 1e-12
"""A share that is half but for rounding is half."""


@dataclass(frozen=True)
class DurationCurve:
    """After how many seconds which share is still open; `times` are the instants of closing.

    `low` and `high` are the 95 % interval of the median; None where the curve, or its band, does not get down to
    one half: "not reached", which is longer than anything seen.
    """

    median: float | None
    low: float | None
    high: float | None
    times: list[float]
    open_share: list[float]


def duration_curve(seconds: Iterable[float], open_seconds: Iterable[float] = ()) -> DurationCurve:
    """Estimate how long incidents last; an open one is known to last longer than it has lasted so far.

    Raises:
        UsageError: If a duration is negative, or no number.
    """
    import numpy as np
    from scipy import stats

    closed = checked_seconds(seconds, "seconds")
    still_open = checked_seconds(open_seconds, "open_seconds")
    if not closed.size:
        return DurationCurve(None, None, None, [], [])
    curve = stats.ecdf(stats.CensoredData(closed, right=still_open)).sf
    times, open_share = curve.quantiles, curve.probabilities
    with warnings.catch_warnings():
        # Where nobody is open any more there is no band, and scipy says so: the last one holds.
        warnings.simplefilter("ignore", RuntimeWarning)
        band = curve.confidence_interval(method="log-log")
    low, high = (_filled(side.probabilities) for side in (band.low, band.high))
    steps = np.isin(times, closed)
    return DurationCurve(
        median=_first(times, open_share),
        low=_first(times, low),
        high=_first(times, high),
        times=times[steps].tolist(),
        open_share=open_share[steps].tolist(),
    )


def _first(times: npt.NDArray[np.float64], shares: npt.NDArray[np.float64]) -> float | None:
    below = shares <= _HALF
    return float(times[below.argmax()]) if below.any() else None


def _filled(shares: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    import numpy as np

    known = ~np.isnan(shares)
    last = np.maximum.accumulate(np.where(known, np.arange(len(shares)), -1))
    return np.where(last >= 0, shares[last], 1.0)
