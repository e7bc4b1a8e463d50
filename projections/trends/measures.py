"""Every figure of the monthly review, with its interval, its n, its method, and what is behind it.

A figure is compared with that of an earlier period, and all comparisons together err in 5 % of pages.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from projections.trends.counts import CountComparison, compare_counts
from projections.trends.curve import duration_curve
from projections.trends.inputs import FOR_COUNTS
from projections.trends.periods import Period
from projections.trends.shares import compare_shares, in_bursts, rate_interval, share
from projections.trends.two_periods import DurationComparison, compare_durations

_WEEK = timedelta(days=7)


@dataclass(frozen=True)
class Occurrence:
    """One thing that a measure counts: at an instant, of a service; `what` is its incident or its deploy's handle.

    `seconds` is how long it lasted, or has lasted if `is_open`; `hit` whether it counts for a share.
    """

    at: datetime
    what: str
    service: str | None = None
    severity: str | None = None
    seconds: float | None = None
    is_open: bool = False
    hit: bool = False
    key: str = ""
    """What tells it from another of the same instant and incident."""


@dataclass(frozen=True)
class Series:
    """All occurrences of a measure; `kind` is count, duration or share, `of` says what `what` names."""

    measure: str
    kind: str
    occurrences: Sequence[Occurrence]
    of: str = "incidents"
    compares: bool = True


@dataclass(frozen=True)
class Measure:
    """One figure. `change` is the ratio of after to before (of a share its difference), with its interval."""

    measure: str
    service: str | None
    severity: str | None
    period: str
    n: int
    open: int
    value: float | None
    low: float | None
    high: float | None
    unit: str
    method: str
    compared_with: str | None = None
    n_before: int | None = None
    change: float | None = None
    change_low: float | None = None
    change_high: float | None = None
    claim: str | None = None
    smallest_visible_change: float | None = None
    in_bursts: bool = False
    incidents: tuple[str, ...] = ()
    changes: tuple[str, ...] = ()


def measures(
    series: Iterable[Series],
    periods: Sequence[tuple[Period, Period | None]],
    groups: Sequence[Mapping[str, Any]],
    *,
    since: datetime | None = None,
) -> tuple[list[Measure], int]:
    """Return every figure, by measure, group and period, and how many comparisons were made.

    A group names the `services` that it takes together, or a `severity`. Compared is where both periods have
    occurrences enough for the method. Nothing is known of the time before `since`: an earlier period begins
    there, and is none if less than a week of it is left.
    """
    found = []
    periods = [(period, _known(before, since)) for period, before in periods]
    for one in series:
        for group in groups:
            # What is of several services is one thing where these are taken together.
            mine = list(
                {
                    (each.at, each.what, each.key): each for each in one.occurrences if _in(each, group)
                }.values()
            )
            for period, before in periods:
                after_these = [each for each in mine if period.has(each.at)]
                before_these = [each for each in mine if before.has(each.at)] if before else []
                found.append((one, group, period, before, after_these, before_these))
    comparisons = sum(
        before is not None and _comparable(one, after, earlier) for one, _, _, before, after, earlier in found
    )
    allowed = max(1, comparisons) / (1 - FOR_COUNTS)
    return [
        _measure(one, group, period, before, after, earlier, allowed)
        for one, group, period, before, after, earlier in found
    ], comparisons


def _known(period: Period | None, since: datetime | None) -> Period | None:
    if period is None or since is None or period.start >= since:
        return period
    return replace(period, start=since) if period.end - since >= _WEEK else None


def _in(each: Occurrence, group: Mapping[str, Any]) -> bool:
    services, severity = group.get("services"), group.get("severity")
    return (services is None or each.service in services) and severity in (None, each.severity)


def _comparable(one: Series, after: Sequence[Occurrence], before: Sequence[Occurrence]) -> bool:
    if not one.compares:
        return False
    if one.kind == "duration":
        return min(sum(not each.is_open for each in these) for these in (after, before)) > 1
    return bool(before and after) if one.kind == "share" else bool(before or after)


def _measure(
    one: Series,
    group: Mapping[str, Any],
    period: Period,
    before: Period | None,
    after: Sequence[Occurrence],
    earlier: Sequence[Occurrence],
    comparisons: float,
) -> Measure:
    what = tuple(dict.fromkeys(each.what for each in after))
    method = _METHODS[one.kind]
    value, low, high = method.value(after, period)
    figure = Measure(
        measure=one.measure,
        service=group.get("name"),
        severity=group.get("severity"),
        period=period.name,
        n=len(after),
        open=sum(each.is_open for each in after),
        value=value,
        low=low,
        high=high,
        unit=method.unit,
        method=method.name,
        incidents=what if one.of == "incidents" else (),
        changes=what if one.of == "changes" else (),
    )
    if before is None or not _comparable(one, after, earlier):
        return figure
    found = method.compare(earlier, before, after, period, comparisons)
    return replace(figure, compared_with=before.name, n_before=len(earlier), **found)


def _rate(these: Sequence[Occurrence], period: Period) -> tuple[float | None, ...]:
    return len(these) / period.days, *rate_interval(len(these), period.days)


def _median(these: Sequence[Occurrence], period: Period) -> tuple[float | None, ...]:
    curve = duration_curve(*split(these))
    return curve.median, curve.low, curve.high


def _ratio(these: Sequence[Occurrence], period: Period) -> tuple[float | None, ...]:
    found = share(sum(each.hit for each in these), len(these))
    return found.value, found.low, found.high


def _compare_rates(
    before: Sequence[Occurrence],
    earlier: Period,
    after: Sequence[Occurrence],
    period: Period,
    comparisons: float,
) -> dict[str, Any]:
    found = compare_counts(len(before), earlier.days, len(after), period.days, comparisons=comparisons)
    bursts = in_bursts(_weekly(before, earlier), _weekly(after, period))
    # The test takes them as independent of each other; in bursts it would claim too often.
    return {**_changed(found), "claim": None if bursts else found.claim, "in_bursts": bursts}


def _compare_durations(
    before: Sequence[Occurrence],
    earlier: Period,
    after: Sequence[Occurrence],
    period: Period,
    comparisons: float,
) -> dict[str, Any]:
    (closed_before, open_before), (closed, still_open) = split(before), split(after)
    return _changed(
        compare_durations(
            closed_before, closed, before_open_s=open_before, after_open_s=still_open, comparisons=comparisons
        )
    )


def _compare_ratios(
    before: Sequence[Occurrence],
    earlier: Period,
    after: Sequence[Occurrence],
    period: Period,
    comparisons: float,
) -> dict[str, Any]:
    hits_before, hits = (sum(each.hit for each in these) for these in (before, after))
    claim, visible = compare_shares(hits_before, len(before), hits, len(after), comparisons=comparisons)
    change = hits / len(after) - hits_before / len(before)
    return {"change": change, "claim": claim, "smallest_visible_change": visible}


def _changed(found: CountComparison | DurationComparison) -> dict[str, Any]:
    return {
        "change": found.ratio,
        "change_low": found.low,
        "change_high": found.high,
        "claim": found.claim,
        "smallest_visible_change": found.smallest_visible_ratio,
    }


@dataclass(frozen=True)
class _Method:
    """How figures of one kind are computed, and compared with those of an earlier period."""

    unit: str
    name: str
    value: Callable[[Sequence[Occurrence], Period], tuple[float | None, ...]]
    compare: Callable[[Sequence[Occurrence], Period, Sequence[Occurrence], Period, float], dict[str, Any]]


_METHODS = {
    "count": _Method("per_day", "poisson", _rate, _compare_rates),
    "duration": _Method("seconds", "kaplan_meier_median", _median, _compare_durations),
    "share": _Method("ratio", "clopper_pearson", _ratio, _compare_ratios),
}


def split(these: Iterable[Occurrence]) -> tuple[list[float], list[float]]:
    """Return how long those lasted that are over, and how long those have lasted that are not."""
    closed: list[float] = []
    still_open: list[float] = []
    for each in these:
        if each.seconds is not None:
            (still_open if each.is_open else closed).append(each.seconds)
    return closed, still_open


def _weekly(these: Iterable[Occurrence], period: Period) -> list[int]:
    """Count by whole weeks; what is left over at the end is no week."""
    counted = Counter((each.at - period.start) // _WEEK for each in these)
    return [counted[week] for week in range(int((period.end - period.start) // _WEEK))]
