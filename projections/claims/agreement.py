"""Whether a text agrees with itself and with the log on what cannot be counted: the cause, how detection went, the zone."""

import re
from collections.abc import Iterator

from projections.claims.claim import Finding
from projections.claims.clocks import clocks, dates_in, zones_in
from projections.claims.facts import ClaimFacts
from projections.claims.prose import Sentence, Text
from projections.claims.vocabulary import NOT_NOW, PLANS, mentions
from tracker.events.incidents import NoteAdded
from tracker.events.verdicts import VerdictsGiven
from tracker.text.patterns import lazy_pattern

MECHANISMS: dict[str, re.Pattern[str]] = {
    name: lazy_pattern(pattern, re.IGNORECASE)
    for name, pattern in {
        "a timeout": r"\btime-?outs?\b|\btimed[ -]out\b|\btiming out\b",
        "a pool or resource that ran out": r"\bpools?\b|\bdeplet\w+|\bexhaust\w+|(?<!memory )\bleak\w*|\bnot (?:being )?(?:released|returned|given back|closed)\b|\b(?:never|without) (?:releas|return|giv|clos)\w+|\bran (?:dry|out of (?:connections|threads|handles))|\bstarv\w+|\bholds? (?:its|the) connections?",
        "memory": r"\bOOM\b|\bout of memory\b|\bmemory\b|\bheap\b",
        "a full disk": r"\bdisks?\b|\bno space left\b|\binodes?\b",
        "DNS": r"\bDNS\b|\bname resolution\b",
        "a certificate": r"\bcert(?:ificate)?s?\b|\bTLS\b|\bSSL\b",
        "configuration": r"\bmis-?config\w*|\bconfig(?:uration)?\b|\bfeature flag\b|\benvironment variable\b",
        "a lock": r"\bdeadlock\w*|\block contention\b|\blocked (?:table|row)s?\b",
        "a null value": r"\bnull[- ]pointer\b|\bNPE\b|\bNoneType\b|\bundefined is not\b",
        "the network": r"\bnetwork\b|\bpacket loss\b|\bpartition\b|\bfirewall\b",
        "a race": r"\brace condition\b",
        "a migration": r"\bmigrations?\b|\bschema\b",
        "a third party": r"\bthird[- ]party\b|\bprovider outage\b|\bupstream provider\b",
        "a rate limit": r"\brate[- ]limit\w*|\bthrottl\w+",
    }.items()
}
_CAUSED = lazy_pattern(
    r"\b(?:due to|caused by|because of|because|as a result of|owing to|the cause was|cause:|root cause(?: was| is)?(?: identified| found)?\s?[:(])\s*(?P<why>[^.;]{3,160})",
    re.IGNORECASE,
)
_FAST = lazy_pattern(
    r"\b(?:detection|alerting|detected|noticed)\b[^.;]{0,25}?\b(?:fast|quick(?:ly)?|prompt(?:ly)?|immediate(?:ly)?|good|excellent|early|well)\b"
    r"|\b(?:fast|quick|prompt|early|good) (?:detection|alerting)\b|\b(?:quickly|promptly|immediately) (?:detected|noticed)\b",
    re.IGNORECASE,
)
_SLOW = lazy_pattern(
    r"\b(?:detect|notice|find (?:it|this)|know)\w* (?:it |this |issues |problems |such \w+ )?(?:earlier|sooner|faster|quicker)\b"
    r"|\b(?:need|needs|needed|lack|lacked|missing|improve|better)\b[^.;]{0,20}\b(?:alerting|alerts?|detection)\b",
    re.IGNORECASE,
)
_NEGATED = lazy_pattern(r"\b(?:not|n't|never|too|could have been|wasn't|isn't)\b", re.IGNORECASE)
_NORMAL = lazy_pattern(
    r"\b(?:all )?(?:metrics|monitoring|error rates?|dashboards?)(?: \w+)?:? (?:is |are |was |were |all )*(?:normal|green|healthy|back to normal)\b",
    re.IGNORECASE,
)


def check_agreement(sentences: list[Sentence], facts: ClaimFacts, text: Text) -> Iterator[Finding]:
    """Find where a text contradicts itself, or the log's root cause."""
    yield from _cause(sentences, facts)
    yield from _detection(sentences)
    yield from _zone(sentences, facts, text)
    yield from _metrics(sentences, facts)


def _mechanisms(text: str) -> set[str]:
    return {name for name, words in MECHANISMS.items() if words.search(text)}


def _named(mechanisms: set[str]) -> str:
    return " and ".join(name for name in MECHANISMS if name in mechanisms)


def _cause(sentences: list[Sentence], facts: ClaimFacts) -> Iterator[Finding]:
    """Compare each "due to …" with the root cause: that of the log where one was noted, else of the text's own section."""
    noted = [
        each
        for each in facts.notes
        if isinstance(each.event, NoteAdded)
        and (
            each.event.kind == "root-cause"
            or (
                each.event.kind == "note" and any(m.point == "cause" for m in mentions(each.event.text[:500]))
            )
        )
    ]
    noted_text = " ".join(each.event.text[:2000] for each in noted if isinstance(each.event, NoteAdded))
    noted_text += " ".join(link.why for link in facts.incident.links.values() if link.role == "caused")
    own = [each for each in sentences if each.under("root cause") and not each.heading]
    own_text = " ".join(each.text for each in own)
    theirs, written = _mechanisms(noted_text), _mechanisms(own_text)
    where = f"; under Root Cause (line {own[0].line}) it is {_named(written)}" if written else ""
    if theirs and written and not theirs & written:
        yield Finding(
            "cause",
            own[0].text[:120],
            f"the log's root cause is {_named(theirs)}, not {_named(written)}",
            tuple(e.id for e in noted),
            line=own[0].line,
        )
    for each in sentences:
        if each.heading or each.under("root cause", *PLANS):
            continue
        match = _CAUSED.search(each.text)
        if match is None or NOT_NOW.search(each.text, *each.clause(match.start(), match.start() + 3)):
            continue
        said = _mechanisms(match["why"])
        if not said:
            continue
        if theirs and not said & theirs:
            yield Finding(
                "cause",
                match[0].strip(),
                f"the log's root cause is {_named(theirs)}, not {_named(said)}",
                tuple(e.id for e in noted),
                line=each.line,
            )
        elif written and not said & written:
            yield Finding(
                "cause",
                match[0].strip(),
                f"that is {_named(said)}{where}: name one cause in both places",
                line=each.line,
            )


def _detection(sentences: list[Sentence]) -> Iterator[Finding]:
    fast = [
        (each, m)
        for each in sentences
        if not each.heading and not each.under(*PLANS)
        for m in _FAST.finditer(each.text)
    ]
    fast = [(each, m) for each, m in fast if not _NEGATED.search(m[0])]
    slow = [
        (each, m)
        for each in sentences
        if not each.heading and not each.under(*PLANS) and (m := _SLOW.search(each.text))
    ]
    if fast and slow:
        each, match = fast[0]
        other = slow[0][0]
        if each is not other:
            yield Finding(
                "contradiction",
                match[0],
                f"line {other.line} says the opposite: {other.text[:80]!r}; keep the one that holds",
                line=each.line,
            )


def _zone(sentences: list[Sentence], facts: ClaimFacts, text: Text) -> Iterator[Finding]:
    """Find a timeline without a time zone."""
    if text.event is not None or facts.zone_known:
        return
    rows = [each for each in sentences if each.row and (found := clocks(each.text)) and found[0].start <= 2]
    if len(rows) < 3 or any(zones_in(each.text) for each in sentences):
        return
    dated = any(dates_in(each.text) for each in sentences)
    first = clocks(rows[0].text)[0]
    lacks = "no zone" if dated else "no zone and no date"
    at = facts.incident.begins_at
    yield Finding(
        "time",
        first.words,
        f"{lacks} is named in the whole timeline; the log's times are in UTC, from {facts.dated(at)} on: write it above the rows",
        line=rows[0].line,
    )


def _metrics(sentences: list[Sentence], facts: ClaimFacts) -> Iterator[Finding]:
    """Compare "all metrics normal" with the last recorded verdicts, where there are any."""
    last: dict[str, tuple[str, str, str]] = {}
    for step in facts.incident.steps:
        event = step.event
        if (
            isinstance(event, VerdictsGiven)
            and step.retraction is None
            and event.incident == facts.incident.id
        ):
            for verdict in event.verdicts:
                if verdict.baseline == "healthy":
                    last[f"{event.service} {verdict.metric}"] = (verdict.verdict, event.window, step.id)
    bad = {
        name: held
        for name, held in last.items()
        if held[0] in ("still_degraded", "partly_recovered", "regressed")
    }
    if not bad:
        return
    for each in sentences:
        match = _NORMAL.search(each.text)
        if match and not each.heading and not each.under(*PLANS) and not NOT_NOW.search(each.text):
            name, held = next(iter(bad.items()))
            yield Finding(
                "verdict",
                match[0],
                f"the judge says that {name} {held[0].replace('_', ' ')} over {held[1]} after the change",
                (held[2],),
                line=each.line,
            )
