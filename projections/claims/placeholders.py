"""Placeholders that were never filled in, and action items without a fixed date or one responsible person."""

from collections.abc import Iterator
from datetime import timedelta

from projections.claims.claim import Finding
from projections.claims.clocks import dates_in
from projections.claims.facts import Facts
from projections.claims.prose import Sentence
from projections.claims.topics import in_plans
from projections.claims.vocabulary import any_case

_DAY = r"(?:mon|tues|wednes|thurs|fri|satur|sun)day"
_RELATIVE = any_case(
    rf"\b(?:by |until |before |due |due: ?|on )?(?:the )?(?:tomorrow|today|tonight|(?:end of (?:the |this |next )?)?(?:this |next |coming )?(?:sprint|week|month|quarter|year|release)(?:[- ]end| end)?"
    rf"|sprint end|EO[DWMQ]|COB|(?:this |next |coming )?{_DAY}|ASAP|soon|(?:in|within) (?:an?|\d{{1,3}}|two|three|four|a few|a couple of) (?:days?|weeks?|months?|sprints?)|as soon as possible|immediately)\b(?!\w)"
)
_DUE_LEAD = any_case(
    r"^(?:by|until|before|due|next|this|in|within|end|on|tomorrow|today|asap|soon|eo[dwmq]|sprint|cob|the)\b"
)
_NOBODY = any_case(
    r"(?:\(|\bowners?:?\s*|\bassignees?:?\s*|\bassigned to:?\s*|(?:^|\s)[|–—-]\s+|@)(?P<who>(?:the |our |whole )?(?:[A-Z]\w+ |\w+ops )?(?:team|everyone|everybody|all|anyone|someone|somebody|TBD|TBA|nobody|none|us|we|devs?|developers|engineers|engineering|ops|devops|SRE|QA|backend|frontend|infra|infrastructure|platform)(?: team)?)\s*(?=[,;)|]|$|\s[-–—(]|\s+by\b)"
)
_OPEN = any_case(
    r"\[(?:link|links|url|todo|tbd|tba|name|date|time|owner|number|insert[^\[\]]{0,60}|add [^\[\]]{0,60}|your [^\[\]]{0,60}|fill[^\[\]]{0,60}|placeholder|x{2,5}|…|\.{3}|\?+)\](?![(\[:])"
    r"|<(?:link|url|todo|tbd|name|date|insert[^<>]{0,60})>|\bTBD\b|\bTBA\b|\bFIXME\b|\bTODO\b(?!s)|\bLorem ipsum\b|\{\{[^{}]{0,60}\}\}"
)
_NAMED = any_case(
    r"@\w|\([^()]*[A-Z]\w+|\b(?:owner|assignee|assigned|due)\b|\s[–—-]\s*[A-Z]\w+|\|\s*[A-Z]\w+|^[A-Z]\w+(?: [A-Z]\w+)?:"
)


def check_placeholders(sentence: Sentence, facts: Facts) -> Iterator[Finding]:
    """Find what is left open in a sentence, and in an action item its owner and its day."""
    text = sentence.text
    for match in _OPEN.finditer(text):
        yield Finding("open", "placeholder", match[0])
    item = sentence.row and not sentence.heading and (in_plans(sentence) or sentence.box is not None)
    if not item or sentence.box in ("x", "X"):
        return
    for match in _NOBODY.finditer(text):
        yield Finding("owner", "no person", match["who"].strip())
    dated = bool(dates_in(text, (2000,)))
    due = None if dated else _due(text)
    if due is not None:
        day = (facts.ends if facts.stamps else facts.now).date()
        days = 1 if "tomorrow" in due.lower() else 7
        example = (day + timedelta(days=days)).isoformat() if day.year > 1 else "2026-03-02"
        yield Finding("due", "moving day", due, values=(example,))
    if sentence.box is not None and not dated and due is None and not _NAMED.search(text):
        yield Finding("owner", "no owner", text[:80])


def _due(text: str) -> str | None:
    """Return the last moving day of an item; one in the middle of its words is part of what is to be done."""
    found = [match for match in _RELATIVE.finditer(text) if _DUE_LEAD.match(match[0])]
    if not found:
        return None
    last = found[-1]
    rest, before = text[last.end() :].strip(" .)*|"), text[: last.start()].rstrip()
    if (
        rest
        and not rest.startswith((",", ";", "@", "("))
        and not before.endswith(("(", ",", "|", "–", "-", "due", ":"))
    ):
        return None
    return last[0].strip()
