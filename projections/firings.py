"""When an alert would have fired on series of samples, as Prometheus decides it.

Which of those firings mattered is asked in `projections.backtest`. The rules are those of
Prometheus' rules/alerting.go: pending from the first evaluation that is true, firing from
the first that is true and at least `for` later, over at the first that is false. We
evaluate at each sample, because between samples nobody knows more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from projections.alert_expression import AlertExpression
from projections.samples import Series

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


LOOKBACK_MS = 300_000
"""How long Prometheus lets a sample stand for the present."""

STEPS_MISSED = 2.5
"""So many steps without a sample are a gap where the steps themselves are long."""

ENDINGS = ("resolved", "stale", "still_firing")
"""False again; no samples any more; still true at the last sample."""

_STALE_MARK = 0x7FF0000000000002
_NOTEWORTHY_SHARE = 0.05


@dataclass(frozen=True, eq=False)
class Firings:
    """Firings of one service in columns, sorted by `from_ms`.

    `pending_ms` is the first sample that was true. `to_ms` is the first that was false, or the
    last one seen where `ending` (an index of `ENDINGS`) says that none came. `peak` is the
    value furthest on the alert's side. `series` is an index of the service's series.
    """

    pending_ms: NDArray[np.int64]
    from_ms: NDArray[np.int64]
    to_ms: NDArray[np.int64]
    peak: NDArray[np.float64]
    ending: NDArray[np.int8]
    series: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class WatchedMetric:
    """What an alert would have done on all series of one service.

    `downwards` is whether it fires below its number: then a peak is the lowest value.
    `covered_ms` are the spans in which at least one series has samples, sorted and apart.
    `series_ms` is the time that has samples, added up over series.
    `step_ms` maps each distance between two samples to the time that it fills, over all series.
    """

    service: str | None
    labels: tuple[dict[str, str], ...]
    query_count: int
    unit: str | None
    sample_count: int
    downwards: bool
    firings: Firings
    covered_ms: NDArray[np.int64]
    series_ms: int
    step_ms: dict[int, int]


def watch(
    expression: AlertExpression,
    service: str | None,
    series: Sequence[Series],
    *,
    unit: str | None = None,
) -> WatchedMetric:
    """Evaluate an alert on all series of one service; each set of labels fires for itself.

    `unit` is for series that name none.

    Raises:
        UsageError: If the expression's number is in a unit that the metric is not measured in.
    """
    import numpy as np

    found: list[Firings] = []
    covered: list[NDArray[np.int64]] = []
    steps: dict[int, int] = {}
    for number, each in enumerate(series):
        threshold = expression.threshold(each.unit or unit)
        is_stale = gaps(each.instants_ms, each.step_seconds)
        found.append(
            firings_of(
                each.instants_ms,
                each.values,
                is_stale,
                operator=expression.operator,
                threshold=threshold,
                for_ms=round(expression.for_seconds * 1000),
                series=number,
            )
        )
        covered.append(_spans(each.instants_ms, is_stale))
        for step, filled in _steps(each.instants_ms, is_stale).items():
            steps[step] = steps.get(step, 0) + filled
    joined = Firings(
        *(
            np.concatenate([np.empty(0, kind), *(getattr(one, name) for one in found)])
            for name, kind in _KINDS.items()
        )
    )
    order = np.lexsort((joined.series, joined.from_ms))
    return WatchedMetric(
        service=service,
        labels=tuple(each.labels for each in series),
        query_count=len({each.query for each in series}),
        unit=next((each.unit for each in series if each.unit), unit),
        sample_count=sum(len(each.instants_ms) for each in series),
        downwards=expression.operator.startswith("<"),
        firings=Firings(*(getattr(joined, name)[order] for name in _KINDS)),
        series_ms=sum(int((each[:, 1] - each[:, 0]).sum()) for each in covered),
        covered_ms=united(np.concatenate([np.empty((0, 2), np.int64), *covered])),
        step_ms=steps,
    )


_KINDS = {
    **{"pending_ms": "int64", "from_ms": "int64", "to_ms": "int64"},
    **{"peak": "float64", "ending": "int8", "series": "int64"},
}


def gaps(instants_ms: NDArray[np.int64], step_seconds: float) -> NDArray[np.bool_]:
    """Say after which samples there is a gap that ends an alert.

    That is one of more than five minutes, or of more than 2.5 steps where samples lie further
    apart. Steps may differ within a series: what counts is the wider of the two distances
    beside the gap, and at most `step_seconds`, the widest step that was asked for.
    """
    import numpy as np

    between = np.diff(instants_ms)
    if not len(between):
        return np.zeros(0, bool)
    local = np.zeros_like(between)
    local[1:] = between[:-1]
    np.maximum(local[:-1], between[1:], out=local[:-1])
    np.minimum(local, round(step_seconds * 1000), out=local)
    return between > np.maximum(LOOKBACK_MS, STEPS_MISSED * local)


def is_stale_mark(values: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Say which values are none: one NaN is Prometheus' mark that the series ends there."""
    import numpy as np

    marks: NDArray[np.bool_] = values.view(np.int64) == _STALE_MARK
    return marks


def holds(values: NDArray[np.float64], operator: str, threshold: float) -> NDArray[np.bool_]:
    """Compare each value with a number, NaN as IEEE 754 has it, in numpy as in Go and so in PromQL: only != is true of it."""
    import numpy as np

    compare = {
        **{">": np.greater, ">=": np.greater_equal, "<": np.less, "<=": np.less_equal},
        **{"==": np.equal, "!=": np.not_equal},
    }[operator]
    found: NDArray[np.bool_] = compare(values, threshold) & ~is_stale_mark(values)
    return found


def firings_of(
    instants_ms: NDArray[np.int64],
    values: NDArray[np.float64],
    is_stale: NDArray[np.bool_],
    *,
    operator: str,
    threshold: float,
    for_ms: int,
    series: int = 0,
) -> Firings:
    """Find the firings of one series, whose instants are sorted and each there once."""
    import numpy as np

    is_true = holds(values, operator, threshold)
    count = len(instants_ms)
    goes_on = is_true[:-1] & is_true[1:] & ~is_stale
    starts = np.flatnonzero(is_true & ~np.concatenate([np.zeros(min(count, 1), bool), goes_on]))
    ends = np.flatnonzero(is_true & ~np.concatenate([goes_on, np.zeros(min(count, 1), bool)]))
    peaks = _peaks(values, starts, ends, operator)
    # for is reached at the first sample that lies so far behind the first true one.
    fires = np.searchsorted(instants_ms, instants_ms[starts] + for_ms)
    held = fires <= ends
    starts, ends, fires, peaks = starts[held], ends[held], fires[held], peaks[held]
    is_last = ends == count - 1
    following = np.minimum(ends + 1, max(count - 1, 0))
    went_stale = np.zeros(len(ends), bool)
    went_stale[~is_last] = is_stale[ends[~is_last]]
    ending = np.where(is_last, 2, np.where(went_stale, 1, 0)).astype(np.int8)
    return Firings(
        pending_ms=instants_ms[starts],
        from_ms=instants_ms[fires],
        to_ms=np.where(ending == 0, instants_ms[following], instants_ms[ends]),
        peak=peaks,
        ending=ending,
        series=np.full(len(starts), series, np.int64),
    )


def _peaks(
    values: NDArray[np.float64], starts: NDArray[np.int64], ends: NDArray[np.int64], operator: str
) -> NDArray[np.float64]:
    import numpy as np

    if not len(starts):
        return np.empty(0, np.float64)
    furthest = np.fmin if operator.startswith("<") else np.fmax
    # Each second piece lies between two runs and is left out; a run at the very end has none behind it.
    edges = np.stack([starts, ends + 1], axis=1).ravel()
    if edges[-1] == len(values):
        edges = edges[:-1]
    return np.asarray(furthest.reduceat(values, edges)[::2])


def _spans(instants_ms: NDArray[np.int64], is_stale: NDArray[np.bool_]) -> NDArray[np.int64]:
    import numpy as np

    if not len(instants_ms):
        return np.empty((0, 2), np.int64)
    cuts = np.flatnonzero(is_stale)
    begins = np.concatenate([instants_ms[:1], instants_ms[cuts + 1]])
    return np.stack([begins, np.concatenate([instants_ms[cuts], instants_ms[-1:]])], axis=1)


def _steps(instants_ms: NDArray[np.int64], is_stale: NDArray[np.bool_]) -> dict[int, int]:
    """Return how much time samples of each distance fill; rare distances are missing samples, no steps."""
    import numpy as np

    seconds = np.rint(np.diff(instants_ms)[~is_stale] / 1000).astype(np.int64)
    filled = np.bincount(seconds) * np.arange(seconds.max(initial=-1) + 1)
    noteworthy = np.flatnonzero(filled > _NOTEWORTHY_SHARE * filled.sum())
    return {int(step) * 1000: int(filled[step]) * 1000 for step in noteworthy}


def united(spans_ms: NDArray[np.int64]) -> NDArray[np.int64]:
    """Join spans that overlap or touch."""
    import numpy as np

    if len(spans_ms) < 2:
        return spans_ms
    spans_ms = spans_ms[np.argsort(spans_ms[:, 0], kind="stable")]
    reached = np.maximum.accumulate(spans_ms[:, 1])
    is_new = np.concatenate([[True], spans_ms[1:, 0] > reached[:-1]])
    last = np.concatenate([np.flatnonzero(is_new)[1:] - 1, [len(spans_ms) - 1]])
    return np.stack([spans_ms[is_new, 0], reached[last]], axis=1)


def overlap_ms(spans_ms: NDArray[np.int64], start_ms: int, end_ms: int) -> int:
    """Return how much of [start, end] lies in spans that are sorted and apart."""
    import numpy as np

    if not len(spans_ms):
        return 0
    inside = np.minimum(spans_ms[:, 1], end_ms) - np.maximum(spans_ms[:, 0], start_ms)
    return int(np.maximum(inside, 0).sum())
