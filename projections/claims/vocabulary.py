"""The words by which people name the points of an incident, and those that say that a sentence is no claim."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from projections.claims.facts import ClaimFacts
from projections.claims.prose import Sentence
from tracker.text.patterns import lazy_pattern


def _any(*patterns: str) -> re.Pattern[str]:
    return lazy_pattern("|".join(f"(?:{each})" for each in patterns), re.IGNORECASE)


_IT = r"(?:incident|outage|errors?|failures?|problems?|issues?|impact|downtime|disruption|degradation|it)"

POINTS: dict[str, re.Pattern[str]] = {
    "started": _any(
        rf"\b{_IT} (?:had |first |has )?(?:started|began|begins|starts)\b",
        r"\bonset\b",
        rf"\bstart of (?:the )?{_IT}\b",
        r"^started\b",
        r"^start(?: time)?\b(?=\W{1,4}\d)",
        r"\b(?:after|of|from|since) the start\b",
        rf"\b{_IT} start\b",
        r"\b(?:payments?|checkouts?|it|requests) broke\b",
    ),
    "first error": _any(r"\bfirst (?:errors?|failures?|failed)\b"),
    "reported": _any(
        r"\bfirst (?:\w+ )?report(?:ed|s)?\b",
        r"\b(?:customers?|users?) (?:first )?(?:report\w*|complain\w*)",
        r"\breport(?:s|ed)? (?:from|by) (?:an? |the )?(?:first )?(?:customers?|users?)\b",
        r"\b(?:customer|user) reports?\b",
        r"(?:(?<=after )|(?<=after the )|(?<=of the )|(?<=from )|(?<=from the )|(?<=since the ))report\b",
    ),
    "detected": _any(
        r"\bdetected\b(?! (?:that|an?|the|high|low|some|in|more|no)\b)",
        r"\bdetection\b|\bdetecting\b",
        rf"\bdetected (?:the )?{_IT}\b",
        r"\btime to detect\b",
        r"\bM?TTD\b",
    ),
    "alerted": _any(
        r"\balerts?(?: \S+)? (?:fired|went off|triggered|rang|started firing|started to fire)\b",
        r"\b\w+ alert (?:fired|went off|triggered)\b",
        r"\bfirst alert\b|(?:(?<=after )|(?<=of )|(?<=from ))the alert\b",
        r"\bwas paged\b|\bpager (?:went off|fired)\b|\bon-call (?:was )?paged\b",
    ),
    "alert ended": _any(r"\balerts?(?: \S+)? (?:stopped firing|cleared|resolved|ended|recovered)\b"),
    "declared": _any(r"\bdeclar(?:ed|ation)\b", r"\bopened (?:an? |the )?incident\b"),
    "confirmed": _any(
        rf"\b{_IT} (?:was |were )?confirmed\b",
        rf"\bconfirmed (?:the )?{_IT}\b",
        r"^confirmed\b(?! that)",
        r"\bconfirmation\b|\bconfirming\b",
    ),
    "cause": _any(
        r"\broot cause (?:was |had been |is )?(?:identified|found|known|understood|clear|established|confirmed)\b",
        r"\b(?:identified|found|established|understood) (?:the )?(?:root )?cause\b",
        r"^root cause\b",
        r"\broot-cause\b",
        r"\bdiagnosis\b|\bfinding the (?:root )?cause\b",
        r"\bcause (?:was )?(?:identified|found)\b",
        r"\b(?:had|knew) the (?:root )?cause\b",
    ),
    "deploying": _any(
        r"\b(?:deploy(?:ment)?|rollout) (?:of \S+ )?(?:started|began|in progress|begins|starts)\b",
        r"\b(?:started|began) (?:the |to )?(?:deploy(?:ment|ing)?|roll(?:ing)? out|rollout)\b",
        r"\bdeploying\b",
    ),
    "deployed": _any(
        r"\b(?:re-?)?deployed\b",
        r"\bdeploy(?:ment)?s?\b(?! (?:of \S+ )?(?:started|began|in progress|begins|starts))",
        r"\brolled out\b|\brollout\b|\bshipped\b|\bwent live\b|\bwent out\b|\bis live\b|\bwas live\b",
        r"\bfix (?:was |is )?(?:out|live|in production|released)\b",
        r"\breleased (?:the )?(?:fix|hotfix|v?\d)",
        r"\bpushed (?:\S+ )?to production\b",
    ),
    "rolled back": _any(r"\broll(?:ed|ing)?[ -]?back\b", r"\brollbacks?\b", r"\brevert(?:ed)?\b"),
    "recovered": _any(
        r"\brecover(?:ed|y)\b",
        r"\bmitigat(?:ed|ion)\b",
        r"\brestor(?:ed|ation)\b",
        r"\bback to normal\b|\bnormal again\b|\bhealthy again\b",
        r"\b(?:outage|downtime|impact|disruption) (?:was |is )?(?:ended|over)\b",
        r"\bservice (?:was |is )?(?:back|up again)\b|\b(?:works?|worked|working) again\b|\bcame back\b(?! from)",
        r"\b(?:it|all|everything|payments?|check ?outs?|service|site|api|production) (?:was|were) back(?: up| online)?\b",
        r"\b(?:was|were) back (?:up|online)\b(?! to speed)",
    ),
    "verified": _any(r"\bverif(?:ied|ication)\b", r"\bmonitoring (?:was |is )?normal\b"),
    "resolved": _any(
        r"\bresolved\b",
        r"\bresolution\b",
        r"\b(?:incident|issue) (?:was )?closed\b",
        r"\ball[- ]clear\b",
        r"^end(?:ed)?(?: time)?\b(?=\W{1,4}\d)",
        rf"\b{_IT} ended\b",
    ),
    "merged": _any(
        r"\bmerged (?:it |the (?:hot)?fix )?(?:back|(?:in)?to (?:develop|main|master|trunk))",
        r"\bmerg(?:e|ing) back\b",
        r"\bback (?:in|on)(?:to)? (?:develop|main|master)\b",
    ),
}

NOT_NOW = lazy_pattern(
    r"\b(?:will|would|won't|should(?:n't)?|shall|(?<!nobody )(?<!no one )could(?! not|n't)|might|must|may(?! \d)|can(?!not|'t| not)|"
    r"plan(?:s|ned|ning)? to|going to|want(?:s)? to|needs? to|have to|has to|aim(?:s|ing)?|if|unless|whether|"
    r"next time|in (?:the )?future|ideally|otherwise|hopefully|expect(?:s|ed)?|suppose[ds]?|target(?:s|ed)?|goal|"
    r"SLO|SLA|let's|let us|TODO|too (?:late|early)|instead of|rather than|consider\w*|reject\w*|ruled out)\b",
    re.IGNORECASE,
)
"""A clause with one of these does not say what happened."""

HABIT = lazy_pattern(
    r"\b(?:takes?|lasts?|runs?|usually|typically|normally|generally|on average|always|often|sometimes|per (?:deploy|month|week|year|day))\b",
    re.IGNORECASE,
)
"""A clause with one of these says how things are in general."""

QUESTION = lazy_pattern(r"\?\s*$")
PLANS = (
    *(
        "prevention",
        "action",
        "follow-up",
        "follow up",
        "next step",
        "to do",
        "todo",
        "recommendation",
        "improvement",
    ),
)


@dataclass(frozen=True)
class Mention:
    """A point of the incident, named in a sentence."""

    point: str
    start: int
    end: int


def mentions(text: str, begin: int = 0, end: int | None = None) -> list[Mention]:
    """Find the points that a piece of a sentence names; of those in one place, the longest."""
    piece = text[begin:end]
    found = [
        Mention(point, begin + match.start(), begin + match.end())
        for point, words in POINTS.items()
        for match in words.finditer(piece)
    ]
    found.sort(key=lambda each: (each.start, -each.end))
    kept: list[Mention] = []
    for each in found:
        if kept and each.start < kept[-1].end:
            if each.end - each.start > kept[-1].end - kept[-1].start:
                kept[-1] = each
            continue
        kept.append(each)
    return kept


def is_plan(sentence: Sentence) -> bool:
    """Whether a sentence is under a heading for plans, is a task with a box, or a question."""
    return sentence.under(*PLANS) or sentence.box is not None or bool(QUESTION.search(sentence.text))


_ELSEWHERE = lazy_pattern(
    r"\b(?:last|previous|earlier|prior|another|similar|other|older|next|second|third|fourth|\d+(?:st|nd|rd|th)) "
    r"(?:\w+ )?(?:incidents?|outages?|times?|weeks?|months?|years?|quarter|sprint)\b"
    r"|\b(?:week|day|month|year)s? (?:before|earlier|ago)\b|\byesterday\b"
    r"|\b(?:on|in) (?:the )?(?:staging|pre-?production|test(?:ing)? (?:system|environment|cluster)|dev(?:elopment)? (?:system|environment|cluster))\b"
    r"|\b(?:each|every) (?:day|night|week|hour|month|morning)\b|\b(?:daily|nightly|hourly)\b"
    r"|\bmean time between\b|\bin (?:january|february|march|april|june|july|august|september|october|november|december)\b(?! \d)",
    re.IGNORECASE,
)
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_WEEKDAY = lazy_pattern(
    rf"\b(?P<other>(?:last|next|previous|every|each|this|following|until|till|by) )?(?P<day>{'|'.join(WEEKDAYS)})(?:'s)?\b",
    re.IGNORECASE,
)
_NUMBERED = lazy_pattern(r"\b([A-Z][A-Z0-9]{0,9})-(\d{1,9})\b")


def is_elsewhere(text: str, facts: ClaimFacts) -> bool:
    """Whether a sentence is about something else: another incident, another day than those that it lasted."""
    prefix, _, number = facts.incident.id.rpartition("-")
    others = [(a, b) for a, b in _NUMBERED.findall(text) if a == prefix and b.lstrip("0") != number]
    if others or _ELSEWHERE.search(text) is not None:
        return True
    named = list(_WEEKDAY.finditer(text))
    if not named:
        return False
    own = {WEEKDAYS[day.weekday()] for day in facts.own_days}
    return any(each["other"] or each["day"].lower() not in own for each in named)


def nearest(found: list[Mention], start: int, end: int) -> Mention | None:
    """Return the mention that stands nearest to a piece; what comes before wins over what follows as near."""

    def distance(each: Mention) -> tuple[int, int]:
        return (start - each.end, 0) if each.end <= start else (each.start - end, 1)

    return min(found, key=distance, default=None)


def outside(sentence: Sentence, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Return what to look at for the meaning of a piece: its clause first, then all up to a semicolon."""
    clause = sentence.clause(start, end)
    yield clause
    segment = sentence.segment(start, end)
    if segment != clause:
        yield segment
