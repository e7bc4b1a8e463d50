"""When a metric came back: the first instant from which it stays within its natural swing."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from projections.judgement.verdict_types import ChangeJudgement
from projections.judgement.windows import JudgedWindow, range_seconds
from projections.samples import Series
from tracker.times import from_ms, to_ms

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


#: So many consecutive samples beyond the swing may be an excursion; one alone is noise.
EXCURSION = 2
#: A healthy sample is compared with the hour before it.
_HOUR_SAMPLES = 60
_HEALTHY_SAMPLES = 1_440


def sample_swing(healthy: NDArray[np.float64]) -> float | None:
    """Return how far single healthy samples lie from the mean of the hour before them; None of fewer than 20.

    It is the 95th percentile plus twice the root mean square over the last 1,440 samples, as for windows.
    """
    import numpy as np

    known = healthy[np.isfinite(healthy)][-_HEALTHY_SAMPLES:]
    if len(known) < _HOUR_SAMPLES + 20:
        return None
    with np.errstate(all="ignore"):
        sums = np.concatenate([[0.0], np.cumsum(known - known[0])])
        means = (sums[_HOUR_SAMPLES:-1] - sums[: -_HOUR_SAMPLES - 1]) / _HOUR_SAMPLES
        misses = np.sort(np.abs(known[_HOUR_SAMPLES:] - known[0] - means))
        p95 = float(misses[-(-95 * (len(misses) - 1) // 100)])
        swing = p95 + 2 * float(np.sqrt(np.mean(np.minimum(misses, 4 * p95) ** 2)))
    return swing if np.isfinite(swing) else None


def recovered_at(
    series: Series | None,
    healthy: NDArray[np.float64],
    plan: JudgedWindow,
    *,
    rising: bool,
    judgement: ChangeJudgement,
    step_seconds: float,
) -> datetime | None:
    """Return the first instant after the fix from which the metric stays within its swing; None if it does not.

    Only the side to which the incident moved it counts, and only excursions that last: consecutive samples over
    the step at which the window is judged and the range of the query. A burst of a minute half a day later does not
    prolong the incident; an excursion that had begun when the fix went out does.
    """
    import numpy as np

    if series is None or judgement.expected is None:
        return None
    swing = sample_swing(healthy)
    if swing is None:
        return None
    needed_ms = lasts_ms(series, step_seconds)
    begins_ms = to_ms(plan.begins_at)
    high = np.searchsorted(series.instants_ms, to_ms(plan.window_to))
    finite = np.isfinite(series.values[:high])
    instants, values = series.instants_ms[:high][finite], series.values[:high][finite]
    after = int(np.searchsorted(instants, begins_ms))
    if len(values) - after < EXCURSION:
        return None
    first = min(int(np.searchsorted(instants, begins_ms - needed_ms)), max(0, after - EXCURSION + 1))
    instants, values = instants[first:], values[first:]
    limit = max(swing, judgement.smallest_visible_change or 0.0)
    outside = (values - judgement.expected if rising else judgement.expected - values) > limit
    # A sample outside at the very end may be the first of more.
    if outside[-1]:
        return None
    last = max((end for _, end in excursions(instants, outside, needed_ms)), default=-1)
    return from_ms(int(instants[max(last + 1, after - first)]))


def lasts_ms(series: Series, step_seconds: float) -> int:
    """Return how long an excursion has to last: one event shows in every sample that looks back over it."""
    return round(1000 * max(step_seconds, range_seconds(series.query)))


def excursions(
    instants_ms: NDArray[np.int64], outside: NDArray[np.bool_], at_least_ms: int
) -> list[tuple[int, int]]:
    """Return the first and last position of each run of samples outside that lasts."""
    import numpy as np

    edges = np.flatnonzero(np.diff(np.concatenate([[False], outside, [False]]).astype(np.int8)))
    return [
        (start, end - 1)
        for start, end in edges.reshape(-1, 2).tolist()
        if end - start >= EXCURSION and instants_ms[end - 1] - instants_ms[start] >= at_least_ms
    ]


def left_normal_at(
    series: Series | None,
    healthy: NDArray[np.float64],
    start: datetime,
    end: datetime,
    *,
    rising: bool,
    judgement: ChangeJudgement,
    step_seconds: float,
) -> datetime | None:
    """Return the first instant of a span from which samples stay beyond the natural swing; None if none do.

    `judgement` is of the incident against healthy time; only the side to which it moved counts.
    """
    import numpy as np

    swing = sample_swing(healthy)
    if series is None or judgement.expected is None or swing is None:
        return None
    low, high = np.searchsorted(series.instants_ms, [to_ms(start), to_ms(end)])
    instants, values = series.instants_ms[low:high], series.values[low:high]
    finite = np.isfinite(values)
    instants, values = instants[finite], values[finite]
    away = values - judgement.expected if rising else judgement.expected - values
    outside = away > max(swing, 0.01 * abs(judgement.expected))
    found = excursions(instants, outside, lasts_ms(series, step_seconds))
    return from_ms(int(instants[found[0][0]])) if found else None
