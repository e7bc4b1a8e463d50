"""Dates as written, compared with those of the log and with the calendar."""

import re
from collections.abc import Iterator

from projections.claims.claim import Finding
from projections.claims.clocks import clocks, dates_in
from projections.claims.facts import ClaimFacts, events_of
from projections.claims.instants import stamps_of
from projections.claims.prose import Sentence, Text
from projections.claims.vocabulary import NOT_NOW, WEEKDAYS, is_elsewhere, is_plan, mentions
from tracker.text.patterns import lazy_pattern

_OF_INCIDENT = lazy_pattern(r"^\W*(?:incident )?date\W{1,4}$", re.IGNORECASE)
_WEEKDAY = lazy_pattern(rf"\b(?P<day>{'|'.join(WEEKDAYS)})\b,?(?: the)?\s*$", re.IGNORECASE)


def check_days(sentence: Sentence, facts: ClaimFacts, text: Text) -> Iterator[Finding]:
    """Find dates on which what a sentence names did not happen, and those of another day of the week."""
    if sentence.heading or is_plan(sentence):
        return
    said = sentence.text
    dates = dates_in(said)
    for start, end, day in dates:
        named = _WEEKDAY.search(said[:start])
        held = WEEKDAYS[day.weekday()]
        if named and named["day"].lower() != held:
            yield Finding("time", said[named.start() : end], f"that day is a {held.title()}")
    if dates and not is_elsewhere(_WEEKDAY.sub("", said), facts):
        yield from _days(sentence, facts)


def _days(sentence: Sentence, facts: ClaimFacts) -> Iterator[Finding]:
    """Find the days without a time on which what a sentence names did not happen."""
    said = sentence.text
    found = clocks(said)
    for start, end, day in dates_in(said):
        if any(each.start <= start < each.end or each.day == day for each in found):
            continue
        if _OF_INCIDENT.match(said[:start]):
            if day not in facts.own_days:
                begin = facts.dated(facts.incident.begins_at)
                yield Finding("time", said[:end].strip(), f"it began on {begin}")
            continue
        before = said[max(start - 30, 0) : start]
        named = (
            mentions(said, max(start - 30, 0), start)
            if re.search(r"\bon\s*(?:\w+day,?\s*)?$", before)
            else []
        )
        if not named or NOT_NOW.search(said, *sentence.clause(start, end)):
            continue
        stamps = stamps_of(named[-1], sentence, facts)
        if stamps and not any(
            each.at.astimezone(z).date() <= day <= each.latest.astimezone(z).date()
            for each in stamps
            for z in facts.zones
        ):
            there = facts.listed(stamps[:4], dated=True)
            yield Finding("time", said[named[-1].start : end], f"in the log {there}", events_of(stamps[:4]))
