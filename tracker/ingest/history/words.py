"""The words by which post-mortems name milestones, sections and what is only a template."""

import re

from tracker.text.patterns import lazy_pattern

VERBS = {
    "resolved": "resolved", "closed": "resolved", "ended": "resolved", "end": "resolved", "over": "resolved",
    "repaired": "mitigated", "mitigated": "mitigated", "recovered": "mitigated", "restored": "mitigated",
    "declared": "declared", "declare": "declared",
    "detected": "detected", "detection": "detected", "noticed": "detected", "discovered": "detected", "aware": "detected",
    "start": "started", "starts": "started", "started": "started", "begin": "started", "begins": "started",
    "began": "started", "occurs": "started", "occurred": "started",
}  # fmt: skip
"""The milestone that a word of a short label names; of several words the first in this order counts."""
_AROUND_VERBS = frozenset(
    [
        "incident",
        "outage",
        "fault",
        "impact",
        "issue",
        "problem",
        "error",
        "errors",
        "disruption",
        "downtime",
        "degradation",
        "service",
        "first",
        "was",
        "were",
        "is",
        "has",
        "been",
        "became",
        "fully",
        "initially",
        "and",
        "time",
        "at",
        "date",
        "of",
        "the",
        "it",
    ]
)
FRONT_MATTER = {
    "started": "started", "start": "started", "start_time": "started", "started_at": "started", "began": "started",
    "detected": "detected", "detected_at": "detected", "declared": "declared", "declared_at": "declared",
    "mitigated": "mitigated", "mitigated_at": "mitigated", "resolved": "resolved", "resolved_at": "resolved",
    "ended": "resolved", "end": "resolved", "end_time": "resolved", "ended_at": "resolved",
}  # fmt: skip
ACTIONS = lazy_pattern(
    r"(?:review |follow[- ]?up |corrective |remedial |remediation |next |preventi(?:ve|on) )?(?:action(?:s| items?)?|action[- ]points?|todos?|to[- ]dos?|follow[- ]?ups?|next steps|tasks)"
    r"(?: (?:following|after|from|and|for|to).*)?",
    re.IGNORECASE,
)
TIMELINE = lazy_pattern(
    r".*\b(?:timeline|time line|chronology|key events|sequence of events|log of events|incident log|what happened|context)\b.*",
    re.IGNORECASE,
)
SECTIONS = (
    ("root-cause", lazy_pattern(r"(?:root )?causes?\b.*|(?:contributing|causal) factors?|trigger|why.*", re.IGNORECASE)),
    ("impact", lazy_pattern(r"(?:customer |user |business )?impact\b.*|who was affected", re.IGNORECASE)),
    ("fix", lazy_pattern(r"resolution|recovery|fix|mitigation", re.IGNORECASE)),
    ("lesson", lazy_pattern(r"lessons?(?: learn(?:ed|t))?|what (?:we learned|went (?:well|wrong|badly))|where we got lucky", re.IGNORECASE)),
    ("note", lazy_pattern(r"(?:executive )?summary|overview|tl;?dr|identified|description", re.IGNORECASE)),
)  # fmt: skip
NO_ACTION = lazy_pattern(
    r"(?:n/?a|none|nothing|no actions?(?: items?)?|tbd|todo|-+|\.+|…|x+)?\.?", re.IGNORECASE
)
PLACEHOLDER = lazy_pattern(
    r"(?:short |brief )?(?:event |incident )?description(?: of (?:the )?event)?\.?|event|what happened\.?|tbd\.?|tba\.?|\.{2,}|…|<[^>]*>|lorem ipsum.*|",
    re.IGNORECASE,
)
TEMPLATE_DATE = lazy_pattern(r"\b(?:20xx|yyyy|xxxx)[-/](?:mm|xx)[-/](?:dd|xx)\b", re.IGNORECASE)
DAY_OF_IT = lazy_pattern(
    r"(?:incident |outage |event )?(?:date|day)(?: of (?:the )?(?:incident|outage|event))?", re.IGNORECASE
)
_MARKUP = lazy_pattern(r"(?:\*\*|__|`)")
_LINK = lazy_pattern(r"\[(?P<text>[^\]]*)\]\((?P<url>[^)]*)\)")


def label_of(text: str) -> str | None:
    """Return the milestone that a line names: a text of nothing else, or such a label before a colon."""
    head, colon, _ = text.partition(":")
    words = re.findall(r"[^\W\d_]+", (head if colon else text).lower())
    if not words or any(word not in VERBS and word not in _AROUND_VERBS for word in words):
        return None
    return next((label for word, label in VERBS.items() if word in words), None)


def is_section(name: str) -> bool:
    return bool(
        ACTIONS.fullmatch(name) or TIMELINE.fullmatch(name) or any(p.fullmatch(name) for _, p in SECTIONS)
    )


def plain(text: str) -> str:
    """Take off the markup that says nothing."""
    return re.sub(r"\s+", " ", _MARKUP.sub("", _LINK.sub(lambda m: m["text"] or m["url"], text))).strip(" |")


def unmarked(text: str) -> str:
    """Take off the marks of bold text and code."""
    return _MARKUP.sub("", text)
