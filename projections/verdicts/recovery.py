"""When a metric came back: the first instant from which it stays within its natural swing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tracker.times import from_ms, to_ms

if TYPE_CHECKING:
    from datetime import datetime

    import numpy as np
    from numpy.typing import NDArray

    from projections.comparison import ChangeJudgement
    from projections.samples import Series
    from projections.verdicts.windows import Judged

#: So many samples on end beyond the swing are an excursion; one alone is noise.
EXCURSION = 2
#: A source that gave nothing for so many samples on end was silent.
SILENT = 3
#: The hour before a healthy sample is what it is held against.
_HOUR_SAMPLES = 60
_HEALTHY_SAMPLES = 1_440


def sample_swing(healthy: NDArray[np.float64]) -> float | None:
    """Return how far single healthy samples lie from the mean of the hour before them.

    The 95th percentile and twice the root mean square of that, as the judge takes it for
    windows; of the last 1,440 samples. None where fewer than 20 can be told.
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
    plan: Judged,
    *,
    rising: bool,
    judgement: ChangeJudgement,
) -> datetime | None:
    """Return the first instant after the fix from which the metric stays within its swing; None if it does not.

    Only the side to which the incident moved it counts. A single sample outside is no excursion,
    except where the one before the fix was outside as well: then the incident goes on in it.
    """
    import numpy as np

    if series is None or judgement.expected is None:
        return None
    swing = sample_swing(healthy)
    if swing is None:
        return None
    begins_ms = to_ms(plan.begins_at)
    high = np.searchsorted(series.instants_ms, to_ms(plan.window_to))
    finite = np.isfinite(series.values[:high])
    instants, values = series.instants_ms[:high][finite], series.values[:high][finite]
    after = int(np.searchsorted(instants, begins_ms))
    if len(values) - after < EXCURSION:
        return None
    held = min(after, EXCURSION - 1)
    instants, values = instants[after - held :], values[after - held :]
    limit = max(swing, judgement.smallest_visible_change or 0.0)
    away = values - judgement.expected if rising else judgement.expected - values
    outside = away > limit
    runs = np.convolve(outside, np.ones(EXCURSION, int))[: len(outside)] >= EXCURSION
    last = int(np.flatnonzero(runs)[-1]) if runs.any() else -1
    # A sample outside at the very end may be the first of more.
    if last + 1 >= len(values) or outside[-1]:
        return None
    return from_ms(int(instants[max(last + 1, held)]))


def left_normal_at(
    series: Series | None,
    healthy: NDArray[np.float64],
    start: datetime,
    end: datetime,
    *,
    rising: bool,
    judgement: ChangeJudgement,
) -> datetime | None:
    """Return the first instant of a span at which two samples on end lie beyond the natural swing; None if none do.

    `judgement` is of the incident beside the healthy time; only the side to which it moved counts.
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
    both = np.flatnonzero(outside[:-1] & outside[1:])
    return from_ms(int(instants[both[0]])) if len(both) else None


def silent(after: NDArray[np.float64], step_seconds: float) -> bool:
    """Whether the window has a gap in which its source gave nothing: three samples, and five minutes of a day's."""
    import numpy as np

    missing = ~np.isfinite(after)
    longest = run = 0
    for each in missing.tolist():
        run = run + 1 if each else 0
        longest = max(longest, run)
    return longest >= max(SILENT, round(SILENT * 60 / step_seconds))


__all__ = ["left_normal_at", "recovered_at", "sample_swing", "silent"]
