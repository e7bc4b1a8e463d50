"""Due dates as people type them: a date, a weekday, "in 2 weeks".

A day is one of the zone in which it was typed, and ends there at midnight.
"""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from tracker.errors import UsageError

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
FURTHEST = timedelta(days=5 * 366)
"""Beyond that the year is a typing error."""

_ISO = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_IN = re.compile(r"in (\d{1,3}|a) (day|week)s?", re.ASCII)
_WEEKDAY = re.compile(r"(next )?([a-z]{3,9})", re.ASCII)


@dataclass(frozen=True)
class Due:
    """The day at whose end something is due; `said` is how it was typed, unless that was a date.

    `ends_offset_minutes` is the zone's offset from UTC at the end of that day.
    """

    on: date
    said: str | None
    zone_name: str
    ends_offset_minutes: int


def due(text: str, *, at: datetime, zone: tzinfo | None, option: str = "--due") -> Due:
    """Parse a day, counted from `at` in a zone; without one in UTC.

    Raises:
        UsageError: If it is not a day, is past, or is more than five years ahead.
    """
    here = zone or UTC
    today = at.astimezone(here).date()
    raw = " ".join(text.split())
    on = _day(raw.lower().rstrip(".").removeprefix("by "), today)
    example = today + timedelta(days=7)
    if on is None:
        raise UsageError(
            f"{option}: {raw!r} is not a day",
            hint=f'Type the date, {example}, or: today, tomorrow, friday, "next friday", "in 2 weeks"',
        )
    if on < today:
        raise UsageError(
            f"{option}: {raw!r} is {spelled(on)}, which is past: today is {spelled(today)} in {name_of(here)}",
            hint=f"Type a later day, such as {example}"
            + ("; to record an earlier promise, add when it was made: --at T" if option == "--due" else ""),
        )
    if on - today > FURTHEST:
        raise UsageError(
            f"{option}: {raw!r} is {round((on - today).days / 365.25)} years ahead",
            hint=f"Is the year right? Type the date, such as {example}",
        )
    return Due(on, None if _ISO.fullmatch(raw) else raw, name_of(here), offset_at_end(on, here))


def _day(word: str, today: date) -> date | None:
    if word in ("today", "tomorrow"):
        return today + timedelta(days=word == "tomorrow")
    if _ISO.fullmatch(word):
        try:
            return date.fromisoformat(word)
        except ValueError:
            return None
    if match := _IN.fullmatch(word):
        count = 1 if match[1] == "a" else int(match[1])
        return today + timedelta(days=count * (7 if match[2] == "week" else 1))
    if match := _WEEKDAY.fullmatch(word):
        weekdays = [number for number, name in enumerate(WEEKDAYS) if name.startswith(match[2])]
        if weekdays and match[1]:  # of the calendar week after this one
            return today + timedelta(days=7 - today.weekday() + weekdays[0])
        if weekdays:  # never today itself
            return today + timedelta(days=(weekdays[0] - today.weekday() - 1) % 7 + 1)
    return None


def offset_at_end(on: date, zone: tzinfo) -> int:
    """Return a zone's offset from UTC, in minutes, at the end of a day there."""
    midnight = datetime.combine(on + timedelta(days=1), time(), tzinfo=zone)
    return round((midnight.utcoffset() or timedelta()).total_seconds() / 60)


def name_of(zone: tzinfo) -> str:
    return str(getattr(zone, "key", None) or ("UTC" if zone is UTC else zone))


def spelled(on: date) -> str:
    """Write a day in full: Friday 2026-11-27."""
    return f"{WEEKDAYS[on.weekday()].capitalize()} {on.isoformat()}"
