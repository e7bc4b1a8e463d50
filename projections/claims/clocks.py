"""Times of day, days and zones, as people write them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta, tzinfo
from datetime import timezone as Offset  # noqa: N812  (a fixed offset is what it is here)
from itertools import islice

from projections.claims.numbers import MOST
from tracker.errors import UsageError
from tracker.text.patterns import lazy_pattern
from tracker.times import zone

_ABBREVIATIONS = {
    "UTC": 0, "GMT": 0, "Z": 0, "WET": 0, "WEST": 60, "BST": 60, "CET": 60, "CEST": 120, "EET": 120, "EEST": 180,
    "MSK": 180, "IST": 330, "JST": 540, "KST": 540, "AEST": 600, "AEDT": 660, "EST": -300, "EDT": -240,
    "CST": -360, "CDT": -300, "MST": -420, "MDT": -360, "PST": -480, "PDT": -420,
}  # fmt: skip
_REGIONAL = {
    "ET": "America/New_York",
    "CT": "America/Chicago",
    "MT": "America/Denver",
    "PT": "America/Los_Angeles",
}
_ZONE = (
    r"(?:UTC\s?[+-]\d{1,2}(?::?\d{2})?|GMT\s?[+-]\d{1,2}(?::?\d{2})?|[+-]\d{2}:?\d{2}|"
    + "|".join(sorted([*_ABBREVIATIONS, *_REGIONAL], key=len, reverse=True))
    + r"|utc|gmt|z|(?:Africa|America|Asia|Atlantic|Australia|Europe|Indian|Pacific)/[A-Z][A-Za-z_]+)(?![\w/])"
)
_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_MONTH = r"(?P<{0}>jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\.?"
_DATE = lazy_pattern(
    r"(?<![\w-])(?:(?P<iso>\d{4}-\d{2}-\d{2})"
    rf"|(?P<d1>\d{{1,2}})(?:st|nd|rd|th)?\.?\s+(?:of\s+)?{_MONTH.format('m1')},?\s+(?P<y1>\d{{4}})"
    rf"|{_MONTH.format('m2')}\s+(?P<d2>\d{{1,2}})(?:st|nd|rd|th)?,?\s+(?P<y2>\d{{4}}))(?!\d)",
    re.IGNORECASE,
)
_TIME = lazy_pattern(
    r"(?:(?<=\d\d[Tt])|(?<![\w:.+]))(?<!\d\d-)(?P<hour>\d{1,2})(?:[:.h](?P<minute>[0-5]\d)(?P<second>:[0-5]\d(?:\.\d{1,6})?)?)?"
    r"(?:\s?(?P<half>[ap])\.?\s?m\b\.?)?(?P<zone>\s?\(?(?-i:" + _ZONE + r")\)?)?(?!\w|:\d)",
    re.IGNORECASE,
)
_HOURS = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]
_NAMED = lazy_pattern(
    r"(?:^|(?<=\bat )|(?<=\bto )|(?<=\bby )|(?<=from )|(?<=until )|(?<=around )|(?<=about )|(?<=after )|(?<=before ))"
    r"(?:(?P<noon>noon|midday)\b|(?P<midnight>midnight)\b"
    r"|(?:(?:an? )?(?P<part>quarter (?:to|past)|half past)|(?P<minutes>five|ten|twenty|twenty-five)(?: minutes)? past)"
    rf" (?P<named>{'|'.join(_HOURS)}|1[0-2]|[1-9])(?!\w|[:.]\d)"
    r"(?:\s?(?P<half>[ap])\.?m\b)?)(?P<zone>\s?\(?(?-i:" + _ZONE + r")\)?)?",
    re.IGNORECASE,
)
_PARTS = {"five": 5, "ten": 10, "quarter": 15, "twenty": 20, "twenty-five": 25, "half": 30}
"""Times in words: noon, a quarter to three, half past two."""
ANY_ZONE = lazy_pattern(r"(?<![\w/])" + _ZONE)
_STAMP_GAP = lazy_pattern(r"(?:T|t|\s|,|\sat\s|\s[-–|]\s)*$")


def offset_of(text: str) -> tzinfo | None:
    """Return the zone that is written so; None if it is none."""
    text = text.strip(" ()")
    upper = text.upper()
    if upper in _ABBREVIATIONS:
        return UTC if not _ABBREVIATIONS[upper] else Offset(timedelta(minutes=_ABBREVIATIONS[upper]))
    named = _REGIONAL.get(upper, text)
    if "/" in named:
        try:
            return zone(named)
        except UsageError:
            return None
    match = re.fullmatch(r"(?:UTC|GMT)?\s?([+-])(\d{1,2}):?(\d{2})?", text, re.IGNORECASE)
    if match is None:
        return None
    minutes = int(match[2]) * 60 + int(match[3] or 0)
    if minutes > 14 * 60 or minutes % 15:
        return None
    return Offset(timedelta(minutes=-minutes if match[1] == "-" else minutes))


def zones_in(text: str) -> list[tzinfo]:
    """Return the zones that a text names anywhere, in their order."""
    found: list[tzinfo] = []
    for match in ANY_ZONE.finditer(text):
        if match[0][0] in "+-" and not re.search(
            r"\d(?:\s?[ap]m)?\s?$", text[max(match.start() - 6, 0) : match.start()]
        ):
            continue
        if match[0] == "Z" and not text[max(match.start() - 1, 0) : match.start()].isdigit():
            continue
        offset = offset_of(match[0])
        if offset is not None and offset not in found:
            found.append(offset)
    if re.search(r"\d(?::\d\d)?Z\b", text) and UTC not in found:
        found.append(UTC)
    return found


def dates_in(text: str) -> list[tuple[int, int, date]]:
    """Return the calendar dates in a text, with where they stand."""
    found = []
    for match in _DATE.finditer(text):
        try:
            if match["iso"]:
                day = date.fromisoformat(match["iso"])
            else:
                month = (match["m1"] or match["m2"])[:3].lower()
                day = date(
                    int(match["y1"] or match["y2"]), _MONTHS.index(month) + 1, int(match["d1"] or match["d2"])
                )
        except ValueError:
            continue
        found.append((match.start(), match.end(), day))
    return found


def _is_end_of_range(match: re.Match[str], offset: tzinfo | None) -> bool:
    """Whether what looks like an offset is where a span ends: 14:45-15:10.

    03:10-05:00 can be both; without a date before it and seconds in it, it is taken for a span.
    """
    raw = match["zone"]
    if raw[0] != "-" or len(raw) < 6:
        return False
    later = (int(raw[1:3]), raw[4:6]) > (int(match["hour"]), match["minute"])
    return offset is None or (match["second"] is None and later)


@dataclass(frozen=True)
class Clock:
    """A time of day as written, to `grain` seconds; `day` and `zone` where they were written with it.

    `either` says that it may be of the morning or of the afternoon.
    """

    hour: int
    minute: int
    second: float
    grain: float
    day: date | None
    zone: tzinfo | None
    either: bool
    start: int
    end: int
    words: str

    def instants(self, zones: list[tzinfo], days: list[date]) -> list[datetime]:
        """Return the instants that may be meant."""
        found = []
        for offset in [self.zone] if self.zone is not None else zones:
            for day in [self.day] if self.day else days:
                for hour in (self.hour, self.hour + 12) if self.either else (self.hour,):
                    second = int(self.second)
                    try:
                        local = datetime(
                            day.year, day.month, day.day, hour, self.minute, second,
                            round((self.second - second) * 1e6) % 1_000_000, tzinfo=offset,
                        )  # fmt: skip
                        found.append(local.astimezone(UTC))
                    except (ValueError, OverflowError):
                        continue
        return found


def clocks(text: str) -> list[Clock]:
    """Find the times of day in a text."""
    dates = dates_in(text)
    found: list[Clock] = list(_in_words(text, dates))
    for match in islice(_TIME.finditer(text), 4 * MOST):
        if len(found) >= MOST:
            break
        hour, half = int(match["hour"]), match["half"]
        if match["minute"] is None and half is None:
            continue
        separator = text[match.end("hour")] if match["minute"] else ":"
        if separator == "." and half is None and not match["zone"]:
            continue
        if separator.lower() == "h" and re.match(r"\s*(?:m|min)", text[match.end() :], re.IGNORECASE):
            continue
        if hour > 23 or (half and not 1 <= hour <= 12):
            continue
        if half:
            hour = hour % 12 + (12 if half in "pP" else 0)
        second = float((match["second"] or ":0")[1:])
        grain = 1.0 if match["second"] else 60.0 if match["minute"] else 3600.0
        either = half is None and 1 <= hour <= 11 and len(match["hour"]) == 1
        day = next(
            (
                on
                for begin, end, on in dates
                if end <= match.start() and _STAMP_GAP.fullmatch(text[end : match.start()])
            ),
            None,
        )
        if day is None:
            after = re.match(r"\s*,?\s*(?:on|,)\s+", text[match.end() :])
            at = match.end() + after.end() if after else -1
            day = next((on for begin, _, on in dates if begin == at), None)
        begin = (
            next((b for b, e, on in dates if on == day and e <= match.start()), match.start())
            if day
            else match.start()
        )
        stop = match.end()
        offset = offset_of(match["zone"]) if match["zone"] else None
        if match["zone"] and (offset is None or day is None) and _is_end_of_range(match, offset):
            offset, stop = None, match.start("zone")
        found.append(
            Clock(
                hour,
                int(match["minute"] or 0),
                second,
                grain,
                day,
                offset,
                either,
                begin,
                stop,
                text[begin:stop].strip(),
            )
        )
        if stop != match.end():
            found += [
                replace(each, start=stop + 1 + each.start, end=stop + 1 + each.end)
                for each in clocks(text[stop + 1 : stop + 20])[:1]
            ]
    return sorted(found, key=lambda each: each.start)


def _in_words(text: str, dates: list[tuple[int, int, date]]) -> Iterator[Clock]:
    """Find times that are written without digits; of twelve hours, unless they say which half of the day."""
    for match in islice(_NAMED.finditer(text), MOST):
        minute, either = 0, False
        if match["noon"] or match["midnight"]:
            hour = 12 if match["noon"] else 0
        else:
            named = match["named"].lower()
            hour = (_HOURS.index(named) + 1 if named in _HOURS else int(named)) % 12
            part, _, side = (match["part"] or match["minutes"]).lower().partition(" ")
            minute = _PARTS[part]
            if side == "to":
                hour, minute = (hour - 1) % 12, 60 - minute
            either = match["half"] is None
            hour += 12 if match["half"] in ("p", "P") else 0
        day = next((on for _, end, on in dates if _STAMP_GAP.fullmatch(text[end : match.start()])), None)
        offset = offset_of(match["zone"]) if match["zone"] else None
        yield Clock(
            hour, minute, 0.0, 60.0, day, offset, either, match.start(), match.end(), match[0].strip()
        )  # fmt: skip
