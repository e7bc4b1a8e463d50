"""What a span of time can be of: the words for it, and what the log measures of it."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from projections.claims.facts import ClaimFacts, Measure, Stamp
from tracker.text.patterns import lazy_pattern

Measures = Callable[[ClaimFacts], list[Measure]]


def _re(*patterns: str) -> re.Pattern[str]:
    return lazy_pattern("|".join(f"(?:{each})" for each in patterns), re.IGNORECASE)


_DOWN = r"(?:was|were|is|are|been|being|went|fully|completely|partially|stayed|remained|service|site)"
_DONE = r"(?:pay|check ?out|complete|log ?in|sign ?in|order|buy|use|access|reach|place|book|purchase)"


@dataclass(frozen=True)
class Kind:
    """What a span of time can be of: the words for it, what it is called, and what the log measures of it."""

    words: re.Pattern[str]
    called: str
    measures: Measures
    missing: str = ""


def _named(*names: str) -> Measures:
    return lambda facts: [each for name in names if (each := facts.named(name)) is not None]


def _until(end: str, *starts: str) -> Measures:
    return lambda facts: [measure for start in starts for measure in facts.between(start, end)]


def _joined(*parts: Measures) -> Measures:
    return lambda facts: [each for part in parts for each in part(facts)]


def _downtime(facts: ClaimFacts) -> list[Measure]:
    """Return how long it was down; until the fix was deployed will do where no metric says when it was back."""
    found = facts.downtime()
    if found is None:
        return []
    start, fix = facts.start, facts.fix
    held = facts.durations.get("downtime")
    if start is None or fix is None or held is None or held.to is None or not facts.said_recovered:
        return [found]
    if not start.at <= fix.at <= held.to:
        return [found]
    return [found, facts.span(start, fix)]


def until_fixed(facts: ClaimFacts) -> list[Measure]:
    """Return how long it took until the fix was deployed, from the detection and from the start."""
    found = _named("time_to_fix_deployed")(facts)
    fix = facts.fix
    if fix is None:
        return found
    starts = [*([] if found else facts.of("detected")), *([facts.start] if facts.start else [])]
    return found + [facts.span(start, fix) for start in starts if fix.at >= start.at]


def until_detected(facts: ClaimFacts) -> list[Measure]:
    """Return how long detection took; nothing where nobody recorded one of its ends."""
    held = facts.durations.get("time_to_detect")
    known = held is not None and (held.state == "recorded" or held.at_least is not None)
    if not known:
        return []
    if held is not None and held.state == "uncertain" and "detected" not in facts.incident.milestones:
        # Nobody said when it was detected: the first report that was noted had detected it.
        noted = [each for each in facts.of("reported") if each.origin == "note"]
        first = min(noted, key=lambda each: each.at, default=None)
        if first is not None and (
            found := [m for m in facts.between("started", "reported") if first.event in m.evidence]
        ):
            return found[:1]
    return _named("time_to_detect")(facts)


def _told(facts: ClaimFacts) -> list[Measure]:
    first = facts.messages[0] if facts.messages else None
    if first is None or first.sent_at is None:
        return []
    sent = Stamp(first.sent_at, "the first message went out", first.sent_event)
    starts = [stamp for point in ("detected", "declared", "started") for stamp in facts.of(point)]
    return [facts.span(start, sent) for start in starts if start.at <= sent.at]


KINDS: tuple[Kind, ...] = (
    Kind(
        _re(
            rf"\b{_DOWN} down\b(?! (?:to|by)\b| from (?!\d{{1,2}}[:.]\d\d))",
            r"\bdown for\b|\bdowntime\b|\bdown time\b|\boutages?\b|\bunavailab\w+|\boffline\b|\bout of service\b",
            r"\binaccessible\b|\bunreachable\b|\bdisruption\b|\binterruption\b|\bnot available\b",
            rf"\b(?:nobody|no one|no customers?|no users?) (?:could|was able to|were able to) {_DONE}\b",
            rf"\b(?:could not|couldn't|cannot|can't|(?:un|not )able to|failed to) {_DONE}\b",
            r"\b(?:payments?|checkouts?|requests|transactions|orders|customers|users)(?: \w+)? (?:failed|were failing|were broken|were affected|were impacted)\b",
            r"\b(?:was|were|been) (?:broken|degraded)\b",
            r"\b(?:saw|got|experienced|received|returned|returning|answered|serving|served|threw)\b[^.;]{0,25}?\b(?:errors?|failures?|500s?|5xx)\b",
            r"\bimpact lasted\b|\bduration of (?:the )?(?:outage|impact)\b",
        ),
        "it was down",
        _downtime,
    ),
    Kind(
        _re(
            r"\b(?:incident|issue|problem)(?: \w+){0,2} (?:lasted|took|ran|went on|was over)\b",
            r"\b(?:incident|total|overall) (?:duration|time)\b",
            r"\blasted\b|^duration\b",
            r"\b(?:whole|entire) \w+ (?:took|lasted|was over)\b|\bin total\b",
            r"\b(?:long|minute|hour)[- ](?:incident|issue|problem)\b",
        ),
        "the incident lasted",
        _joined(
            _downtime,
            _named("time_to_resolve"),
            _until("resolved", "started", "detected", "declared"),
        ),
    ),
    Kind(
        _re(
            r"\bdetect\w*",
            r"\bdiscover(?:ed|y)\b",
            r"\bnoticed\b",
            r"\bM?TTD\b",
            r"\bspotted\b",
            r"\bbecame aware\b",
        ),
        "detection took",
        until_detected,
        "the log does not say how long that was: its start or its detection is not recorded",
    ),
    Kind(
        _re(r"\bconfirm\w*", r"\backnowledg\w*", r"\bM?TTA\b"),
        "confirmation took",
        _until("confirmed", "started", "reported", "detected", "alerted"),
    ),
    Kind(
        _re(r"\broot cause\b", r"\bdiagnos\w+", r"\bidentif\w+", r"\bcause (?:was )?found\b"),
        "finding the cause took",
        _until("cause", "started", "reported", "detected", "declared", "confirmed", "alerted"),
    ),
    Kind(
        _re(
            r"\bfix(?:ed|ing|es)?(?: and (?:deploy\w*|ship\w*|roll\w* out))?(?: deployed)?\b",
            r"\bhot-?fix(?:ed)?\b|\bpatch(?:ed)?\b",
            r"\btime to (?:fix|repair)\b",
            r"\b(?:fixed|resolved) and deployed\b",
        ),
        "from detection to the deployed fix it took",
        until_fixed,
        "the log has no deployed fix",
    ),
    Kind(
        _re(r"\b(?:re-?)?deployed\b", r"\brolled out\b", r"\bshipped\b", r"\bwent (?:live|out)\b"),
        "from detection to the deployed fix it took",
        until_fixed,
        "the log has no deploy",
    ),
    Kind(
        _re(r"\b(?:re-?)?deploy(?:ment|ing|s)?\b", r"\broll[- ]?out\b", r"\bshipping\b"),
        "from detection to the deployed fix it took",
        _joined(until_fixed, _until("deployed", "deploying")),
        "the log has no deploy",
    ),
    Kind(
        _re(
            r"\broll(?:ed|ing)?[ -]?backs?\b(?! (?:plan|procedure|script|command))", r"\brevert(?:ed|ing)?\b"
        ),
        "the rollback came after",
        _until("rolled back", "deployed", "detected", "started", "rolled back", "declared"),
        "the log has no rollback",
    ),
    Kind(
        _re(
            r"\brecover(?:ed|y|ing)?\b",
            r"\bmitigat\w+",
            r"\brestor(?:ed?|ing|ation)\b",
            r"\bback to normal\b",
            r"\bM?TTR\b",
            r"\bhealthy again\b",
            r"\b(?:it|all|everything) (?:was|were) (?:all )?over\b|\bnormal again\b|\b(?:works?|worked|working) again\b|\bcame back\b|\b(?:was|were) back\b",
        ),
        "recovery took",
        _joined(
            _downtime,
            _named("time_to_recover", "time_to_resolve"),
            _until("recovered", "detected", "deployed", "rolled back", "declared"),
        ),
    ),
    Kind(
        _re(r"\bresolv(?:ed?|ing)\b", r"\bresolution\b", r"\bclosed\b"),
        "from detection to resolution it took",
        _joined(
            _named("time_to_resolve"),
            _until("resolved", "started", "declared", "reported", "confirmed"),
            _downtime,
        ),
    ),
    Kind(
        _re(r"\btime to (?:resolve|resolution)\b"),
        "from detection to resolution it took",
        _joined(_named("time_to_resolve"), _until("resolved", "started")),
    ),
    Kind(
        _re(r"\bdeclar(?:ed|ing|ation)\b"),
        "from detection to declaration it took",
        _joined(
            _named("time_to_declare"),
            _until("declared", "started", "detected", "alerted"),
        ),
    ),
    Kind(
        _re(
            r"\b(?:team|everyone|on-?call|stakeholders|customers) (?:was |were )?(?:alerted|notified|told|informed|paged)\b",
            r"\b(?:alerted|notified|told|informed|paged) (?:the )?(?:team|everyone|on-?call|stakeholders|customers)\b",
            r"\bfirst (?:message|update|communication)\b",
        ),
        "telling the team took",
        _told,
    ),
    Kind(
        _re(r"\bmerg(?:ed|ing|e) (?:back|(?:in)?to (?:develop|main|master|trunk))\b"),
        "merging back took",
        _joined(
            _named("merged_back_after"),
            _until("merged", "deployed", "resolved", "detected"),
        ),
    ),
    Kind(
        _re(
            r"\bbuilds?\b|\btest\w*|\bETA\b|\bexpected\b|\bmeeting\b|\bcall\b|\breview\w*|\bexpir\w+|\bplans?\b|\blatency\b|\bresponse time\b|\bcach\w+|\bretr(?:y|ies|ied)\b",
            r"\btime-?outs?\b|\btimed out\b|\bbackups?\b|\brestart\w*|\bpods?\b|\bquer(?:y|ies)\b|\block(?:ed|s)?\b|\bmigration\b",
            r"\bbranch(?:es)?\b|\bsessions?\b|\bwindow\b|\bqueue\w*|\bmonitor\w*|\bwatch\w*|\bobserv\w*|\bpool\b|\bp9\d\b|\binterval\b|\btook over\b",
            r"\bwait(?:ed|ing|s)?\b|\blater\b|\bevery\b|\beach\b|\bstandby\b|\balert (?:if|when)\b|\bsetting\b|\bslept\b|\bsleep\b|\bdelay\b",
        ),
        "",
        lambda facts: [],
    ),
)
