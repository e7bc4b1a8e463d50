"""Durations as written, compared with those of the log."""

import re
from collections.abc import Iterator
from datetime import datetime
from functools import lru_cache

from projections.claims.claim import Finding
from projections.claims.clocks import clocks
from projections.claims.duration_kinds import KINDS, Kind, until_detected, until_fixed
from projections.claims.facts import ClaimFacts, Measure, Stamp
from projections.claims.numbers import DurationClaim, spans
from projections.claims.prose import Sentence, Text
from projections.claims.vocabulary import (
    HABIT,
    NOT_NOW,
    Mention,
    is_elsewhere,
    is_plan,
    mentions,
    nearest,
    outside,
)
from projections.durations import NAMES
from tracker.text.patterns import lazy_pattern
from tracker.times import spoken

_SETTING = lazy_pattern(
    r"\b(?:time-?outs?|intervals?|windows?|limits?|targets?|goals?|slos?|slas?|ttl|thresholds?|every|each|per|last|past|first|next|"
    r"late|some ?time within|retention|budgets?|wait(?:s|ed|ing)?|sleep|back-?off|retr(?:y|ies)|caches?|poll\w*|scrape\w*|p9\d|latency|eta|within the)"
    r"\W+(?:(?:of|is|was|to|from|for|a|the|set|at|after|=|over|about)\W+){0,3}$",
    re.IGNORECASE,
)
_PER = lazy_pattern(r"[^.;]{0,25}?\b(?:a|per|each|every) (?:day|week|month|quarter|year)\b", re.IGNORECASE)
_PART = lazy_pattern(
    r"\b(?:pods?|nodes?|replicas?|instances?|hosts?|containers?|shards?|workers?|brokers?)\b[^.;,]{0,20}\b(?:down|offline|unavailable|unreachable|restart\w*)\b",
    re.IGNORECASE,
)
"""A part of the service was down: the log holds no word of that."""
_SETTING_AFTER = lazy_pattern(
    r"\W{0,3}(?:\w+\W+)?(?:time-?out|interval|window|limit|target|goal|slo|sla|ttl|threshold|cool-?down|latency|budget|old|each|ago)\b",
    re.IGNORECASE,
)
_AFTER = lazy_pattern(
    r"\s*(?:\([^)]*\)\s*)?(after|before|following|from|since|later|earlier|into|of|past)\b\s*", re.IGNORECASE
)
_NAMED_ROWS = {called.lower(): name for name, called in NAMES.items()}
_FROM_TO = lazy_pattern(r"\b(?:from|between)\s+(.{3,70}?)\s+(?:to|until|and|till)\s+(.{3,70})", re.IGNORECASE)
_ARROW = lazy_pattern(r"(.{3,70}?)\s*(?:→|->|–>|=>)\s*(.{3,70})")


def check_durations(sentence: Sentence, facts: ClaimFacts, text: Text) -> Iterator[Finding]:
    """Find the spans in a sentence that did not take as long as it says."""
    if sentence.heading or is_plan(sentence) or is_elsewhere(sentence.text, facts):
        return
    said = sentence.text
    if not any(unit in said.lower() for unit in ("min", "hour", "sec", "day", "h", "m", "s")):
        return
    for span in spans(said):
        yield from _judged(sentence, span, facts, text)


def _judged(sentence: Sentence, span: DurationClaim, facts: ClaimFacts, text: Text) -> Iterator[Finding]:
    said = sentence.text
    left, right = sentence.clause(span.start, span.end)
    if (
        NOT_NOW.search(said, left, right)
        or HABIT.search(said, left, right)
        or _PART.search(said, left, right)
    ):
        return
    if _SETTING.search(said[max(sentence.segment(span.start, span.end)[0], span.start - 60) : span.start]):
        return
    if _SETTING_AFTER.match(said[span.end : span.end + 40]) and not re.match(
        r"\W*\w*\W*(?:down|out)", said[span.end : span.end + 14]
    ):
        return
    if _PER.match(said, span.end):
        return
    if _is_of_the_table(said, span, facts):
        return
    pair = _pair(sentence, span)
    if pair == ():
        return
    if pair:
        yield from _anchored(sentence, span, pair, facts)
        return
    kind, where = _kind(sentence, span)
    if kind is None or not kind.called:
        return
    if NOT_NOW.search(said, max(min(where[0], span.start) - 20, 0), max(where[1], span.end)):
        return
    own = len(clocks(said)) == 2
    measures = kind.measures(facts)
    words = _quoted(said, span, where)
    if not measures:
        if kind.measures is until_detected:
            loose = facts.named("time_to_detect")
            if (
                loose is not None
                and span.bound == "most"
                and loose.high is not None
                and span.fits(loose.high, None)
            ):
                return
        if kind.missing and not own:
            yield Finding("duration", words, _unmeasured(kind, facts))
        return
    if any(span.fits(each.low, each.high) for each in measures + _until_now(facts, text)):
        return
    best = measures[0]
    more = _otherwise(kind, span, facts)
    yield Finding("duration", words, f"{kind.called} {best.length()}: {best.says}{more}", best.evidence)


def _is_of_the_table(said: str, span: DurationClaim, facts: ClaimFacts) -> bool:
    """Whether it is what a row of a report's durations says, and the log has it so: their formulas name other points."""
    name = _NAMED_ROWS.get(said.partition(" | ")[0].strip().lower()) if " | " in said else None
    measure = facts.named(name) if name else None
    return measure is not None and span.fits(measure.low, measure.high)


def _unmeasured(kind: Kind, facts: ClaimFacts) -> str:
    signs = [each for point in ("reported", "detected", "confirmed") for each in facts.of(point)[:1]]
    known = ", ".join(dict.fromkeys(f"{each.what} at {facts.clock(each.at)}" for each in signs))
    return f"{kind.missing}{'; it knows: ' + known if known else ''}"


def _otherwise(kind: Kind, span: DurationClaim, facts: ClaimFacts) -> str:
    """Name another start from which the span would be right."""
    if kind.measures is not until_fixed and "deployed fix" not in kind.called:
        return ""
    for start in ("confirmed", "cause", "declared"):
        for each in facts.between(start, "deployed"):
            if span.fits(each.low, each.high):
                named = {
                    "confirmed": "its confirmation",
                    "cause": "its cause being known",
                    "declared": "its declaration",
                }
                return f"; {spoken(each.high or 0)} are from {named[start]}: say from when"
    return ""


@lru_cache(maxsize=64)
def _named_in(said: str) -> tuple[tuple[int, int, Kind], ...]:
    """Return the words of a sentence that say what a span of time is of."""
    return tuple((match.start(), match.end(), kind) for kind in KINDS for match in kind.words.finditer(said))


def _kind(sentence: Sentence, span: DurationClaim) -> tuple[Kind | None, tuple[int, int]]:
    said = sentence.text
    for left, right in outside(sentence, span.start, span.end):
        inside = said.rfind("(", 0, span.start) > said.rfind(")", 0, span.start)
        limit = 0 if "|" in said and right == len(said) and left == 0 else -1
        if limit == 0:
            # In a table the first cell says what a number is of.
            limit, right = 12, min(said.index("|"), span.start)
        best: tuple[tuple[int, int, int], Kind, int, int] | None = None
        for start, end, kind in _named_in(said):
            if start < left or end > right or start > limit >= 0:
                continue
            if start < span.end and span.start < end:
                distance = 0
            else:
                distance = span.start - end if end <= span.start else start - span.end
            # What stands in parentheses belongs to what stands before them.
            rank = (
                distance + (10_000 if inside and start > span.end else 0),
                0 if start < span.start else 1,
                start - end,
            )
            if best is None or rank < best[0]:
                best = (rank, kind, start, end)
        if best is not None:
            return best[1], (min(best[2], span.start), max(best[3], span.end))
    return None, (span.start, span.end)


def _quoted(said: str, span: DurationClaim, around: tuple[int, int]) -> str:
    """Quote the span with the words that it was understood by, where they are near."""
    start, end = min(around[0], span.start), max(around[1], span.end)
    if end - start > 90:
        start, end = span.start, span.end
    if end < len(said) and said[end] == ")" and "(" in said[start:end]:
        end += 1
    return said[start:end].strip(" ,;:")


def _pair(sentence: Sentence, span: DurationClaim) -> tuple[Mention, Mention] | tuple[()] | None:
    """Return the two points between which a sentence says that it took so long; empty where it names one only."""
    said = sentence.text
    after = _AFTER.match(said, span.end)
    left, right = sentence.clause(span.start, span.end)
    if after:
        if after[1].lower() == "of" and not re.search(
            r"\b(?:within|inside)\W*$", said[: span.start], re.IGNORECASE
        ):
            return None
        _, stop = sentence.clause(after.end(), after.end() + 1)
        first = mentions(said, after.start(), min(stop, after.end() + 60))
        if after[1].lower() in ("later", "earlier", "into", "past") or not first:
            between = _FROM_TO.search(said, span.end)
            return () if between is None else _of(between, said)
        if after[1].lower() in ("from", "of"):
            between = _FROM_TO.search(said, span.end)
            if between is not None:
                return _of(between, said)
        begin, end = sentence.segment(span.start, span.end)
        other = mentions(said, begin, span.start)
        if not other:
            other = [each for each in mentions(said, after.end(), end) if each.start > first[0].end]
        return (nearest(other, span.start, span.end) or first[0], first[0]) if other else ()
    for pattern in (
        (_FROM_TO, _ARROW) if any(each in said for each in ("→", "->", "–>", "=>")) else (_FROM_TO,)
    ):
        for begin, end in ((left, right), sentence.segment(span.start, span.end)):
            match = pattern.search(said, begin, end)
            if match is not None and (found := _of(match, said)):
                return found
    return None


def _of(match: re.Match[str], said: str) -> tuple[Mention, Mention] | tuple[()]:
    first, second = mentions(said, *match.span(1)), mentions(said, *match.span(2))
    return (first[-1], second[0]) if first and second else ()


def _anchored(
    sentence: Sentence, span: DurationClaim, pair: tuple[Mention, Mention], facts: ClaimFacts
) -> Iterator[Finding]:
    first, second = (each.point for each in pair)
    if first == second:
        return
    found = facts.between(first, second) + facts.between(second, first)
    if not found or any(span.fits(each.low, each.high) for each in found):
        return
    best = min(found, key=lambda each: abs((each.high or 0.0) - span.high))
    start = min(span.start, pair[0].start, pair[1].start)
    end = max(span.end, pair[0].end, pair[1].end)
    yield Finding(
        "duration",
        _quoted(sentence.text, span, (start, end)),
        f"it was {best.length()}: {best.says}",
        best.evidence,
    )


def _until_now(facts: ClaimFacts, text: Text) -> list[Measure]:
    """Return how long it had lasted when a note or message was written: what it says of then is true for good."""
    if not isinstance(text.at, datetime):
        return []
    now = Stamp(text.at, "", None)
    points = ("started", "reported", "detected", "declared", "deployed")
    begun = [stamp for point in points for stamp in facts.of(point)] + ([facts.start] if facts.start else [])
    return [facts.span(start, now) for start in begun if start.at <= now.at]
