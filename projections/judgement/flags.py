"""Flags of a verdict, which do not change it: limits, gaps, and what moved before the change."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from projections.judgement.verdict_types import ChangeJudgement

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


#: A source that gave nothing for so many consecutive samples was silent.
SILENT = 3
_JUST_BEFORE_SECONDS = 600
#: Ten minutes scatter more than the hour whose swing is known: a move by less than this part of the shift is noise.
_MOVED_SHARE = 0.25


def moved_before(
    since_onset: NDArray[np.float64],
    judgement: ChangeJudgement,
    *,
    step_seconds: float,
    settling_seconds: float,
) -> bool:
    """Whether a metric moved the same way in the ten minutes before the fix, during the incident: it may recover by itself.

    The last `settling_seconds` before it are left out: where only a rollout's end was reported, they are the rollout.
    """
    import numpy as np

    if judgement.direction not in ("up", "down") or judgement.smallest_visible_change is None:
        return False
    just = max(2, round(_JUST_BEFORE_SECONDS / step_seconds))
    before = since_onset[: max(0, len(since_onset) - math.ceil(settling_seconds / step_seconds))]
    known = [part[np.isfinite(part)] for part in (before[:-just], before[-just:])]
    if any(2 * len(part) < just for part in known):
        return False
    with np.errstate(over="ignore", invalid="ignore"):
        moved = float(np.mean(known[1]) - np.mean(known[0])) * (1 if judgement.direction == "up" else -1)
    return moved > max(judgement.smallest_visible_change, _MOVED_SHARE * abs(judgement.shift or 0.0))


def over(values: NDArray[np.float64], threshold: float | None, better: str) -> bool:
    """Whether at least half of the samples are beyond the metric's own limit."""
    import numpy as np

    if threshold is None or better == "neither":
        return False
    known = values[np.isfinite(values)]
    beyond = known < threshold if better == "higher" else known > threshold
    return bool(len(known)) and 2 * int(beyond.sum()) >= len(known)


def silent(after: NDArray[np.float64], step_seconds: float) -> bool:
    """Whether the window has a gap of three minutes or more, and of three samples at least."""
    import numpy as np

    missing = ~np.isfinite(after)
    longest = run = 0
    for is_missing in missing.tolist():
        run = run + 1 if is_missing else 0
        longest = max(longest, run)
    return longest >= max(SILENT, round(SILENT * 60 / step_seconds))
