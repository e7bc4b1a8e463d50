"""Placeholders that were never filled in, and action items without a fixed date or one responsible person."""

import re
from collections.abc import Iterator
from datetime import timedelta

from projections.claims.claim import Finding
from projections.claims.clocks import dates_in
from projections.claims.facts import ClaimFacts
from projections.claims.prose import Sentence, Text
from tracker.text.patterns import lazy_pattern

_DAY = r"(?:mon|tues|wednes|thurs|fri|satur|sun)day"
_RELATIVE = lazy_pattern(
    rf"\b(?:by |until |before |due |due: ?|on )?(?:the )?(?:tomorrow|today|tonight|(?:end of (?:the |this |next )?)?(?:this |next |coming )?(?:sprint|week|month|quarter|year|release)(?:[- ]end| end)?"
    rf"|sprint end|EO[DWMQ]|COB|(?:this |next |coming )?{_DAY}|ASAP|soon|(?:in|within) (?:an?|\d{{1,3}}|two|three|four|a few|a couple of) (?:days?|weeks?|months?|sprints?)|as soon as possible|immediately)\b(?!\w)",
    re.IGNORECASE,
)
_DUE_LEAD = lazy_pattern(
    r"^(?:by|until|before|due|next|this|in|within|end|on|tomorrow|today|asap|soon|eo[dwmq]|sprint|cob|the)\b",
    re.IGNORECASE,
)
_NOBODY = lazy_pattern(
    r"(?:\(|\bowners?:?\s*|\bassignees?:?\s*|\bassigned to:?\s*|(?:^|\s)[|–—-]\s+|@)(?P<who>(?:the |our |whole )?(?:[A-Z]\w+ |\w+ops )?(?:team|everyone|everybody|all|anyone|someone|somebody|TBD|TBA|nobody|none|us|we|devs?|developers|engineers|engineering|ops|devops|SRE|QA|backend|frontend|infra|infrastructure|platform)(?: team)?)\s*(?=[,;)|]|$|\s[-–—(]|\s+by\b)",
    re.IGNORECASE,
)
_OPEN = lazy_pattern(
    r"\[(?:link|links|url|todo|tbd|tba|name|date|time|owner|number|insert[^\[\]]{0,60}|add [^\[\]]{0,60}|your [^\[\]]{0,60}|fill[^\[\]]{0,60}|placeholder|x{2,5}|…|\.{3}|\?+)\](?![(\[:])"
    r"|<(?:link|url|todo|tbd|name|date|insert[^<>]{0,60})>|\bTBD\b|\bTBA\b|\bFIXME\b|\bTODO\b(?!s)|\bLorem ipsum\b|\{\{[^{}]{0,60}\}\}",
    re.IGNORECASE,
)
_SECTION = ("action",)
_NAMED = lazy_pattern(
    r"@\w|\([^()]*[A-Z]\w+|\b(?:owner|assignee|assigned|due)\b|\s[–—-]\s*[A-Z]\w+|\|\s*[A-Z]\w+|^[A-Z]\w+(?: [A-Z]\w+)?:",
    re.IGNORECASE,
)


def check_action_items(sentence: Sentence, facts: ClaimFacts, text: Text) -> Iterator[Finding]:
    """Find what is left open in a sentence, and in an action item its owner and its day."""
    said = sentence.text
    for match in _OPEN.finditer(said):
        yield Finding("open", match[0], "this placeholder was never filled in; fill it in or delete it")
    item = sentence.row and not sentence.heading and (sentence.under(*_SECTION) or sentence.box is not None)
    if not item or sentence.box in ("x", "X"):
        return
    for match in _NOBODY.finditer(said):
        yield Finding("owner", match["who"].strip(), "that is not a person: an action item needs one owner")
    if not dates_in(said):
        due = _due(said)
        if due is not None:
            yield Finding(
                "due", due, f"that depends on the day on which it is read; write a date{_example(due, facts)}"
            )
    if not _NAMED.search(said) and _due(said) is None and not dates_in(said) and sentence.box is not None:
        yield Finding(
            "owner",
            said[:80],
            "this action item names no owner and no date: write who does it, and until when",
        )


def _due(said: str) -> str | None:
    """Return the last moving day of an item; one in the middle of its words is part of what is to be done."""
    found = [m for m in _RELATIVE.finditer(said) if _DUE_LEAD.match(m[0])]
    if not found:
        return None
    last = found[-1]
    rest = said[last.end() :].strip(" .)*|")
    preceded = said[: last.start()].rstrip()
    if (
        rest
        and not rest.startswith((",", ";", "@", "("))
        and not preceded.endswith(("(", ",", "|", "–", "-", "due", ":"))
    ):
        return None
    return last[0].strip()


def _example(due: str, facts: ClaimFacts) -> str:
    day = (facts.incident.ends_at or facts.now).date()
    if "tomorrow" in due.lower():
        return f", such as {day + timedelta(days=1)} (the day after it was over)"
    return f", such as {day + timedelta(days=7)}"
