"""Numbers and spans of time, as people write them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from tracker.text.patterns import lazy_pattern

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
    (r"half an? hour|(?:an? )?half[- ]hour", 1800.0, 240.0),
    (r"a couple of minutes", 120.0, 120.0),
)
_DURATION = lazy_pattern(
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
_ONE = lazy_pattern(rf"({_AMOUNT})(?:\s*-\s*|\s*)({_UNIT})", re.IGNORECASE)
_ISO = lazy_pattern(r"(\d+)([HMS])", re.IGNORECASE)
_ABOUT = lazy_pattern(
    r"(?:\babout|\baround|\bapprox(?:\.|imately)?|\broughly|\bsome|~|≈|\bca\.?|\bcirca|\bnearly|\balmost|\bclose to|\bjust (?:under|over))\s*(?:an? )?$",
    re.IGNORECASE,
)
_MOST = lazy_pattern(
    r"(?:\b(?:less|shorter) than|\bunder|\bwithin|\bat most|\bup to|\b(?:no|not) (?:more|longer) than|\bfewer than|\bat the most|<|≤|\bbelow|\bmax(?:imum)?(?: of)?)\s*$",
    re.IGNORECASE,
)
_LEAST = lazy_pattern(
    r"(?:\bmore than|\bover|\bat least|\blonger than|\bno less than|>|≥|\bupwards of|\babove)\s*$",
    re.IGNORECASE,
)
_AFTER_ABOUT = lazy_pattern(r"\s*(?:or so|approximately|approx|-ish)\b", re.IGNORECASE)
_AFTER_MOST = lazy_pattern(r"\s*(?:at (?:the )?most|or less|max(?:imum)?)\b", re.IGNORECASE)
_AFTER_LEAST = lazy_pattern(r"\s*(?:at least|or more|\+)", re.IGNORECASE)


def number_of(text: str) -> float:
    """Read a number in digits or in words."""
    text = text.strip().lower()
    if text in ("a", "an"):
        return 1.0
    if text[:1].isdigit():
        return float(text.replace(",", ""))
    return float(sum(_WORDS[part] for part in re.split(r"[- ]", text)))


@dataclass(frozen=True)
class DurationClaim:
    """A span of time as written: between `low` and `high` seconds, exact to `grain` seconds.

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
"""At most so many durations, and so many times, are read in one sentence."""


_CLOCKED = lazy_pattern(
    r"\b(?:downtime|duration|outage|time to \w+|M?TT[RD])\W{1,5}"
    r"(?P<hours>\d{1,2}):(?P<minutes>[0-5]\d)(?::(?P<seconds>[0-5]\d)|\s?h(?:ours?|rs?)?\b|(?=\W*$))(?![\w:])",
    re.IGNORECASE,
)


def spans(text: str) -> Iterator[DurationClaim]:
    """Find what is written of spans of time."""
    for match in islice(_CLOCKED.finditer(text), MOST):
        total = int(match["hours"]) * 3600.0 + int(match["minutes"]) * 60 + int(match["seconds"] or 0)
        start = match.start("hours")
        yield DurationClaim(
            total,
            total,
            1.0 if int(match["seconds"] or 0) else 60.0,
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
            # Of halves and quarters of an hour people say it of what is a little off.
            share = 0.1 if any(each.isdigit() for each in match[0]) or "hour" not in match[0].lower() else 0.2
            bound, grain = "about", max(grain, share * high, 150.0 if high % 300 == 0 else 0.0)
        elif _MOST.search(before) or _AFTER_MOST.match(after):
            bound = "most"
        elif _LEAST.search(before) or _AFTER_LEAST.match(after):
            bound = "least"
        yield DurationClaim(low, high, grain, match.start(), match.end(), match[0], bound)


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
    """Return how exact a span is: to the minute if in minutes, to half an hour if in whole hours."""
    if unit in "sm":
        grain = _SECONDS[unit]
        return grain / 10 if "." in amount else grain
    if "." in amount:
        return _SECONDS[unit] / 10
    if parts == 1 and amount.lower() in ("a", "an"):
        return _SECONDS[unit] / 4
    return _SECONDS[unit] / 2 if parts == 1 else _SECONDS[unit]
