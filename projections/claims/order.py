"""What came before what, as written and as it was."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta

from projections.claims.amounts import durations_in
from projections.claims.claim import Finding
from projections.claims.facts import Facts, Stamp
from projections.claims.matching import own_stamps, retold
from projections.claims.prose import Sentence
from projections.claims.topics import Topic, in_plans, is_claim
from projections.claims.vocabulary import any_case, each_of

_ITS_END = any_case(
    r"\s*(?:it|that)\s+(?:had |was |has )?(?:been )?(?:finish|end|complet|done|through|over|start|beg[au]n)"
)
_TRAILING = any_case(
    r"(?:afterwards|later|subsequently|thereafter|after that|after this|next|then)\W*(?:on)?\W*"
)
_KEEN = frozenset(
    ("alerted", "alert ended", "reported", "declared", "reopened", "cause", "deployed", "deploying", "rolled back", "rolling back",
     "lead", "joined", "hypothesis", "decided", "branched", "alert ended", "service added", "outage", "recovered", "resolved", "merged", "message", "started", "severity", "committed", "deploy failed", "detected", "confirmed", "tested")
)  # fmt: skip
_ROOM = timedelta(seconds=60)


def check_order(sentence: Sentence, facts: Facts) -> Iterator[Finding]:
    """Find "A before B" where every A came after every B."""
    text = sentence.text
    if sentence.heading or facts.incident is None or not is_claim(text) or in_plans(sentence):
        return
    topics = [each for each in facts.topics(text) if each.point in _KEEN]
    for way, pattern in each_of("order").items():
        for match in pattern.finditer(text):
            amounts = list(durations_in(text))
            if any(0 <= match.start() - each.end < 4 for each in amounts):
                continue
            left = _events(
                [each for each in topics if each.end <= match.start()],
                text,
                facts,
                text[: match.start()],
                last=True,
            )
            rest = text[match.end() :]
            comma = text.find(",", match.end())
            if match.start() < 3 and comma > 0:
                left = _events(
                    [each for each in topics if each.start > comma], text, facts, text[comma:], last=False
                )
                right = _events(
                    [each for each in topics if match.end() <= each.start < comma],
                    text,
                    facts,
                    rest[: comma - match.end()],
                    last=False,
                )
            elif ended := _ITS_END.match(rest):
                before = [t for t in topics if t.end <= match.start()]
                it = next(
                    (t for t in reversed(before) if t.point not in ("message", "declared", "merged")), None
                )
                if it is None:
                    continue
                doing = {"rolled back": "rolling back", "deployed": "deploying"}.get(it.point)
                begun = doing if re.search("start|beg", ended[0]) and doing else it.point
                right, left = (
                    own_stamps(replace(it, point=begun), text, facts),
                    _events([t for t in before if t is not it], text, facts, "", last=True),
                )
            elif not any(t.end <= match.start() for t in topics) and match.start() < 12:
                beyond = [t for t in topics if t.start >= match.end()]
                if len(beyond) < 2:
                    continue
                right, left = (
                    own_stamps(beyond[0], text, facts),
                    _events(beyond[1:2], text, facts, "", last=False),
                )
            elif (
                _TRAILING.fullmatch(match[0] + rest)
                and len(before := [t for t in topics if t.end <= match.start()]) > 1
            ):
                left = _events(before[:-1], text, facts, "", last=True)
                right = _events(before[-1:], text, facts, "", last=False)
            else:
                right = _events(
                    [each for each in topics if each.start >= match.end()], text, facts, rest, last=False
                )
            if not left or not right or {s.event for s in left} & {s.event for s in right}:
                continue
            first, second = (right, left) if way == "after" else (left, right)
            if any(one.at < other.latest + _ROOM for one in first for other in second):
                continue
            yield Finding("order", "order", text.strip()[:160], (*_closest(second), *_closest(first)))
            return


def _events(topics: Sequence[Topic], text: str, facts: Facts, part: str, *, last: bool) -> list[Stamp]:
    """Return the instants of the topic that stands next to the word of order, else of the event that its words retell."""
    chosen = topics[-1] if topics and last else topics[0] if topics else None
    told = retold(part, facts)
    if chosen is None or (
        told and chosen.point in ("rolled back", "recovered") and not facts.of(chosen.point)
    ):
        return told
    if chosen.negated:
        return []
    if chosen.point == "outage":
        spans = (
            facts.outages
            if chosen.which is None or not facts.outages
            else facts.outages[chosen.which : (chosen.which + 1) or None]
        )
        return (
            [stamp for starts, ends in spans for stamp in (ends if last or "over" in part else starts)]
            if chosen.which is not None
            else []
        )
    return own_stamps(chosen, text, facts) or told


def _closest(stamps: Sequence[Stamp]) -> tuple[Stamp, ...]:
    return tuple(sorted(stamps, key=lambda each: each.at))[:1]
