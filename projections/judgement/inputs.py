"""What the judge is given for one window: a metric's samples on one grid, other incidents cut out."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from projections.changes import ChangeRow
from projections.judgement import grid as grids
from projections.judgement.metric_series import HISTORY, MetricSeries
from projections.judgement.windows import WINDOWS, JudgedWindow

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


#: A metric is examined from so long before the onset that people reported: they are rarely early.
ONSET_BEFORE = timedelta(minutes=15)


@dataclass(frozen=True)
class IncidentContext:
    """What holds for every row of an incident; see `verdict_rows` for its fields."""

    onset: datetime
    healthy_until: datetime
    over_at: datetime | None
    others: Sequence[ChangeRow]
    incidents: Sequence[tuple[datetime, datetime]]
    as_of: datetime


@dataclass(frozen=True, eq=False)
class Inputs:
    """Samples on a grid of `step_seconds`; `gap` of them are settling time and not judged.

    A metric is examined from `left_normal_from`: people report an onset rarely too early, and what an
    incident before this one did to it is no onset.

    `incident` is None where the change was no reaction to the incident. `deploys` are positions in `healthy`.
    """

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
    left_normal_from: datetime

    @property
    def judge_arguments(self) -> dict[str, Any]:
        """The keyword arguments of the judge that concern time."""
        return {
            "step_seconds": self.step_seconds,
            "window_seconds": max(1, len(self.after)) * self.step_seconds,
            "gap_seconds": self.gap * self.step_seconds,
        }

    def digest(self, baseline: str, flags: tuple[str, ...], metric: MetricSeries) -> str:
        """Return a hash over all that a verdict depends on: as long as it is the same, so is the verdict."""
        head: dict[str, Any] = {
            **self.judge_arguments,
            "baseline": baseline,
            "better": metric.better,
            "threshold": metric.threshold,
            "deploys": self.deploys,
            "flags": flags,
        }
        digest = hashlib.sha256(json.dumps(head, sort_keys=True).encode())
        for part in (self.healthy, self.incident, self.since_onset, self.after, self.before):
            digest.update(b"-" if part is None else f"{len(part)}:".encode() + part.astype("<f8").tobytes())
        return digest.hexdigest()


def inputs_of(metric: MetricSeries, plan: JudgedWindow, context: IncidentContext, *, during: bool) -> Inputs:
    """Put the samples of one window on its grid; `during` says that the change went out while the incident lasted."""
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
    cut = [span for span in context.incidents if span[0] < plan.begins_at]
    if not during and context.onset < plan.begins_at and context.over_at is not None:
        cut.append((context.healthy_until, context.over_at))
    cut = [(start, min(end, plan.begins_at)) for start, end in cut]
    if during:
        cut = [(start, min(end, context.onset)) for start, end in cut if start < context.onset]
    held = grids.without(whole, cut)
    healthy_to = context.healthy_until if during else plan.begins_at
    end = min(max(held.at(healthy_to), 0), len(held.values))
    known = np.flatnonzero(np.isfinite(held.values[:end]))
    first = int(known[0]) if len(known) else end
    begins, judged_from = held.at(plan.begins_at), held.at(plan.window_from)
    deploys = [
        held.at(each.at) - first
        for each in context.others
        if each.kind != "merge" and each.service == metric.service
    ]
    # What another incident did after this one was over is not what the change did.
    later = [span for span in context.incidents if context.over_at is not None and span[0] >= context.over_at]
    after = grids.without(whole, later).between(plan.window_from, plan.window_to)
    return Inputs(
        step_seconds=whole.step_ms / 1000,
        healthy=held.values[first:end],
        incident=whole.values[max(0, end) : max(end, begins)] if during else None,
        after=after,
        gap=max(0, judged_from - begins),
        deploys=tuple(sorted({at for at in deploys if 0 <= at < end - first})),
        healthy_from=held.instant(first),
        healthy_to=healthy_to,
        before=whole.between(plan.begins_at - timedelta(seconds=WINDOWS[plan.window]), plan.begins_at),
        onset=context.onset,
        since_onset=whole.between(context.onset, plan.begins_at),
        left_normal_from=max(
            [min(healthy_to, context.onset - ONSET_BEFORE)]
            + [end for _, end in context.incidents if end <= context.onset]
        ),
    )
