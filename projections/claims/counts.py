"""How often and how many, as written, compared with what the log counts and what people noted."""

import math
import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence

from projections.claims.amounts import (
    NUMBER,
    Amount,
    bound_of,
    counts_in,
    durations_in,
    fuzzy_in,
    number_of,
    shares_in,
)
from projections.claims.claim import Finding
from projections.claims.clocks import clocks, dates_in
from projections.claims.facts import Facts
from projections.claims.gathering import is_bump
from projections.claims.prose import Sentence
from projections.claims.text import content_words, stem, version_spans, versions_in
from projections.claims.topics import clause_of, denied, is_claim, is_habit, is_setting
from projections.claims.vocabulary import any_case, each_of, phrases, words_of
from tracker.events.changes import CommitMade

_TIMES = any_case(rf"\b(?:(?<!at )once|twice|thrice|(?P<n>{NUMBER}) times|on (?P<on>{NUMBER}) occasions)\b")
_OF_POINT = {
    "reopened": "reopenings",
    "rolled back": "rollbacks",
    "deployed": "deploys",
    "alerted": "alerts",
    "message": "messages",
}
_PART = any_case(r"^\W*(?:of (?:the |them|these|our |my |all |\d)|more\b|other\b|further\b|additional\b)")
_SKIPPED = any_case(
    r"\b(?:between|-|–|(?<!close )to|or|per|every|each|last|past|previous|HTTP|status|code|port|v|version|out of|number)\s*$"
)
_RATE = any_case(r"\s*(?:per|an?|each|every)\s+\w+")
_NOUN_RATE = any_case(
    r"(?:\s+[a-z][\w-]*){1,3}\s+(?:per|an?|each|every)\s+(?:second|minute|hour|day|week|month|year)\b"
)
_QUALIFIED = any_case(
    r"\b(?:after|before|until|till|while|during|between|within|since|in the (?:first|last|second)|first|second|by (?:then|\d)|followed|of (?:them|which|these|those))\b"
)
_ONLY = any_case(r"\b(?:only|just|single|mere|barely)\b")
_SINCE = any_case(r"\b(?:before|ago|day|week|month|year|staging|canary)\b")
_NOUNS = any_case(
    r"\s*(?:(?:of |of the |of our |other |different )?(?P<words>[a-z][\w-]*(?:\s+[a-z][\w-]*){0,3}))?"
)
_LABEL = any_case(r"([\w-]+(?:\s+[\w-]+){0,3})\s*[:|]\s*$")
_NOBODY = any_case(r"\b(?:nobody|no one|none|no \w+) (?:\w+ )?(?:was|were|is) affected\b")


def check_counts(sentence: Sentence, facts: Facts) -> Iterator[Finding]:
    """Find the counts in a sentence that the log contradicts."""
    text = sentence.text
    if sentence.heading or facts.incident is None or text.endswith("?"):
        return
    taken = [(start, end) for start, end, _ in dates_in(text, (2000,))] + [
        (start, end) for _, start, end in version_spans(text)
    ]
    taken += [(each.start, each.end) for each in clocks(text)]
    taken += [(each.start, each.end) for each in (*durations_in(text), *shares_in(text))]
    done: set[str] = set()
    for value, start, end in counts_in(text):
        if any(first < end and start < last for first, last in taken) or not is_claim(
            text, start, end, ignore=("plan",)
        ):
            continue
        if _SKIPPED.search(text[:start]) or _PART.match(text[end : end + 14]):
            continue
        name, stop = _counted_noun(text, end)
        if name and (_RATE.match(text, stop) or sentence.under("background", "context")):
            continue
        if name and content_words(text[end:stop]) & facts.general:
            # Where messages are what failed, so many are those.
            name = ""
        if name and name not in done:
            done.add(name)
            yield from _structural(name, value, text[start:stop], text, facts, bound_of(text, start, end))
        elif not name and not is_habit(text):
            yield from _noted(value, start, end, text, facts)
    for fuzzy in fuzzy_in(text):
        if is_claim(text, fuzzy.start, fuzzy.end) and not is_habit(text):
            yield from _noted(fuzzy.low, fuzzy.start, fuzzy.end, text, facts, fuzzy)
    for match in _TIMES.finditer(text):
        value = (
            number_of(match["n"] or match["on"])
            if match["n"] or match["on"]
            else {"once": 1.0, "twice": 2.0}.get(match[0].lower(), 3.0)
        )
        bound = bound_of(text, *match.span())
        value += bound == "least" and "more" in text[max(match.start() - 12, 0) : match.start()]
        for name, begin in _done_so_often(text, match.start(), match.end(), facts):
            if name not in done and is_claim(text, *match.span(), ignore=("plan",)):
                done.add(name)
                yield from _structural(
                    name, value, text[min(begin, match.start()) : match.end()], text, facts, bound
                )


def _counted_noun(text: str, end: int) -> tuple[str, int]:
    """Return what is counted after a number, as the vocabulary calls it, and where its noun ends."""
    after = text[end : end + 48]
    for name, nouns in each_of("counted nouns").items():
        match = nouns.search(after)
        if match and re.fullmatch(r"\s+(?:[a-z][\w-]*\s+){0,2}", after[: match.start()]):
            return name, end + match.end()
    return "", end


def _done_so_often(text: str, start: int, end: int, facts: Facts) -> Iterator[tuple[str, int]]:
    """Yield what was done "twice", with where the words for it begin."""
    left, right = clause_of(text, start, end)
    for topic in facts.topics(text):
        if topic.point in _OF_POINT and -4 < start - topic.end < 30:
            yield _OF_POINT[topic.point], topic.start
    for name, nouns in each_of("counted nouns").items():
        pair = (nouns, phrases(f"counted verbs/{name}"))
        for match in (found for words in pair for found in words.finditer(text, left, right)):
            if abs(match.end() - start) < 30:
                yield name, match.start()


def _structural(
    name: str, value: float, words: str, text: str, facts: Facts, bound: str
) -> Iterator[Finding]:
    begin = text.find(words)
    numbers, events = counted(name, facts)
    if name == "deploys" and phrases("telling/arrived").search(
        text, *clause_of(text, begin, begin + len(words))
    ):
        numbers = {
            sum(r.kind == "deploy" and r.status == "finished" and r.at >= facts.begins for r in facts.changes)
        }
    if name == "services" and not phrases("counted verbs/services").search(text):
        return
    if not numbers or value in numbers or _SINCE.search(text) or denied(text, begin, begin + len(words)):
        return
    if value < max(numbers) and _QUALIFIED.search(text):
        # So many after something, or while it lasted, are a part of all.
        return
    if not (bound == "most" and min(numbers) <= value) and not (bound == "least" and max(numbers) >= value):
        yield Finding("count", f"count {name}", words.strip(), values=(str(max(numbers)),), events=events[:4])


def _people() -> frozenset[str]:
    return frozenset(map(stem, words_of("people")))


def counted(name: str, facts: Facts) -> tuple[set[int], tuple[str, ...]]:
    """Return every number that a count of this kind can be, none where nobody can tell, and the events that are counted."""
    begin, over = facts.begins, facts.ends
    numbers: set[int] = set()
    stamps = facts.of(
        {"alerts": "alerted", "messages": "message", "hypotheses": "hypothesis"}.get(name, "reopened")
    )
    events = tuple(each.event for each in stamps if each.event)
    if name in ("deploys", "rollbacks") and facts.changes:
        rows = [row for row in facts.changes if row.kind == name[:-1]]
        during = [row for row in rows if row.at >= begin]
        finished = [row for row in during if row.status == "finished"]
        numbers = {len(finished), len(during), sum(row.at <= over for row in finished)}
        if name == "deploys":
            ever = sum(row.status == "finished" for row in rows)
            both = sum(row.kind != "merge" and row.at >= begin for row in facts.changes)
            numbers |= {len(rows), ever, both, len(during) - len(finished)}
        events = tuple(row.event for row in during or rows)
    elif name == "commits":
        made = {
            e.id: e.event
            for e in facts.commits
            if isinstance(e.event, CommitMade) and begin <= e.event.occurred_at <= over
        }
        plain = [commit for commit in made.values() if not commit.is_merge]
        numbers = {len(made), len(plain), sum(not is_bump(commit) for commit in plain)} if made else set()
        events = tuple(made)
    elif name == "fixes":
        (one, deploys), (other, commits) = counted("deploys", facts), counted("commits", facts)
        numbers, events = (one | other, (*deploys, *commits)) if one else (set(), ())
    elif name == "alerts" and stamps:
        numbers = {
            len(stamps),
            sum(each.at >= begin for each in stamps),
            len({each.names for each in stamps}),
        }
    elif name == "messages" and stamps:
        updates = sum("update" in each.names for each in stamps)
        numbers = {len(stamps), len(stamps) - 1, updates, sum(each.at <= over for each in stamps)}
    elif name == "hypotheses" and stamps:
        numbers = {len(stamps), len(stamps) + 1}
    elif name == "items" and facts.actions:
        numbers, events = {len(facts.actions)}, tuple(item.event for item in facts.actions)
    elif name == "services" and facts.incident is not None:
        numbers = {len(facts.incident.services)}
    elif name in ("reopenings", "outages"):
        numbers = {len(stamps) if name == "reopenings" else len(facts.outages)}
    return numbers, events


def _noted(
    value: float, start: int, end: int, text: str, facts: Facts, fuzzy: Amount | None = None
) -> Iterator[Finding]:
    """Compare a number of what was hit with the numbers that people noted, and with their sums and differences."""
    left, right = clause_of(text, start, end, wide=True)
    if value < 2 and not _ONLY.search(text[max(left, start - 12) : end]):
        return
    if (
        _NOUN_RATE.match(text, end)
        or is_setting(text, start, end)
        or (value < 10 and versions_in(text[left:right]))
    ):
        return
    following, label = _NOUNS.match(text[end:]), _LABEL.search(text[:start])
    nouns = {stem(word) for word in ((following["words"] if following else "") or "").split()}
    nouns |= content_words(label[1]) if label else set()
    known, clause = facts.noted_counts, content_words(text[left:right])
    about = known.about(nouns)
    if not about and nouns & known.words & (_people() | facts.general):
        about = sorted(known.numbers)
    hit = phrases("hit").search(text, left, right)
    if not hit and not label and not any(len(clause & words) >= 2 for words in known.clauses):
        return
    if not about and hit and value >= 10:
        about = sorted(n for text_of in facts.impact_texts for n, _, _ in counts_in(text_of))
    words = text[start : min(end + 40, right)].strip()
    if not about:
        if value >= 10 and nouns & _people() and any(_NOBODY.search(each) for each in facts.noted_texts):
            yield Finding("count", "nobody", words)
        elif value >= 10 and hit and nouns & _people():
            yield Finding("count", "nothing", words, is_notice=True)
        return
    bound = bound_of(text, start, end)
    slack = 0.15 * value if bound == "about" else 0.02 * value if value >= 1000 and value % 100 == 0 else 0.0
    if fuzzy is not None:
        low, high = fuzzy.low, fuzzy.high
    else:
        low = 0.0 if bound == "most" else min(value - slack, value / 1.001)
        high = math.inf if bound == "least" else max(value + slack, value / 0.999)
    if _reaches(about, low, high):
        return
    if not (value < 10 and about[0] > 10 and not _ONLY.search(text[left:start])):
        yield Finding("count", "noted", words, values=tuple(f"{n:,.0f}" for n in dict.fromkeys(about)))


def _reaches(numbers: Sequence[float], low: float, high: float) -> bool:
    """Whether one of these sorted numbers, the difference of two or, of fewer than 12, their sum lies between the two."""

    def has_from(least: float, most: float) -> bool:
        place = bisect_left(numbers, least)
        return place < len(numbers) and numbers[place] <= most

    if has_from(low, high):
        return True
    if len(numbers) < 12 and any(a != b and low <= a + b <= high for a in numbers for b in numbers):
        return True
    # The difference of a number and itself is none.
    smallest = max(low, math.ulp(0.0))
    return any(has_from(max(a + smallest, math.nextafter(a, math.inf)), a + high) for a in numbers)
