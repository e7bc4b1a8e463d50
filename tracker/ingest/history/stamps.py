"""Dates and times at the start of a line of a post-mortem, as exact as they are written.

`14:??`, a day alone, `HH:mm` and a range are spans; what looks like a date and is none is refused with the reason.
"""

import re
from calendar import monthrange
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta

from tracker.clock_text import ClockTextError, read_clock
from tracker.errors import UsageError
from tracker.ingest.notes.days import WrittenDay, read_day, resolved
from tracker.text.patterns import lazy_pattern
from tracker.zone_names import BLANK, ZoneName

_ABOUT = lazy_pattern(
    rf"(?:~|≈|(?:about|around|approx(?:imately|\.)?|ca\.?|circa|roughly|c\.)(?=\W)){BLANK}*", re.IGNORECASE
)
_ABOUT_MINUTES = timedelta(minutes=15)
_BLURRED = r"[?xX_-]{2}"
_MASKED_DAY = lazy_pattern(
    rf"(?P<year>\d{{4}})(?:/(?P<year2>\d{{2}})(?=-))?(?P<mark>[-/.])(?P<month>\d{{1,2}}|{_BLURRED}|MM)(?P=mark)"
    rf"(?P<day>\d{{1,2}}|{_BLURRED}|DD|dd)(?!\d)"
)
_TOO_LONG = lazy_pattern(r"\d{5,}[-/.]\d{1,2}[-/.]\d{1,2}")
_BLURRED_TIME = lazy_pattern(
    r"(?P<hour>\d{1,2}|[?xX-]{1,2}|HH|hh):(?P<minute>[?xX-]{2}|mm|MM)(?::(?:[?xX-]{2}|ss))?(?!\w)"
)
_LOOSE_TIME = lazy_pattern(
    r"(?P<hour>[01]?\d|2[0-3])[.h](?P<minute>[0-5]\d)(?![\d.])|(?P<hour4>[01]\d|2[0-3])(?P<minute4>[0-5]\d)(?!\d)(?:\s*(?:hrs?|h)\b)?"
)
_ENDS = lazy_pattern(r"\s*(?:$|[-–—:|,;)*\]]|[A-Z]{3,4}\b)")
"""What may follow a time without a colon, such as 1600."""
_RANGE = lazy_pattern(
    rf"(?P<start>\d{{1,2}}:\d{{2}}(?::\d{{2}})?){BLANK}*(?:-|–|—|to|until|till){BLANK}*(?P<end>\d{{1,2}}:(?:\d{{2}}|\?\?)(?::\d{{2}})?)(?!\d)"
)
_AT = lazy_pattern(rf"(?:T(?=\d)|(?:,|{BLANK})*(?:(?:at|@|um|kl\.?){BLANK}+)?)")
_AFTER = lazy_pattern(
    rf"{BLANK}*(?:~(?=\W|$))?{BLANK}*[\])*_]*{BLANK}*(?:[:;|,.]|[-–—>]+(?=\s|\*|$))*{BLANK}*"
)


class StampError(Exception):
    """A text looks like a time, and it is not clear which."""


@dataclass(frozen=True)
class Stamp:
    """A local time: at `start`, or from `start` to `end`. `zone` is what was written behind it.

    `day` is its calendar day, for lines below that name only a clock time; `has_day` whether the line names it.
    """

    start: datetime
    end: datetime | None = None
    zone: ZoneName | None = None
    is_about: bool = False
    has_clock: bool = True
    has_day: bool = True

    @property
    def day(self) -> date:
        return self.start.date()


def read_stamp(
    text: str, *, day: date | None = None, near: date | None = None, order: str | None = None
) -> tuple[Stamp, str] | None:
    """Take a day, a time or both off the start of a text; None if it begins with neither.

    A clock time alone is one of `day`; without a day it is none. A day that names no year is the one nearest
    to `near`. `order` is how the file writes 5/3.

    Raises:
        StampError: If it begins like a time, and is none, or may be two.
    """
    body = text.lstrip("*_[(` \t")
    about = _ABOUT.match(body)
    body = body[about.end() :] if about else body
    if found := _TOO_LONG.match(body):
        raise StampError(f"{found[0]!r} is not a date")
    days = _days(body, order, near)
    if days is not None:
        first, last, body = days
        body = body[_AT.match(body).end() :]  # type: ignore[union-attr]  # it matches nothing too
        stamp, rest = _with_time(first, last, body, is_day_said=True)
    elif day is not None:
        stamp, rest = _with_time(day, day, body, is_day_said=False)
        if not stamp.has_clock:
            return None
        stamp = replace(stamp, has_day=False)
    else:
        return None
    after = _AFTER.match(rest)
    assert after is not None
    is_about = bool(about) or "~" in after[0]
    return replace(stamp, is_about=is_about), rest[after.end() :]


def _days(text: str, order: str | None, near: date | None) -> tuple[date, date, str] | None:
    """Read a day, or the days that a half-known date may be; the rest of the text."""
    if match := _MASKED_DAY.match(text):
        year, rest = int(match["year"]), text[match.end() :]
        last_year = int(f"{year // 100}{match['year2']}") if match["year2"] else year
        if not match["month"].isdigit():
            return date(year, 1, 1), date(last_year, 12, 31), rest
        month = int(match["month"])
        if not 1 <= month <= 12:
            raise StampError(f"{match[0]!r} is not a date")
        if not match["day"].isdigit():
            return date(year, month, 1), date(last_year, month, monthrange(last_year, month)[1]), rest
        try:
            first = date(year, month, int(match["day"]))
        except ValueError as wrong:
            raise StampError(f"{match[0]!r} is not a date") from wrong
        return first, first, rest
    found = read_day(text)
    if found is None:
        return None
    written, rest = found
    if written.word:
        if re.match(r"\W{1,3}(?:at )?\d{1,2}:\d{2}", rest):
            raise StampError(f"which day is {written.written!r}?")
        return None
    if written.year is None and near is None:
        raise StampError(f"{written.written!r} names no year")
    try:
        known = resolved(
            _certain(written, order), order, None, near, near or date(written.year or 1970, 1, 1)
        )
    except UsageError as wrong:
        raise StampError(wrong.message) from wrong
    return known, known, rest


def _certain(day: WrittenDay, order: str | None) -> WrittenDay:
    if day.is_certain or order is not None or day.numbers[0] == day.numbers[1]:
        return day
    raise StampError(f"{day.written} can be day/month or month/day")


def _with_time(first: date, last: date, text: str, *, is_day_said: bool) -> tuple[Stamp, str]:
    """Add the time of day that a text begins with; without one the stamp is the whole day, or days."""
    whole = Stamp(_at(first), _at(last, 23, 59), has_clock=False)
    if match := _RANGE.match(text):
        start, end = _clock(match["start"]), match["end"]
        until = _clock(end.replace("??", "59"))
        begins, ends = datetime.combine(first, start), datetime.combine(last, until)
        zone, rest = _zone_after(text[match.end() :])
        return Stamp(begins, ends if ends > begins else ends + timedelta(days=1), zone), rest
    if match := _BLURRED_TIME.match(text):
        rest = text[match.end() :]
        if match["hour"].isdigit() and first == last:
            hour = int(match["hour"])
            if hour > 23:
                raise StampError(f"{match[0]!r} is not a time of day")
            return Stamp(_at(first, hour), _at(first, hour, 59)), rest
        return replace(whole, has_clock=is_day_said), rest
    if re.match(r"-{1,2}:-{1,2}|\?+(?=\W)", text):
        return replace(whole, has_clock=is_day_said), re.sub(r"^[-:?]+", "", text)
    try:
        clock = read_clock(text)
    except ClockTextError as wrong:
        # What follows the time is the line's own text; the time by itself is tried once more.
        alone = re.match(rf"\d{{1,2}}:\d{{2}}(?::\d{{2}})?(?:{BLANK}*[ap]\.?m\b\.?)?", text, re.IGNORECASE)
        if alone is None or not re.match(rf"{BLANK}*[:;|\])]|{BLANK}+[-–—]+{BLANK}|$", text[alone.end() :]):
            raise StampError(f"the time {wrong.problem}") from wrong
        try:
            clock = read_clock(alone[0])
        except ClockTextError as still:
            raise StampError(f"the time {still.problem}") from still
        clock = (clock[0], text[alone.end() :]) if clock else None
    if clock is not None and not clock[0].day:
        known, rest = clock
        if first != last:
            raise StampError("the day is not known exactly")
        seconds = int(known.second[1:] or 0)
        if seconds > 59:
            raise StampError("the time is not a time of day")
        return Stamp(datetime.combine(first, time(known.hour, known.minute, seconds)), None, known.zone), rest
    if first == last and (match := _LOOSE_TIME.match(text)):
        if not is_day_said or not _ENDS.match(text[match.end() :]):
            raise StampError(f"{match[0].strip()!r} may be a time of day")
        written = match["hour"] or match["hour4"], match["minute"] or match["minute4"]
        return Stamp(_at(first, int(written[0]), int(written[1]))), text[match.end() :]
    return whole, text


def _zone_after(text: str) -> tuple[ZoneName | None, str]:
    """Return the zone behind a range, by reading it behind a time of day."""
    try:
        read = read_clock(f"00:00{text}")
    except ClockTextError:
        return None, text
    return (read[0].zone, read[1]) if read else (None, text)


def _clock(text: str) -> time:
    try:
        return time.fromisoformat(text.zfill(5) if text.count(":") == 1 else text.zfill(8))
    except ValueError as wrong:
        raise StampError(f"{text!r} is not a time of day") from wrong


def _at(day: date, hour: int = 0, minute: int = 0) -> datetime:
    return datetime.combine(day, time(hour, minute))


def spread(stamp: Stamp) -> tuple[datetime, datetime | None]:
    """Return the local times between which it was: of `about 10:45` a quarter of an hour to each side."""
    if stamp.is_about and stamp.end is None:
        return stamp.start - _ABOUT_MINUTES, stamp.start + _ABOUT_MINUTES
    return stamp.start, stamp.end
