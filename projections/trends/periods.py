"""Which spans are compared: a period with the one before it, or each month or quarter with all earlier ones."""

import itertools
from dataclasses import dataclass
from datetime import UTC, datetime

MONTHS = {"month": 1, "quarter": 3}


@dataclass(frozen=True)
class Period:
    """From `start` up to, and without, `end`."""

    name: str
    start: datetime
    end: datetime

    @property
    def days(self) -> float:
        return (self.end - self.start).total_seconds() / 86400

    def has(self, at: datetime | None) -> bool:
        return at is not None and self.start <= at < self.end


def compared(start: datetime, end: datetime, by: str | None = None) -> list[tuple[Period, Period | None]]:
    """Return each period with what it is compared with: the span of the same length before it, else all earlier ones.

    Months and quarters are those of UTC; the first and the last are cut by `start` and `end`.
    """
    if by not in MONTHS:
        before = Period("the same span before", start - (end - start), start)
        return [(Period(_span(start, end), start, end), before)]
    cuts, at = [start], start
    while (at := _next(at, MONTHS[by])) < end:
        cuts.append(at)
    cuts.append(end)
    periods = [Period(_name(first, by), first, last) for first, last in itertools.pairwise(cuts)]
    return [
        (period, Period("all earlier periods", start, period.start) if number else None)
        for number, period in enumerate(periods)
    ]


def _next(at: datetime, months: int) -> datetime:
    number = at.year * 12 + at.month - 1
    number += months - number % months
    return datetime(number // 12, number % 12 + 1, 1, tzinfo=UTC)


def _name(at: datetime, by: str) -> str:
    return f"{at:%Y-%m}" if by == "month" else f"{at.year}-Q{(at.month + 2) // 3}"


def _span(start: datetime, end: datetime) -> str:
    return f"{start:%Y-%m-%d} to {end:%Y-%m-%d}"
