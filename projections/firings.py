"""When an alert would have fired on series of samples, by the rules of Prometheus' rules/alerting.go.

It is pending from the first evaluation that is true, firing from the first that is true and at least `for` later, and
resolved at the first that is false. It is evaluated at each sample: between samples nothing is known.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from projections.alert_expression import AlertExpression
from projections.samples import Series

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LOOKBACK_MS = 300_000
"""How long a sample is current for Prometheus."""

STEPS_MISSED = 2.5
"""So many steps without a sample are a gap where the steps themselves are long."""

ENDINGS = ("resolved", "stale", "still_firing")
"""False again; no more samples; still true at the last sample."""

_STALE_MARK = 0x7FF0000000000002
_RARE_SHARE = 0.05
_COLUMNS = {"pending_ms": "i8", "from_ms": "i8", "to_ms": "i8", "peak": "f8", "ending": "i1", "series": "i8"}


@dataclass(frozen=True, eq=False)
class ServiceFirings:
    """What an alert would have done on all series of one service.

    `firings` are columns sorted by `from_ms`. Their `pending_ms` is the first sample that was true; `to_ms` the first that
    was false, or the last one of all where `ending`, an index of `ENDINGS`, says that there was none; `peak` the value
    furthest on the alert's side, the lowest where it fires below its number (`fires_below`); `series` an index of
    `labels`. `covered_ms` are the spans in which at least one series has samples, sorted and apart; `series_ms` is the
    time with samples, added up over series; `step_ms` maps each distance between two samples to the time that it fills.
    """

    service: str | None
    labels: tuple[dict[str, str], ...]
    query_count: int
    unit: str | None
    sample_count: int
    fires_below: bool
    firings: Mapping[str, NDArray[Any]]
    covered_ms: NDArray[np.int64]
    series_ms: int
    step_ms: dict[int, int]


def service_firings(
    expression: AlertExpression,
    service: str | None,
    series: Sequence[Series],
    *,
    unit: str | None = None,
) -> ServiceFirings:
    """Evaluate an alert on all series of one service; each set of labels fires for itself.

    `unit` is for series that name none.

    Raises:
        UsageError: If the expression's number is in a unit that the metric is not measured in.
    """
    import numpy as np

    firings = [{name: np.empty(0, kind) for name, kind in _COLUMNS.items()}]
    covered = [np.empty((0, 2), np.int64)]
    steps: Counter[int] = Counter()
    for number, one in enumerate(series):
        gap_follows = gaps(one.instants_ms, one.step_seconds)
        firings.append(
            firings_of(
                one.instants_ms,
                one.values,
                gap_follows,
                operator=expression.operator,
                threshold=expression.threshold(one.unit or unit),
                for_ms=round(expression.for_seconds * 1000),
                series=number,
            )
        )
        covered.append(_spans(one.instants_ms, gap_follows))
        steps.update(_steps(one.instants_ms, gap_follows))
    columns = {name: np.concatenate([found[name] for found in firings]) for name in _COLUMNS}
    order = np.lexsort((columns["series"], columns["from_ms"]))
    spans = np.concatenate(covered)
    return ServiceFirings(
        service=service,
        labels=tuple(one.labels for one in series),
        query_count=len({one.query for one in series}),
        unit=next((one.unit for one in series if one.unit), unit),
        sample_count=sum(len(one.instants_ms) for one in series),
        fires_below=expression.operator.startswith("<"),
        firings={name: column[order] for name, column in columns.items()},
        covered_ms=united(spans),
        series_ms=int((spans[:, 1] - spans[:, 0]).sum()),
        step_ms=dict(steps),
    )


def gaps(instants_ms: NDArray[np.int64], step_seconds: float) -> NDArray[np.bool_]:
    """Say after which samples there is a gap that ends an alert.

    That is one of more than five minutes, or of more than 2.5 steps where samples lie further apart. Steps may differ
    within a series: the wider of the two distances next to the gap counts, up to `step_seconds`, the widest that was
    asked for.
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


def _is_true(values: NDArray[np.float64], operator: str, threshold: float) -> NDArray[np.bool_]:
    """Compare as Go and so PromQL do: of a NaN only != is true. One NaN is the mark that a series ends, and no value."""
    import numpy as np

    compare = {
        **{">": np.greater, ">=": np.greater_equal, "<": np.less, "<=": np.less_equal},
        **{"==": np.equal, "!=": np.not_equal},
    }[operator]
    is_true: NDArray[np.bool_] = compare(values, threshold) & (values.view(np.int64) != _STALE_MARK)
    return is_true


def firings_of(
    instants_ms: NDArray[np.int64],
    values: NDArray[np.float64],
    gap_follows: NDArray[np.bool_],
    *,
    operator: str,
    threshold: float,
    for_ms: int,
    series: int = 0,
) -> dict[str, NDArray[Any]]:
    """Find the firings of one series, whose instants are sorted and each there once; see `ServiceFirings.firings`."""
    import numpy as np

    count = len(instants_ms)
    is_true = _is_true(values, operator, threshold)
    goes_on = is_true[:-1] & is_true[1:] & ~gap_follows
    first = np.flatnonzero(is_true & ~np.concatenate([np.zeros(min(count, 1), bool), goes_on]))
    last = np.flatnonzero(is_true & ~np.concatenate([goes_on, np.zeros(min(count, 1), bool)]))
    # `for` is reached at the first sample that lies so far behind the first true one.
    fires = np.searchsorted(instants_ms, instants_ms[first] + for_ms)
    reached = fires <= last
    peaks = _peaks(values, first, last, operator)[reached]
    first, last, fires = first[reached], last[reached], fires[reached]
    ending = np.where(last == count - 1, 2, np.append(gap_follows, False)[last])
    return {
        "pending_ms": instants_ms[first],
        "from_ms": instants_ms[fires],
        "to_ms": instants_ms[np.where(ending == 0, last + 1, last)],
        "peak": peaks,
        "ending": ending,
        "series": np.full(len(first), series),
    }


def _peaks(
    values: NDArray[np.float64], first: NDArray[np.int64], last: NDArray[np.int64], operator: str
) -> NDArray[np.float64]:
    import numpy as np

    if not len(first):
        return np.empty(0, np.float64)
    furthest = np.fmin if operator.startswith("<") else np.fmax
    # Each second piece lies between two runs and is left out; after a run at the very end there is none.
    edges = np.stack([first, last + 1], axis=1).ravel()
    return np.asarray(furthest.reduceat(values, edges[: -1 if edges[-1] == len(values) else None])[::2])


def _spans(instants_ms: NDArray[np.int64], gap_follows: NDArray[np.bool_]) -> NDArray[np.int64]:
    import numpy as np

    if not len(instants_ms):
        return np.empty((0, 2), np.int64)
    cuts = np.flatnonzero(gap_follows)
    begins = np.concatenate([instants_ms[:1], instants_ms[cuts + 1]])
    return np.stack([begins, np.concatenate([instants_ms[cuts], instants_ms[-1:]])], axis=1)


def _steps(instants_ms: NDArray[np.int64], gap_follows: NDArray[np.bool_]) -> dict[int, int]:
    """Return how much time samples of each distance fill; rare distances are missing samples, no steps."""
    import numpy as np

    seconds = np.rint(np.diff(instants_ms)[~gap_follows] / 1000).astype(np.int64)
    filled = np.bincount(seconds) * np.arange(seconds.max(initial=-1) + 1)
    return {
        int(step) * 1000: int(filled[step]) * 1000
        for step in np.flatnonzero(filled > _RARE_SHARE * filled.sum())
    }


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

    inside = np.minimum(spans_ms[:, 1], end_ms) - np.maximum(spans_ms[:, 0], start_ms)
    return int(np.maximum(inside, 0).sum())
