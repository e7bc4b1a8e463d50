"""The verdict rows of an incident: each change, each metric, each window, against each baseline.

Where a window is not over, or its samples are not in the log yet, the row says so.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from projections.changes import ChangeRow
from projections.judgement import grid as grids
from projections.judgement.flags import moved_before, over, silent
from projections.judgement.inputs import IncidentContext, Inputs, inputs_of
from projections.judgement.judge import judge_change, judge_fix, judge_recovery
from projections.judgement.metric_series import HISTORY, MetricSeries, RedactedSamples
from projections.judgement.recovery import left_normal_at, recovered_at
from projections.judgement.verdict_types import ChangeJudgement, RecoveryJudgement
from projections.judgement.windows import WINDOWS, JudgedWindow, confounding, plan_window
from projections.partial_answers import PartialAnswer
from projections.reason import Reason
from projections.silence import Silence, blind_for
from tracker.events.base import Redaction, handle_of
from tracker.times import from_ms, to_ms

#: Changes whenever the same numbers may be judged otherwise.
JUDGE_VERSION = "3"

#: The kind of a row that is about the incident itself: its metrics after it was over, whatever ended it.
INCIDENT = "incident"
SO_FAR = "so_far"
"""The flag of a row on an incident that goes on: judged by its last samples, and by the next ones anew."""
_SAMPLES_LATE = timedelta(minutes=2)


@dataclass(frozen=True)
class VerdictRow:
    """The verdict on one metric over one window after one change.

    Values are in the metric's unit; a change counts from `strength` 1 on. With the baseline `before_change` the
    question is whether the change moved the metric, with `healthy` whether it is as it was before the incident.
    `cut_by` is the version whose deploy ended the window before its time.
    `event` is the verdict as it was recorded, and `said_then` its content where the verdict is another one now.
    """

    change: str
    kind: str
    service: str
    version: str
    begins_at: datetime
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
    reasons: tuple[Reason, ...] = ()
    baseline_from: datetime | None = None
    baseline_to: datetime | None = None
    inputs_hash: str | None = None
    judge_version: str = JUDGE_VERSION
    event: str | None = None
    judged_at: datetime | None = None
    said_then: dict[str, Any] | None = None
    confounded_by: tuple[str, ...] = ()
    cut_by: str | None = None
    better: str = "neither"
    left_normal_at: datetime | None = None

    @property
    def handle(self) -> str:
        """The short name of the change that people type."""
        return handle_of(self.change)

    @property
    def key(self) -> tuple[str, str, str, str, str]:
        """What this row and a recorded verdict on the same question have in common."""
        return (self.change, self.service, self.window, self.metric, self.baseline)


def verdict_rows(
    changes: Sequence[ChangeRow],
    metrics: Sequence[MetricSeries],
    *,
    onset: datetime,
    over_at: datetime | None,
    others: Sequence[ChangeRow],
    incidents: Sequence[tuple[datetime, datetime]],
    as_of: datetime,
    healthy_until: datetime | None = None,
) -> list[VerdictRow]:
    """Judge these changes, oldest first.

    Args:
        changes: The deploys and rollbacks to judge.
        metrics: The series of their services.
        onset: When the incident began.
        over_at: When it was over; None while it is not.
        others: All known deploys and rollbacks: some confound a window, and a replay across one is left out.
        incidents: Spans of other incidents, which are cut out of every baseline.
        as_of: When the log last recorded anything.
        healthy_until: When people say that the cause of the incident went out, where that was before the onset.
    """
    context = IncidentContext(onset, min(onset, healthy_until or onset), over_at, others, incidents, as_of)
    rows = [
        row
        for change in sorted(changes, key=lambda change: change.order)
        for metric in metrics
        if metric.service == change.service
        for window in WINDOWS
        for row in _rows(change, metric, window, context)
    ]
    return _with_movers(rows)


def _with_movers(rows: Sequence[VerdictRow]) -> list[VerdictRow]:
    """Flag what had moved the same way after the change before: the evidence is that one's."""
    moved = {
        (row.service, row.metric, row.window_to, row.verdict)
        for row in rows
        if row.cut_by is not None and row.baseline == "before_change"
    }
    return [
        replace(row, flags=(*row.flags, "already_moving"))
        if row.verdict in ("regressed", "improved", "shifted")
        and row.baseline == "before_change"
        and "already_moving" not in row.flags
        and (row.service, row.metric, row.begins_at, row.verdict) in moved
        else row
        for row in rows
    ]


def _rows(change: ChangeRow, metric: MetricSeries, window: str, context: IncidentContext) -> list[VerdictRow]:
    plan = plan_window(
        change,
        window,
        settling_seconds=metric.settling_seconds if change.kind != INCIDENT else 0.0,
        query=metric.query,
        others=context.others,
    )
    during = change.kind == INCIDENT or (
        context.onset < plan.begins_at and (context.over_at is None or plan.begins_at < context.over_at)
    )
    confounders = confounding(change, context.others, context.onset)
    row = VerdictRow(
        change=change.event,
        kind=change.kind,
        service=metric.service,
        version=change.version,
        begins_at=plan.begins_at,
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
        confounded_by=tuple(other.version for other in confounders),
        better=metric.better,
        flags=("confounded",) if confounders else (),
        cut_by=plan.cut_by.version if plan.cut_by else None,
    )
    if plan.cut_by is not None:
        row = replace(row, flags=(*row.flags, "until_next_deploy"))
    redacted = [
        span for span in metric.redacted if span.start < plan.window_to and span.end >= plan.begins_at
    ]
    if redacted:
        row = replace(row, flags=(*row.flags, "redacted"))
    removed = _removed(redacted)
    partial = _partial(metric, plan, context)
    if partial:
        row = replace(row, flags=(*row.flags, "partial"))
    missing = _missing(metric, plan, context.as_of)
    is_over = context.as_of >= plan.window_to
    if is_over and any(one.touches(_judged_from(plan, context), plan.window_to) for one in partial):
        missing = "pending", Reason("answered_in_part", {"answers": partial})
        partial = ()
    in_part = (Reason("answered_in_part", {"answers": partial}),) if partial else ()
    if missing is not None:
        row = replace(row, verdict=missing[0], reasons=(missing[1], *removed, *in_part))
        return _asked(row, during)
    inputs = inputs_of(metric, plan, context, during=during)
    blind = blind_for(metric.silences, plan.window_from, plan.window_to)
    if blind:
        # Before the inputs are hashed: a silence that is reported later is a new verdict.
        row = replace(row, flags=(*row.flags, "blind"))
    remarks = (*_blind(blind, inputs), *removed, *in_part)
    judged = [_judge(asked, inputs, metric, plan) for asked in _asked(row, during)]
    return [replace(answer, reasons=(*answer.reasons, *remarks)) for answer in judged]


def _asked(row: VerdictRow, during: bool) -> list[VerdictRow]:
    """Return one row for each baseline; whether all is healthy again is asked only during an incident.

    Where no change is judged, that is the only question.
    """
    if row.kind == INCIDENT:
        return [replace(row, baseline="healthy")]
    return [row, replace(row, baseline="healthy")] if during else [row]


def _removed(redacted: Sequence[RedactedSamples]) -> tuple[Reason, ...]:
    once: list[Redaction] = []
    for span in redacted:
        once += [span.redaction] if span.redaction not in once else []
    return tuple(Reason("samples_redacted", {"redaction": redaction}) for redaction in once)


def _judged_from(plan: JudgedWindow, context: IncidentContext) -> datetime:
    """Return from where on a part of an answer says nothing: the hour before the incident, or before the change."""
    return min(context.healthy_until, plan.begins_at) - timedelta(hours=1)


def _partial(metric: MetricSeries, plan: JudgedWindow, context: IncidentContext) -> tuple[PartialAnswer, ...]:
    """Return the partial answers of what a window is judged by."""
    start = min(_judged_from(plan, context), plan.begins_at - HISTORY[plan.window])
    return tuple(one for one in metric.partial if one.touches(start, plan.window_to))


def _blind(blind: Sequence[Silence], inputs: Inputs) -> tuple[Reason, ...]:
    """Name the silences that made a window blind, and how many samples there are all the same."""
    import numpy as np

    if not blind:
        return ()
    count = int(np.isfinite(inputs.after).sum())
    return (Reason("blind", {"silences": tuple(blind), "samples": count, "of": len(inputs.after)}),)


def _text(reason: str) -> tuple[Reason, ...]:
    """Return the reason of the judge, who answers arrays from anywhere and words it."""
    return (Reason("judged", {"text": reason}),) if reason else ()


def _missing(metric: MetricSeries, plan: JudgedWindow, as_of: datetime) -> tuple[str, Reason] | None:
    """Return the verdict and its reason where there is nothing to judge yet."""
    series = metric.series
    last = None
    if series is not None and len(series.instants_ms):
        last = from_ms(int(series.instants_ms[-1]))
    known_until = max((at for at in (last, metric.asked_until) if at is not None), default=None)
    if as_of < plan.window_to:
        return "pending", Reason("window_open")
    if known_until is None:
        return "no_data", Reason("no_samples")
    # Judged on a part of its last step, a window would be judged again as soon as the rest is there.
    ends = _last_instant(plan)
    partly = metric.asked_until is not None and metric.asked_until <= ends and (last is None or last < ends)
    if known_until < plan.window_to - _SAMPLES_LATE or partly:
        lasting = [one for one in metric.silences if one.end is None and one.start < plan.window_to]
        return "pending", Reason("samples_pending", {"silences": tuple(lasting)})
    if last is None or last < plan.begins_at - HISTORY[plan.window]:
        return "no_data", Reason("no_samples")
    return None


def _last_instant(plan: JudgedWindow) -> datetime:
    """Return the last instant of a window's grid; its end is not in it."""
    step = grids.GRID_SECONDS[plan.window] * 1000
    return from_ms((to_ms(plan.window_to) - 1) // step * step)


def _judge(row: VerdictRow, inputs: Inputs, metric: MetricSeries, plan: JudgedWindow) -> VerdictRow:
    arguments = inputs.judge_arguments
    row = replace(
        row,
        baseline_from=inputs.healthy_from,
        baseline_to=inputs.healthy_to,
        inputs_hash=inputs.digest(row.baseline, row.flags, metric),
    )
    if not len(inputs.after):
        return replace(row, verdict="not_enough_data", reasons=(_unsettled(row),))
    healthy, after = inputs.healthy[:, None], inputs.after[:, None]
    recovery: RecoveryJudgement | None = None
    if inputs.incident is None:
        judgement = judge_change(healthy, after, deploys=inputs.deploys, **arguments)[0]
    elif row.baseline == "before_change":
        judgement = judge_fix(healthy, inputs.since_onset[:, None], after, **arguments)[0]
        row = replace(row, baseline_from=inputs.onset, baseline_to=plan.begins_at)
        if moved_before(
            inputs.since_onset,
            judgement,
            step_seconds=inputs.step_seconds,
            settling_seconds=metric.settling_seconds,
        ):
            moved = tuple(dict.fromkeys((*judgement.flags, "already_moving")))
            judgement = replace(judgement, flags=moved)
    else:
        incident = inputs.incident[:, None]
        recovery = judge_recovery(healthy, incident, after, deploys=inputs.deploys, **arguments)[0]
        judgement = recovery.after
    row = _with_judgement(row, judgement)
    left_out = set(judgement.left_out) | set(recovery.incident.left_out if recovery else ())
    if recovery is None:
        row = replace(row, verdict=_change_verdict(judgement, metric.better), reasons=_text(judgement.reason))
    else:
        row = _with_recovery(row, recovery, inputs, metric, plan)
    # Against healthy time the incident is what it was moving in before: that is no flag.
    flags = [*row.flags, *(flag for flag in judgement.flags if recovery is None or flag == "spike")]
    if over(inputs.after, metric.threshold, metric.better):
        flags.append("over_limit")
        if over(inputs.before, metric.threshold, metric.better):
            flags.append("was_over_limit_before")
    if "blind" not in flags and silent(inputs.after, inputs.step_seconds):
        flags.append("blind")
    return replace(row, flags=tuple(flags), reasons=(*row.reasons, *_left_out(left_out, inputs, row)))


def _left_out(positions: Iterable[int], inputs: Inputs, row: VerdictRow) -> tuple[Reason, ...]:
    """Name the wild samples of healthy time that a verdict was judged without."""
    step = timedelta(seconds=inputs.step_seconds)
    samples = [(inputs.healthy_from + at * step, float(inputs.healthy[at])) for at in sorted(positions)]
    return (Reason("samples_left_out", {"samples": tuple(samples), "unit": row.unit}),) if samples else ()


def _unsettled(row: VerdictRow) -> Reason:
    return Reason("replaced_unsettled", {"version": row.cut_by}) if row.cut_by else Reason("still_settling")


def _with_judgement(row: VerdictRow, judgement: ChangeJudgement) -> VerdictRow:
    return replace(
        row,
        expected=judgement.expected,
        observed=judgement.observed,
        shift=judgement.shift,
        shift_percent=judgement.shift_percent,
        swing=judgement.swing,
        strength=None if judgement.direction == "not_enough_data" else judgement.strength,
        replays=judgement.replays,
        samples=judgement.samples,
        samples_expected=judgement.samples_expected,
        smallest_visible_change=judgement.smallest_visible_change,
    )


def _with_recovery(
    row: VerdictRow, recovery: RecoveryJudgement, inputs: Inputs, metric: MetricSeries, plan: JudgedWindow
) -> VerdictRow:
    verdict = _recovery_verdict(recovery, metric.better)
    row = replace(row, verdict=verdict, reasons=_text(recovery.reason))
    if verdict in ("unaffected", "not_enough_data"):
        return row
    rising = (recovery.incident.shift or 0.0) > 0
    healthy = inputs.healthy.copy()
    healthy[list(recovery.after.left_out)] = math.nan
    return replace(
        row,
        recovered_at=recovered_at(
            metric.series,
            healthy,
            plan if row.kind != INCIDENT else replace(plan, begins_at=inputs.onset),
            rising=rising,
            judgement=recovery.after,
            step_seconds=inputs.step_seconds,
        ),
        left_normal_at=left_normal_at(
            metric.series,
            healthy,
            inputs.left_normal_from,
            plan.begins_at,
            rising=rising,
            judgement=recovery.incident,
            step_seconds=inputs.step_seconds,
        ),
    )


def _change_verdict(judgement: ChangeJudgement, better: str) -> str:
    if judgement.direction in ("unchanged", "not_enough_data"):
        return judgement.direction
    if better == "neither":
        return "shifted"
    return "improved" if (judgement.direction == "down") == (better == "lower") else "regressed"


def _recovery_verdict(recovery: RecoveryJudgement, better: str) -> str:
    """What is beyond normal on the good side is no new trouble."""
    if recovery.verdict == "regressed" and _change_verdict(recovery.after, better) == "improved":
        return "recovered"
    return recovery.verdict
