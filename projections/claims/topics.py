"""Which points of an incident a sentence names, by the vocabulary, and whether it denies them."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache

from projections.claims.prose import Sentence
from projections.claims.text import version_spans
from projections.claims.vocabulary import any_case, each_of, phrases, words_of
from tracker.text.patterns import lazy_pattern

_CUT = any_case(
    r"[;|()\[\]—–]|,(?=\s)|:(?=\s|$)|\s-+>?\s|→|\b(?:and|but|while|whereas|then|so|which|that|until|before|after|because|since|when|once)\b"
)
_COMMA = any_case(r"[;|()\[\]—–]|,(?=\s)|:(?=\s|$)|\s-+>?\s|\b(?:but|while|whereas|so|because)\b")
_ORDINALS = {
    "first": 0,
    "earliest": 0,
    "opening": 0,
    "initial": 0,
    "second": 1,
    "third": 2,
    "fourth": 3,
} | dict.fromkeys(("later", "last", "final", "closing"), -1)
_ORDINAL = any_case(rf"\b({'|'.join(_ORDINALS)})\b")
_ORDINAL_BEFORE = any_case(rf"\b({'|'.join(_ORDINALS)})\s+(?:status |of the )?$")
_ORDINAL_AFTER = any_case(rf"(?:\s+\w+){{0,2}}\s+(?:for )?(?:the|a) ({'|'.join(_ORDINALS)})\s+time\b")
_LATE = any_case(r"not (?:until|before|only|quite|far|long)\b|no (?:later|more|less|longer) than\b")
_LIMIT = any_case(r"(?:above|below|over|under|>|<)\s*\S+\s?%?\s+for\s*$")
_GENERAL = any_case(r"(?:an?|each|every|the|our|[A-Z]\w+s)\s+(?:\w+\s+){1,3}?\w+s\s")
_DIGIT = lazy_pattern(r"\d")
_CLOCK = lazy_pattern(r"\d:\d\d")
_WORD = lazy_pattern(r"\w+")


@dataclass(frozen=True)
class Topic:
    """A point of the incident that a sentence names; `which` is the number among several: first, last."""

    point: str
    start: int
    end: int
    words: str
    negated: bool = False
    which: int | None = None


def clause_of(text: str, start: int, end: int, *, wide: bool = False) -> tuple[int, int]:
    """Return the clause around a piece of a sentence."""
    left, right = 0, len(text)
    for cut_start, cut_end in _cuts(text, wide):
        if cut_end <= start:
            left = cut_end
        elif cut_start >= end:
            right = cut_start
            break
    return left, right


@lru_cache(maxsize=1024)
def _cuts(text: str, wide: bool) -> tuple[tuple[int, int], ...]:
    return tuple(cut.span() for cut in (_COMMA if wide else _CUT).finditer(text))


@lru_cache(maxsize=16_384)
def topics_in(text: str, alerts: frozenset[str] = frozenset()) -> tuple[Topic, ...]:
    """Return the points that a sentence names, in order; of overlapping phrases the longest, then the first.

    The name of an alert is read as the word.
    """
    read = text
    for name in alerts:
        read = re.sub(rf"\b{re.escape(name)}\b", "alert".ljust(len(name)), read, flags=re.IGNORECASE)
    # No phrase of a point asks for a certain number: notes that differ by theirs alone are read once.
    found = _topics_in(_DIGIT.sub("0", text), _DIGIT.sub("0", read))
    return tuple(replace(each, words=text[each.start : each.end]) for each in found)


@lru_cache(maxsize=16_384)
def _topics_in(text: str, read: str) -> tuple[Topic, ...]:
    points = each_of("points").items()
    found = [(match.span(), point) for point, words in points for match in words.finditer(read)]
    rank = list(each_of("points"))
    found.sort(key=lambda each: (-(each[0][1] - each[0][0]), rank.index(each[1])))
    kept: list[tuple[tuple[int, int], str]] = []
    for (start, end), point in found:
        if any(start < e and s < end for (s, e), _ in kept):
            continue
        if (
            point in ("deployed", "rolled back")
            and phrases("change needed").fullmatch(text[start:end])
            and not (version_spans(text) or phrases("of a change").search(text))
        ):
            continue
        kept.append(((start, end), point))
    return tuple(
        Topic(
            point,
            start,
            end,
            text[start:end],
            denied(text, start, end, inside=point != "deploy failed"),
            _which(text, start, end),
        )
        for (start, end), point in sorted(kept)
    )


def denied(text: str, start: int, end: int, *, inside: bool = True) -> bool:
    """Whether the clause around a piece says that it was not so."""
    left, right = clause_of(text, start, end, wide=True)
    return any(
        (match.start() < end or match.start() - end < 30)
        and (inside or not start < match.start() < end)
        and not _LATE.match(text, match.start())
        for match in phrases("negation").finditer(text, left, right)
    )


def _which(text: str, start: int, end: int) -> int | None:
    match = _ORDINAL.search(text[start:end]) or _ORDINAL_BEFORE.search(text[max(start - 16, 0) : start])
    match = match or _ORDINAL_AFTER.match(text, end)
    return _ORDINALS[match[1].lower()] if match else None


def is_claim(text: str, start: int = 0, end: int | None = None, *, ignore: Iterable[str] = ()) -> bool:
    """Whether the clause around a piece says what happened in this incident: no plan, question, setting or other story."""
    end = len(text) if end is None else end
    if text.rstrip(" \"')").endswith("?"):
        return False
    left, right = clause_of(text, start, end, wide=True)
    if re.match(r"\W*(?:if|had|were|should|unless)\b(?!.{0,12}:)", text, re.IGNORECASE):
        return False
    if "elsewhere" not in ignore and phrases("no claim/elsewhere").search(text):
        return False
    for name in ("hypothetical", "plan"):
        if name not in ignore and phrases(f"no claim/{name}").search(text, left, right):
            return False
    return True


def in_plans(sentence: Sentence) -> bool:
    """Whether a sentence stands under a heading of what is to be done."""
    headings = sentence.section[1:] or sentence.section
    return any(phrases("plans").search(name) and "taken" not in name for name in headings)


def is_habit(text: str) -> bool:
    """Whether a sentence says how things are in general, or how something is set up."""
    if is_past(text) or _CLOCK.search(text):
        return False
    return not words_of("verbs of habits").isdisjoint(_words(text)) or _GENERAL.match(text) is not None


@lru_cache(maxsize=1024)
def is_past(text: str) -> bool:
    words = _words(text)
    return not words_of("verbs of the past").isdisjoint(words) or any(
        len(word) > 3 and word.endswith("ed") for word in words
    )


@lru_cache(maxsize=1024)
def _words(text: str) -> frozenset[str]:
    return frozenset(_WORD.findall(text.lower()))


def is_setting(text: str, start: int, end: int) -> bool:
    """Whether an amount in a clause is a setting: a timeout, an interval, a limit."""
    before = re.split(r"[;,.(](?=\s)|\(", text[max(start - 60, 0) : start])[-1]
    after = re.split(r"[;,.)]", text[end : end + 25])[0]
    return bool(
        phrases("no claim/setting").search(before)
        or phrases("no claim/setting").search(after)
        or _LIMIT.search(before)
    )
