"""Who led, declared, resolved or deployed, and who or what noticed it, as people say it and as the log has it."""

import re
from collections.abc import Iterator

from projections.claims.claim import Finding
from projections.claims.facts import ClaimFacts, events_of
from projections.claims.prose import Sentence, Text
from projections.claims.vocabulary import NOT_NOW, is_plan
from tracker.text.patterns import lazy_pattern

_NAME = r"@?(?P<{0}>[A-Z][\w.'-]{{0,40}}(?: [A-Z][\w.'-]{{1,40}}){{0,2}})"
_AT_NAME = r"@?(?P<{0}>[A-Za-z][\w.'-]{{0,40}}(?: [A-Z][\w.'-]{{1,40}}){{0,2}})"
_ROLE = r"(?:incident )?(?:lead|commander|manager|IC)"
_LEAD = lazy_pattern(
    rf"\b(?i:led|lead|commanded|coordinated|run) by {_NAME.format('by')}"
    rf"|\b{_NAME.format('who')} (?:led|was leading|coordinated|took the lead|was (?:the )?(?i:{_ROLE}))\b"
    rf"|(?:^|\b)(?i:{_ROLE})(?: was| is|:)\s*{_AT_NAME.format('was')}"
)
_DID = lazy_pattern(
    rf"\b(?P<verb>(?i:declared|resolved|closed|deployed|rolled back|reopened))(?: at [\d:]+(?: ?(?:[AaPp][Mm]|UTC|Z))?)? by {_NAME.format('by')}"
)
_DETECTED = lazy_pattern(
    r"\b(?:was |were |is )?(?:detected|noticed|discovered|found|caught|raised|reported) (?:first )?(?:by|through|via|from) (?:an? |the |our )?(?:\w+ )?"
    r"(?P<what>alerts?|alerting|monitoring|alarm|customers?|users?|support|engineers?|persons?|colleagues?)\b"
    r"|\bdetection(?: source| method)?:\s*(?:by )?(?:an? )?(?P<key>alerts?|alerting|monitoring|customers?|users?)\b"
    r"|\b(?<!no )(?P<told>alerts?|alerting|monitoring|customers?|users?|support) "
    r"(?:told (?:us|me)|noticed|caught|spotted|detected|flagged|reported|saw)(?: (?:it|this|us|the \w+))? first\b",
    re.IGNORECASE,
)
_SOURCES = {
    "alert": ("alert", "alerts", "alerting", "monitoring", "alarm"),
    "customer": ("customer", "customers", "user", "users", "support"),
    "person": ("engineer", "engineers", "person", "persons", "colleague", "colleagues"),
}
_NOBODY = frozenset(
    [
        "monitoring",
        "alerting",
        "the",
        "a",
        "an",
        "this",
        "that",
        "we",
        "they",
        "it",
        "team",
        "github",
        "argo",
        "argocd",
        "ci",
        "none",
        "nobody",
        "not",
        "customer",
        "customers",
        "alert",
        "tracker",
        "jenkins",
    ]
)
_SEVERITY = lazy_pattern(
    r"^\W*(?:the |its )?severity(?:\W{1,4}| (?:was|is) )(?P<severity>critical|major|minor|sev-?\d|p\d)\b",
    re.IGNORECASE,
)


def check_people(sentence: Sentence, facts: ClaimFacts, text: Text) -> Iterator[Finding]:
    """Find the names in a sentence that the log contradicts."""
    if sentence.heading or is_plan(sentence):
        return
    said = sentence.text
    for match in _LEAD.finditer(said):
        name = match["by"] or match["who"] or match["was"]
        if (
            facts.leads
            and not _skipped(sentence, match, name)
            and not any(same_person(name, who) for _, who, _ in facts.leads)
        ):
            _, who, event = facts.leads[-1]
            yield Finding("name", match[0].strip(), f"{who} led it", (event,))
    for match in _DID.finditer(said):
        if _skipped(sentence, match, match["by"]):
            continue
        held = _who(match["verb"].lower(), facts)
        if held and not any(same_person(match["by"], who) for who, _ in held):
            names = " and ".join(dict.fromkeys(who for who, _ in held))
            yield Finding(
                "name",
                match[0].strip(),
                f"it was {match['verb'].lower()} by {names}",
                tuple(event for _, event in held),
            )
    by = facts.incident.detected_by
    for match in _DETECTED.finditer(said):
        word = (match["what"] or match["key"] or match["told"]).lower()
        if by is None or by not in _SOURCES or word in _SOURCES[by]:
            continue
        if not (match["told"] or re.search(r"detect|notic|discover|caught", match[0], re.IGNORECASE)):
            continue
        if by == "person" and word in _SOURCES["customer"]:
            continue
        declared = facts.of("declared")
        yield Finding(
            "name",
            match[0].strip(),
            f"it was detected by {_article(by)}",
            events_of(declared[:1]),
        )
    severity = _SEVERITY.match(said)
    if severity and severity["severity"].lower() in ("critical", "major", "minor"):
        held_severities = _severities(facts)
        if severity["severity"].lower() not in held_severities:
            yield Finding("name", severity[0].strip(), f"its severity is {facts.incident.severity}")


def _article(word: str) -> str:
    return f"an {word}" if word[0] in "aeiou" else f"a {word}"


def _severities(facts: ClaimFacts) -> set[str]:
    return {
        str(getattr(step.event, "severity", "")) for step in facts.incident.steps if step.retraction is None
    }


def _skipped(sentence: Sentence, match: re.Match[str], name: str) -> bool:
    left, right = sentence.clause(match.start(), match.end())
    return name.split()[0].lower().strip(".") in _NOBODY or bool(NOT_NOW.search(sentence.text, left, right))


def same_person(first: str, second: str) -> bool:
    """Whether two names can be of one person: John, John Doe, john.doe and @john-dev are."""
    one, two = (re.split(r"[\s@._-]+", name.lower().strip("@ .,'")) for name in (first, second))
    one, two = ([part for part in parts if part] for parts in (one, two))
    if not one or not two:
        return False
    return one[0] == two[0] or bool(
        {part for part in one if len(part) > 2} & {part for part in two if len(part) > 2}
    )


def _who(verb: str, facts: ClaimFacts) -> list[tuple[str, str]]:
    topics = {
        "declared": "incident-declared",
        "resolved": "incident-resolved",
        "closed": "incident-resolved",
        "reopened": "incident-reopened",
    }
    if verb in topics:
        return [
            (getattr(step.event, "decided_by", ""), step.id)
            for step in facts.incident.steps
            if topics[verb] == step.event.TOPIC and step.retraction is None
        ]
    kind = "deploy" if verb == "deployed" else "rollback"
    return [(row.by, row.event) for row in facts.changes if row.kind == kind and row.by]
