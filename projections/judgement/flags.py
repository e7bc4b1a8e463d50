"""What stands beside a verdict and does not change it: limits, silence, and what moved before the change."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from projections.comparison import ChangeJudgement

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


#: A source that gave nothing for so many samples on end was silent.
SILENT = 3
_JUST_BEFORE_SECONDS = 600
#: Ten minutes scatter more than the hour whose swing is known: less than this part of the shift is none of it.
_MOVED_SHARE = 0.25


def moved_before(
    since_onset: NDArray[np.float64], said: ChangeJudgement, *, step_seconds: float, settling_seconds: float
) -> bool:
    """Whether a metric had moved the same way within the incident, in the ten minutes before the fix: it may mend itself.

    The last `settling_seconds` before it are left out: where only a rollout's end is told, they are the rollout.
    """
    import numpy as np

    if said.direction not in ("up", "down") or said.smallest_visible_change is None:
        return False
    just = max(2, round(_JUST_BEFORE_SECONDS / step_seconds))
    before = since_onset[: max(0, len(since_onset) - math.ceil(settling_seconds / step_seconds))]
    known = [part[np.isfinite(part)] for part in (before[:-just], before[-just:])]
    if any(2 * len(part) < just for part in known):
        return False
    with np.errstate(over="ignore", invalid="ignore"):
        moved = float(np.mean(known[1]) - np.mean(known[0])) * (1 if said.direction == "up" else -1)
    return moved > max(said.smallest_visible_change, _MOVED_SHARE * abs(said.shift or 0.0))


def over(values: NDArray[np.float64], threshold: float | None, better: str) -> bool:
    """Whether at least half of the samples are beyond the metric's own limit."""
    import numpy as np

    if threshold is None or better == "neither":
        return False
    known = values[np.isfinite(values)]
    beyond = known < threshold if better == "higher" else known > threshold
    return bool(len(known)) and 2 * int(beyond.sum()) >= len(known)


def silent(after: NDArray[np.float64], step_seconds: float) -> bool:
    """Whether the window has a gap in which its source gave nothing: three samples, and five minutes of a day's."""
    import numpy as np

    missing = ~np.isfinite(after)
    longest = run = 0
    for each in missing.tolist():
        run = run + 1 if each else 0
        longest = max(longest, run)
    return longest >= max(SILENT, round(SILENT * 60 / step_seconds))
