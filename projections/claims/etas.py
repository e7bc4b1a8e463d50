"""Promised times, compared with when the fix came."""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta

from projections.claims.claim import Finding
from projections.claims.clocks import clocks
from projections.claims.facts import ClaimFacts, Stamp
from projections.claims.numbers import spans
from projections.claims.prose import Sentence, Text
from projections.claims.vocabulary import PLANS
from tracker.text.patterns import lazy_pattern
from tracker.times import spoken

_PROMISE = lazy_pattern(
    r"\bETA\b|\bexpected (?:deployment|deploy|fix|resolution|recovery|end|completion|rollback)\b"
    r"|\b(?:fix|deployment|deploy|rollback|recovery|resolution|service|it|we) (?:is |are )?expect(?:ed|s)?\b"
    r"|\b(?:will|should) be (?:fixed|back|deployed|live|resolved|restored|over|rolled back)\b",
    re.IGNORECASE,
)
_ADMITTED = lazy_pattern(
    r"\b(?:missed|slipped|not met|too late|was late|optimistic|instead|later than|unknown|not known|wrong)\b",
    re.IGNORECASE,
)


def check_promises(
    sentence: Sentence, facts: ClaimFacts, text: Text, base: datetime | None = None
) -> Iterator[Finding]:
    """Find a promise in a sentence that was not kept; a span counts from `base`, else from the detection."""
    match = _PROMISE.search(sentence.text)
    if match is None or sentence.heading or sentence.under(*PLANS) or _ADMITTED.search(sentence.text):
        return
    said = sentence.text
    since = text.at or base
    if since is None:
        first = facts.first("detected") or facts.first("declared")
        since = first.at if first else None
    found = [each for each in clocks(said) if each.start >= match.end()]
    due: datetime | None = None
    stop = match.end()
    if found:
        instants = sorted(found[0].instants(list(facts.zones), facts.days))
        after = [at for at in instants if since is None or at >= since - timedelta(minutes=1)]
        due, stop = (after[0] if after else None), found[0].end
    else:
        later = [each for each in spans(said) if each.start >= match.end()]
        if later and since is not None:
            due, stop = since + timedelta(seconds=later[0].high), later[0].end
    if due is None or text.eta is not None:
        return
    says = missed(facts, due, since)
    if says is not None:
        yield Finding("eta", said[match.start() : stop].strip(" ,;"), says[0], says[1])


def of_message(facts: ClaimFacts, text: Text, later: list[Text]) -> Iterator[Finding]:
    """Say if what a message promised in a field of its own was not kept, and not renewed in time."""
    if text.eta is None or text.at is None:
        return
    if any(
        isinstance(each.eta, datetime) and isinstance(each.at, datetime) and each.at <= text.eta
        for each in later
    ):
        return
    says = missed(facts, text.eta, text.at)
    if says is not None:
        own = (text.event,) if text.event else ()
        yield Finding("eta", f"ETA: {facts.clock(text.eta)}", says[0], (*own, *says[1]), line=1)


def missed(facts: ClaimFacts, due: datetime, since: datetime | None) -> tuple[str, tuple[str, ...]] | None:
    """Say what came too late; None where something came in time, or nobody can tell yet."""
    kept = [
        each for point in ("deployed", "rolled back", "resolved", "recovered") for each in facts.of(point)
    ]
    kept = [each for each in kept if since is None or each.latest > since - timedelta(minutes=1)]
    if any(each.at <= due + timedelta(seconds=59) for each in kept):
        return None
    first: Stamp | None = min(kept, key=lambda each: each.at, default=None)
    if first is None:
        if facts.now <= due + timedelta(minutes=2):
            return None
        return (
            f"nothing was deployed, put back or resolved by {facts.clock(due)}, as far as the log knows",
            (),
        )
    late = spoken((first.at - due).total_seconds())
    return f"{first.what} at {facts.clock(first.at)}, {late} after {facts.clock(due)}", (
        first.event,
    ) if first.event else ()
