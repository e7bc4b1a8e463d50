"""Numbers, spans of time and shares, as people write them, with how exact they are."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice

from projections.claims.vocabulary import any_case

_ONES = [
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
_WORDS = {word: float(n) for n, word in enumerate(_ONES)} | {
    w: 10.0 * n for n, w in enumerate(_TENS, start=2)
}
_WORDS |= {"a": 1.0, "an": 1.0, "single": 1.0, "dozen": 12.0, "no": 0.0, "both": 2.0}
_WORD = rf"(?:(?:{'|'.join(_TENS)})(?:[- ](?:{'|'.join(_ONES[1:10])}))?|{'|'.join(reversed(_ONES))})"
NUMBER = rf"(?:\d{{1,3}}(?:[,\u202f]\d{{3}})+|\d{{1,9}}(?:\.\d{{1,3}})?|\b{_WORD}\b)"
MOST = 12
"""At most so many of each are read in one sentence."""

_SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_UNIT = r"(?:minutes?|mins?\b\.?|m(?![a-z])|hours?|hrs?\b|h(?![a-z])|seconds?|secs?\b|s(?![a-z])|days?|d(?![a-z]))"
_FULL = r"(?:full|good|bare|whole|entire|solid|long|further|more|mere|other)\s*"
_PIECE = rf"(?:{NUMBER}|\ban?(?=[ -](?:{_FULL})?(?:hour|minute|day)))(?:\s+{_FULL})?(?:\s+and\s+a\s+half)?(?:\s*-\s*|\s*){_UNIT}(?:\s+and\s+a\s+half(?!\s+(?:hour|minute)))?"
_SPECIAL = (
    (
        rf"(?:(?P<wholes>{NUMBER}|an?)\s+hours?\s+and\s+)?(?:a\s+|one\s+)?quarter(?:\s+of\s+an)?[- ]hours?",
        900.0,
    ),
    (r"(?:three|3)[- ]quarters?\s+of\s+an\s+hour", 2700.0),
    (r"half\s+an?\s+hour|(?:a\s+|one\s+)?half[- ]hour", 1800.0),
    (r"half\s+a\s+minute", 30.0),
    (r"a\s+couple\s+of\s+minutes", 120.0),
    (r"a\s+couple\s+of\s+hours", 7200.0),
)
_DURATION = any_case(
    r"(?<![\w.:,])(?:"
    + "|".join(f"(?P<special{n}>{text})" for n, (text, _) in enumerate(_SPECIAL))
    + rf"|(?P<low>(?<=between ){NUMBER}(?:\s*{_UNIT})?\s+and|\d{{1,6}}(?:\s*{_UNIT})?\s*(?:-|–|—)|{NUMBER}(?:\s*{_UNIT})?\s+to)\s*(?P<high>{_PIECE})"
    + rf"|(?P<pieces>{_PIECE}(?:(?:,?\s+and\s+|,\s+|\s*){_PIECE}){{0,3}})"
    + r"|(?P<iso>PT(?=\d)(?:\d{1,4}H)?(?:\d{1,5}M)?(?:\d{1,6}S)?)"
    + r")(?![\w%])"
)
_ANY_UNIT = any_case(
    r"min|hour|hrs?|sec|day|(?:\b|\d|_|half|full|whole|entire|solid|long|further|more|mere|other)[smhd](?![a-z])|pt\d|\d:\d"
)
"""What a span of time has at least one of: to look for this first is much faster."""
_CLOCKED = any_case(
    r"\b(?:downtime|duration|outage|time to \w+|M?TT[A-Z])\W{1,5}"
    r"(?P<hours>\d{1,2}):(?P<minutes>[0-5]\d)(?::(?P<seconds>[0-5]\d)|\s?h(?:ours?|rs?)?\b|(?=\W*$))(?![\w:])"
)
_ONE = any_case(
    rf"({NUMBER}|\ban?(?=[ -](?:{_FULL})?(?:hour|minute|day)))(?:\s+{_FULL})?(\s+and\s+a\s+half)?(?:\s*-\s*|\s*)({_UNIT})(\s+and\s+a\s+half)?"
)
_STATUS = any_case(r"[45]\d\ds")
"""Answers of a server ("the 500s") are no seconds."""
_ISO = any_case(r"(\d+)([HMS])")
_BOUNDS = (
    ("about", r"(?:\babout|\baround|\bapprox(?:\.|imately)?|\broughly|\bsome|~|≈|\bca\.?|\bcirca|\bnearly|\balmost|\bclose to|\bnot quite|"
     r"\b(?:just|a bit|a little|slightly) (?:under|over|more than|less than|above|below)|\b(?:the )?(?:best|better|greater|good) part of|\ba good|"
     r"\bmore or less|\bnot even)\s*(?:an? )?$"),
    ("most", r"(?:\b(?:less|shorter|fewer|smaller) than|\bunder|\bwithin|\bat (?:the )?most|\bup to|\b(?:no|not|never) (?:more|longer) than|<|≤|\bbelow|"
     r"\bnever above|\bnever over|\bmax(?:imum)?(?: of)?|\binside|\bby no more than)\s*$"),
    ("least", r"(?:\b(?:more|longer|later) than|\bover|\bat least|\bno (?:less|fewer) than|>|≥|\bupwards of|\babove|\bbeyond|\bexceed\w*)\s*$"),
)  # fmt: skip
_BEFORE = tuple((name, any_case(text)) for name, text in _BOUNDS)
_AFTER = (
    (
        "about",
        any_case(
            r"(?:\s*(?:or so|approximately|approx|-ish)\b|[^;]{0,90}\b(?:give or take|thereabouts|more or less)\b)"
        ),
    ),
    ("most", any_case(r"\s*(?:at (?:the )?most|or less|max(?:imum)?)\b")),
    ("least", any_case(r"\s*(?:at least|or more|\+)")),
)


@dataclass(frozen=True)
class Amount:
    """An amount as written: between `low` and `high`, exact to `grain`; `bound` is about, most or least."""

    low: float
    high: float
    grain: float
    start: int
    end: int
    words: str
    bound: str = ""

    def fits(self, low: float | None, high: float | None) -> bool:
        """Whether it can be meant of something that lies between these."""
        if self.bound == "most":
            return low is None or low < self.high + self.grain
        if self.bound == "least":
            return high is None or high > self.low - self.grain
        return (low is None or self.high + self.grain > low) and (
            high is None or self.low - self.grain < high
        )


def number_of(text: str) -> float:
    """Read a number in digits or in words."""
    text = text.strip().lower()
    if text[:1].isdigit():
        return float(text.replace(",", "").replace("\u202f", ""))
    return float(sum(_WORDS[part] for part in re.split(r"[- ]", text)))


def bound_of(text: str, start: int, end: int) -> str:
    """Return what the words around an amount make of it."""
    before, after = text[max(start - 28, 0) : start], text[end : end + 120]
    for name, pattern in _BEFORE:
        if pattern.search(before):
            return name
    return next((name for name, pattern in _AFTER if pattern.match(after)), "")


@lru_cache(maxsize=1024)
def durations_in(text: str) -> tuple[Amount, ...]:
    """Find what is written of spans of time, in seconds."""
    return tuple(_durations_in(text)) if _ANY_UNIT.search(text) else ()


def _durations_in(text: str) -> Iterator[Amount]:
    for match in islice(_CLOCKED.finditer(text), MOST):
        hours, minutes, seconds = (int(match[name] or 0) for name in ("hours", "minutes", "seconds"))
        total, start = hours * 3600.0 + minutes * 60 + seconds, match.start("hours")
        yield Amount(total, total, 1.0 if seconds else 60.0, start, match.end(), text[start : match.end()])
    for match in islice(_DURATION.finditer(text), MOST):
        span = None if _STATUS.fullmatch(match[0]) else _span(match)
        if span is None:
            continue
        low, high, grain = span
        bound = bound_of(text, match.start(), match.end())
        if bound == "about":
            share = (
                0.15 if any(each.isdigit() for each in match[0]) or "hour" not in match[0].lower() else 0.2
            )
            grain = max(grain, share * high, 150.0 if high % 300 == 0 else 0.0)
        yield Amount(low, high, grain, match.start(), match.end(), match[0], bound)


def _span(match: re.Match[str]) -> tuple[float, float, float] | None:
    for n, (_, seconds) in enumerate(_SPECIAL):
        if match[f"special{n}"]:
            wholes = match["wholes"] if n == 0 else None
            total = seconds + (3600.0 * number_of(wholes) if wholes else 0.0)
            return total, total, total / 6 if seconds < 1000 else max(total / 8, 60.0)
    if match["iso"]:
        parts = _ISO.findall(match["iso"])
        total = sum(int(amount) * _SECONDS[unit.lower()] for amount, unit in parts)
        return total, total, _grain(parts[-1][1].lower(), parts[-1][0], len(parts)) if parts else 1.0
    if match["low"]:
        high, grain = _pieces(match["high"])
        first = re.match(rf"({NUMBER})\s*({_UNIT})?", match["low"], re.IGNORECASE)
        last = _ONE.search(match["high"])
        assert first is not None
        assert last is not None
        low = number_of(first[1]) * _SECONDS[(first[2] or last[3])[0].lower()]
        return (low, high, grain) if low < high else None
    total, grain = _pieces(match["pieces"])
    return total, total, grain


def _pieces(text: str) -> tuple[float, float]:
    parts = _ONE.findall(text)
    total = sum(
        (number_of(n) + 0.5 * bool(half or late)) * _SECONDS[u[0].lower()] for n, half, u, late in parts
    )
    amount, half, unit, late = parts[-1]
    if half or late:
        return total, _SECONDS[unit[0].lower()] / 6
    return total, _grain(unit[0].lower(), amount, len(parts))


def _grain(unit: str, amount: str, parts: int) -> float:
    """Return how exact a span is: to the minute if in minutes, to half an hour if in whole hours."""
    if unit in "sm":
        return _SECONDS[unit] / 10 if "." in amount else _SECONDS[unit]
    if "." in amount:
        return _SECONDS[unit] / 10
    if parts == 1:
        return _SECONDS[unit] / (4 if amount.lower() in ("a", "an", "one") else 2)
    return _SECONDS["m"] if unit == "h" else _SECONDS[unit]


# ── counts ───────────────────────────────────────────────────────────────────

_COUNT = any_case(
    rf"(?<![\w.,:/#-])(?P<number>{NUMBER}|\ba dozen|\ba single\b|\ba(?=\s+(?:hundred|thousand|million)))(?P<hundred>\s+hundred\b)?(?P<thousand>\s?k\b|\s+thousand\b)?(?P<million>\s+million\b)?(?!\w|[:.,/-]?\d|\s?%)"
)


_FUZZY = {"dozens": (24, 250), "hundreds": (100, 2500), "thousands": (1000, 25000), "tens of thousands": (10_000, 250_000), "hundreds of thousands": (1e5, 2.5e6),
          "millions": (1e6, 1e9), "a handful": (2, 9), "several hundred": (200, 950), "several thousand": (2000, 9500), "a few hundred": (200, 950), "a few thousand": (2000, 9500), "a few": (2, 9), "a couple": (2, 3)}  # fmt: skip
_FUZZY_WORDS = any_case(rf"(?<!of )\b({'|'.join(sorted(_FUZZY, key=len, reverse=True))})\b")


def fuzzy_in(text: str) -> Iterator[Amount]:
    """Find numbers that are no more than words: dozens, hundreds, a handful."""
    for match in _FUZZY_WORDS.finditer(text):
        low, high = _FUZZY[match[1].lower()]
        yield Amount(low, high, 0.0, match.start(), match.end(), match[0])


def counts_in(text: str) -> Iterator[tuple[float, int, int]]:
    """Find the plain numbers of a text, with where they stand."""
    for match in islice(_COUNT.finditer(text), 2 * MOST):
        value = number_of(match["number"].lower().removeprefix("a ")) * (100 if match["hundred"] else 1)
        yield (
            value * (1e3 if match["thousand"] else 1e6 if match["million"] else 1),
            match.start(),
            match.end(),
        )


# ── shares ───────────────────────────────────────────────────────────────────

_PARTS = {
    "half": 50.0, "third": 100 / 3, "quarter": 25.0, "fifth": 20.0, "sixth": 100 / 6, "eighth": 12.5, "tenth": 10.0,
    "twentieth": 5.0, "hundredth": 1.0,
}  # fmt: skip
_SHARE = any_case(
    rf"(?P<percent>(?:half\s+an?|{NUMBER}))\s?(?:%|percent\b|per\s+cent\b)"
    rf"|\b(?P<one>one|two|three|four|six|seven|eight|nine|[1-9])\s+(?:[a-z]+\s+){{0,2}}?(?:in|out\s+of)\s+(?P<of>{NUMBER})\b(?!\s*(?:minutes?|hours?|seconds?|%))"
    r"|\bevery\s+(?P<nth>second|third|fourth|fifth|tenth)\b"
    rf"|\b(?P<times>a|an|one|two|three|{_WORD})[ -](?P<part>third|quarter|fifth|sixth|eighth|tenth|twentieth|hundredth)s?\b(?!\s+(?:of\s+)?an?[ -]hour|\s+past|\s+to\b|\s+hour)"
    r"|\b(?P<half>half)\b(?!\s+(?:an?|past|hour|dozen|hundred|thousand|million)\b|-)"
    r"|\b(?P<digits>single\s+digits?|single-digit)\b"
)


_ANY_SHARE = any_case(
    r"%|cent\b|\b(?:in|of)\s+[\da-z]|every|half|third|quarter|fifth|sixth|eighth|tenth|twentieth|hundredth|single"
)
"""What a share has at least one of."""


@lru_cache(maxsize=1024)
def shares_in(text: str) -> tuple[Amount, ...]:
    """Find the shares of a text, in percent."""
    return tuple(_shares_in(text)) if _ANY_SHARE.search(text) else ()


def _shares_in(text: str) -> Iterator[Amount]:
    for match in islice(_SHARE.finditer(text), MOST):
        bound = bound_of(text, match.start(), match.end())
        if match["digits"]:
            yield Amount(0.0, 9.9, 0.1, match.start(), match.end(), match[0], "most")
            continue
        if match["percent"]:
            raw = match["percent"].lower()
            value = 0.5 if raw.startswith("half") else number_of(raw)
            grain = 10 ** -len(raw.partition(".")[2]) if "." in raw else 0.1 if value < 1 else 1.0
        elif match["of"]:
            value = 100 * number_of(match["one"]) / max(number_of(match["of"]), 1.0)
            grain = 0.15 * value
        else:
            value = 100 / {"second": 2, "third": 3, "fourth": 4, "fifth": 5, "tenth": 10}[match["nth"].lower()] if match["nth"] else (
                _PARTS[(match["half"] or match["part"]).lower()] * (number_of(match["times"]) if match["times"] else 1)
            )  # fmt: skip
            grain = 0.12 * value
        if bound == "about":
            grain = max(grain, 0.15 * value)
        yield Amount(value, value, grain, match.start(), match.end(), match[0], bound)
