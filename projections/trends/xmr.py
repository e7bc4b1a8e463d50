"""Whether a count is out of the ordinary: the limits of an XmR chart.

Mean plus and minus 2.66 times the mean moving range, as Donald J. Wheeler gives them for individual values
(Understanding Variation, SPC Press 1993, chapter 3); a count is never below none.
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from projections.trends.shares import in_bursts, share_interval

_SCALE = 2.66
FEWEST = 8
"""Of fewer counts nobody knows what is ordinary."""
_MOST_WEEKS = 53
_WEEK = timedelta(days=7)


@dataclass(frozen=True)
class Limits:
    """Between `low` and `high` a count is ordinary; outside of it a question, not a claim."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class CountsOverTime:
    """Counts of whole weeks or whole months (UTC), each with its beginning; without limits there are too few.

    `beyond_chance` are the beginnings of those outside the limits that chance does not explain.
    """

    service: str
    unit: str
    starts: tuple[datetime, ...]
    counts: tuple[int, ...]
    limits: Limits | None
    beyond_chance: tuple[datetime, ...] = ()

    @property
    def outside(self) -> list[tuple[datetime, int]]:
        """The counts beyond the limits."""
        if self.limits is None:
            return []
        return [
            (start, count)
            for start, count in zip(self.starts, self.counts, strict=True)
            if not self.limits.low <= count <= self.limits.high
        ]


def limits(counts: Sequence[int]) -> Limits | None:
    """Return the limits of counts in their order; None of fewer than eight."""
    if len(counts) < FEWEST:
        return None
    mean = sum(counts) / len(counts)
    moving = sum(abs(later - earlier) for earlier, later in pairwise(counts)) / (len(counts) - 1)
    return Limits(mean, max(0.0, mean - _SCALE * moving), mean + _SCALE * moving)


def beyond_chance(counted: CountsOverTime, error: float) -> tuple[datetime, ...]:
    """Return which counts outside the limits are so by chance in this share of cases only.

    By the exact test of one count beside those within the limits; of counts that come in bursts none can be told.
    """
    outside = counted.outside
    within = sum(counted.counts) - sum(count for _, count in outside)
    others = [
        count
        for start, count in zip(counted.starts, counted.counts, strict=True)
        if (start, count) not in outside
    ]
    if not outside or in_bursts(others):
        return ()
    usual = 1 / (len(others) + 1)
    found = []
    for start, count in outside:
        low, high = share_interval(count, count + within, error) if count + within else (0.0, 1.0)
        if not low <= usual <= high:
            found.append(start)
    return tuple(found)


def counts_over_time(
    service: str, instants: Iterable[datetime], start: datetime, end: datetime
) -> CountsOverTime:
    """Count by whole weeks, or of spans of more than a year by whole months."""
    by_week = end - start <= _MOST_WEEKS * _WEEK
    starts = [_next(start, by_week=by_week)]
    while starts[-1] < end:
        starts.append(_next(starts[-1], by_week=by_week, after=True))
    whole = sum(later <= end for later in starts[1:])
    counted = Counter(bisect_right(starts, at) - 1 for at in instants)
    counts = tuple(counted[number] for number in range(whole))
    return CountsOverTime(
        service, "week" if by_week else "month", tuple(starts[:whole]), counts, limits(counts)
    )


def _next(at: datetime, *, by_week: bool, after: bool = False) -> datetime:
    """Return the beginning of the next week or month; without `after` this instant, if it is one."""
    day = at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    if day < at:
        day += timedelta(days=1)
    if by_week:
        ahead = -day.weekday() % 7
        return day + timedelta(days=ahead or (7 if after else 0))
    if day.day == 1 and not after:
        return day
    return datetime(day.year + day.month // 12, day.month % 12 + 1, 1, tzinfo=UTC)
