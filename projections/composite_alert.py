"""Several comparisons of one alert, `error_ratio > 1% and latency_seconds > 1s for 2m`: read, and made one series.

The series is 1 where the whole holds and 0 where it does not; when an alert on it fires is
`projections.firings`'s as ever. One comparison alone is `projections.alert_expression`'s.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NoReturn

from projections.alert_expression import AlertExpression, parse, typed
from projections.firings import LOOKBACK_MS, STEPS_MISSED, WatchedMetric, gaps, holds, is_stale_mark, watch
from projections.samples import Series
from tracker.errors import UsageError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_WORD = re.compile(r"(?:(?<=\s)|^)(and|or|unless)(?=\s|$)", re.IGNORECASE)
_FOR = re.compile(r"(?<!\w)for\b.*", re.IGNORECASE | re.DOTALL)
_GROUPING = re.compile(r"(?<![\w\s])\(|(?<=\s)\(|^\(")
_BOTH_SIDES = (
    "Write a comparison on both sides: tracker backtest 'error_ratio > 1% and latency_seconds > 1s for 2m'"
)


@dataclass(frozen=True)
class CompositeAlert:
    """Comparisons joined by `and` and `or`; `and` goes first. One `for` holds for the whole.

    `alternatives` are the sides of `or`, each with the sides of its `and`.
    """

    text: str
    alternatives: tuple[tuple[AlertExpression, ...], ...]
    for_seconds: float

    @property
    def comparisons(self) -> tuple[AlertExpression, ...]:
        """All of them, as they were written."""
        return tuple(each for side in self.alternatives for each in side)

    @property
    def metrics(self) -> tuple[str, ...]:
        """The metrics compared, each once."""
        return tuple(dict.fromkeys(each.metric for each in self.comparisons))

    @property
    def is_single(self) -> bool:
        """Whether it is one comparison alone."""
        return len(self.comparisons) == 1

    @property
    def holding(self) -> AlertExpression:
        """The alert on the series that is 1 where the whole holds."""
        return AlertExpression(self.text, "", ">", 0.5, "", self.for_seconds)


def read(text: str) -> CompositeAlert:
    """Read METRIC OPERATOR NUMBER [and|or METRIC OPERATOR NUMBER]... [for DURATION].

    Raises:
        UsageError: If it is something else; says what is wrong, at which character, and what to type.
    """
    words = list(_WORD.finditer(text))
    if grouping := _GROUPING.search(text):
        plain = typed(" ".join(text.replace("(", " ").replace(")", " ").split()))
        better = f"'and' goes before 'or'; without them: {plain}"
        _refuse(text, grouping.start(), "parentheses are not read", better)
    alternatives: list[list[AlertExpression]] = [[]]
    edges = [0, *(edge for word in words for edge in word.span()), len(text)]
    for number, (start, end) in enumerate(zip(edges[::2], edges[1::2], strict=True)):
        word = words[number - 1] if number else None
        if word is not None and word[1].lower() == "unless":
            _refuse(text, word.start(), "'unless' is not read", "Join comparisons by and, or")
        if words and not text[start:end].strip():
            _refuse(text, start, "a comparison is missing", _BOTH_SIDES)
        found = _comparison(text, start, end) if words else parse(text)
        if found.for_seconds and end < len(text):
            at = start + len(_FOR.sub("", text[start:end]))
            whole = f"{text[:at].rstrip()}{text[end - 1 :]}"
            _refuse(
                text,
                at,
                "'for' stands once, at the end, and holds for the whole",
                typed(whole if _FOR.search(whole) else f"{whole} {_for_of(text[at:end])}"),
            )
        if word is not None and word[1].lower() == "or":
            alternatives.append([])
        alternatives[-1].append(found)
    whole = " ".join(text.split())
    sides = tuple(tuple(replace(each, text=whole) for each in side) for side in alternatives)
    return CompositeAlert(whole, sides, sides[-1][-1].for_seconds)


def _comparison(text: str, start: int, end: int) -> AlertExpression:
    """Read one of several; what is proposed instead keeps the others."""
    part = text[start:end].strip()
    try:
        return parse(part)
    except UsageError as wrong:
        before, after = text[:start].lstrip(), text[end:].rstrip()

        def whole(better: re.Match[str]) -> str:
            return typed(" ".join(f"{before} {better[1]} {after}".split()))

        hint = re.sub(r"tracker backtest '([^']*)'", whole, wrong.hint or "")
        raise UsageError(wrong.message, hint=hint) from wrong


def _for_of(text: str) -> str:
    return " ".join(text.split())


def _refuse(text: str, at: int, what: str, better: str) -> NoReturn:
    raise UsageError(f"{text!r}, character {at + 1}: {what}", hint=better)


def watch_all(
    alert: CompositeAlert,
    service: str | None,
    held: Mapping[str, Sequence[Series]],
    *,
    units: Mapping[str, str | None],
) -> WatchedMetric:
    """Evaluate an alert on the series of one service, by metric.

    Where all metrics have the same sets of labels, each set fires for itself. Else a comparison
    holds where it holds for one series of its metric.

    Raises:
        UsageError: If a number is in a unit that its metric is not measured in.
    """
    if alert.is_single:
        metric = alert.metrics[0]
        return watch(alert.comparisons[0], service, held[metric], unit=units.get(metric))
    import numpy as np

    found = watch(alert.holding, service, [_holding(alert, service, group, units) for group in _groups(held)])
    # 1 is no value of any of the metrics.
    nowhere = np.full_like(found.firings.peak, np.nan)
    return replace(found, firings=replace(found.firings, peak=nowhere), unit=None)


def _groups(held: Mapping[str, Sequence[Series]]) -> list[Mapping[str, Sequence[Series]]]:
    by_labels = {metric: {_key(each): [each] for each in series} for metric, series in held.items()}
    same = len({frozenset(keys) for keys in by_labels.values()}) == 1
    if not same or any(len(by_labels[metric]) != len(series) for metric, series in held.items()):
        return [held]
    return [
        {metric: keys[key] for metric, keys in by_labels.items()}
        for key in sorted(next(iter(by_labels.values())))
    ]


def _key(series: Series) -> tuple[tuple[str, str], ...]:
    return tuple(sorted((name, value) for name, value in series.labels.items() if name != "__name__"))


def _holding(
    alert: CompositeAlert,
    service: str | None,
    held: Mapping[str, Sequence[Series]],
    units: Mapping[str, str | None],
) -> Series:
    """Make the series that is 1 where the whole holds; where that cannot be known it has no sample."""
    import numpy as np

    every = [each for series in held.values() for each in series]
    instants = np.unique(np.concatenate([each.instants_ms for each in every]))
    whole = np.zeros(len(instants))
    for side in alert.alternatives:
        both = np.ones(len(instants))
        for comparison in side:
            one = _holds_at(comparison, held[comparison.metric], units.get(comparison.metric), instants)
            # What is false anyway stays false beside what is not known; so does true in an `or`.
            both = np.where((both == 0) | (one == 0), 0.0, both * one)
        whole = np.where((whole == 1) | (both == 1), 1.0, whole + both)
    known = np.isfinite(whole)
    first = every[0]
    is_one = all(_key(each) == _key(first) for each in every)
    return replace(
        first,
        service=service,
        metric="",
        unit=None,
        labels=dict(_key(first)) if is_one else {},
        step_seconds=max(each.step_seconds for each in every),
        instants_ms=instants[known],
        values=whole[known],
        stretches=(),
    )


def _holds_at(
    comparison: AlertExpression, series: Sequence[Series], unit: str | None, instants: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return 1 where one of the series is beyond the number, 0 where none is, NaN where none has a sample."""
    import numpy as np

    found = np.full(len(instants), np.nan)
    for each in series:
        at = np.searchsorted(each.instants_ms, instants, side="right") - 1
        last = np.maximum(at, 0)
        age = instants - each.instants_ms[last]
        stands = np.full(len(each.instants_ms), np.iinfo(np.int64).max)
        longest = max(LOOKBACK_MS, round(STEPS_MISSED * 1000 * each.step_seconds))
        stands[:-1][gaps(each.instants_ms, each.step_seconds)] = LOOKBACK_MS
        stands[-1:] = longest
        present = (at >= 0) & (age <= stands[last]) & ~is_stale_mark(each.values)[last]
        is_true = holds(each.values, comparison.operator, comparison.threshold(each.unit or unit))[last]
        found[present] = np.fmax(found[present], is_true[present])
    return found
