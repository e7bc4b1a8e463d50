"""Promised times in messages and in reports, compared with when the fix came."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from projections.claims.amounts import durations_in
from projections.claims.claim import Finding
from projections.claims.clocks import clocks
from projections.claims.facts import Facts
from projections.claims.prose import Sentence, Text
from projections.claims.stamps import Stamp
from projections.claims.topics import in_plans
from projections.claims.vocabulary import any_case

_PROMISE = any_case(
    r"\bETA\b|\bexpected (?:deployment|deploy|fix|resolution|recovery|end|completion|rollback)\b"
    r"|\b(?:fix|deployment|deploy|rollback|recovery|resolution|service|it|we) (?:is |are )?expect(?:ed|s)?\b"
    r"|\b(?:will|should) be (?:fixed|back|deployed|live|resolved|restored|over|rolled back)\b"
)
_ADMITTED = any_case(
    r"\b(?:missed|slipped|not met|too late|was late|optimistic|instead|later than|unknown|not known|wrong)\b"
)


def check_promises(
    sentence: Sentence, facts: Facts, at: datetime | None, base: datetime | None
) -> Iterator[Finding]:
    """Find a promise in a sentence that was not kept; a span counts from when it was said, from `base`, else from the detection."""
    text = sentence.text
    match = _PROMISE.search(text)
    if (
        match is None
        or sentence.heading
        or in_plans(sentence)
        or _ADMITTED.search(text)
        or facts.incident is None
    ):
        return
    first = (*facts.of("detected"), *facts.of("declared"))[:1]
    since = at or base or (first[0].at if first else None)
    due, stop = None, match.end()
    for clock in clocks(text):
        if clock.start >= match.end():
            after = sorted(
                i
                for i in clock.instants(facts.zones, facts.days)
                if since is None or i >= since - timedelta(minutes=1)
            )
            due, stop = (after[0] if after else None), clock.end
            break
    else:
        later = [each for each in durations_in(text) if each.start >= match.end()]
        if later and since is not None:
            due, stop = since + timedelta(seconds=later[0].high), later[0].end
    if due is not None and (wrong := missed(facts, due, since, text[match.start() : stop].strip(" ,;"))):
        yield wrong


def check_message(facts: Facts, text: Text, later: Sequence[Text]) -> Iterator[Finding]:
    """Find what a message promised in a field of its own, and was neither kept nor renewed in time."""
    if (
        text.eta is None
        or text.at is None
        or any(each.eta and each.at and each.at <= text.eta for each in later)
    ):
        return
    wrong = missed(facts, text.eta, text.at, f"ETA: {text.eta:%H:%M} UTC")
    if wrong is not None:
        yield wrong


def missed(facts: Facts, due: datetime, since: datetime | None, words: str) -> Finding | None:
    """Return what came too late; None where something came in time, or nobody can tell yet."""
    kept = [
        s
        for s in facts.of("deployed", "rolled back", "resolved", "recovered", "alert ended")
        if since is None or s.latest > since - timedelta(minutes=1)
    ]
    if any(each.at <= due + timedelta(seconds=59) for each in kept):
        return None
    promised = Stamp("promised", due, None, origin="text")
    if kept:
        return Finding("eta", "late", words, (min(kept, key=lambda each: each.at), promised))
    if facts.now <= due + timedelta(minutes=2):
        return None
    return Finding("eta", "nothing came", words, (promised,))
