"""Did a change move a metric, and did a fix bring it back?

The judge alone: arrays in, frozen judgements out. Turning counters into rates, cutting known incidents out (as NaN),
settling times and windows that are not over are the business of `projections.judgement.rows`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from math import isfinite
from typing import TYPE_CHECKING

from projections.judgement import replay
from projections.judgement.arrays import Flags, Floats
from projections.judgement.expectations import EXPECTATIONS
from projections.judgement.replay import Replayed
from projections.judgement.swing import REPLAYS_AT_LEAST
from projections.judgement.verdict_types import ChangeJudgement, Direction, Recovery, RecoveryJudgement
from projections.judgement.wild_samples import shows_wild_again, wild_samples

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


#: Strengths are cut here: against a swing of zero every change is infinite.
STRONGEST = 999.0
#: With fewer samples a single one is no spike.
SPIKE_SAMPLES = 5
#: Parts of the incident's shift that are left: up to BACK the metric recovered, from STILL on nothing was fixed.
BACK, STILL = 0.25, 0.75
#: A series that rises at least COUNTED times and falls hardly more than RESTARTS times is a counter.
COUNTED, RESTARTS = 12, 3
BEGINS = 500
#: A metric is too noisy to be called unchanged where its smallest visible change is more than so many times its level.
NOISY = 2.0
#: That holds only for a metric whose level is at least this part of the largest mean seen: an error ratio that is
#: nearly always zero is not noisy.
LEVEL = 0.25
#: Within the range of its healthy time a metric regressed only from this strength on.
CLEAR = 3.0
#: Four standard errors of the window's mean, as the incident's own samples scatter.
OWN_NOISE = 4.0
#: The swing is up to so much wider where samples were left out of the baseline: what was selected moves less than what
#: comes. It is never wider than with them.
LEFT_OUT_MARGIN = 1.25
#: An incident is judged by its last hour before the fix, or by a window's length where that is longer.
INCIDENT_SECONDS = 3_600


_AT_A_TIME = 256


def judge_change(
    baseline: ArrayLike,
    after: ArrayLike,
    *,
    step_seconds: float,
    window_seconds: float,
    gap_seconds: float = 0.0,
    deploys: Sequence[int] = (),
) -> Sequence[ChangeJudgement]:
    """Judge for each metric whether the window after a change is unlike what its past lets expect.

    Args:
        baseline: Samples by metrics, oldest first, ending where the change begins; NaN where a sample is missing.
        after: The window after the change, samples by metrics; samples beyond the window are ignored.
        step_seconds: Seconds from sample to sample.
        window_seconds: The window's length.
        gap_seconds: Settling time between the two, which is not judged; every replay leaves it out too.
        deploys: Samples of the baseline from which other deploys acted. A comparison across one of them is no
            replay, unless too few would be left.
    """
    past, then = _rows(baseline), _rows(after)
    window = _steps(window_seconds, step_seconds)
    gap = _gap(gap_seconds, step_seconds)
    judged = _judged(
        past, _fitted(then, window), lag=gap, step_seconds=step_seconds, deploys=deploys, follows=then
    )
    return [_unless_noisy(judgement) for judgement in judged]


def _unless_noisy(judgement: ChangeJudgement) -> ChangeJudgement:
    visible, expected = judgement.smallest_visible_change, judgement.expected
    if judgement.direction != "unchanged" or visible is None or not expected:
        return judgement
    level, seen = abs(expected), (judgement.seen_lowest, judgement.seen_highest)
    if level < LEVEL * max(abs(value or 0.0) for value in seen) or visible <= NOISY * level:
        return judgement
    return replace(
        judgement,
        direction="not_enough_data",
        reason=f"Too noisy: a change by less than ±{visible / level:.0%} would not show.",
    )


def judge_fix(
    healthy: ArrayLike,
    incident: ArrayLike,
    after: ArrayLike,
    *,
    step_seconds: float,
    window_seconds: float,
    gap_seconds: float = 0.0,
    deploys: Sequence[int] = (),
) -> Sequence[ChangeJudgement]:
    """Judge for each metric whether a fix did anything: is the window after it unlike the incident?

    The incident is what is expected to go on; the swing is that of the same comparison at healthy times.
    Arguments are those of `judge_recovery`, with the healthy time for its baseline.
    """
    past, during, then = _rows(healthy), _rows(incident), _rows(after)
    window = _steps(window_seconds, step_seconds)
    last = _last_part(during, window, step_seconds)
    gap = _gap(gap_seconds, step_seconds)
    judged = _judged(
        past, _fitted(then, window), lag=gap, step_seconds=step_seconds, deploys=deploys, incident=last
    )
    return [_with_own_noise(judgement, row) for judgement, row in zip(judged, last, strict=True)]


def _with_own_noise(judgement: ChangeJudgement, incident: Floats) -> ChangeJudgement:
    """Widen the swing where the incident itself was noisier than any healthy time: five times the errors scatter more."""
    import numpy as np

    shift, smallest = judgement.shift, judgement.smallest_visible_change
    if shift is None or smallest is None:
        return judgement
    known = incident[np.isfinite(incident)]
    with np.errstate(all="ignore"):
        steps = np.diff(known)  # not the spread itself: an incident that grew is not a noisy one
        scatter = float(np.sqrt(np.mean(steps**2) / 2)) if len(steps) else 0.0
        noise = OWN_NOISE * scatter / max(1, judgement.samples) ** 0.5
    visible = max(smallest, noise if isfinite(noise) else STRONGEST)
    if visible == smallest:
        return judgement
    strength = min(STRONGEST, abs(shift) / visible)
    return replace(
        judgement,
        smallest_visible_change=visible,
        swing=max(judgement.swing or 0.0, visible),
        strength=strength,
        direction=judgement.direction if strength > 1 else "unchanged",
        flags=judgement.flags if strength > 1 else (),
    )


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
    """Judge for each metric whether the window after a fix is as before the incident.

    Args:
        baseline: The healthy time, ending where the incident begins; as in `judge_change`.
        incident: From there to the fix.
        after: The window after the fix.
        step_seconds: Seconds from sample to sample.
        window_seconds: The window's length.
        gap_seconds: Settling time between the incident and `after`, which is not judged.
        deploys: Samples of the baseline from which other deploys acted; as in `judge_change`.
    """
    past, during, then = _rows(baseline), _rows(incident), _rows(after)
    window = _steps(window_seconds, step_seconds)
    lasted = during.shape[1]
    last_part = _last_part(during, window, step_seconds)
    gap = _gap(gap_seconds, step_seconds)
    broken_lag = max(0, lasted - last_part.shape[1])
    broken = _judged(past, last_part, lag=broken_lag, step_seconds=step_seconds, deploys=deploys)
    fixed = _judged(past, _fitted(then, window), lag=lasted + gap, step_seconds=step_seconds, deploys=deploys)
    return [_recovery(one, other) for one, other in zip(broken, fixed, strict=True)]


def _recovery(incident: ChangeJudgement, after: ChangeJudgement) -> RecoveryJudgement:
    def judged(verdict: Recovery, ratio: float | None = None, reason: str = "") -> RecoveryJudgement:
        return RecoveryJudgement(
            verdict=verdict,
            strength=after.strength,
            remaining_ratio=ratio,
            incident=incident,
            after=after,
            reason=reason,
        )

    for one, when in ((incident, "The incident"), (after, "The time after the fix")):
        if one.direction == "not_enough_data" or one.shift is None:
            return judged("not_enough_data", reason=f"{when} cannot be judged. {one.reason}")
    if incident.direction == "unchanged" or not incident.shift or after.shift is None:
        return judged("unaffected")
    left = after.shift / incident.shift
    if after.direction == "unchanged":
        return judged("recovered" if left <= BACK else "within_normal", left)
    if left < 0:
        # A quiet Sunday after a loud incident is not a new problem: within the range that was seen before, only what
        # is clearly beyond the other side counts.
        return judged("recovered" if after.strength <= CLEAR and _seen_before(after) else "regressed", left)
    return judged("still_degraded" if left >= STILL else "partly_recovered", left)


def _seen_before(after: ChangeJudgement) -> bool:
    if after.observed is None or after.seen_lowest is None or after.seen_highest is None:
        return False
    return after.seen_lowest <= after.observed <= after.seen_highest


def _rows(samples: ArrayLike) -> Floats:
    """Turn samples by metrics into one row a metric."""
    import numpy as np

    values = np.asarray(samples, dtype=np.float64)
    if values.ndim != 2:
        raise ValueError(f"samples by metrics expected, got {values.ndim} dimensions")
    rows = np.empty(values.shape[::-1])
    for first in range(0, len(values), _AT_A_TIME):  # so much fits the processor's cache
        rows[:, first : first + _AT_A_TIME] = values[first : first + _AT_A_TIME].T
    return rows


def _steps(seconds: float, step_seconds: float) -> int:
    return max(1, round(seconds / step_seconds))


def _fitted(rows: Floats, length: int) -> Floats:
    """Cut or pad with NaN to exactly `length` samples."""
    import numpy as np

    short = length - rows.shape[1]
    return rows[:, :length] if short <= 0 else np.pad(rows, ((0, 0), (0, short)), constant_values=np.nan)


def _gap(seconds: float, step_seconds: float) -> int:
    return max(0, round(seconds / step_seconds))


def _last_part(incident: Floats, window: int, step_seconds: float) -> Floats:
    """Return the part of an incident that is judged."""
    lasted = incident.shape[1]
    length = max(1, min(lasted, max(window, _steps(INCIDENT_SECONDS, step_seconds))))
    return _fitted(incident[:, max(0, lasted - length) :], length)


def _judged(
    baseline: Floats,
    after: Floats,
    *,
    lag: int,
    step_seconds: float,
    deploys: Sequence[int],
    incident: Floats | None = None,
    follows: Floats | None = None,
) -> list[ChangeJudgement]:
    if len(baseline) != len(after) or (incident is not None and len(incident) != len(after)):
        between = "" if incident is None else f", {len(incident)} during the incident"
        raise ValueError(f"{len(baseline)} metrics before{between} and {len(after)} after")
    if not len(baseline):
        return []
    window = after.shape[1]
    stretch = window if incident is None else incident.shape[1]
    possible = replay.independent_windows(baseline.shape[1], window=window, lag=lag, stretch=stretch)
    if possible < replay.INDEPENDENT_AT_LEAST:
        return [_too_short(row, window=window, possible=possible) for row in after]
    day = _steps(replay.DAY_SECONDS, step_seconds)
    compare = partial(replay.replay, lag=lag, day=day, deploys=deploys)
    wild = wild_samples(baseline, follows, day=day)
    if wild is None:
        figures = compare(baseline, after, incident=incident)
        judged = [_change(figures, row, window=window) for row in range(len(baseline))]
    else:
        judged = _without_wild(compare, baseline, after, incident, wild)
    return [_unless_counter(judgement, row) for judgement, row in zip(judged, baseline, strict=True)]


def _without_wild(
    compare: Callable[..., Replayed], baseline: Floats, after: Floats, incident: Floats | None, wild: Flags
) -> list[ChangeJudgement]:
    """Judge with the wild samples left out, and with all samples where the window only shows such samples again."""
    import numpy as np

    window, rows = after.shape[1], np.flatnonzero(wild.any(axis=1))
    figures = compare(np.where(wild, np.nan, baseline), after, incident=incident)
    everything = compare(baseline[rows], after[rows], incident=None if incident is None else incident[rows])
    swing = figures.swing.copy()
    wider = np.maximum(swing[rows], everything.swing)
    swing[rows] = np.minimum(LEFT_OUT_MARGIN * swing[rows], wider)
    figures = replace(figures, swing=swing)
    judged = [_change(figures, row, window=window) for row in range(len(baseline))]
    for number, row in enumerate(rows.tolist()):
        if shows_wild_again(judged[row], baseline[row], wild[row], after[row]):
            judged[row] = _change(everything, number, window=window)
        else:
            judged[row] = replace(judged[row], left_out=tuple(np.flatnonzero(wild[row]).tolist()))
    return judged


def _unless_counter(judgement: ChangeJudgement, baseline: Floats) -> ChangeJudgement:
    """Judge no raw counter: it grows whatever happens, and a restart is no change."""
    import numpy as np

    if judgement.direction not in ("up", "down"):
        return judgement
    begins = baseline[:BEGINS]
    if 50 * int((begins[1:] < begins[:-1]).sum()) > max(50 * RESTARTS, len(baseline)):
        return judgement  # it falls too often already: most metrics are decided by their beginning
    known = baseline[np.isfinite(baseline)]
    rises, falls = int((known[1:] > known[:-1]).sum()), int((known[1:] < known[:-1]).sum())
    rarely = falls <= RESTARTS or 50 * falls <= rises
    if rises < COUNTED or not rarely or 5 * falls > rises:
        return judgement
    return replace(
        judgement,
        direction="not_enough_data",
        reason="It only grows and begins anew, as a counter does: its rate has to be judged.",
        flags=(),
    )


def _change(figures: Replayed, row: int, *, window: int) -> ChangeJudgement:
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
        reason = f"Only {samples} of the window's {window} samples are there; {replay.AFTER_FILLED:.0%} are needed."
    elif filled < replay.BASELINE_FILLED:
        reason = f"Only {filled:.0%} of the baseline has samples; at least {replay.BASELINE_FILLED:.0%} are needed."
    elif replays < REPLAYS_AT_LEAST or independent < replay.INDEPENDENT_AT_LEAST:
        reason = _short(independent, replays)
    elif expected is None or shift is None or swing is None or effect is None:
        reason = "There are no samples where the expectation looks, so nothing could be expected."
    if reason or shift is None or swing is None or effect is None or expected is None:
        return _unknown(reason, observed=observed, replays=replays, samples=samples, window=window)
    visible = max(swing, effect)
    direction: Direction = "unchanged"
    flags: list[str] = []
    # Shifts from other good expectations may be smaller, or the other way: only what all of them agree on counts.
    least = figure(figures.least if shift > 0 else figures.largest) or 0.0
    agreed = abs(least) if least * shift > 0 else 0.0
    strength = min(STRONGEST, agreed / visible) if visible else (STRONGEST if agreed else 0.0)
    if strength > 1:
        without = figure(figures.least_without_highest if shift > 0 else figures.largest_without_lowest)
        if samples >= SPIKE_SAMPLES and without is not None and without * (1 if shift > 0 else -1) <= visible:
            flags.append("spike")
        direction = "up" if shift > 0 else "down"
        earlier = figure(figures.previous_shift)
        if earlier is not None and earlier * shift > 0 and abs(earlier) > visible:
            flags.append("already_moving")
    return ChangeJudgement(
        direction=direction,
        strength=strength,
        candidate=EXPECTATIONS[int(figures.candidate[row])],
        expected=expected,
        observed=observed,
        shift=shift,
        shift_percent=100 * shift / abs(expected) if expected else None,
        swing=swing,
        smallest_visible_change=visible + abs(shift - least),
        seen_lowest=figure(figures.lowest),
        seen_highest=figure(figures.highest),
        replays=replays,
        samples=samples,
        samples_expected=window,
        flags=tuple(flags),
    )


def _too_short(after: Floats, *, window: int, possible: float) -> ChangeJudgement:
    """Judge a metric for which no baseline of this length is enough."""
    import numpy as np

    known = after[np.isfinite(after)]
    samples = len(known)
    # Divided first: the sum of large values may be more than there is.
    with np.errstate(over="ignore"):
        mean = float(np.add.reduce(known / samples)) if samples else np.nan
    observed = mean if np.isfinite(mean) else None
    return _unknown(_short(possible), observed=observed, replays=0, samples=samples, window=window)


def _short(independent: float, replays: int = 0) -> str:
    if independent >= replay.INDEPENDENT_AT_LEAST:
        return (
            f"The baseline is too short: the comparison could be tried at {replays} earlier times only, "
            f"and {REPLAYS_AT_LEAST} are needed."
        )
    return (
        f"The baseline is too short: the comparison could be tried over {max(0.0, independent):.1f} windows' worth "
        "of earlier time, and 3 are needed."
    )


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
