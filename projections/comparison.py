"""Did a change move a metric, and did a fix bring it back?

The judge alone: arrays in, frozen judgements out, nothing else read or written.
Turning counters into rates, cutting known incidents out (as NaN), settling times and windows
that are not over belong around it, to whoever knows the log.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from projections.judge.verdicts import ChangeJudgement, Direction, Recovery, RecoveryJudgement

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike

    from projections.judge.replay import Floats, Replayed

__all__ = [
    "ChangeJudgement",
    "Direction",
    "Recovery",
    "RecoveryJudgement",
    "judge_change",
    "judge_fix",
    "judge_recovery",
]

#: Strengths end here: beside a swing of zero every change is endless.
STRONGEST = 999.0
#: In fewer samples one alone is no spike.
SPIKE_SAMPLES = 5
#: Of the incident's shift: up to so much left is all back, from so much on nothing was mended.
BACK, STILL = 0.25, 0.75
#: An incident is judged by the last hour before the fix, or by a window's length where that is longer.
INCIDENT_SECONDS = 3_600


def judge_change(
    baseline: ArrayLike,
    after: ArrayLike,
    *,
    step_seconds: float,
    window_seconds: float,
    gap_seconds: float = 0.0,
    deploys: Sequence[int] = (),
) -> Sequence[ChangeJudgement]:
    """Say for each metric whether the window after a change is unlike what its past let expect.

    Args:
        baseline: Samples by metrics, oldest first, ending where the change begins; NaN where a sample is missing.
        after: The window after the change, samples by metrics; what is beyond the window is not looked at.
        step_seconds: Seconds from sample to sample.
        window_seconds: The window's length.
        gap_seconds: What lies between the two and is not judged; it is left out of every replay too.
        deploys: Positions in the baseline where something else was deployed, see `replay`.
    """
    past, then = _rows(baseline), _rows(after)
    window = _steps(window_seconds, step_seconds)
    gap = round(gap_seconds / step_seconds)
    return _judged(past, _fitted(then, window), lag=gap, step_seconds=step_seconds, deploys=deploys)


def judge_fix(
    healthy: ArrayLike,
    incident: ArrayLike,
    after: ArrayLike,
    *,
    step_seconds: float,
    window_seconds: float,
    gap_seconds: float = 0.0,
) -> Sequence[ChangeJudgement]:
    """Say for each metric whether a fix did anything: is the window after it unlike the incident?

    The incident is what was expected to go on; the swing is that of the same comparison at healthy times.
    Arguments are those of `judge_recovery`.
    """
    from projections.judge import replay
    from projections.judge.fix import replay_fix

    past, during, then = _rows(healthy), _rows(incident), _rows(after)
    if not len(past) == len(during) == len(then):
        raise ValueError(f"{len(past)}, {len(during)} and {len(then)} metrics")
    window = _steps(window_seconds, step_seconds)
    looked_at = _looked_at(during.shape[1], window, step_seconds)
    during = _fitted(during[:, max(0, during.shape[1] - looked_at) :], looked_at)
    then = _fitted(then, window)
    gap = round(gap_seconds / step_seconds)
    possible = (past.shape[1] - looked_at - gap - window) / window
    if possible < replay.INDEPENDENT_AT_LEAST:
        return [_too_short(row, window=window, possible=possible) for row in then]
    figures = replay_fix(past, during, then, gap=gap)
    return [_change(figures, row, window=window) for row in range(len(past))]


def judge_recovery(
    baseline: ArrayLike,
    incident: ArrayLike,
    after: ArrayLike,
    *,
    step_seconds: float,
    window_seconds: float,
    gap_seconds: float = 0.0,
    deploys: Sequence[int] = (),
) -> Sequence[RecoveryJudgement]:
    """Say for each metric whether the window after a fix is as before the incident.

    Args:
        baseline: The healthy time, ending where the incident begins; as in `judge_change`.
        incident: From there to the fix.
        after: The window after the fix.
        step_seconds: Seconds from sample to sample.
        window_seconds: The window's length.
        gap_seconds: What lies between the incident and `after` and is not judged.
        deploys: Positions in the baseline where something was deployed.
    """
    past, during, then = _rows(baseline), _rows(incident), _rows(after)
    window = _steps(window_seconds, step_seconds)
    lasted = during.shape[1]
    looked_at = _looked_at(lasted, window, step_seconds)
    broken = _judged(past, _fitted(during[:, lasted - looked_at :] if lasted else during, looked_at),
                     lag=max(0, lasted - looked_at), step_seconds=step_seconds, deploys=deploys)  # fmt: skip
    gap = round(gap_seconds / step_seconds)
    mended = _judged(
        past, _fitted(then, window), lag=lasted + gap, step_seconds=step_seconds, deploys=deploys
    )
    return [_recovery(one, other) for one, other in zip(broken, mended, strict=True)]


def _recovery(incident: ChangeJudgement, after: ChangeJudgement) -> RecoveryJudgement:
    def said(verdict: Recovery, ratio: float | None = None, reason: str = "") -> RecoveryJudgement:
        return RecoveryJudgement(
            verdict=verdict,
            strength=after.strength,
            remaining_ratio=ratio,
            incident=incident,
            after=after,
            reason=reason,
        )

    for one, when in ((incident, "the incident"), (after, "the time after the fix")):
        if one.direction == "not_enough_data" or one.shift is None:
            return said("not_enough_data", reason=f"{when}: {one.reason}")
    if incident.direction == "unchanged" or not incident.shift or after.shift is None:
        return said("unaffected")
    left = after.shift / incident.shift
    if after.direction == "unchanged":
        return said("recovered" if left <= BACK else "within_normal", left)
    if left < 0:
        # A quiet Sunday after a loud incident is not a new trouble: beyond the other side only counts
        # where the metric has not been in all of its healthy time.
        return said("recovered" if _seen_before(after) else "regressed", left)
    return said("still_degraded" if left >= STILL else "partly_recovered", left)


def _seen_before(after: ChangeJudgement) -> bool:
    if after.observed is None or after.seen_lowest is None or after.seen_highest is None:
        return False
    return after.seen_lowest <= after.observed <= after.seen_highest


def _rows(samples: ArrayLike) -> Floats:
    """Metrics as rows of their own; what is not finite is missing."""
    import numpy as np

    values = np.asarray(samples, dtype=np.float64)
    if values.ndim != 2:
        raise ValueError(f"samples by metrics expected, got {values.ndim} dimensions")
    return values.T


def _steps(seconds: float, step_seconds: float) -> int:
    return max(1, round(seconds / step_seconds))


def _fitted(rows: Floats, length: int) -> Floats:
    """Exactly `length` samples: later ones are cut off, those not there are missing."""
    import numpy as np

    short = length - rows.shape[1]
    return rows[:, :length] if short <= 0 else np.pad(rows, ((0, 0), (0, short)), constant_values=np.nan)


def _looked_at(lasted: int, window: int, step_seconds: float) -> int:
    """How much of an incident is looked at: its last part."""
    return max(1, min(lasted, max(window, _steps(INCIDENT_SECONDS, step_seconds))))


def _judged(
    baseline: Floats, after: Floats, *, lag: int, step_seconds: float, deploys: Sequence[int] = ()
) -> list[ChangeJudgement]:
    from projections.judge import replay

    if len(baseline) != len(after):
        raise ValueError(f"{len(baseline)} metrics before and {len(after)} after")
    if not len(baseline):
        return []
    window = after.shape[1]
    possible = replay.independent_windows(baseline.shape[1], window=window, lag=lag)
    if possible < replay.INDEPENDENT_AT_LEAST:
        return [_too_short(row, window=window, possible=possible) for row in after]
    figures = replay.replay(
        baseline, after, lag=lag, day=_steps(replay.DAY_SECONDS, step_seconds), deploys=deploys
    )
    return [_change(figures, row, window=window) for row in range(len(baseline))]


def _change(figures: Replayed, row: int, *, window: int) -> ChangeJudgement:
    from math import isfinite

    from projections.judge import replay

    def figure(values: Floats) -> float | None:
        value = float(values[row])
        return value if isfinite(value) else None

    samples, replays = int(figures.samples[row]), int(figures.replays[row])
    observed = figure(figures.observed)
    independent, filled = float(figures.independent[row]), float(figures.filled[row])
    expected, shift, swing = figure(figures.expected), figure(figures.shift), figure(figures.swing)
    effect = figure(figures.effect)
    reason = ""
    if samples < replay.AFTER_FILLED * window:
        reason = f"only {samples} of {window} samples after"
    elif filled < replay.BASELINE_FILLED:
        reason = f"only {filled:.0%} of the baseline has samples"
    elif replays < replay.REPLAYS_AT_LEAST or independent < replay.INDEPENDENT_AT_LEAST:
        reason = (
            f"the baseline is too short: {independent:.1f} windows' worth of replays, at least 3 are needed"
        )
    elif expected is None or shift is None or swing is None or effect is None:
        reason = "the baseline has no samples where the expectation looks"
    if reason or shift is None or swing is None or effect is None or expected is None:
        return _unknown(reason, observed=observed, replays=replays, samples=samples, window=window)
    visible = max(swing, effect)
    direction: Direction = "unchanged"
    flags: list[str] = []
    strength = min(STRONGEST, abs(shift) / visible) if visible else (STRONGEST if shift else 0.0)
    if strength > 1:
        without = figure(figures.shift_without_highest if shift > 0 else figures.shift_without_lowest)
        if samples >= SPIKE_SAMPLES and without is not None and without * (1 if shift > 0 else -1) <= visible:
            flags.append("spike")
        direction = "up" if shift > 0 else "down"
        earlier = figure(figures.previous_shift)
        if earlier is not None and earlier * shift > 0 and abs(earlier) > visible:
            flags.append("already_moving")
    return ChangeJudgement(
        direction=direction,
        strength=strength,
        candidate=replay.NAMES[int(figures.candidate[row])],
        expected=expected,
        observed=observed,
        shift=shift,
        shift_percent=100 * shift / abs(expected) if expected else None,
        swing=swing,
        smallest_visible_change=visible,
        seen_lowest=figure(figures.lowest),
        seen_highest=figure(figures.highest),
        replays=replays,
        samples=samples,
        samples_expected=window,
        flags=tuple(flags),
    )


def _too_short(after: Floats, *, window: int, possible: float) -> ChangeJudgement:
    """What is said of one metric when no baseline of this length could do."""
    import numpy as np

    known = after[np.isfinite(after)]
    samples = len(known)
    # Divided first: the sum of large values may be more than there is.
    observed = float(np.add.reduce(known / samples)) if samples else None
    return _unknown(_short(possible), observed=observed, replays=0, samples=samples, window=window)


def _short(independent: float) -> str:
    return f"the baseline is too short: {max(0.0, independent):.1f} windows of replays, at least 3 are needed"


def _unknown(
    reason: str, *, observed: float | None, replays: int, samples: int, window: int
) -> ChangeJudgement:
    return ChangeJudgement(
        direction="not_enough_data",
        strength=0.0,
        candidate=None,
        expected=None,
        observed=observed,
        shift=None,
        shift_percent=None,
        swing=None,
        smallest_visible_change=None,
        replays=replays,
        samples=samples,
        samples_expected=window,
        reason=reason,
    )
