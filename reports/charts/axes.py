"""Where ticks stand and what they say. Decimal and integer arithmetic, so no machine differs."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from reports.numbers import Scale, scale, six_digits
from tracker.times import from_us, to_us

_MINUTE = 60
_HOUR = 3600
_DAY = 86400
_CLOCK_STEPS = (
    *(1, 2, 5, 10, 15, 30),
    *(minutes * _MINUTE for minutes in (1, 2, 5, 10, 15, 30)),
    *(hours * _HOUR for hours in (1, 2, 3, 6, 12)),
)
_DAY_STEPS = (1, 2, 7, 14, 28, 56, 112, 364, 728)
_MOST_TICKS = 10
# Every zone of today is off from UTC by a multiple of this.
_QUARTER = 15 * _MINUTE


@dataclass(frozen=True)
class ValueAxis:
    """The range of values drawn, in the unit they are stored in, with its ticks."""

    low: float
    high: float
    shown_as: Scale
    ticks: tuple[tuple[float, str], ...]


@dataclass(frozen=True)
class TimeTick:
    """A clock time with its date, or over many days a date with its year; None where the tick before has the same."""

    at: datetime
    clock: str
    date: str | None


def value_axis(low: float, high: float, unit: str | None) -> ValueAxis:
    """Choose a range that holds both values and 3 to 8 ticks at steps of 1, 2 or 5.

    It begins at zero unless all values lie in the upper half of it.
    """
    low, high = six_digits(low), six_digits(high)
    shown_as = scale(unit, max(abs(low), abs(high)))
    bottom, top = (Decimal(repr(value)) / shown_as.size for value in (low, high))
    if (bottom >= 0 and bottom * 2 <= top) or bottom == top > 0:
        bottom = Decimal(0)
    elif (top <= 0 and top * 2 >= bottom) or bottom == top < 0:
        top = Decimal(0)
    if bottom == top:
        top = Decimal(1)
    finest = Decimal(1).scaleb(max(abs(bottom), abs(top)).adjusted() - 5)
    step = max(_nice((top - bottom) / 5), finest)
    first = int((bottom / step).to_integral_value(ROUND_FLOOR))
    last = int((top / step).to_integral_value(ROUND_CEILING))
    shown = [number * step for number in range(first, last + 1)]
    ticks = tuple((float(number * shown_as.size), shown_as.label(number)) for number in shown)
    return ValueAxis(ticks[0][0], ticks[-1][0], shown_as, ticks)


def time_ticks(start: datetime, end: datetime, tz: tzinfo, at_most: int = _MOST_TICKS) -> list[TimeTick]:
    """Choose at most ten, or `at_most`, round clock times of a zone, and dates where the day changes."""
    seconds = (end - start).total_seconds()
    at_most = min(at_most, _MOST_TICKS)
    ticks: list[datetime] = []
    for step in _CLOCK_STEPS:
        if seconds / step <= at_most * 2:
            ticks = list(_clock_times(start, end, tz, step))
            if len(ticks) <= at_most:
                break
    else:
        for days in _DAY_STEPS:
            ticks = list(_midnights(start, end, tz, days))
            if len(ticks) <= at_most:
                break
    if all(at.astimezone(tz).strftime("%H%M%S") == "000000" for at in ticks) and len(ticks) > 1:
        upper, lower = "%m-%d", "%Y"
    else:
        upper, lower = "%H:%M:%S" if any(at.second for at in ticks) else "%H:%M", "%Y-%m-%d"
    named: list[TimeTick] = []
    before = None
    for at in ticks:
        local = at.astimezone(tz)
        date = local.strftime(lower)
        named.append(TimeTick(at, local.strftime(upper), None if date == before else date))
        before = date
    return named


def _nice(raw: Decimal) -> Decimal:
    power = raw.adjusted()
    mantissa = raw.scaleb(-power)
    return next(Decimal(n) for n in (1, 2, 5, 10) if n >= mantissa).scaleb(power)


def _clock_times(start: datetime, end: datetime, tz: tzinfo, step: int) -> Iterator[datetime]:
    """Walk in UTC and look at the local clock: right through a change of clocks too."""
    # The offset of the zone may move the clock against UTC by any number of quarters.
    stride_us = math.gcd(step, _QUARTER) * 1_000_000
    at_us, end_us = -(-to_us(start) // stride_us) * stride_us, to_us(end)
    while at_us <= end_us:
        at = from_us(at_us)
        local = at.astimezone(tz)
        if (local.hour * _HOUR + local.minute * _MINUTE + local.second) % step == 0:
            yield at
        at_us += stride_us


def _midnights(start: datetime, end: datetime, tz: tzinfo, days: int) -> Iterator[datetime]:
    day = start.astimezone(tz).date()
    last = end.astimezone(tz).date()
    day += timedelta(days=-(day.toordinal() - 1) % days)  # ordinal 1 was a Monday, so weeks begin on one
    while day <= last:
        at = from_us(to_us(datetime(day.year, day.month, day.day, tzinfo=tz)))
        if start <= at <= end:
            yield at
        day += timedelta(days=days)
