"""Every figure of the monthly review, with its interval, its n, its method, and what is behind it.

A figure is compared with that of an earlier period, and all comparisons together err in 5 % of pages.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from projections.trends.counts import compare_counts
from projections.trends.curve import duration_curve
from projections.trends.periods import Period
from projections.trends.shares import compare_shares, in_bursts, rate_interval, share
from projections.trends.two_periods import compare_durations

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
    return [
        _measure(one, group, period, before, after, earlier, max(1, comparisons))
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
    comparisons: int,
) -> Measure:
    what = tuple(dict.fromkeys(each.what for each in after))
    figure = Measure(
        measure=one.measure,
        service=group.get("name"),
        severity=group.get("severity"),
        period=period.name,
        n=len(after),
        open=sum(each.is_open for each in after),
        value=None,
        low=None,
        high=None,
        unit="",
        method="",
        incidents=what if one.of == "incidents" else (),
        changes=what if one.of == "changes" else (),
    )
    figure = _VALUES[one.kind](figure, after, period)
    if before is None or not _comparable(one, after, earlier):
        return figure
    figure = replace(figure, compared_with=before.name, n_before=len(earlier))
    return _COMPARED[one.kind](figure, after, earlier, period, before, comparisons)


def _count(figure: Measure, these: Sequence[Occurrence], period: Period) -> Measure:
    low, high = rate_interval(len(these), period.days)
    value = len(these) / period.days
    return replace(figure, value=value, low=low, high=high, unit="per_day", method="poisson")


def _duration(figure: Measure, these: Sequence[Occurrence], period: Period) -> Measure:
    closed, still_open = _split(these)
    curve = duration_curve(closed, still_open)
    return replace(
        figure,
        value=curve.median,
        low=curve.low,
        high=curve.high,
        unit="seconds",
        method="kaplan_meier_median",
    )


def _share(figure: Measure, these: Sequence[Occurrence], period: Period) -> Measure:
    found = share(sum(each.hit for each in these), len(these))
    return replace(
        figure, value=found.value, low=found.low, high=found.high, unit="ratio", method="clopper_pearson"
    )


def _counts_compared(
    figure: Measure,
    after: Sequence[Occurrence],
    before: Sequence[Occurrence],
    period: Period,
    earlier: Period,
    comparisons: int,
) -> Measure:
    found = compare_counts(len(before), earlier.days, len(after), period.days, comparisons=comparisons)
    bursts = in_bursts(_weekly(before, earlier), _weekly(after, period))
    return replace(
        figure,
        change=found.ratio,
        change_low=found.low,
        change_high=found.high,
        # The test takes them as independent of each other; in bursts it would claim too often.
        claim=None if bursts else found.claim,
        smallest_visible_change=found.smallest_visible_ratio,
        in_bursts=bursts,
    )


def _durations_compared(
    figure: Measure,
    after: Sequence[Occurrence],
    before: Sequence[Occurrence],
    period: Period,
    earlier: Period,
    comparisons: int,
) -> Measure:
    (closed, still_open), (closed_before, open_before) = _split(after), _split(before)
    found = compare_durations(
        closed_before, closed, before_open_s=open_before, after_open_s=still_open, comparisons=comparisons
    )
    return replace(
        figure,
        change=found.ratio,
        change_low=found.low,
        change_high=found.high,
        claim=found.claim,
        smallest_visible_change=found.smallest_visible_ratio,
    )


def _shares_compared(
    figure: Measure,
    after: Sequence[Occurrence],
    before: Sequence[Occurrence],
    period: Period,
    earlier: Period,
    comparisons: int,
) -> Measure:
    hits, hits_before = (sum(each.hit for each in these) for these in (after, before))
    claim, visible = compare_shares(hits_before, len(before), hits, len(after), comparisons=comparisons)
    change = hits / len(after) - hits_before / len(before)
    return replace(figure, change=change, claim=claim, smallest_visible_change=visible)


_VALUES = {"count": _count, "duration": _duration, "share": _share}
_COMPARED = {"count": _counts_compared, "duration": _durations_compared, "share": _shares_compared}


def _split(these: Iterable[Occurrence]) -> tuple[list[float], list[float]]:
    known = [each for each in these if each.seconds is not None]
    return (
        [each.seconds or 0.0 for each in known if not each.is_open],
        [each.seconds or 0.0 for each in known if each.is_open],
    )


def _weekly(these: Iterable[Occurrence], period: Period) -> list[int]:
    """Count by whole weeks; what is left over at the end is no week."""
    counted = Counter((each.at - period.start) // _WEEK for each in these)
    return [counted[week] for week in range(int((period.end - period.start) // _WEEK))]
