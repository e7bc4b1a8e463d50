"""Whether a text agrees with itself: how detection went, the zone of its times; and with the judge on metrics."""

from collections.abc import Iterator, Sequence

from projections.claims.claim import Finding
from projections.claims.clocks import clocks, dates_in, zones_in
from projections.claims.facts import Facts
from projections.claims.prose import Sentence
from projections.claims.topics import in_plans, is_claim
from projections.claims.vocabulary import any_case
from tracker.events.verdicts import VerdictsGiven

_FAST = any_case(
    r"\b(?:detection|alerting|detected|noticed)\b[^.;]{0,25}?\b(?:fast|quick(?:ly)?|prompt(?:ly)?|immediate(?:ly)?|good|excellent|early|well)\b"
    r"|\b(?:fast|quick|prompt|early|good) (?:detection|alerting)\b|\b(?:quickly|promptly|immediately) (?:detected|noticed)\b"
)
_SLOW = any_case(
    r"\b(?:detect|notice|find (?:it|this)|know)\w* (?:it |this |issues |problems |such \w+ )?(?:earlier|sooner|faster|quicker)\b"
    r"|\b(?:need|needs|needed|lack|lacked|missing|improve|better)\b[^.;]{0,20}\b(?:alerting|alerts?|detection)\b"
)
_NEGATED = any_case(r"\b(?:not|n't|never|too|could have been|wasn't|isn't)\b")
_NORMAL = any_case(
    r"\b(?:all )?(?:metrics|monitoring|error rates?|dashboards?)(?: \w+)?:? (?:is |are |was |were |all )*(?:normal|green|healthy|back to normal)\b"
)
_PLANS = ("action", "prevention", "next steps")
_BAD = ("still_degraded", "partly_recovered", "regressed")


def check_agreement(sentences: Sequence[Sentence], facts: Facts, *, is_file: bool) -> Iterator[Finding]:
    """Find where a text contradicts itself."""
    spoken = [each for each in sentences if not each.heading and not in_plans(each)]
    fast = [(each, m) for each in spoken for m in _FAST.finditer(each.text) if not _NEGATED.search(m[0])]
    slow = [each for each in spoken if _SLOW.search(each.text)]
    if fast and slow and fast[0][0] is not slow[0]:
        yield Finding(
            "contradiction",
            "detection",
            fast[0][1][0],
            values=(str(slow[0].line), slow[0].text[:80]),
            line=fast[0][0].line,
        )
    if is_file and not facts.zone_known and facts.incident is not None:
        yield from _zone(sentences, facts)
    normal = [
        (each, match)
        for each in spoken
        if (match := _NORMAL.search(each.text)) and is_claim(each.text, *match.span())
    ]
    bad: dict[str, tuple[str, str, str]] = {}
    for step in facts.incident.steps if facts.incident and normal else ():
        event = step.event
        if (
            isinstance(event, VerdictsGiven)
            and step.retraction is None
            and event.incident == (facts.incident and facts.incident.id)
        ):
            for verdict in event.verdicts:
                if verdict.baseline == "healthy":
                    bad[f"{event.service} {verdict.metric}"] = (verdict.verdict, event.window, step.id)
    bad = {name: held for name, held in bad.items() if held[0] in _BAD}
    for each, match in normal if bad else ():
        name, (verdict_of, window, event_id) = next(iter(bad.items()))
        yield Finding(
            "verdict",
            "verdict",
            match[0],
            values=(name, verdict_of, window),
            events=(event_id,),
            line=each.line,
        )


def _zone(sentences: Sequence[Sentence], facts: Facts) -> Iterator[Finding]:
    """Find a timeline without a time zone."""
    rows = [each for each in sentences if each.row and (found := clocks(each.text)) and found[0].start <= 2]
    if len(rows) < 3 or any(zones_in(each.text) for each in sentences):
        return
    dated = any(dates_in(each.text, (2000,)) for each in sentences)
    yield Finding(
        "time",
        "no zone" if dated else "no zone and no date",
        clocks(rows[0].text)[0].words,
        facts.of("started", "declared")[:1],
        line=rows[0].line,
    )
