"""What is said not to have happened, or to have stayed as it was, compared with what did happen."""

import re
from collections.abc import Iterator, Sequence
from datetime import timedelta
from itertools import pairwise

from projections.claims.amounts import durations_in
from projections.claims.claim import Finding
from projections.claims.clocks import clocks, zones_in
from projections.claims.facts import Facts
from projections.claims.matching import own_stamps
from projections.claims.stamps import Stamp
from projections.claims.text import content_words, stem, version_spans
from projections.claims.topics import Topic, clause_of, denied, is_claim, is_habit
from projections.claims.vocabulary import any_case, phrases

_HARMED = frozenset(
    stem(word) for word in ("affected", "impacted", "delayed", "late", "hit", "harmed", "concerned", "missed")
)
_BEFORE, _AFTER = (
    any_case(r"\b(?:before|until|prior to|ahead of)\b"),
    any_case(r"\b(?:after|since|following)\b"),
)
_NEVER = any_case(r"\b(?:never|no|nobody|no one|none|nothing|neither|without)\b")
_NOT = any_case(r"(?:not|never|silent|\w*n't)$")
_ITS = any_case(r"\s*(?:was|were|had|has|did|is|remained|stayed|kept|team|system)?\s*")
_THING = r"\b(?:incident|outage|case|ticket|issue|problem|file|matter|it)\b"
_THING_BEFORE, _THING_AFTER = any_case(rf"{_THING}[^,;]{{0,24}}$"), any_case(rf"[^,;]{{0,20}}{_THING}")
_MERELY = frozenset(
    ("alerted", "message", "merged", "reopened", "rolled back", "rolling back", "deploy failed", "branched")
)
"""Points that a mere "not" denies; of others it is often about something else, and "never", "no" and "nobody" deny them."""
_DENIABLE = _MERELY | {
    "confirmed", "deployed", "committed", "cause", "resolved", "severity", "reported", "tested", "declared", "recovered", "alert ended", "hypothesis",
    "verified", "joined",
}  # fmt: skip


def denied_findings(text: str, topic: Topic, topics: Sequence[Topic], facts: Facts) -> Iterator[Finding]:
    """Find "nobody was told before the rollback" where somebody was."""
    point = "rolled back" if topic.point == "rolling back" else topic.point
    held = [each for each in facts.of(point) if each.at >= facts.begins - timedelta(minutes=1)]
    if version_spans(text):
        held = [each for each in own_stamps(topic, text, facts) if each in held]
    left, right = clause_of(text, topic.start, topic.end, wide=True)
    negation = next(phrases("negation").finditer(text, left, right), None)
    if negation is None or not held or point not in _DENIABLE or topic.start - negation.end() > 40:
        return
    if point not in _MERELY and not _NEVER.fullmatch(negation[0]):
        return
    if topic.which is not None and topic.which >= len(held):
        return
    if point == "message" and content_words(topic.words) & facts.general:
        # Where messages are what failed, "never arrived" is said of those.
        return
    if phrases("telling/no denial").search(text, negation.end(), max(topic.start, negation.end())):
        return
    if (
        point == "resolved"
        and not _THING_BEFORE.search(text, left, topic.start)
        and not _THING_AFTER.match(text, topic.end)
    ):
        return
    if negation.start() >= topic.end and not (
        _NOT.match(negation[0]) and _ITS.fullmatch(text[topic.end : negation.start()])
    ):
        return
    clause = text[left:right]
    if (
        point in ("deployed", "recovered") and phrases("telling/no trouble").search(text, negation.start())
    ) or (point == "alerted" and not phrases("telling/of an alert").search(topic.words)):
        return
    if point in ("rolled back", "merged") and phrases("rollback unsaid").search(text):
        if (
            point == "rolled back"
            and phrases("telling/no way back").search(text)
            and not phrases("telling/limited").search(text)
        ):
            yield Finding("negation", f"was {point}", text[:160], tuple(held[:2]))
        return
    if point == "severity":
        held = _moves(text, facts)
    limits = [s for each in topics if each.point != topic.point for s in own_stamps(each, text, facts)]
    if phrases("telling/to the end").search(text):
        pass
    elif "between" in text.lower():
        return
    elif _BEFORE.search(text[topic.end :]) or _BEFORE.search(text[: topic.start]):
        limits += _limits(text, facts)
        first = min((s.at for s in limits), default=facts.begins)
        held = [each for each in held if each.at < first - timedelta(seconds=59)]
    elif _AFTER.search(text):
        span, limits = next(iter(durations_in(text)), None), _limits(text, facts) or limits
        length = timedelta(seconds=span.high - span.grain) if span else facts.ends - facts.begins
        held = [
            each
            for each in held
            if any(s.at + timedelta(minutes=0 if span else 2) < each.at < s.at + length for s in limits)
        ]
    elif durations_in(text) or phrases("telling/only then").search(clause):
        return
    if held:
        yield Finding("negation", f"was {point}", text[:160], tuple(held[:2]))


def _limits(text: str, facts: Facts) -> list[Stamp]:
    """Return the times that a sentence names, while it lasted."""
    zones = zones_in(text) or facts.zones
    return [
        Stamp("written", at, None, origin="text")
        for clock in clocks(text)
        for at in clock.instants(clock.zones or zones, facts.days)
        if facts.begins <= at <= facts.ends
    ]


def _moves(text: str, facts: Facts) -> list[Stamp]:
    """Return when the severity changed in the way that a sentence names."""
    levels = ("minor", "major", "critical")
    found = []
    for one, other in pairwise(facts.of("severity")):
        old, new = (
            max((levels.index(name) for name in s.names if name in levels), default=0) for s in (one, other)
        )
        ups, downs = phrases("telling/raised").search(text), phrases("telling/lowered").search(text)
        if (new > old and not downs) or (new < old and not ups) or (ups and downs and new != old):
            found.append(other)
    return found


def changed(text: str, facts: Facts) -> Iterator[Finding]:
    """Find that the severity or the lead stayed as it was where it changed, or went the way that it did not."""
    severity, lead = phrases("telling/severity").search(text), phrases("telling/lead").search(text)
    same = phrases("telling/unchanged").search(text)
    limited = phrases("telling/limited").search(text)
    severities = facts.of("severity")
    if severity and same and not limited and len({s.names for s in severities}) > 1 and is_claim(text):
        yield Finding("negation", "changed", text[:160], severities)
    elif lead and same and not limited and len({s.by for s in facts.of("lead")}) > 1 and is_claim(text):
        yield Finding("negation", "changed", text[:160], facts.of("lead"))
    elif lead and len({s.by for s in facts.of("lead")}) > 1 and not limited and is_claim(text):
        handed = phrases("telling/handover").search(text)
        if handed and denied(text, *handed.span()):
            yield Finding("negation", "changed", text[:160], facts.of("lead"))
    way = phrases("telling/lowered").search(text) or phrases("telling/raised").search(text)
    about = phrases("telling/of severity").search(text)
    if (
        about
        and way
        and severities
        and not _moves(text, facts)
        and is_claim(text, *way.span())
        and not denied(text, *way.span())
    ):
        yield Finding("negation", "not changed", text[:160], severities)


def nothing_lost(text: str, facts: Facts) -> Iterator[Finding]:
    """Find "no order was lost" beside a note that counts some, and harm in what was a false alarm."""
    impact = facts.notes_of("impact")
    assert facts.incident is not None
    harm = (
        phrases("telling/harm").search(text) or phrases("telling/alert right").search(text)
        if facts.incident.resolution == "false-alarm"
        else None
    )
    if (
        harm
        and facts.incident.resolved_at
        and not phrases("telling/seemed").search(text)
        and not is_habit(text)
    ):
        if is_claim(text, *harm.span()) and not denied(text, *harm.span()):
            yield Finding("negation", "false alarm", text[:160], facts.of("resolved")[-1:])
        return
    most = max((n for n, _ in facts.impact_counts), default=0.0)
    untouched = phrases("telling/untouched").search(text)
    if (
        untouched
        and most >= 2
        and is_claim(text, *untouched.span())
        and facts.incident.resolution != "false-alarm"
    ):
        yield Finding("negation", "counted", untouched[0], values=(f"{most:,.0f}",), events=impact)
        return
    if _all_well(text, facts):
        yield Finding("negation", "counted", text[:160], values=(f"{most:,.0f}",), events=impact)
        return
    for match in phrases("nothing lost").finditer(text):
        left, right = clause_of(text, match.start(), match.end(), wide=True)
        words = content_words(text[match.end() : right])
        for amount, noted in facts.impact_counts if is_claim(text, *match.span()) else ():
            common, rest = words & noted, words - noted
            if amount >= 1 and (
                (len(common) >= 2 and len(rest) <= 2)
                or (common and rest <= _HARMED and (rest or match[0].lower().startswith("no")))
            ):
                yield Finding(
                    "negation",
                    "counted",
                    text[left:right].strip(" ,;"),
                    values=(f"{amount:,.0f}",),
                    events=impact,
                )
                return


def _all_well(text: str, facts: Facts) -> bool:
    """Whether a sentence says that everybody could what a note counts some who could not."""
    every = phrases("telling/everybody").search(text)
    if every is None or every.start() > 12 or _AFTER.search(text) or phrases("negation").search(text):
        return False
    if not is_claim(text, *every.span()):
        return False
    words = content_words(text[every.end() :]) - facts.general
    if stem("failed") in words:
        return False
    enough = 1 if phrases("telling/always").search(text, every.end()) else 2
    if phrases("telling/all well").search(text, every.end()) and content_words(text) & facts.general:
        words, enough = words | {stem("failed")}, 1
    for clause in (c for each in facts.impact_texts for c in re.split(r"[;.,]\s", each)):
        noted = content_words(clause)
        counted = any(noted == of and amount >= 1 for amount, of in facts.impact_counts)
        bad = counted and (phrases("negation").search(clause) or stem("failed") in noted)
        if bad and (len(words & noted) >= enough or (words and words <= noted)):
            return True
    return False
