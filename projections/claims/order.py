"""What came before what, as written and as it was."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta

from projections.claims.amounts import durations_in
from projections.claims.claim import Finding
from projections.claims.facts import Facts
from projections.claims.matching import own_stamps, retold, stamps_of
from projections.claims.prose import Sentence
from projections.claims.stamps import Stamp
from projections.claims.topics import Topic, in_plans, is_claim
from projections.claims.vocabulary import any_case, each_of

_ITS_END = any_case(
    r"\s*(?:it|that)\s+(?:had |was |has )?(?:even |yet |already |fully |really )?(?:been )?(?:finish|end|complet|done|through|over|start|beg[au]n)"
)
_TRAILING = any_case(
    r"(?:afterwards|later|subsequently|thereafter|after that|after this|next|then)\W*(?:on)?\W*"
)
_ENDED, _BEGUN = (
    any_case(r"\b(?:over|end\w*|stopp\w*|ceased|done|through)\b"),
    any_case(r"\b(?:beg[ai]n\w*|start\w*|broke|set in)\b"),
)
_NO_ORDER = frozenset(("verified", "fixed", "calm", "alert on", "rollback failed"))
_LOOSE = ("decided", "hypothesis")
"""Points that people call by words which are often meant of others: "after the call"."""
_ROOM = timedelta(seconds=60)


def check_order(sentence: Sentence, facts: Facts) -> Iterator[Finding]:
    """Find "A before B" where every A came after every B."""
    text = sentence.text
    if sentence.heading or facts.incident is None or in_plans(sentence):
        return
    words = [(way, match) for way, pattern in each_of("order").items() for match in pattern.finditer(text)]
    if not words or not is_claim(text):
        return
    amounts = durations_in(text)
    for way, match in words:
        if any(0 <= match.start() - each.end < 4 for each in amounts):
            continue
        left, right = _sides(text, match, facts)
        if not left or not right or {s.event for s in left} & {s.event for s in right}:
            continue
        first, second = (right, left) if way == "after" else (left, right)
        if min(one.at for one in first) < max(other.latest for other in second) + _ROOM:
            continue
        yield Finding("order", "order", text.strip()[:160], (*_closest(second), *_closest(first)))
        return


def _sides(text: str, match: re.Match[str], facts: Facts) -> tuple[list[Stamp], list[Stamp]]:
    """Return the instants of what stands on either side of a word of order."""
    topics = [each for each in facts.topics(text) if each.point not in _NO_ORDER]
    before = [each for each in topics if each.start < match.start()]
    beyond = [each for each in topics if each.start >= match.end()]
    rest, comma = text[match.end() :], text.find(",", match.end())
    if match.start() < 3 and comma > 0:
        within = [each for each in beyond if each.start < comma]
        late = [each for each in topics if each.start > comma]
        left = _events(late, text, facts, text[comma:], last=False)
        return left, _events(within, text, facts, rest[: comma - match.end()], last=False)
    if ended := _ITS_END.match(rest):
        it = next((t for t in reversed(before) if t.point not in ("message", "declared", "merged")), None)
        if it is None:
            return [], []
        doing = {"rolled back": "rolling back", "deployed": "deploying"}.get(it.point, it.point)
        begun = replace(it, point=doing if re.search("start|beg", ended[0]) else it.point)
        others = [each for each in before if each is not it]
        return _events(others, text, facts, "", last=True), own_stamps(begun, text, facts)
    if not before and match.start() < 12:
        if len(beyond) < 2:
            return [], []
        return _events(beyond[1:2], text, facts, "", last=False), _events(
            beyond[:1], text, facts, "", last=False
        )
    if _TRAILING.fullmatch(match[0] + rest) and len(before) > 1:
        left = _events(before[:-1], text, facts, "", last=True)
        return left, _events(before[-1:], text, facts, "", last=False)
    left = _events(before, text, facts, text[: match.start()], last=True)
    return left, _events(beyond, text, facts, rest, last=False)


def _events(topics: Sequence[Topic], text: str, facts: Facts, part: str, *, last: bool) -> list[Stamp]:
    """Return the instants of the topic that stands next to the word of order, else of the event that its words retell."""
    chosen = topics[-1] if topics and last else topics[0] if topics else None
    if (
        chosen is not None
        and last
        and (said := next((t for t in topics if t.point == "message"), None)) is not None
    ):
        # "We told people that it works": what was said is no event.
        chosen = (
            said if re.match(r"[^,;]*\b(?:that|of|about)\b", text[said.end : chosen.start + 1]) else chosen
        )
    told = retold(part, facts)
    if chosen is None or (
        told and chosen.point in ("rolled back", "recovered") and not facts.of(chosen.point)
    ):
        return told
    if chosen.negated:
        return []
    if chosen.point == "outage":
        if chosen.which is None:
            return []
        spans = facts.outages[chosen.which : (chosen.which + 1) or None]
        ended, begun = last or _ENDED.search(part) is not None, _BEGUN.search(part) is not None
        return [
            one
            for starts, ends in spans
            for one in (*(ends if ended or not begun else ()), *(starts if begun or not ended else ()))
        ]
    if chosen.point in _LOOSE:
        return [*stamps_of(chosen, text, facts), *facts.of("reported")]
    return own_stamps(chosen, text, facts) or told


def _closest(stamps: Sequence[Stamp]) -> tuple[Stamp, ...]:
    return tuple(sorted(stamps, key=lambda each: each.at))[:1]
