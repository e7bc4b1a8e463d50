"""Times of day, days and zones, as people write them."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta, tzinfo
from datetime import timezone as Offset  # noqa: N812  (a fixed offset is what it is here)
from functools import lru_cache
from itertools import islice

from projections.claims.amounts import MOST, NUMBER, number_of
from projections.claims.vocabulary import any_case, beginnings, listed
from tracker.errors import UsageError
from tracker.text.patterns import lazy_pattern
from tracker.times import zone

ZONES: dict[str, tuple[int | str, ...]] = {
    name.strip(): tuple(int(each) if each.lstrip("-").isdigit() else each for each in meant.split(", "))
    for name, _, meant in (line.partition(" = ") for line in listed("zones"))
}
"""The zones that people name, in minutes east of UTC or as the time zone database calls them; several where it may be either."""
_SHORT = [
    name
    for name in ZONES
    if name.isupper()
    and " " not in name
    and len(name) <= 5
    and name not in ("INDIA", "PARIS", "UK", "JAPAN", "TOKYO")
]
_LONG = sorted((name for name in ZONES if name not in _SHORT), key=len, reverse=True)
_ZONE = (
    r"(?:UTC\s?[+-]\d{1,2}(?::?\d{2})?|GMT\s?[+-]\d{1,2}(?::?\d{2})?|[+-]\d{2}:?\d{2}|"
    + "|".join(sorted(_SHORT, key=len, reverse=True))
    + r"|utc|gmt|z|(?:Africa|America|Asia|Atlantic|Australia|Europe|Indian|Pacific)/[A-Z][A-Za-z_]+"
    + rf"|(?i:{'|'.join(_LONG)})(?=(?:\s+(?:summer\s+|standard\s+|daylight\s+)?time)?\b)(?:(?i:\s+(?:summer\s+|standard\s+|daylight\s+)?time))?)(?![\w/])"
)
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = (
    r"(?P<{0}>jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?"
    r"|dec(?:ember)?)\.?"
)
_DATE = any_case(
    r"(?<![\w-])(?:(?P<iso>\d{4}-\d{2}-\d{2})"
    rf"|(?P<d1>\d{{1,2}})(?:st|nd|rd|th)?\.?\s+(?:of\s+)?{_MONTH.format('m1')}(?:,?\s+(?P<y1>\d{{4}})(?!:))?"
    rf"|{_MONTH.format('m2')}\s+(?P<d2>\d{{1,2}})(?:st|nd|rd|th)?(?:,?\s+(?P<y2>\d{{4}})(?!:))?)(?![\d:])"
)
_ISO_DATE = lazy_pattern(r"\d{4}-\d")
_TAIL = (
    r"(?:\s?(?P<half>[ap])\.?\s?m\b\.?)?(?:\s+(?:in the (?P<part>morning|afternoon|evening)|at night))?"
    r"(?P<zone>,?\s?(?:local time,?\s?)?\(?(?-i:" + _ZONE + r")\)?)?"
)
_TIME = any_case(r"(?:(?<=\d\d[Tt])|(?<![\w:.+]))(?<!\d\d-)(?P<hour>\d{1,2})(?:[:.h](?P<minute>[0-5]\d)(?P<second>:[0-5]\d(?:\.\d{1,6})?)?)?"
    + _TAIL + r"(?!\w|:\d)")  # fmt: skip
_HOURS = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]
_MINUTES = {"five": 5, "ten": 10, "quarter": 15, "twenty": 20, "twenty-five": 25, "half": 30}
_NAMED = any_case(
    r"(?:(?:^|(?<=\bat )|(?<=\bto )|(?<=\bby )|(?<=from )|(?<=until )|(?<=around )|(?<=about )|(?<=after )|(?<=before )|(?<=till ))"
    r"(?:(?P<noon>noon|midday)|(?P<midnight>midnight))\b|\b"
    rf"(?:(?:an? )?(?P<head>(?P<minutes>quarter|half|five|ten|twenty|twenty-five)(?: minutes)? (?P<side>to|past)|(?P<figure>{NUMBER}) (?:(?:minutes )?(?P<side2>past)|minutes (?P<side3>to))) "
    rf"(?P<named>{'|'.join(_HOURS)}|1[0-2]|[1-9])|(?<![:.\d])(?P<oclock>{'|'.join(_HOURS)}|1[0-2]|[1-9])(?: o'?clock|(?= in the (?:morning|afternoon|evening)\b| at night\b)))(?!\w|[:.]\d))"
    + _TAIL
)
"""Times in words: noon, a quarter to three, half past two, six o'clock."""
_ANY_NAMED = any_case(r"noon|midday|midnight| to | past |clock")
"""What a time in words has at least one of."""
_ANY_ZONE = lazy_pattern(r"(?<![\w/])" + _ZONE)
_LONG_NAMED = any_case(rf"\b(?:{'|'.join(_LONG)})\b(?!\s+(?:summer\s+|standard\s+|daylight\s+)?time)")
_UNKNOWN_ZONE = lazy_pattern(
    r"\s?\(?[A-Z]{2,4}T\b\)?|\s?\(?[A-Z][a-z]+(?:[ /][A-Z][a-z]+)? time\b|\s?local(?: time)?\b"
)
_STAMP_GAP = lazy_pattern(r"(?:T|t|\s|,|\sat\s|\s[-–|]\s|\(?\w*day\)?)*$")


@lru_cache(maxsize=256)
def offsets_of(text: str) -> tuple[tzinfo, ...]:
    """Return the zones that are written so; none if it is no zone."""
    text = re.sub(r"\blocal time\b", "", text).strip(" (),")
    name = re.sub(r"\s+(?:standard\s+|daylight\s+)?time$", "", text, flags=re.IGNORECASE).upper()
    name = name.removesuffix(" TIME")
    if name in ZONES:
        return tuple(_zone(each) for each in ZONES[name])
    if "/" in text:
        try:
            return (zone(text),)
        except UsageError:
            return ()
    match = re.fullmatch(r"(?:UTC|GMT)?\s?([+-])(\d{1,2}):?(\d{2})?", text, re.IGNORECASE)
    minutes = int(match[2]) * 60 + int(match[3] or 0) if match else -1
    if match is None or minutes > 14 * 60 or minutes % 15:
        return ()
    return (Offset(timedelta(minutes=-minutes if match[1] == "-" else minutes)),)


def _zone(named: int | str) -> tzinfo:
    if isinstance(named, str):
        return zone(named)
    return Offset(timedelta(minutes=named)) if named else UTC


def zones_in(text: str) -> list[tzinfo]:
    """Return the zones that a text names anywhere, in their order."""
    found: list[tzinfo] = []
    for match in _ANY_ZONE.finditer(text):
        before = text[max(match.start() - 6, 0) : match.start()]
        if match[0][0] in "+-" and not re.search(r"\d(?:\s?[ap]m)?\s?$", before):
            continue
        if match[0] in ("Z", "z") and not before[-1:].isdigit():
            continue
        plain = match[0].upper() in _LONG and " TIME" not in match[0].upper()
        if plain and not re.search(
            r"\d(?:\s?[ap]\.?m\.?)?,?\s$|(?:times are|in)\s$",
            text[max(match.start() - 12, 0) : match.start()],
        ):
            continue
        found += [each for each in offsets_of(match[0]) if each not in found]
    if re.search(r"\d(?::\d\d)?Z\b", text) and UTC not in found:
        found.append(UTC)
    return found


def dates_in(text: str, years: Sequence[int] = ()) -> list[tuple[int, int, date]]:
    """Return the calendar dates in a text, with where they stand; those without a year only where one is given."""
    found: list[tuple[int, int, date]] = []
    if not _may_have_date(text):
        return found
    for match in _DATE.finditer(text):
        month = (match["m1"] or match["m2"] or "")[:3].lower()
        written = match["y1"] or match["y2"]
        for year in [int(written)] if written else years:
            try:
                day = (
                    date.fromisoformat(match["iso"])
                    if match["iso"]
                    else date(year, MONTHS.index(month) + 1, int(match["d1"] or match["d2"]))
                )
            except ValueError:
                continue
            found.append((match.start(), match.end(), day))
        if match["iso"] and not years:
            with_iso = _iso(match["iso"])
            found += [(match.start(), match.end(), with_iso)] if with_iso else []
    return list(dict.fromkeys(found))


def _may_have_date(text: str) -> bool:
    return not beginnings(text).isdisjoint(MONTHS) or ("-" in text and _ISO_DATE.search(text) is not None)


def _iso(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


@dataclass(frozen=True)
class Clock:
    """A time of day as written, to `grain` seconds; `day` and `zones` where they were written with it.

    `either` says that it may be of the morning or of the afternoon, `unknown` that its zone is not understood.
    """

    hour: int
    minute: int
    second: float
    grain: float
    day: date | None
    zones: tuple[tzinfo, ...]
    either: bool
    start: int
    end: int
    words: str
    unknown: bool = False

    def instants(self, zones: Sequence[tzinfo], days: Sequence[date]) -> list[datetime]:
        """Return the instants that may be meant."""
        found = []
        for offset in self.zones or zones:
            for day in [self.day] if self.day else days:
                for hour in (self.hour, self.hour + 12) if self.either else (self.hour,):
                    second = int(self.second)
                    try:
                        local = datetime(
                            day.year, day.month, day.day, hour % 24, self.minute, second,
                            round((self.second - second) * 1e6) % 1_000_000, tzinfo=offset,
                        )  # fmt: skip
                        found.append(local.astimezone(UTC))
                    except (ValueError, OverflowError):
                        continue
        return [] if self.unknown else found


@lru_cache(maxsize=256)
def clocks(text: str) -> tuple[Clock, ...]:
    """Find the times of day in a text."""
    dates = dates_in(text)
    found = list(_in_words(text, dates))
    taken = [(each.start, each.end) for each in found]
    for match in islice(_TIME.finditer(text), 4 * MOST):
        if len(found) >= MOST:
            break
        hour, half = int(match["hour"]), match["half"]
        if any(start < match.end() and match.start() < end for start, end in taken):
            continue
        if (match["minute"] is None and half is None) or hour > 23 or (half and not 1 <= hour <= 12):
            continue
        separator = text[match.end("hour")] if match["minute"] else ":"
        if separator == "." and half is None and not match["zone"]:
            continue
        if separator.lower() == "h" and re.match(r"\s*(?:m|min)", text[match.end() :], re.IGNORECASE):
            continue
        second = float((match["second"] or ":0")[1:])
        grain = 1.0 if match["second"] else 60.0 if match["minute"] else 3600.0
        either = half is None and match["part"] is None and 1 <= hour <= 11 and len(match["hour"]) == 1
        clock = _made(
            text,
            match,
            dates,
            _hour(hour, half, match["part"]),
            int(match["minute"] or 0),
            second,
            grain,
            either,
        )
        rest = text[clock.end + 1 : clock.end + 20] if clock.end != match.end() else ""
        found.append(clock)
        if rest:
            shift = clock.end + 1
            found += [
                replace(each, start=shift + each.start, end=shift + each.end) for each in clocks(rest)[:1]
            ]
    return tuple(sorted(found, key=lambda each: each.start))


def _hour(hour: int, half: str | None, part: str | None) -> int:
    """Return the hour of the day, by "pm" or "in the afternoon"."""
    if half:
        return hour % 12 + (12 if half in "pP" else 0)
    if part and part.lower() != "morning" and hour < 12:
        return hour + 12
    return hour


def _made(
    text: str,
    match: re.Match[str],
    dates: list[tuple[int, int, date]],
    hour: int,
    minute: int,
    second: float,
    grain: float,
    either: bool,
) -> Clock:
    day, begin = None, match.start()
    for start, end, on in dates:
        if end <= match.start() and _STAMP_GAP.fullmatch(text[end : match.start()]):
            day, begin = on, start
    if day is None and (after := re.match(r"\s*,?\s*(?:on|,)\s+(?:\w+day,?\s+)?", text[match.end() :])):
        day = next((on for start, _, on in dates if start == match.end() + after.end()), None)
    stop, offsets = match.end(), offsets_of(match["zone"]) if match["zone"] else ()
    if match["zone"] and (not offsets or day is None) and _is_end_of_range(match, bool(offsets)):
        offsets, stop = (), match.start("zone")
    unknown = not offsets and stop == match.end() and _UNKNOWN_ZONE.match(text, match.end()) is not None
    return Clock(
        hour, minute, second, grain, day, offsets, either, begin, stop, text[begin:stop].strip(), unknown
    )


def _is_end_of_range(match: re.Match[str], is_zone: bool) -> bool:
    """Whether what looks like an offset is where a span ends: 14:45-15:10.

    03:10-05:00 can be both; without a date before it and seconds in it, it is taken for a span.
    """
    raw = match["zone"]
    if raw[0] != "-" or len(raw) < 6:
        return False
    later = (int(raw[1:3]), raw[4:6]) > (int(match["hour"]), match["minute"])
    return not is_zone or (match["second"] is None and later)


def _in_words(text: str, dates: list[tuple[int, int, date]]) -> Iterator[Clock]:
    """Find times that are written without digits; of twelve hours, unless they say which half of the day."""
    if not _ANY_NAMED.search(text):
        return
    for match in islice(_NAMED.finditer(text), MOST):
        if match["noon"] or match["midnight"]:
            yield _made(text, match, dates, 12 if match["noon"] else 0, 0, 0.0, 60.0, False)
            continue
        named = (match["named"] or match["oclock"]).lower()
        hour = (_HOURS.index(named) + 1 if named in _HOURS else int(named)) % 12
        minute = 0
        if match["head"]:
            minute = (
                _MINUTES[match["minutes"].lower()] if match["minutes"] else int(number_of(match["figure"]))
            )
            if (match["side"] or match["side2"] or match["side3"]).lower() == "to":
                hour, minute = (hour - 1) % 12, 60 - minute
        if minute > 59:
            continue
        either = match["half"] is None and match["part"] is None
        yield _made(text, match, dates, _hour(hour, match["half"], match["part"]), minute, 0.0, 60.0, either)
