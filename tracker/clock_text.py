"""The time of day that a text begins with, with all that qualifies it: a date, seconds, half of the day, zone.

What follows a clock time and could move its instant is understood or refused. It never stays in the text:
the time would be read as another one. Instants are in `tracker.times`.
"""

import re
from dataclasses import dataclass

from tracker.text.patterns import lazy_pattern
from tracker.zone_names import BLANK, ZoneName, ZoneNameError, refuse_some_zone, zone_at

_DAY = rf"(?P<day>\d{{4}}-\d{{2}}-\d{{2}})(?:[Tt]|,?{BLANK}+){BLANK}*"
_TIME = lazy_pattern(
    rf"(?:{_DAY})?(?:(?P<am>上午|午前|오전)|(?P<pm>下午|午後|오후))?{BLANK}*"
    r"(?P<hour>\d{1,2}):(?P<minute>\d{2})(?P<second>:\d{2})?(?P<fraction>(?<=:\d\d:\d\d)[.,]\d{1,9})?",
    re.ASCII,
)
_BLANKS = lazy_pattern(rf"{BLANK}*")
_HALF = lazy_pattern(
    rf"(?P<half>[ap])\.?{BLANK}?m\b\.?|(?P<am>vorm\.|π\.?{BLANK}?μ\b\.?|ÖÖ\b|上午|午前|오전)"
    rf"|(?P<pm>nachm\.|μ\.?{BLANK}?μ\b\.?|ÖS\b|下午|午後|오후)",
    re.IGNORECASE,
)
_OCLOCK = lazy_pattern(
    r"(?:Uhr|h|hrs|hours(?! (?:of|later|ago))|uur|heures?|horas?|o['’]clock)(?![\w.'’-])|น\.", re.IGNORECASE
)
_SEPARATOR = lazy_pattern(rf"{BLANK}*(?P<mark>[:|,;]|[-–—](?={BLANK}|$))?{BLANK}*")
_HALF_IN_WORDS = lazy_pattern(
    r"(?:(?:in the|at|this|last) )?(?:morning|afternoon|evening|night|noon|midnight)\b|tonight\b"
    r"|(?:vor|nach)mittags?\b|morgens\b|abends\b|nachts\b|mittags?\b|früh\b"
    r"|du (?:matin|soir)\b|de l['’]après[- ]midi\b|de la (?:tarde|noche|mañana|madrugada)\b|da (?:tarde|noite|manhã)\b"
    r"|del (?:mattino|pomeriggio)\b|d[ie] (?:mattina|sera|notte)\b|['’]s (?:morgens|middags|avonds|nachts)\b"
    r"|(?:noche|tarde|madrugada|soir|matin|pomeriggio|noite|manhã|avond|middag)\b"
    rf"|(?:w nocy|rano|wieczorem|(?:po )?południu|popołudniu|em|fm|ö\.?{BLANK}?[sö]\.?)(?!\w)|p(?![\w.'’/-])"
    r"|(?:утра|дня|вечера|ночи|ранку|вечора|ночі)\b|[дп]п\b|пр\.?\s?об|сл\.?\s?об|(?:пред|след)пладне"
    r"|(?:em|fm|ip|ap|vm|nm|de|du|dop|odp|f\.h|e\.h)\.(?!\w)|e paradites|e pasdites"
    r"|ص|م(?!\w)|ق\.ظ|ب\.ظ|לפנה|אחה|पूर्वाह्न|अपराह्न",
    re.IGNORECASE,
)
_HALF_IN_CAPITALS = lazy_pattern(r"(?:SA|CH|SÁNG|CHIỀU|GD|GN)\b")
_CLEAR_HALF = lazy_pattern(r"[AP]\.?[ \u00a0\u202f]?M\b\.?|[ap]\.[ \u00a0\u202f]?m\.")
_MARKED_HALF = lazy_pattern(
    rf"{BLANK}*(?:[([]{BLANK}?[ap]\.?{BLANK}?m\.?{BLANK}?[)\]]|[-–—/][ap]\.?m\b\.?(?=$|[:,|]|{BLANK}))",
    re.IGNORECASE,
)
_MONTH = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec|Mai|Okt|Dez)[a-z]*\.?"
_ANOTHER_DAY = lazy_pattern(
    rf"\(?(?:on{BLANK})?(?:\d{{4}}-\d{{2}}-\d{{2}}\b|\d{{1,2}}([./-])\d{{1,2}}\1(?:\d{{4}}|\d{{2}})(?![\d.])"
    rf"|\d{{1,2}}\.\d{{1,2}}\.(?!\d)|\d{{1,2}}/\d{{1,2}}(?={BLANK}*(?:[:,|)]|[-–—]{BLANK}|$))"
    rf"|\d{{1,2}}(?:st|nd|rd|th)?\.?{BLANK}{_MONTH}(?!\w)|{_MONTH}{BLANK}\d{{1,2}}(?!\d)"
    rf"|(?:yesterday|today|tomorrow|gestern|heute)(?![\w'’])"
    rf"|(?:the{BLANK})?(?:next|following|previous){BLANK}day(?!\w)|the{BLANK}day{BLANK}(?:before|after)(?!\w)"
    rf"|(?:Mon|Tues?|Wed(?:nes)?|Thu(?:rs)?|Fri|Sat(?:ur)?|Sun)day(?![\w'’])"
    rf"|(?:Montag|Dienstag|Mittwoch|Donnerstag|Freitag|Samstag|Sonntag)(?![\w'’]))",
    re.IGNORECASE,
)
_SPAN = lazy_pattern(
    rf"{BLANK}*(?:[-–—]|to\b|until\b|till\b|bis\b|/|\((?=\d)){BLANK}*\d{{1,2}}:\d{{2}}(?!\d)", re.IGNORECASE
)
_FIGURES = lazy_pattern(r"[.,:]\d|\d")
_HOURS_OFFSET = lazy_pattern(
    rf"\(?[+\-\u2212]\d{{1,2}}(?=[)\s]|$)(?!\s*%)|[A-Z][A-Za-z]+{BLANK}?\(?[+\-\u2212]\d{{2}}:?\d{{2}}(?!\d)"
)
_SPAN_HINT = "If you mean a span, write two lines: one when it began, one when it ended"
_TEXT_HINT = "If it belongs to the text, put other words before it"


class ClockTextError(ValueError):
    """A time, or what follows it, cannot be understood."""

    def __init__(self, problem: str, hint: str = "") -> None:
        super().__init__(problem)
        self.problem = problem
        self.hint = hint


@dataclass(frozen=True)
class ClockText:
    """A time as a text gives it, in 24 hours; `second` and `fraction` keep their mark: ":07", ".25".

    `has_half` tells whether it named the half of the day; one of twelve hours without it is as it was written.
    """

    day: str
    hour: int
    minute: int
    second: str
    fraction: str
    zone: ZoneName | None
    has_half: bool

    @property
    def clock(self) -> str:
        return f"{self.hour:02d}:{self.minute:02d}{self.second}{self.fraction}"

    def refuse_qualifier(self, rest: str) -> None:
        """Refuse a text after this time that begins with something that could qualify it.

        Raises:
            ClockTextError: If it does.
        """
        match = _SEPARATOR.match(rest)
        assert match is not None
        after = rest[match.end() :]
        if half := _MARKED_HALF.match(rest):
            raise ClockTextError(
                f"is followed by {half[0].strip()!r}, which may be a half of the day",
                f"Type 2:50 PM or 14:50. {_TEXT_HINT}",
            )
        if _SPAN.match(rest):
            raise ClockTextError(f"names a second time: {after[:20]!r}", _SPAN_HINT)
        mark = match["mark"]
        if _FIGURES.match(rest) or (not mark and _HOURS_OFFSET.match(after)):
            raise ClockTextError(
                f"goes on with {after[:12]!r}", "Type 14:50:07.250, 14:50+01:00 or 14:50 text"
            )
        if self._may_be_half(after, bool(mark)):
            raise ClockTextError(
                f"is followed by {after[:12]!r}, which may be a half of the day",
                f"Type 2:50 PM or 14:50. {_TEXT_HINT}",
            )
        if found := (_ANOTHER_DAY.match(after) if mark in (None, ",") else None):
            raise ClockTextError(
                f"is followed by another day: {found[0]!r}",
                f"Put the date before the time: 2026-03-01 14:50. {_TEXT_HINT}",
            )
        try:
            if not mark:
                refuse_some_zone(after)
            elif not after[:1].isupper() or not after[:2].isupper():
                return
            zone = zone_at(after)
        except ZoneNameError as unclear:
            raise ClockTextError(unclear.problem, f"{unclear.hint}. {_TEXT_HINT}") from unclear
        if zone is not None:
            raise ClockTextError(
                f"is followed by {zone[0].written!r}, which may be its zone",
                f"Put the zone right after the time: 14:50 UTC. {_TEXT_HINT}",
            )

    def _may_be_half(self, after: str, is_separated: bool) -> bool:
        if self.has_half:
            return not is_separated and bool(_CLEAR_HALF.match(after))
        if not 1 <= self.hour <= 12:
            return not is_separated and bool(_HALF.match(after))
        if is_separated:
            return bool(_CLEAR_HALF.match(after))
        return bool(_HALF.match(after) or _HALF_IN_WORDS.match(after) or _HALF_IN_CAPITALS.match(after))


def read_clock(text: str) -> tuple[ClockText, str] | None:
    """Take the time off the start of a text, with all that qualifies it; None if there is none.

    Raises:
        ClockTextError: If it is no time of day, or goes on with what could qualify it and is not understood.
    """
    match = _TIME.match(text)
    if match is None:
        return None
    end = match.end()
    hour, half, zone = int(match["hour"]), _half(match), None
    if hour > 23 or match["minute"] > "59":
        raise ClockTextError("is not a time of day", "Hours go from 00:00 to 23:59")
    if re.match(r"z(?!\w)", text[end:]):
        zone, end = ZoneName("z", 0), end + 1
    while True:
        at = end + _BLANKS.match(text[end:]).end()  # type: ignore[union-attr]  # it matches nothing too
        if found := _OCLOCK.match(text[at:]):
            end = at + found.end()
        elif half is None and zone is None and (found := _HALF.match(text[at:])):
            half, end = _half(found), at + found.end()
        else:
            try:
                named = zone_at(text[at:])
            except ZoneNameError as unclear:
                raise ClockTextError(unclear.problem, unclear.hint) from unclear
            if named is None:
                break
            if zone is not None and not _agree(zone, named[0]):
                raise ClockTextError(f"names two zones: {zone.written} and {named[0].written}", "Name one")
            zone, end = zone or named[0], at + named[1]
    if half is not None:
        if not 1 <= hour <= 12:
            raise ClockTextError("is not a time of day", "Type 2:50 PM or 14:50")
        hour = hour % 12 + (12 if half == "p" else 0)
    clock = ClockText(
        match["day"] or "",
        hour,
        int(match["minute"]),
        match["second"] or "",
        (match["fraction"] or "").replace(",", "."),
        zone,
        half is not None,
    )
    clock.refuse_qualifier(text[end:])
    return clock, text[end:]


def _half(match: re.Match[str]) -> str | None:
    named = match.groupdict()
    if named.get("half"):
        return named["half"].lower()
    return "a" if named["am"] else "p" if named["pm"] else None


def _agree(first: ZoneName, second: ZoneName) -> bool:
    """Whether a second name can be of the same zone: GMT+0100 (Central European Standard Time)."""
    return not first.offsets().isdisjoint(second.offsets())
