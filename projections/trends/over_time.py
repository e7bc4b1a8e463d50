"""How counts and durations went over all of the time that a page reaches back to: what its pictures show."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from projections.trends.curve import duration_curve
from projections.trends.inputs import FOR_COUNTS, error_share
from projections.trends.measures import Series, split
from projections.trends.periods import Period, compared
from projections.trends.xmr import CountsOverTime, beyond_chance, counts_over_time

_MONTHS_UNTIL_DAYS = 370
_FEWEST_ENDED = 5


@dataclass(frozen=True)
class OverTime:
    """Incidents of each service by week or month, and their median time to resolve by month or quarter.

    A median is None of fewer than five that ended.
    """

    counts: Sequence[CountsOverTime]
    medians: Mapping[str, Sequence[tuple[datetime, float | None]]]
    medians_by: str


def over_time(
    series: Sequence[Series],
    services: Sequence[str],
    periods: Sequence[Period],
    since: datetime | None,
    end: datetime,
) -> OverTime:
    """Look back to the first of these periods, or to `since`, of which nothing earlier is known."""
    first = min(period.start for period in periods)
    start = min(max(first, since or first), end)
    by = "quarter" if (end - start).days > _MONTHS_UNTIL_DAYS else "month"
    of = {one.measure: one.occurrences for one in series}
    incidents, resolved = of.get("incidents", ()), of.get("time_to_resolve", ())
    medians: dict[str, Sequence[tuple[datetime, float | None]]] = {}
    for name in services:
        points: list[tuple[datetime, float | None]] = []
        for period, _ in compared(start, end, by):
            closed, still_open = split(
                each for each in resolved if each.service == name and period.has(each.at)
            )
            enough = len(closed) >= _FEWEST_ENDED
            points.append((period.start, duration_curve(closed, still_open).median if enough else None))
        medians[name] = points
    counts = [
        counts_over_time(name, [each.at for each in incidents if each.service == name], start, end)
        for name in services
    ]
    judged = sum(len(one.counts) for one in counts if one.limits is not None)
    error = FOR_COUNTS * error_share(max(1, judged))
    counts = [replace(one, beyond_chance=beyond_chance(one, error)) for one in counts]
    return OverTime(counts, medians, by)
