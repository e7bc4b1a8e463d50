"""Time zones as people write them after a clock time: PST, UTC+1, Europe/Berlin, (Pacific time).

A name that stands for several zones is refused, and so is one that the date refutes: PST in July.
"""

import re
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, tzinfo
from datetime import timezone as Offset  # noqa: N812  (a fixed offset is what it is here)
from functools import cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from tracker.text.patterns import lazy_pattern

BLANK = r"[ \t\u00a0\u1680\u2000-\u200f\u202a-\u202f\u205f\u2060\u2066-\u2069\u3000\ufeff]"
"""Blanks as phones and browsers write them, and the marks of direction that stand among them."""

_FIXED = {
    "UTC": 0, "UT": 0, "GMT": 0, "Z": 0, "ZULU": 0, "SAST": 120, "MSK": 180, "PKT": 300, "NPT": 345, "WIB": 420, "HKT": 480,
    "SGT": 480, "AWST": 480, "WITA": 480, "JST": 540, "KST": 540, "WIT": 540, "HST": -600,
}  # fmt: skip
_SEASONAL = {
    "PST": "America/Los_Angeles", "PDT": "America/Los_Angeles", "MST": "America/Denver", "MDT": "America/Denver",
    "CDT": "America/Chicago", "EST": "America/New_York", "EDT": "America/New_York", "AKST": "America/Anchorage",
    "AKDT": "America/Anchorage", "BST": "Europe/London",
    "CET": "Europe/Berlin", "CEST": "Europe/Berlin", "MEZ": "Europe/Berlin", "MESZ": "Europe/Berlin",
    "EET": "Europe/Athens", "EEST": "Europe/Athens", "AEST": "Australia/Sydney", "AEDT": "Australia/Sydney",
    "ACST": "Australia/Adelaide", "ACDT": "Australia/Adelaide", "NZST": "Pacific/Auckland",
    "NZDT": "Pacific/Auckland",
}  # fmt: skip
"""Names of one half of the year, with a place where they hold."""
_ENGLISH = {"MEZ": "CET", "MESZ": "CEST"}
_REGIONAL = {
    "ET": "America/New_York", "PT": "America/Los_Angeles", "EASTERN": "America/New_York",
    "CENTRAL": "America/Chicago", "MOUNTAIN": "America/Denver", "PACIFIC": "America/Los_Angeles",
    "CENTRAL EUROPEAN": "Europe/Berlin",
}  # fmt: skip
"""Names of a region, whatever the season; the long ones only in brackets or before the word time."""
_UNCLEAR = frozenset((
    "ACT", "ADT", "AFT", "AMST", "AMT", "ART", "AST", "AWDT", "AZT", "BDT", "BNT", "BOT", "BRST", "BRT", "BTT",
    "CAT", "CCT", "CDST", "CHADT", "CHAST", "CHST", "CKT", "CLST", "CLT", "COT", "CST", "CT", "CVT", "CXT",
    "DST", "EAT", "ECT", "EGST", "EGT", "EWT", "FET", "FJT", "FKST", "FKT", "FNT", "GALT", "GAMT", "GET",
    "GFT", "GILT", "GST", "GYT", "HADT", "HAST", "HDT", "HKST", "ICT", "IDT", "IOT", "IRDT", "IRKT", "IRST",
    "IST", "KGT", "KOST", "KRAT", "LHDT", "LHST", "LINT", "LMT", "MAGT", "MART", "MAWT", "MEST", "MET", "MHT",
    "MMT", "MSD", "MT", "MUT", "MVT", "MYT", "NCT", "NDT", "NFT", "NRT", "NST", "NT", "NUT", "NZMT", "OMST",
    "ORAT", "PETT", "PET", "PGT", "PHT", "PKST", "PMDT", "PMST", "PONT", "PWT", "PYST", "PYT", "RET", "SAKT",
    "SAMT", "SBT", "SCT", "SRET", "SRT", "SST", "TAHT", "TFT", "TJT", "TKT", "TLT", "TMT", "TOT", "TRT", "TVT",
    "ULAT", "UYST", "UYT", "UZT", "VET", "VLAT", "VOLT", "VUT", "WAKT", "WARST", "WAST", "WAT", "WEST", "WET",
    "WFT", "WST", "YAKT", "YEKT",
))  # fmt: skip
"""Abbreviations that stand for several zones, or are words of other things too."""
_ALSO_WORDS = frozenset((
    "act", "art", "ast", "cat", "chat", "cot", "ct", "eat", "ect", "et", "fet", "get", "ict", "iot", "mart",
    "met", "mist", "mt", "nst", "nt", "pet", "pt", "ret", "sst", "tot", "trt", "ut", "vet", "volt", "wat", "west",
    "wet", "wit", "wita", "z",
))  # fmt: skip
"""In small letters these are no zones."""

_OFFSET = lazy_pattern(
    rf"(?:(?P<base>UTC|GMT){BLANK}*(?P<short>[+\-\u2212]{BLANK}*\d{{1,2}}(?::?\d{{2}})?)|(?P<bare>[+\-\u2212]\d{{2}}:?\d{{2}}))(?!\d|:\d)",
    re.IGNORECASE,
)
_PLACE = lazy_pattern(
    r"(?:Africa|America|Antarctica|Arctic|Asia|Atlantic|Australia|Etc|Europe|Indian|Pacific|US)/[A-Za-z_+\-/0-9]*\w"
    r"|(?:PST8PDT|MST7MDT|CST6CDT|EST5EDT)(?!\w)"
)
_ABBREVIATION = lazy_pattern(r"[A-Za-z]{1,5}(?![\w'’/]|-[A-Za-z])")
_LONG = lazy_pattern(
    rf"(?P<region>Central{BLANK}European|Eastern|Central|Mountain|Pacific|(?:eastern|central|mountain|pacific)"
    rf"(?={BLANK}+(?:(?:standard|daylight|summer){BLANK}+)?time\b))"
    rf"(?:{BLANK}+(?P<season>(?i:Standard|Daylight|Summer)))?(?:{BLANK}+[Tt]ime\b)?(?![\w/])"
)
_SOME_TIME = lazy_pattern(
    rf"(?:(?:[Ll]ocal|[Oo]ur|[Mm]y|[Yy]our|[Tt]heir|[Ss]erver|[Oo]ffice|UK|US|EU|(?:East|West){BLANK}Coast|"
    rf"India|China|Japan|Korea|Brazil|Mexico|Israel|Indian|Chinese|British|German|French|Spanish|Italian|Dutch|Swiss|Polish)|"
    rf"(?:[A-Z][a-z]+{BLANK}+){{1,3}}(?:Standard|Daylight|Summer|Mean|Universal)|(?P<city>[A-Z][A-Za-z]+(?:{BLANK}[A-Z][a-z]+)?))"
    rf"{BLANK}+[Tt]ime\b|(?i:Ortszeit|Lokalzeit|heure locale|hora local|ora locale)\b|[Ll]ocal(?={BLANK}*(?:[:,|)]|[-–—]{BLANK}|$))"
)
_HINT = "Type the offset instead, such as 14:50+01:00, or the place, such as 14:50 Europe/Berlin"


class ZoneNameError(ValueError):
    """What follows a clock time may be a zone, and it is not clear which."""

    def __init__(self, problem: str, hint: str = _HINT) -> None:
        super().__init__(problem)
        self.problem = problem
        self.hint = hint


@dataclass(frozen=True)
class ZoneName:
    """A zone as it was written: an offset, or a place; with `abbreviation` only where that holds there."""

    written: str
    offset_minutes: int | None = None
    place: str = ""
    abbreviation: str = ""

    @property
    def tzinfo(self) -> tzinfo:
        if self.offset_minutes is None:
            return ZoneInfo(self.place)
        return Offset(timedelta(minutes=self.offset_minutes)) if self.offset_minutes else UTC

    def offsets(self) -> set[int]:
        """Return the minutes from UTC that it may have, in whichever season."""
        found = set()
        for month in range(1, 13):
            with suppress(ZoneNameError):
                found.add(self.offset_at(datetime(2026, month, 15, 12)))  # noqa: DTZ001  (a local time)
        return found

    def offset_at(self, local: datetime) -> int:
        """Return the minutes from UTC at a local time.

        Raises:
            ZoneNameError: If the name does not hold then, or the local time comes twice or not at all.
        """
        if self.offset_minutes is not None:
            return self.offset_minutes
        both = [local.replace(tzinfo=self.tzinfo, fold=fold) for fold in (0, 1)]
        if self.abbreviation:
            fits = [at for at in both if at.tzname() == self.abbreviation]
            if not fits:
                there = both[0].tzname()
                raise ZoneNameError(
                    f"says {self.written}, but on {local.date()} {self.place} has {there}",
                    f"Type {there}, or the offset",
                )
            both = fits[:1]
        offsets = {round((at.utcoffset() or timedelta()).total_seconds() / 60) for at in both}
        if len(offsets) > 1:
            raise ZoneNameError(f"is not one instant in {self.place}, because the clocks change")
        return offsets.pop()


def zone_at(text: str) -> tuple[ZoneName, int] | None:
    """Return the zone that a text begins with, in brackets or not, and where it ends; None if there is none.

    Raises:
        ZoneNameError: If there may be one that is not clear.
    """
    if text.startswith(("(", "[")):
        return _bracketed(text)
    if match := _OFFSET.match(text):
        return _offset(match), match.end()
    if match := _PLACE.match(text):
        return _placed(match[0]), match.end()
    if (match := _LONG.match(text)) and (match["season"] or match[0].lower().endswith("time")):
        return _long(match), match.end()
    if match := _ABBREVIATION.match(text):
        name = _abbreviated(match[0])
        return (name, match.end()) if name else None
    return None


def refuse_some_zone(text: str) -> None:
    """Refuse a text that begins with the words for a zone that are not understood.

    Raises:
        ZoneNameError: If it does.
    """
    match = _SOME_TIME.match(text)
    if match and (match["city"] is None or _is_city(match["city"])):
        raise ZoneNameError(f"is followed by {match[0]!r}, a zone that is not understood")
    if (match := _LONG.match(text)) and not match["season"]:
        raise ZoneNameError(f"is followed by {match[0]!r}, which may be a zone")


def _bracketed(text: str) -> tuple[ZoneName, int] | None:
    end = text.find(")" if text[0] == "(" else "]")
    inner = text[1:end].strip()
    if end < 0 or not inner:
        return None
    if match := _LONG.fullmatch(inner):
        return replace(_long(match), written=text[: end + 1]), end + 1
    name = zone_at(inner) if inner[0] not in "([" else None
    if name and not inner[name[1] :].strip():
        return replace(name[0], written=text[: end + 1]), end + 1
    refuse_some_zone(inner)
    first = inner.split(",")[0].split("/")[-1].strip()
    if name or inner.lower() in ("local", "my time") or (first[:1].isupper() and _is_city(first)):
        raise ZoneNameError(f"is followed by {text[: end + 1]!r}, which may be a zone")
    return None


def _offset(match: re.Match[str]) -> ZoneName:
    digits = (match["short"] or match["bare"]).replace("\u2212", "-")
    sign = -1 if digits[0] == "-" else 1
    figures = "".join(one for one in digits if one.isdigit())
    hours, minutes = (figures, "00") if len(figures) < 3 else (figures[:-2], figures[-2:])
    if int(hours) > 14 or minutes not in ("00", "15", "30", "45"):
        raise ZoneNameError(
            f"has no offset that any place has: {match[0]!r}",
            "If you mean a span, write two lines: one when it began, one when it ended",
        )
    return ZoneName(match[0], sign * (int(hours) * 60 + int(minutes)))


def _placed(name: str) -> ZoneName:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as unknown:
        raise ZoneNameError(f"is followed by {name!r}, which is not a time zone") from unknown
    return ZoneName(name, place=name)


def _long(match: re.Match[str]) -> ZoneName:
    region = " ".join(match["region"].upper().split())
    place = _REGIONAL[region]
    if match["season"] is None:
        return ZoneName(match[0], place=place)
    letter = "S" if match["season"].lower() == "standard" else "D"
    european = {"S": "CET", "D": "CEST"}[letter]
    return ZoneName(
        match[0], place=place, abbreviation=european if "EUROPEAN" in region else f"{region[0]}{letter}T"
    )


def _abbreviated(word: str) -> ZoneName | None:
    upper = word.upper()
    if word != upper and (word.lower() in _ALSO_WORDS or word in ("Est", "Ist")):
        return None
    if upper in _UNCLEAR or (upper == "EST" and word != upper):
        raise ZoneNameError(f"is followed by {word!r}, which may be a zone, and it is not clear which")
    if upper in _FIXED:
        return ZoneName(word, _FIXED[upper])
    if upper in _SEASONAL:
        return ZoneName(word, place=_SEASONAL[upper], abbreviation=_ENGLISH.get(upper, upper))
    return ZoneName(word, place=_REGIONAL[upper]) if upper in ("ET", "PT") else None


def _is_city(words: str) -> bool:
    return words.replace(" ", "_") in _cities()


@cache
def _cities() -> frozenset[str]:
    return frozenset(name.rsplit("/", 1)[-1] for name in available_timezones() if "/" in name)
