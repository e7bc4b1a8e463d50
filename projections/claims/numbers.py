"""Numbers, spans of time and times of day, as people write them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta, tzinfo
from datetime import timezone as Offset  # noqa: N812  (a fixed offset is what it is here)
from itertools import islice

from tracker.errors import UsageError
from tracker.times import zone

_UNITS = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
]
_TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
_WORDS = {word: number for number, word in enumerate(_UNITS)} | {
    word: 10 * number for number, word in enumerate(_TENS, start=2)
}
WORD = rf"(?:(?:{'|'.join(_TENS)})(?:[- ](?:{'|'.join(_UNITS[1:10])}))?|{'|'.join(reversed(_UNITS))})"
NUMBER = rf"(?:\d{{1,3}}(?:,\d{{3}})+|\d{{1,9}}(?:\.\d{{1,3}})?|\b{WORD}\b)"

_SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_UNIT = r"(?:minutes?|mins?\b\.?|m(?![a-z])|hours?|hrs?\b|h(?![a-z])|seconds?|secs?\b|s(?![a-z])|days?|d(?![a-z]))"
_AMOUNT = rf"(?:{NUMBER}|\ban?(?=\s(?:hour|minute|day)))"
_PIECE = rf"{_AMOUNT}(?:\s*-\s*|\s*){_UNIT}"
_SPECIAL = (
    (r"three[- ]quarters? of an hour", 2700.0, 300.0),
    (r"(?:an?|one) hour and a half|one and a half hours?", 5400.0, 600.0),
    (r"(?:an? |one )?quarter(?: of an)?[- ]hour|(?:an? |one )?quarter of (?:an|one) hour", 900.0, 150.0),
    (r"half an? hour|(?:an? )?half[- ]hour", 1800.0, 300.0),
    (r"a couple of minutes", 120.0, 120.0),
)
_DURATION = re.compile(
    r"(?<![\w.:,])(?:"
    + "|".join(f"(?P<special{number}>{each[0]})" for number, each in enumerate(_SPECIAL))
    + rf"|(?P<low>\d{{1,6}})(?:\s*{_UNIT})?\s*(?:-|–|—|\bto\b)\s*(?P<high>{_PIECE})"
    + rf"|(?P<low2>\b{WORD}\b)(?:\s*{_UNIT})?\s+to\s+(?P<high2>{_PIECE})"
    + rf"|(?<=between )(?P<low3>{NUMBER})(?:\s*{_UNIT})?\s+and\s+(?P<high3>{_PIECE})"
    + rf"|(?P<pieces>{_PIECE}(?:(?:,?\s+and\s+|,\s+|\s*){_PIECE}){{0,3}})"
    + r"|(?P<iso>PT(?=\d)(?:\d{1,4}H)?(?:\d{1,5}M)?(?:\d{1,6}S)?)"
    + r")(?![\w%])",
    re.IGNORECASE,
)
_ONE = re.compile(rf"({_AMOUNT})(?:\s*-\s*|\s*)({_UNIT})", re.IGNORECASE)
_ISO = re.compile(r"(\d+)([HMS])", re.IGNORECASE)
_ABOUT = re.compile(
    r"(?:\babout|\baround|\bapprox(?:\.|imately)?|\broughly|\bsome|~|≈|\bca\.?|\bcirca|\bnearly|\balmost|\bclose to|\bjust (?:under|over))\s*(?:an? )?$",
    re.IGNORECASE,
)
_MOST = re.compile(
    r"(?:\b(?:less|shorter) than|\bunder|\bwithin|\bat most|\bup to|\b(?:no|not) (?:more|longer) than|\bfewer than|\bat the most|<|≤|\bbelow|\bmax(?:imum)?(?: of)?)\s*$",
    re.IGNORECASE,
)
_LEAST = re.compile(
    r"(?:\bmore than|\bover|\bat least|\blonger than|\bno less than|>|≥|\bupwards of|\babove)\s*$",
    re.IGNORECASE,
)
_AFTER_ABOUT = re.compile(r"\s*(?:or so|approximately|approx|-ish)\b", re.IGNORECASE)
_AFTER_MOST = re.compile(r"\s*(?:at (?:the )?most|or less|max(?:imum)?)\b", re.IGNORECASE)
_AFTER_LEAST = re.compile(r"\s*(?:at least|or more|\+)", re.IGNORECASE)


def number_of(text: str) -> float:
    """Read a number in digits or in words."""
    text = text.strip().lower()
    if text in ("a", "an"):
        return 1.0
    if text[:1].isdigit():
        return float(text.replace(",", ""))
    return float(sum(_WORDS[part] for part in re.split(r"[- ]", text)))


@dataclass(frozen=True)
class Span:
    """A span of time as written: between `low` and `high` seconds, told to `grain` seconds.

    `bound` is "about", "most" or "least" where the writer said so.
    """

    low: float
    high: float
    grain: float
    start: int
    end: int
    words: str
    bound: str = ""

    def fits(self, low: float | None, high: float | None) -> bool:
        """Whether it can be meant of something that took between these."""
        if self.bound == "most":
            return low is None or low < self.high + self.grain
        if self.bound == "least":
            return high is None or high > self.low - self.grain
        return (low is None or self.high + self.grain > low) and (
            high is None or self.low - self.grain < high
        )


MOST = 12
"""So many spans, and so many times, are read in one sentence: nobody tells a story with more."""


_CLOCKED = re.compile(
    r"\b(?:downtime|duration|outage|time to \w+|M?TT[RD])\W{1,5}(?P<hours>\d{1,2}):(?P<minutes>[0-5]\d):(?P<seconds>[0-5]\d)(?![\w:])",
    re.IGNORECASE,
)


def spans(text: str) -> Iterator[Span]:
    """Find what is written of spans of time."""
    for match in islice(_CLOCKED.finditer(text), MOST):
        total = int(match["hours"]) * 3600.0 + int(match["minutes"]) * 60 + int(match["seconds"])
        start = match.start("hours")
        yield Span(
            total,
            total,
            1.0 if match["seconds"] != "00" else 60.0,
            start,
            match.end(),
            text[start : match.end()],
        )
    for match in islice(_DURATION.finditer(text), MOST):
        found = _span(match)
        if found is None:
            continue
        low, high, grain = found
        before, after = text[max(match.start() - 24, 0) : match.start()], text[match.end() : match.end() + 20]
        bound = ""
        if _ABOUT.search(before) or _AFTER_ABOUT.match(after):
            bound, grain = "about", max(grain, 0.1 * high, 150.0 if high % 300 == 0 else 0.0)
        elif _MOST.search(before) or _AFTER_MOST.match(after):
            bound = "most"
        elif _LEAST.search(before) or _AFTER_LEAST.match(after):
            bound = "least"
        yield Span(low, high, grain, match.start(), match.end(), match[0], bound)


def _span(match: re.Match[str]) -> tuple[float, float, float] | None:
    for number, (_, seconds, grain) in enumerate(_SPECIAL):
        if match[f"special{number}"]:
            return seconds, seconds, grain
    if match["iso"]:
        parts = _ISO.findall(match["iso"])
        total = sum(int(amount) * _SECONDS[unit.lower()] for amount, unit in parts)
        return total, total, _grain(parts[-1][1].lower(), parts[-1][0], len(parts)) if parts else 1.0
    for kind in ("", "2", "3"):
        if not match[f"low{kind}"]:
            continue
        high, grain = _pieces(match[f"high{kind}"])
        unit = _ONE.search(match[f"high{kind}"])
        between = re.match(rf"{NUMBER}\s*({_UNIT})", match[0], re.IGNORECASE)
        scale = _SECONDS[(between or unit)[1 if between else 2][0].lower()]  # type: ignore[index]
        low = number_of(match[f"low{kind}"]) * scale
        return (low, high, grain) if low < high else None
    total, grain = _pieces(match["pieces"])
    return total, total, grain


def _pieces(text: str) -> tuple[float, float]:
    parts = _ONE.findall(text)
    total = sum(number_of(amount) * _SECONDS[unit[0].lower()] for amount, unit in parts)
    amount, unit = parts[-1]
    return total, _grain(unit[0].lower(), amount, len(parts))


def _grain(unit: str, amount: str, parts: int) -> float:
    """Say how exactly a span is told: to the minute if in minutes, to half an hour if in whole hours."""
    if unit in "sm":
        grain = _SECONDS[unit]
        return grain / 10 if "." in amount else grain
    if "." in amount:
        return _SECONDS[unit] / 10
    if parts == 1 and amount.lower() in ("a", "an"):
        return _SECONDS[unit] / 4
    return _SECONDS[unit] / 2 if parts == 1 else _SECONDS[unit]


# ── times of day ─────────────────────────────────────────────────────────────

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
_DATE = re.compile(
    r"(?<![\w-])(?:(?P<iso>\d{4}-\d{2}-\d{2})"
    rf"|(?P<d1>\d{{1,2}})(?:st|nd|rd|th)?\.?\s+(?:of\s+)?{_MONTH.format('m1')},?\s+(?P<y1>\d{{4}})"
    rf"|{_MONTH.format('m2')}\s+(?P<d2>\d{{1,2}})(?:st|nd|rd|th)?,?\s+(?P<y2>\d{{4}}))(?!\d)",
    re.IGNORECASE,
)
_TIME = re.compile(
    r"(?:(?<=\d\d[Tt])|(?<![\w:.+]))(?<!\d\d-)(?P<hour>\d{1,2})(?:[:.h](?P<minute>[0-5]\d)(?P<second>:[0-5]\d(?:\.\d{1,6})?)?)?"
    r"(?:\s?(?P<half>[ap])\.?\s?m\b\.?)?(?P<zone>\s?\(?(?-i:" + _ZONE + r")\)?)?(?!\w|:\d)",
    re.IGNORECASE,
)
ANY_ZONE = re.compile(r"(?<![\w/])" + _ZONE)
_STAMP_GAP = re.compile(r"(?:T|t|\s|,|\sat\s|\s[-–|]\s)*$")


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
    found: list[Clock] = []
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
    return found
