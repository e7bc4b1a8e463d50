"""Calendar days as chats write them: 18/11/26, 18. November, Nov 18th, Yesterday.

Whether 5/3 is in March or in May is decided once for a file, by a date that can be read in one way only, or
by the person who reads it. It is never guessed.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from tracker.errors import UsageError
from tracker.text.patterns import lazy_pattern
from tracker.zone_names import BLANK

DATE_ORDERS = ("dmy", "mdy")
_MONTHS = (
    "jan|ene|gen", "feb|fév|fev", "mar|mär|mrt", "apr|avr|abr", "may|mai|mayo|mei|mag|maj", "jun|juin|giu",
    "jul|juil|lug", "aug|aoû|ago", "sep|set", "oct|okt|ott|out", "nov", "dec|dez|déc|dic",
)  # fmt: skip
_WEEKDAYS = (
    "monday|montag|lundi|lunes|lunedì|segunda-feira|maandag", "tuesday|dienstag|mardi|martes|martedì|terça-feira|dinsdag",
    "wednesday|mittwoch|mercredi|miércoles|mercoledì|quarta-feira|woensdag",
    "thursday|donnerstag|jeudi|jueves|giovedì|quinta-feira|donderdag",
    "friday|freitag|vendredi|viernes|venerdì|sexta-feira|vrijdag", "saturday|samstag|samedi|sábado|sabato|zaterdag",
    "sunday|sonntag|dimanche|domingo|domenica|zondag",
)  # fmt: skip
_WORD = r"[^\W\d_]+(?:-feira)?"
_NUMERIC = lazy_pattern(
    rf"(?P<first>\d{{1,4}})(?P<mark>[./-])(?P<second>\d{{1,2}})(?:(?P=mark)(?P<third>\d{{4}}|\d{{1,2}}))?(?![\d/])\.?"
    rf"|(?P<year>\d{{4}})(?:년|年|\.){BLANK}*(?P<month>\d{{1,2}})(?:월|月|\.){BLANK}*(?P<day>\d{{1,2}})(?:일|日|\.)?"
)
_NAMED = lazy_pattern(
    rf"(?:(?P<day1>\d{{1,2}})(?:st|nd|rd|th|er|º|\.)?{BLANK}+(?:de{BLANK}+|of{BLANK}+)?(?P<month1>{_WORD})\.?"
    rf"|(?P<month2>{_WORD})\.?{BLANK}+(?P<day2>\d{{1,2}})(?:st|nd|rd|th)?)(?![\w:])"
    rf"(?:,?{BLANK}+(?:de{BLANK}+)?(?P<year>\d{{4}})(?![\d:]))?"
)
_WEEKDAY_BEFORE = lazy_pattern(rf"(?P<weekday>{_WORD})\.?,?{BLANK}+(?=\w)")
_RELATIVE = lazy_pattern(rf"(?P<word>{_WORD})(?!\w)", re.IGNORECASE)
_YESTERDAY = ("yesterday", "gestern", "hier", "ayer", "ieri", "ontem", "gisteren")
_TODAY = ("today", "heute", "aujourd", "hoy", "oggi", "hoje", "vandaag")
_UNKNOWN = lazy_pattern(
    rf"{_WORD},{BLANK}\d{{1,2}}(?:\.|º|er)?{BLANK}(?:de{BLANK})?{_WORD}\.?(?:{BLANK}(?:de{BLANK})?\d{{4}})?"
)
_HINT = "Name the date of the first line: --date 2026-03-01"


@dataclass(frozen=True)
class WrittenDay:
    """A day as it was written: two numbers in an order that may not be known, or a word.

    `numbers` are day and month where `is_certain`, else as they were written; `year` is None where it names none.
    """

    written: str
    numbers: tuple[int, int] = (0, 0)
    is_certain: bool = False
    year: int | None = None
    weekday: int | None = None
    word: str = ""


def read_day(text: str) -> tuple[WrittenDay, str] | None:
    """Take a day off the start of a text."""
    if match := _NUMERIC.match(text):
        written = match[0]
        if match["year"]:
            numbers = (int(match["day"]), int(match["month"]))
            return WrittenDay(written, numbers, True, int(match["year"])), text[match.end() :]
        first, second, third = int(match["first"]), int(match["second"]), match["third"]
        if len(match["first"]) == 4:
            if third is None:
                return None
            return WrittenDay(written, (int(third), second), True, first), text[match.end() :]
        if len(match["first"]) == 3 or (third is not None and len(third) == 1):
            return None
        if third is None and match["mark"] != "/" and not written.endswith("."):
            return None
        year = None if third is None else int(third) + (2000 if len(third) == 2 else 0)
        # Nobody writes the month first with dots.
        return WrittenDay(written, (first, second), match["mark"] == ".", year), text[match.end() :]
    before = _WEEKDAY_BEFORE.match(text)
    weekday = _weekday(before["weekday"]) if before else None
    # March before Tuesday, which some languages begin alike: mar 1.
    begins = [(0, None), *([(before.end(), weekday)] if before and weekday is not None else [])]
    for begin, named in begins:
        match = _NAMED.match(text, begin)
        month = _month_of(match["month1"] or match["month2"]) if match else None
        if match and month is not None:
            numbers = (int(match["day1"] or match["day2"]), month + 1)
            year = int(match["year"]) if match["year"] else None
            return WrittenDay(text[: match.end()], numbers, True, year, named), text[match.end() :]
    if match := _RELATIVE.match(text):
        word, weekday = match["word"].lower(), _weekday(match["word"], whole=True)
        kind = "yesterday" if word in _YESTERDAY else "today" if word in _TODAY else "weekday"
        if kind != "weekday" or weekday is not None:
            return WrittenDay(match[0], weekday=weekday, word=kind), text[match.end() :]
    return None


def whole_day(line: str) -> WrittenDay | None:
    """Return the day that a line consists of: what divides the days of a chat."""
    day = read_day(line.strip().strip("-–—─ "))
    return day[0] if day and not day[1].strip(" .,") else None


def is_unknown_day(line: str) -> bool:
    """Whether a line looks like a day in a language that is not known here: środa, 18 listopada."""
    return bool(_UNKNOWN.fullmatch(line.strip()))


def _month_of(word: str) -> int | None:
    starts = (
        number for number, names in enumerate(_MONTHS) if word.lower().startswith(tuple(names.split("|")))
    )
    return next(starts, None)


def _weekday(word: str, *, whole: bool = False) -> int | None:
    """Return the number of a weekday; its first letters are enough before a date."""
    word = word.lower()
    for number, names in enumerate(_WEEKDAYS):
        if any(
            word == name or (not whole and len(word) > 1 and name.startswith(word))
            for name in names.split("|")
        ):
            return number
    return None


def order_of(days: Iterable[WrittenDay], first: date | None, order: str | None) -> str | None:
    """Return in which order a file writes day and month; None where it does not matter.

    Raises:
        UsageError: If the dates can be read either way, or cannot be read at all.
    """
    open_days = [day for day in days if not day.is_certain and not day.word]
    if not open_days:
        return order
    fits = [
        known
        for known in DATE_ORDERS
        if all(_month(day, known) <= 12 for day in open_days) and order in (None, known)
    ]
    if not fits:
        raise UsageError(
            f"the dates fit neither day/month nor month/day: {open_days[0].written}",
            hint="Check the file, and --date-order",
        )
    if len(fits) == 2 and all(day.numbers[0] == day.numbers[1] for day in open_days):
        return fits[0]
    if len(fits) == 2 and first is not None:
        known = open_days[0]
        readings = {"dmy": known.numbers, "mdy": (known.numbers[1], known.numbers[0])}
        fits = [one for one in fits if readings[one] == (first.day, first.month)] or fits
    if len(fits) == 2:
        raise UsageError(
            f"{open_days[0].written} can be day/month or month/day",
            hint="Say which: --date-order dmy, or mdy",
        )
    return fits[0]


def _month(day: WrittenDay, order: str) -> int:
    return day.numbers[1] if order == "dmy" else day.numbers[0]


def resolved(
    day: WrittenDay,
    order: str | None,
    before: tuple[WrittenDay, date] | None,
    first: date | None,
    today: date,
) -> date:
    """Return the date of a written day; `before` is the written day above it with its date.

    Raises:
        UsageError: If it is no date, or says only Today, and no day was given for it.
    """
    if day.word:
        return _relative(day, before, first)
    number, month = day.numbers if day.is_certain or order != "mdy" else day.numbers[::-1]
    years = [day.year] if day.year else [today.year - 1, today.year, today.year + 1]
    anchor = before[1] if before else first
    if day.year is None and anchor is not None:
        years = [anchor.year - 1, anchor.year, anchor.year + 1]
    dates = [at for at in (_date(year, month, number) for year in years) if at is not None]
    if day.year is None:
        dates = (
            sorted(dates, key=lambda at: abs(at - anchor))[:1]
            if anchor
            else [at for at in dates if at <= today + timedelta(days=1)][-1:]
        )
    if not dates:
        raise UsageError(f"{day.written} is not a date", hint=_HINT)
    if day.weekday is not None and dates[0].weekday() != day.weekday:
        raise UsageError(f"{dates[0]} is not the weekday that {day.written!r} names", hint=_HINT)
    return dates[0]


def _date(year: int, month: int, number: int) -> date | None:
    try:
        return date(year, month, number)
    except ValueError:
        return None


def _relative(day: WrittenDay, before: tuple[WrittenDay, date] | None, first: date | None) -> date:
    if before is None:
        if first is None or (day.weekday is not None and first.weekday() != day.weekday):
            raise UsageError(f"which day is {day.written!r}?", hint=_HINT)
        return first
    above, at = before
    if (above.word, above.weekday) == (day.word, day.weekday):
        return at
    if day.weekday is not None and above.weekday is not None:
        return at + timedelta(days=(day.weekday - above.weekday) % 7 or 7)
    if (above.word, day.word) == ("yesterday", "today"):
        return at + timedelta(days=1)
    raise UsageError(f"which day is {day.written!r}?", hint="Write its date in place of the word")
