"""Peaks of the error rate as written, compared with the samples of the log."""

import re
from collections.abc import Iterator

from projections.claims.claim import Finding
from projections.claims.facts import ClaimFacts
from projections.claims.numbers import NUMBER, number_of
from projections.claims.prose import Sentence, Text
from projections.claims.vocabulary import HABIT, NOT_NOW, is_plan
from tracker.text.patterns import lazy_pattern

_PEAK = lazy_pattern(
    r"\b(?:error|failure)[ _-](?:rate|ratio)\b[^.;]{0,40}?\b(?:peak(?:ed|s)?|reached|spiked|climbed|rose|went up|maxed|hit|topped)\b"
    rf"[^.;%\d]{{0,20}}?(?P<about>about |around |roughly |nearly |almost |over |more than |~ ?|≈ ?)?(?P<value>{NUMBER})\s?(?:%|percent\b)",
    re.IGNORECASE,
)
_AT_PEAK = lazy_pattern(r"\b(?:peak\w*|at (?:its|the) (?:peak|worst)|maxed|highest)\b", re.IGNORECASE)
ASKED = lazy_pattern(r"\b(?:error|failure)[ _-](?:rate|ratio)\b", re.IGNORECASE)
"""A text without these words needs no samples."""


def check_peaks(sentence: Sentence, facts: ClaimFacts, text: Text) -> Iterator[Finding]:
    """Find peaks in a sentence that no sample shows; "rose to" may be any height below the highest."""
    if sentence.heading or is_plan(sentence) or not facts.peaks:
        return
    for match in _PEAK.finditer(sentence.text):
        left, right = sentence.clause(match.start(), match.end())
        if NOT_NOW.search(sentence.text, left, right) or HABIT.search(sentence.text, left, right):
            continue
        value = match["value"]
        stated = number_of(value)
        grain = 10 ** -len(value.partition(".")[2]) if "." in value else 1.0
        metric, (highest, _) = max(facts.peaks.items(), key=lambda each: each[1][0])
        slack = max(grain, 0.1 * highest if match["about"] else 0.0, 0.02 * highest)
        is_peak = _AT_PEAK.search(sentence.text) is not None
        if stated > highest + slack or (is_peak and stated < highest - slack):
            yield Finding("peak", match[0].strip(), f"{metric} was at most {highest:.3g} % while it lasted")
