"""Rollbacks as written, where the log has deploys and no rollback."""

import re
from collections.abc import Iterator

from projections.claims.claim import Finding
from projections.claims.facts import ClaimFacts
from projections.claims.prose import Sentence, Text
from projections.claims.versions import told_of_rollback
from projections.claims.vocabulary import NOT_NOW, is_elsewhere, is_plan
from tracker.text.patterns import lazy_pattern

_WHAT = (
    r"(?:(?:the|that|this|our) )?(?:bad |broken |faulty |first |last |new )?"
    r"(?:deploy(?:ment)?|release|rollout|hotfix|fix|version|service|production|it|everything)"
)
_ROLLED = lazy_pattern(
    r"\b(?:we|they|I|he|she|who|team|on-?call|and|then)(?: (?:have|had|then|quickly|immediately|at once|first))? "
    rf"(?:rolled back|reverted)(?: {_WHAT})?(?= (?:at|to|after|within|in|on|by|because|since|when|once|again|immediately)\b|\W*$|[,;.)])"
    rf"|\b{_WHAT} (?:was|were|had been|has been|got) (?:quickly |immediately |then |later )?(?:rolled back|reverted)\b"
    r"|\b(?:after|with|by|following) (?:the|a) rollback\b|\b(?:the|a) rollback (?:fixed|helped|restored|brought|solved|resolved|was done|was needed|was started|took|finished|ended)\b",
    re.IGNORECASE,
)
_NEGATED = lazy_pattern(
    r"\b(?:no|not|never|without|nothing|neither|nor|n't|avoid\w*)\b[^,;.]{0,40}$", re.IGNORECASE
)


def check_rollbacks(sentence: Sentence, facts: ClaimFacts, text: Text) -> Iterator[Finding]:
    """Find rollbacks that the log does not have, where it has deploys."""
    if (
        sentence.heading
        or is_plan(sentence)
        or is_elsewhere(sentence.text, facts)
        or "b" not in sentence.text
    ):
        return
    deploys = [row for row in facts.changes if row.kind == "deploy"]
    if not deploys or facts.of("rolled back") or any(row.kind == "rollback" for row in facts.changes):
        return
    said = sentence.text
    for match in _ROLLED.finditer(said):
        left, right = sentence.clause(match.start(), match.end())
        before = said[left : match.end()]
        if (
            NOT_NOW.search(said, left, right)
            or _NEGATED.search(said[left : match.start() + 4])
            or _NEGATED.search(before[:-4])
        ):
            continue
        if told_of_rollback(said):
            continue
        named = ", ".join(f"{row.version} at {facts.clock(row.at)}" for row in deploys[-4:])
        yield Finding(
            "count",
            match[0].strip(),
            f"the log has no rollback; it has deploys: {named}",
            tuple(row.event for row in deploys[-4:]),
        )
        return
