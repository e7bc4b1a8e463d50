"""Every verdict of an incident: each change, each metric, each window, beside each baseline.

Pure: the log's events and samples in, frozen rows out. Where a window is not over, or its
samples are not in the log yet, the row says so.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from projections.changes import ChangeRow
from projections.comparison import ChangeJudgement, RecoveryJudgement, judge_change, judge_fix, judge_recovery
from projections.judgement import grid as grids
from projections.judgement.flags import moved_before, over, silent
from projections.judgement.recovery import left_normal_at, recovered_at
from projections.judgement.windows import SETTLING_SECONDS, WINDOWS, Judged, confounding, judged
from projections.samples import Series
from projections.silence import Silence, blind_for
from reports.headlines import silent_span
from tracker.events.base import handle_of
from tracker.times import from_ms, to_ms

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

#: Changes whenever the same numbers may be judged otherwise.
JUDGE_VERSION = "1"
#: How much of the past a window is held against.
HISTORY = {"10m": timedelta(days=8), "1h": timedelta(days=8), "1d": timedelta(days=15)}

#: A metric is looked at so long before the onset that people gave: they are rarely early.
ONSET_BEFORE = timedelta(minutes=15)
_SAMPLES_LATE = timedelta(minutes=2)


@dataclass(frozen=True)
class Redacted:
    """Samples that were removed for good: from which instant to which, and who removed them, in words."""

    start: datetime
    end: datetime
    said: str


@dataclass(frozen=True, eq=False)
class Measured:
    """One series of a metric, as the settings in the log define it.

    `told_until` is the instant up to which its source was asked; None where nobody asked.
    `label` is the name to show: the metric's, with labels where it has several series.
    `silences` are those of its source, and its own; `redacted` are samples that it had.
    """

    service: str
    metric: str
    query: str | None
    unit: str | None
    better: str
    threshold: float | None
    settling_seconds: float
    series: Series | None
    told_until: datetime | None = None
    label: str = ""
    silences: tuple[Silence, ...] = ()
    redacted: tuple[Redacted, ...] = ()


@dataclass(frozen=True)
class Row:
    """What the judge says of one metric over one window after one change.

    Values are in the metric's unit, `strength` is 1 where a change begins to count. With the
    baseline `before_change` the question is whether the change moved the metric; with `healthy`,
    whether all is as it was before the incident. `event` is the recorded verdict, and
    `said_then` what it said where that differs from what is said now.
    """

    change: str
    kind: str
    service: str
    version: str
    deployed_at: datetime
    metric: str
    unit: str | None
    window: str
    baseline: str
    verdict: str
    settling_seconds: float
    window_from: datetime
    window_to: datetime
    provisional: bool
    query: str | None
    expected: float | None = None
    observed: float | None = None
    shift: float | None = None
    shift_percent: float | None = None
    swing: float | None = None
    strength: float | None = None
    replays: int = 0
    samples: int = 0
    samples_expected: int = 0
    smallest_visible_change: float | None = None
    recovered_at: datetime | None = None
    flags: tuple[str, ...] = ()
    reason: str | None = None
    baseline_from: datetime | None = None
    baseline_to: datetime | None = None
    inputs_hash: str | None = None
    judge_version: str = JUDGE_VERSION
    event: str | None = None
    judged_at: datetime | None = None
    said_then: dict[str, Any] | None = None
    confounded_by: tuple[str, ...] = ()
    better: str = "neither"
    left_normal_at: datetime | None = None

    @property
    def handle(self) -> str:
        """The short name of the change that people type."""
        return handle_of(self.change)

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What a recorded verdict of the same question has in common with this row."""
        return (self.change, self.window, self.metric, self.baseline)


def rows(
    changes: Sequence[ChangeRow],
    metrics: Sequence[Measured],
    *,
    onset: datetime,
    over_at: datetime | None,
    others: Sequence[ChangeRow],
    incidents: Sequence[tuple[datetime, datetime]],
    as_of: datetime,
    healthy_until: datetime | None = None,
) -> list[Row]:
    """Judge these changes, oldest first.

    Args:
        changes: The deploys and rollbacks to judge.
        metrics: The series of their services.
        onset: When the incident began.
        over_at: When it was over; None while it is not.
        others: All deploys and rollbacks known, for cutting out and for what confounds.
        incidents: Spans of other incidents, which are cut out of every baseline.
        as_of: Up to when the log was told of anything.
        healthy_until: When people say that its cause went out, where that was before the onset.
    """
    scene = _Scene(onset, min(onset, healthy_until or onset), over_at, others, incidents, as_of)
    found = []
    for change in sorted(changes, key=lambda each: (each.at, each.event)):
        for metric in metrics:
            if metric.service != change.service:
                continue
            for window in WINDOWS:
                found += _rows(change, metric, window, scene)
    return found


@dataclass(frozen=True)
class _Scene:
    """What holds for every row of an incident."""

    onset: datetime
    healthy_until: datetime
    over_at: datetime | None
    others: Sequence[ChangeRow]
    incidents: Sequence[tuple[datetime, datetime]]
    as_of: datetime


def _rows(change: ChangeRow, metric: Measured, window: str, scene: _Scene) -> list[Row]:
    plan = judged(change, window, settling_seconds=metric.settling_seconds, query=metric.query)
    during = scene.onset < plan.begins_at and (scene.over_at is None or plan.begins_at < scene.over_at)
    confounders = confounding(change, plan.window_to, list(scene.others), scene.onset)
    base = Row(
        change=change.event,
        kind=change.kind,
        service=metric.service,
        version=change.version,
        deployed_at=plan.deployed_at,
        metric=metric.label,
        unit="per_second" if grids.is_counter(metric.query) else metric.unit,
        window=window,
        baseline="before_change",
        verdict="pending",
        settling_seconds=plan.settling_seconds,
        window_from=plan.window_from,
        window_to=plan.window_to,
        provisional=window == "10m",
        query=metric.query,
        confounded_by=tuple(each.version for each in confounders),
        better=metric.better,
        flags=("confounded",) if confounders else (),
    )
    asked = [base, replace(base, baseline="healthy")] if during else [base]
    waiting = _waiting(metric, plan, scene.as_of)
    gone = [each for each in metric.redacted if each.start < plan.window_to and each.end >= plan.begins_at]
    if gone:
        asked = [replace(row, flags=(*row.flags, "redacted")) for row in asked]
    removed = " ".join(dict.fromkeys(f"Samples of it were {each.said}." for each in gone))
    if waiting is not None:
        reason = " ".join(part for part in (waiting[1], removed) if part)
        return [replace(row, verdict=waiting[0], reason=reason) for row in asked]
    inputs = _inputs(metric, plan, scene, during)
    blind = blind_for(metric.silences, plan.window_from, plan.window_to)
    if blind:
        # Before the inputs are hashed: a silence that is told of later is a new verdict.
        asked = [replace(row, flags=(*row.flags, "blind")) for row in asked]
    answered = [_with_reason(_answered(row, inputs, metric, plan), blind, inputs) for row in asked]
    if not removed:
        return answered
    return [replace(row, reason=f"{row.reason} {removed}" if row.reason else removed) for row in answered]


def _with_reason(row: Row, blind: Sequence[Silence], inputs: _Inputs) -> Row:
    """Say beside the judge's own reason which silence made a window blind, and what is there all the same."""
    if not blind:
        return row
    import numpy as np

    told = (
        f"{int(np.isfinite(inputs.after).sum())} of {len(inputs.after)} samples of the window are in the log"
    )
    said = f"{'; '.join(silent_span(each) for each in blind)}; {told}."
    return replace(row, reason=f"{row.reason} {said}" if row.reason else said)


def _waiting(metric: Measured, plan: Judged, as_of: datetime) -> tuple[str, str] | None:
    """Say why there is nothing to judge yet."""
    series = metric.series
    last = None
    if series is not None and len(series.instants_ms):
        last = from_ms(int(series.instants_ms[-1]))
    told = max((each for each in (last, metric.told_until) if each is not None), default=None)
    if as_of < plan.window_to:
        return "pending", "The window is not over, as far as the log knows."
    if told is None:
        return "no_data", "The log has no samples of it."
    # Judged on a part of its last step, a window would be judged again as soon as the rest is there.
    ends = _last_instant(plan)
    partly = metric.told_until is not None and metric.told_until <= ends and (last is None or last < ends)
    if told < plan.window_to - _SAMPLES_LATE or partly:
        lasting = [each for each in metric.silences if each.end is None and each.start < plan.window_to]
        why = f" ({'; '.join(silent_span(each) for each in lasting)})" if lasting else ""
        return "pending", f"The samples up to the window's end are not in the log yet{why}."
    if last is None or last < plan.begins_at - HISTORY[plan.window]:
        return "no_data", "The log has no samples of it."
    return None


def _last_instant(plan: Judged) -> datetime:
    """Return the last instant of a window's grid; its end is not in it."""
    step = grids.GRID_SECONDS[plan.window] * 1000
    return from_ms((to_ms(plan.window_to) - 1) // step * step)


@dataclass(frozen=True, eq=False)
class _Inputs:
    """What the judge is given, all on one grid."""

    step_seconds: float
    healthy: NDArray[np.float64]
    incident: NDArray[np.float64] | None
    after: NDArray[np.float64]
    gap: int
    deploys: tuple[int, ...]
    healthy_from: datetime
    healthy_to: datetime
    before: NDArray[np.float64]
    onset: datetime
    since_onset: NDArray[np.float64]


def _inputs(metric: Measured, plan: Judged, scene: _Scene, during: bool) -> _Inputs:
    import numpy as np

    assert metric.series is not None
    own = grids.own_step_seconds(metric.series, plan.begins_at - timedelta(hours=1), plan.window_to)
    whole = grids.on_grid(
        metric.series,
        at_least_seconds=grids.GRID_SECONDS[plan.window],
        own_seconds=own,
        start=plan.begins_at - HISTORY[plan.window],
        end=plan.window_to,
    )
    cut = [span for span in scene.incidents if span[0] < plan.begins_at]
    if not during and scene.onset < plan.begins_at and scene.over_at is not None:
        cut.append((scene.healthy_until, scene.over_at))
    cut = [(start, min(end, plan.begins_at)) for start, end in cut]
    if during:
        cut = [(start, min(end, scene.onset)) for start, end in cut if start < scene.onset]
    held = grids.without(whole, cut)
    healthy_to = scene.healthy_until if during else plan.begins_at
    end = min(max(held.at(healthy_to), 0), len(held.values))
    known = np.flatnonzero(np.isfinite(held.values[:end]))
    first = int(known[0]) if len(known) else end
    begins, judged_from = held.at(plan.begins_at), held.at(plan.window_from)
    deploys = [
        held.at(each.at) - first
        for each in scene.others
        if each.kind != "merge" and each.service == metric.service
    ]
    after = whole.between(plan.window_from, plan.window_to)
    return _Inputs(
        step_seconds=whole.step_ms / 1000,
        healthy=held.values[first:end],
        incident=whole.values[max(0, end) : max(end, begins)] if during else None,
        after=after,
        gap=max(0, judged_from - begins),
        deploys=tuple(sorted({at for at in deploys if 0 <= at < end - first})),
        healthy_from=held.instant(first),
        healthy_to=healthy_to,
        before=whole.between(plan.begins_at - timedelta(seconds=WINDOWS[plan.window]), plan.begins_at),
        onset=scene.onset,
        since_onset=whole.between(scene.onset, plan.begins_at),
    )


def _answered(row: Row, inputs: _Inputs, metric: Measured, plan: Judged) -> Row:
    count = len(inputs.after)
    window_seconds = max(1, count) * inputs.step_seconds
    common: dict[str, Any] = {
        "step_seconds": inputs.step_seconds,
        "window_seconds": window_seconds,
        "gap_seconds": inputs.gap * inputs.step_seconds,
    }
    row = replace(
        row,
        baseline_from=inputs.healthy_from,
        baseline_to=inputs.healthy_to,
        inputs_hash=_hash(inputs, row, metric, common),
    )
    if count == 0:
        return replace(
            row, verdict="not_enough_data", reason="The rollout was still settling when the window ended."
        )
    healthy, after = inputs.healthy[:, None], inputs.after[:, None]
    incident = None if inputs.incident is None else inputs.incident[:, None]
    recovery: RecoveryJudgement | None = None
    if incident is None:
        said = judge_change(healthy, after, deploys=inputs.deploys, **common)[0]
        verdict = _change_verdict(said, metric.better)
    elif row.baseline == "before_change":
        said = judge_fix(healthy, inputs.since_onset[:, None], after, **common)[0]
        verdict = _change_verdict(said, metric.better)
        row = replace(row, baseline_from=inputs.onset, baseline_to=plan.begins_at)
        if moved_before(
            inputs.since_onset,
            said,
            step_seconds=inputs.step_seconds,
            settling_seconds=metric.settling_seconds,
        ):
            said = replace(said, flags=tuple(dict.fromkeys((*said.flags, "already_moving"))))
    else:
        recovery = judge_recovery(healthy, incident, after, deploys=inputs.deploys, **common)[0]
        said = recovery.after
        verdict = _recovery_verdict(recovery, metric.better)
    # Beside healthy time the incident is what it was moving in before: that is no flag.
    flags = [*row.flags, *(flag for flag in said.flags if recovery is None or flag == "spike")]
    if over(inputs.after, metric.threshold, metric.better):
        flags.append("over_limit")
        if over(inputs.before, metric.threshold, metric.better):
            flags.append("was_over_limit_before")
    if "blind" not in flags and silent(inputs.after, inputs.step_seconds):
        flags.append("blind")
    back = left = None
    if recovery is not None and incident is not None and verdict not in ("unaffected", "not_enough_data"):
        rising = (recovery.incident.shift or 0.0) > 0
        back = recovered_at(
            metric.series,
            inputs.healthy,
            plan,
            rising=rising,
            judgement=said,
            step_seconds=inputs.step_seconds,
        )
        left = left_normal_at(
            metric.series,
            inputs.healthy,
            min(inputs.healthy_to, inputs.onset - ONSET_BEFORE),
            plan.begins_at,
            rising=rising,
            judgement=recovery.incident,
            step_seconds=inputs.step_seconds,
        )
    return replace(
        row,
        verdict=verdict,
        expected=said.expected,
        observed=said.observed,
        shift=said.shift,
        shift_percent=said.shift_percent,
        swing=said.swing,
        strength=None if said.direction == "not_enough_data" else said.strength,
        replays=said.replays,
        samples=said.samples,
        samples_expected=said.samples_expected,
        smallest_visible_change=said.smallest_visible_change,
        recovered_at=back,
        left_normal_at=left,
        flags=tuple(flags),
        reason=(recovery.reason if recovery else said.reason) or None,
    )


def _change_verdict(said: ChangeJudgement, better: str) -> str:
    if said.direction in ("unchanged", "not_enough_data"):
        return said.direction
    if better == "neither":
        return "shifted"
    return "improved" if (said.direction == "down") == (better == "lower") else "regressed"


def _recovery_verdict(said: RecoveryJudgement, better: str) -> str:
    """What is beyond normal on the good side is no new trouble."""
    if said.verdict == "regressed" and _change_verdict(said.after, better) == "improved":
        return "recovered"
    return said.verdict


def _hash(inputs: _Inputs, row: Row, metric: Measured, common: dict[str, Any]) -> str:
    head = {
        **common,
        "baseline": row.baseline,
        "better": metric.better,
        "threshold": metric.threshold,
        "deploys": inputs.deploys,
        "flags": row.flags,
    }
    digest = hashlib.sha256(json.dumps(head, sort_keys=True).encode())
    for part in (inputs.healthy, inputs.incident, inputs.since_onset, inputs.after, inputs.before):
        digest.update(b"-" if part is None else f"{len(part)}:".encode() + part.astype("<f8").tobytes())
    return digest.hexdigest()


__all__ = ["JUDGE_VERSION", "SETTLING_SECONDS", "Measured", "Row", "rows"]
