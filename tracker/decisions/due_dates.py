"""The days that people promise things by: "by tomorrow" becomes a date, and what is no day is refused.

A day is a day of the zone in which it was typed, and a promise is kept until that day's end there.
"""

import calendar
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from tracker.errors import UsageError

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
MONTHS = (
    *("january", "february", "march", "april", "may", "june", "july"),
    *("august", "september", "october", "november", "december"),
)
FURTHEST = timedelta(days=5 * 366)
"""Beyond that a year was mistyped."""

_NUMBERS = {
    **{"a": 1, "an": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6},
    **{"seven": 7, "eight": 8, "nine": 9, "ten": 10, "twelve": 12},
}
_LEADING = re.compile(r"(by|on|until|till|due|at|the)\s+")
_ISO = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})", re.ASCII)
_IN = re.compile(r"(?:in\s+)?(\d{1,3}|[a-z]+)\s*(day|week|month|d|w)s?(?:\s+from\s+(?:now|today))?", re.ASCII)
_DAY_MONTH = re.compile(r"(\d{1,2})(?:st|nd|rd|th|\.)?\s+(?:of\s+)?([a-z]+)\.?,?(?:\s+(\d{4}))?", re.ASCII)
_MONTH_DAY = re.compile(r"([a-z]+)\.?\s+(\d{1,2})(?:st|nd|rd|th)?,?(?:\s+(\d{4}))?", re.ASCII)
_FIGURES = re.compile(r"(\d{1,2})[/.](\d{1,2})(?:[/.](\d{4}|\d{2}))?\.?", re.ASCII)


@dataclass(frozen=True)
class Due:
    """The day until whose end something is promised; `said` is how it was typed, where that was no date.

    `ends_offset_minutes` is the zone's offset from UTC at that day's end.
    """

    on: date
    said: str | None
    zone_name: str
    ends_offset_minutes: int


def due(text: str, *, at: datetime, zone: tzinfo | None, option: str = "--due") -> Due:
    """Read a day as a person promises it, counted from `at` in a zone; without one in UTC.

    Raises:
        UsageError: If it is no day, could be two, or is over.
    """
    here = zone or UTC
    today = at.astimezone(here).date()
    raw = " ".join(text.split())
    word = _bare(raw)
    try:
        on = _date(word, today) or _said(word, today, option)
    except OverflowError:
        on = None
    if on is None:
        raise UsageError(f"{option}: {raw!r} is not a day", hint=_examples(today))
    if on < today:
        raise UsageError(
            f"{option}: {raw!r} is {spelled(on)}, and that is over: it is {spelled(today)} in {name_of(here)}",
            hint=f"Type a day to come, such as {today + timedelta(days=7)}"
            + ("; if it was promised back then, say when: --at T" if option == "--due" else ""),
        )
    if on - today > FURTHEST:
        raise UsageError(
            f"{option}: {raw!r} is {spelled(on)}, {round((on - today).days / 365.25)} years ahead",
            hint=f"Is the year right? {_examples(today)}",
        )
    said = None if _ISO.fullmatch(raw) else raw
    return Due(on, said, name_of(here), offset_at_end(on, here))


def offset_at_end(on: date, zone: tzinfo) -> int:
    """Return a zone's offset from UTC, in minutes, when a day ends there."""
    midnight = datetime.combine(on + timedelta(days=1), time(), tzinfo=zone)
    offset = midnight.utcoffset() or timedelta()
    return round(offset.total_seconds() / 60)


def name_of(zone: tzinfo) -> str:
    """Return what people call a zone."""
    return str(getattr(zone, "key", None) or ("UTC" if zone is UTC else zone))


def spelled(on: date) -> str:
    """Write a day in full: Friday 2026-11-27."""
    return f"{WEEKDAYS[on.weekday()].capitalize()} {on.isoformat()}"


def _bare(raw: str) -> str:
    """Strip what stands before a day: "by", "until", "the"."""
    word = raw.lower().strip(" .!")
    while match := _LEADING.match(word):
        word = word[match.end() :]
    return word


def _date(word: str, today: date) -> date | None:
    """Read a calendar date; one without a year is the next there is."""
    if match := _ISO.fullmatch(word):
        return _made(int(match[1]), int(match[2]), int(match[3]))
    if match := _DAY_MONTH.fullmatch(word):
        month = _named(match[2], MONTHS)
        return _dated(month, int(match[1]), match[3], today) if month is not None else None
    if match := _MONTH_DAY.fullmatch(word):
        month = _named(match[1], MONTHS)
        return _dated(month, int(match[2]), match[3], today) if month is not None else None
    return None


def _dated(month: int, day: int, year: str | None, today: date) -> date | None:
    if year is not None:
        return _made(int(year), month + 1, day)
    # The 29th of February may be up to eight years away.
    years = (_made(today.year + n, month + 1, day) for n in range(9))
    return next((found for found in years if found is not None and found >= today), None)


def _made(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _said(word: str, today: date, option: str) -> date | None:
    if word in _WORDS:
        return _WORDS[word](today)
    if match := _IN.fullmatch(word):
        count = int(match[1]) if match[1].isdigit() else _NUMBERS.get(match[1])
        if count is not None:
            return _later(today, count, match[2][0])
    month = _named(word.removeprefix("end of "), MONTHS) if word.startswith("end of ") else None
    if month is not None:
        return _end_of_month(today, (month + 1 - today.month) % 12)
    _refuse_ambiguous(word, today, option)
    following, _, name = word.rpartition(" ")
    weekday = _named(name, WEEKDAYS)
    if weekday is None or following not in ("", "this", "next"):
        return None
    # Said on a Friday, "friday" is the one to come: of today people say today.
    if following == "":
        return today + timedelta(days=(weekday - today.weekday() - 1) % 7 + 1)
    monday = today - timedelta(days=today.weekday())
    return monday + timedelta(days=weekday, weeks=following == "next")


def _refuse_ambiguous(word: str, today: date, option: str) -> None:
    """Refuse what two people would read as two days, with both to type."""
    readings: list[date | None] = []
    if match := _FIGURES.fullmatch(word):
        year = match[3]
        pairs = ((int(match[1]), int(match[2])), (int(match[2]), int(match[1])))
        full = None if year is None else year if len(year) == 4 else f"20{year}"
        readings = [_dated(month - 1, day, full, today) for day, month in pairs if 1 <= month <= 12]
    elif word in ("end of week", "end of the week", "end of this week", "eow", "this week"):
        friday = today + timedelta(days=(4 - today.weekday()) % 7)
        readings = [friday, friday + timedelta(days=2)]
    elif word in ("next week", "end of next week"):
        monday = today + timedelta(days=7 - today.weekday())
        readings = [monday, monday + timedelta(days=4)]
    found = sorted({each for each in readings if each is not None})
    if found:
        raise UsageError(
            f"{option}: {word!r} could be more than one day",
            hint="Type the one you mean: " + " or ".join(f"{each} ({each:%A})" for each in found),
        )


def _later(today: date, count: int, unit: str) -> date:
    if unit == "d":
        return today + timedelta(days=count)
    if unit == "w":
        return today + timedelta(weeks=count)
    month = today.month - 1 + count
    year, month = today.year + month // 12, month % 12 + 1
    return date(year, month, min(today.day, calendar.monthrange(year, month)[1]))


def _end_of_month(today: date, later: int = 0) -> date:
    first = _later(today.replace(day=1), later, "m")
    return first.replace(day=calendar.monthrange(first.year, first.month)[1])


def _end_of_quarter(today: date) -> date:
    return _end_of_month(today, (3 - today.month) % 3)


_WORDS: dict[str, Callable[[date], date]] = {
    **dict.fromkeys(("today", "tonight", "end of day", "end of today", "eod"), lambda today: today),
    **dict.fromkeys(("tomorrow", "end of tomorrow"), lambda today: today + timedelta(days=1)),
    "day after tomorrow": lambda today: today + timedelta(days=2),
    "yesterday": lambda today: today - timedelta(days=1),
    **dict.fromkeys(("end of month", "end of the month", "end of this month", "eom"), _end_of_month),
    "end of next month": lambda today: _end_of_month(today, 1),
    **dict.fromkeys(("end of quarter", "end of the quarter", "end of this quarter", "eoq"), _end_of_quarter),
    **dict.fromkeys(
        ("end of year", "end of the year", "end of this year", "eoy"),
        lambda today: date(today.year, 12, 31),
    ),
}


def _named(word: str, names: tuple[str, ...]) -> int | None:
    """Return which name a word is, or begins with three letters or more of."""
    found = [n for n, name in enumerate(names) if name == word or (len(word) >= 3 and name.startswith(word))]
    return found[0] if len(found) == 1 else None


def _examples(today: date) -> str:
    week = today + timedelta(days=7)
    return (
        f'Type the date, {week}, or: tomorrow, friday, "next friday", "in 2 weeks", "end of month", "1 dec"'
    )
